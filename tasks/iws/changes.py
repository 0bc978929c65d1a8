"""Interprise IWS: the changelog, window by window (contracts/iws.md section 9).

A window is read to its end before the checkpoint moves. Windows overlap, since rows of one second come in any order
and local times repeat for an hour in autumn; rows are known by their ids. What a window names is worked off in parts:
a mass update puts hundreds of rows into one second, and each code costs calls to one customer's own server.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import members
from schemas.iws import IwsDestination
from schemas.iws.reply import Resource, is_code, moment
from tasks.iws.paging import Reader, Stopped, listing
from worker.feeds import Checkpoint
from worker.outcomes import Retry

OVERLAP = timedelta(minutes=70)
REPEATED = timedelta(hours=1)
"""So far back a clock is set in autumn."""

FIRST = timedelta(days=1)
"""So far back the first reading goes."""

LONGEST = timedelta(hours=12)
"""A window; after an outage several are read, one after the other."""

PART = 25
"""So many codes are worked off in one reading, which has two minutes."""

CODES = ("salesordercode", "itemcode")
"""Members of a record in ``data`` that are its code; an invoice has its order's as one of :data:`ORDER_OF`."""

ORDER_OF = ("sourceinvoicecode", "rootdocumentcode", "rootordercode")


@dataclass(frozen=True, slots=True)
class Named:
    """What a row of the changelog is about.

    Attributes:
        action: INSERT, UPDATE, DELETE.
        code: the entity's; of an invoice that is told with its record the order's.
        whole: it is told with its record.
    """

    resource: str
    action: str
    code: str
    whole: bool


async def changed(
    destination: IwsDestination, checkpoint: Checkpoint, reader: Reader, resources: Sequence[str]
) -> tuple[list[Named], dict[str, Any]]:
    """What changed in the next window, and the checkpoint behind it; its ``behind`` says whether there is another one.

    Raises:
        Stopped, Endless: it could not be read to its end.
    """
    here = local(destination, reader.now)
    since = datetime.fromisoformat(checkpoint["since"]) if checkpoint.get("since") else here - FIRST
    until = min(here, since + LONGEST)
    window = (("from", (since - OVERLAP).isoformat()), ("to", (until + OVERLAP).isoformat()))
    known, found, seen = set(checkpoint.get("seen", ())), list[Named](), list[str]()
    for resource in resources:
        call = listing(f"changelog/{resource}", *window, sort="dateCreated")
        async for row in _rows(reader.rows(call), known=bool(known)):
            made = moment(row, "dateCreated")
            if made is None or made >= until - OVERLAP - REPEATED:
                seen.append(row.id)  # the next window may have it too
            if row.id not in known:
                whole = isinstance(row.attributes.get("data"), dict)
                found.append(Named(resource, row.text("action").upper(), code_of(row), whole))
    after = {**checkpoint, "since": until.isoformat(), "seen": seen, "behind": until < here}
    return found, after


async def _rows(rows: AsyncIterator[Resource], *, known: bool) -> AsyncIterator[Resource]:
    """An empty window may be a 404 without ``errors`` too (section 4): believed of a server that has told changes."""
    try:
        async for row in rows:
            yield row
    except Stopped as stopped:
        if not (known and isinstance(stopped.outcome, Retry) and stopped.outcome.code == "404"):
            raise


def code_of(row: Resource) -> str:
    """The entity's code, of an invoice that is told with its record its order's.

    ``data`` is the code, or the record with it, whatever the documentation says (section 9).
    """
    data = row.attributes.get("data")
    record = members(members(data).get("new")) or members(members(data).get("old")) or members(data)
    if not record:
        return str(data or "").strip()
    values = {name.lower(): str(value or "").strip() for name, value in record.items()}
    names = ORDER_OF if "invoicecode" in values else CODES
    return next((values[name] for name in names if values.get(name)), "")


def codes_of(values: Iterable[str]) -> list[str]:
    """Without broken ones, which occur (section 9): ``ITEM-``."""
    return [value for value in values if is_code(value)]


def part_of(checkpoint: Mapping[str, Any]) -> dict[str, str]:
    """What is worked off next of ``pending``: by code, what was said of it."""
    return dict(list(checkpoint.get("pending", {}).items())[:PART])


def without(checkpoint: Mapping[str, Any], done: Iterable[str]) -> dict[str, Any]:
    """The checkpoint when these are worked off."""
    gone = set(done)
    pending = {code: said for code, said in checkpoint.get("pending", {}).items() if code not in gone}
    failed = {code: count for code, count in checkpoint.get("failed", {}).items() if code not in gone}
    return {**checkpoint, "pending": pending, "failed": failed}


def local(destination: IwsDestination, moment: float) -> datetime:
    """The server's local time, without offset as all of its times."""
    return datetime.fromtimestamp(moment, UTC).astimezone(destination.zone).replace(tzinfo=None, microsecond=0)
