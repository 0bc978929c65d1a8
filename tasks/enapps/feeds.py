"""Enapps: local copies of partners, contacts, addresses and products (contracts/enapps.md sections 4 and 5)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import whole
from schemas.enapps import EnappsDestination
from schemas.enapps.reply import pair_id
from schemas.http import Call
from tasks.enapps.replies import trouble
from worker.feeds import Batch, Checkpoint, Copied, Feed, Stock
from worker.outcomes import Reject, Retry, Suspend
from worker.system import Http

OVERLAP = timedelta(hours=2)
"""A list of changes begins so long before the newest that was seen: what is read twice is the same."""

AHEAD = timedelta(hours=15)
"""The zone of its times is not stated, so they are compared with each other, never with our clock; but a time that is
so far ahead of it was entered wrong."""

WHOLE_AGAIN = timedelta(days=1)
"""What was deleted there is not in a list of changes: once a day all is read."""

CLOCKS_S = 60.0
"""The clocks of two workers, of which one began a list and the other ended it, differ by less."""

TIMES = "%Y-%m-%d %H:%M:%S"


def partner(row: Mapping[str, Any]) -> Copied | None:
    """A company."""
    return _copied("partner", row, ref=_text(row.get("ref")), name=_text(row.get("name")))


def contact(row: Mapping[str, Any]) -> Copied | None:
    """A person, who may order: ``data`` has the company and whether it is the primary contact."""
    name = " ".join(part for part in (_text(row.get("first_name")), _text(row.get("last_name"))) if part)
    data = {"partner": pair_id(row.get("partner_id")), "type": _text(row.get("type"))}
    return _copied("contact", row, email=_text(row.get("email")), name=name, data=data)


def address(row: Mapping[str, Any]) -> Copied | None:
    """A place of a company."""
    names = ("type", "street", "street2", "city", "zip")
    data = {"partner": pair_id(row.get("partner_id")), **{name: _text(row.get(name)) for name in names}}
    return _copied("address", row, data=data)


def product(row: Mapping[str, Any]) -> Copied | None:
    """A product, found by its SKU."""
    return _copied("product", row, ref=_text(row.get("default_code")), name=_text(row.get("name")))


def _copied(kind: str, row: Mapping[str, Any], **more: Any) -> Copied | None:
    key = whole(row.get("id"))
    return None if key is None else Copied(kind=kind, key=str(key), **more)


def _text(value: object) -> str:
    return "" if value is None or value is False else str(value).strip()


def _reader(
    path: str, read: Callable[[Mapping[str, Any]], Copied | None], *, kind: str, by_date: bool
) -> Callable[[EnappsDestination, Checkpoint, float, Http], Awaitable[Batch]]:
    """A reading of one page.

    The checkpoint has ``since``, which changes come next; ``whole_at``, when all was read (UNIX seconds), ``count``,
    how many records that were, and ``again``, that they were fewer than before. Between two pages of one list also
    ``page``, which is next, ``first`` (the last page's first id), ``seen`` (how many so far), ``begun``, ``newest``
    and ``changes``, since when this list is one of changes.

    Whether the first page is 0 or 1 is not stated (section 3): a list begins with no number at all, then 1, which may
    be the same page once more.
    """

    async def reading(destination: EnappsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
        page = int(checkpoint.get("page", 0))
        changes = checkpoint.get("changes") if page else _changes(checkpoint, now, by_date=by_date)
        numbered = (("page", str(page)),) if page else ()
        params = (*numbered, *((("write_date", changes),) if changes else ()))
        reply = await http.send(Call("GET", path, params=params))
        problem = trouble(reply, writing=False, destination=destination.name, now=now)
        found = destination.rows(reply) if problem is None else None
        kept = {name: checkpoint[name] for name in ("since", "whole_at", "count", "again") if name in checkpoint}
        if found is None:
            return Batch(checkpoint=kept, problem=_problem(problem))
        copies = tuple(one for one in map(read, found) if one is not None)
        first, begun = (copies[0].key if copies else ""), float(checkpoint.get("begun", now))
        newest = _newest(found, checkpoint.get("newest"), now=now)
        repeated = page > 0 and first == checkpoint.get("first")
        seen = int(checkpoint.get("seen", 0)) + (0 if repeated else len(copies))
        if found and (page == 1 or not repeated):  # a site may have pages of another size, or show the last again
            told = () if repeated else copies
            ahead = {"page": page + 1, "first": first, "begun": begun, "newest": newest, "changes": changes}
            return Batch(checkpoint={**kept, **ahead, "seen": seen}, copies=told, stock=_stock(told, kind), more=True)
        since = {"since": _overlapping(newest) if newest else changes} if newest or changes else {}
        if changes:
            return Batch(checkpoint={**kept, **since})
        return _all_read(kind, kept, since, seen=seen, begun=begun)

    return reading


def _all_read(kind: str, before: Mapping[str, Any], since: Mapping[str, Any], *, seen: int, begun: float) -> Batch:
    """A list of all there is has come to its end.

    One page that wrongly came back empty, or rows that moved to another page meanwhile, must not take copies away: a
    record is gone where two such lists in a row have not shown it. The second is read at once where the first was
    shorter than the one before. And where nothing is left of many, the user's rights were changed.
    """
    count = int(before.get("count", 0))
    if count and not seen:
        reason = f"Enapps lists none of its {count} records ({kind}) any more; the copies are kept. See to it that the "
        return Batch(checkpoint=before, problem=Retry(code="emptied", reason=reason + "API user may read them."))
    done = {"whole_at": begun, "count": seen, "again": seen < count, **since}
    whole = frozenset({kind, "stock"} if kind == "product" else {kind})
    return Batch(checkpoint=done, whole=whole, since=min(begun, float(before.get("whole_at", begun))) - CLOCKS_S)


def _stock(copies: Sequence[Copied], kind: str) -> tuple[Stock, ...]:
    return tuple(Stock(code=one.ref, name=one.name) for one in copies if one.ref) if kind == "product" else ()


def _changes(checkpoint: Checkpoint, now: float, *, by_date: bool) -> str | None:
    """Since when changes are asked for; None for all there is."""
    fresh = now - float(checkpoint.get("whole_at", 0)) <= WHOLE_AGAIN.total_seconds()
    return checkpoint.get("since") if by_date and fresh and not checkpoint.get("again") else None


def _newest(found: list[dict[str, Any]], before: str | None, *, now: float) -> str | None:
    """The latest write_date so far, as it is written there."""
    limit = (datetime.fromtimestamp(now, UTC) + AHEAD).strftime(TIMES)
    times = [text for row in found if _is_time(text := _text(row.get("write_date"))) and text <= limit]
    return max([*times, *([before] if before else [])], default=None)


def _is_time(text: str) -> bool:
    try:
        return datetime.strptime(text, TIMES).strftime(TIMES) == text  # noqa: DTZ007 - it has no zone
    except ValueError:
        return False


def _overlapping(newest: str) -> str:
    return (datetime.strptime(newest, TIMES) - OVERLAP).strftime(TIMES)  # noqa: DTZ007 - as above


def _problem(problem: Retry | Reject | Suspend | None) -> Retry | Suspend:
    if problem is None:  # not quoted: what it has in place of a list may be about people
        return Retry(code="unreadable", reason="Enapps answered with no list.")
    return Retry(code="refused", reason=problem.reason) if isinstance(problem, Reject) else problem


def _every(destination: EnappsDestination) -> float:
    return destination.sync_minutes * 60


FEEDS: tuple[Feed[EnappsDestination], ...] = (
    Feed(name="partners", every_s=_every, read=_reader("partners", partner, kind="partner", by_date=True)),
    Feed(name="contacts", every_s=_every, read=_reader("contacts", contact, kind="contact", by_date=True)),
    Feed(name="addresses", every_s=_every, read=_reader("addresses", address, kind="address", by_date=False)),
    Feed(name="products", every_s=_every, read=_reader("products/get_basic", product, kind="product", by_date=False)),
)
