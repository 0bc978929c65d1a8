"""Interprise IWS: what it has of an order (contracts/iws.md sections 6.5, 6.6, 7.1 and 9).

Sales orders are listed by customer alone. Whom salesorder/advance found or made is unknown until it has answered, and
there is no look-up by e-mail. What was made since our first attempt is in the changelog, whoever's it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import members
from schemas.iws import EMAIL, IwsDestination
from schemas.iws.reply import Line, Resource, read_line
from schemas.iws.sales_order import reference
from tasks.iws.paging import PAGE, Endless, Reader, listing
from worker.outcomes import Reject
from worker.system import Job

MARGIN = timedelta(days=1)
"""Clocks differ, and so may the zone that the server's local times are of."""

MOST_READ = 500
"""So many sales orders are read one by one at most."""

_CODE = re.compile(r"[A-Za-z0-9][\w.-]*[A-Za-z0-9]", re.ASCII)


def key_of(job: Job[IwsDestination]) -> str:
    """salesRepOrderCode of our order."""
    return reference(job.order, shop=job.shop, destination=job.destination)


def remembered(job: Job[IwsDestination]) -> str:
    """The sales order that an earlier attempt made or adopted under the present number; empty where none did."""
    return str(job.memo.get("salesOrderCode", "")) if job.memo.get("poCode") == job.number else ""


async def look(job: Job[IwsDestination], reader: Reader) -> tuple[Resource, ...]:
    """The headers of the sales orders that are this order, without those made from another of them.

    Raises:
        Stopped, Endless: nobody can tell.
        Unmappable: no customer is configured for the shop.
    """
    memo, fixed = job.memo, job.destination.customer_of(job.shop)
    settled = bool(remembered(job))
    code, customer = (str(memo.get(name, "")) for name in ("salesOrderCode", "customer"))
    customers = [customer, "" if settled or fixed == EMAIL else fixed]
    found: dict[str, Resource] = {}
    for each in filter(None, dict.fromkeys(customers)):
        found |= {row.id: row for row in await _of_customer(job, reader, each)}
    if code and not customer:
        header = await reader.one(_route(job, code))
        found |= {} if header is None else {header.id: header}
    if fixed == EMAIL and not settled:
        found |= {row.id: row for row in await _made_since(job, reader)}
    ours = [row for row in found.values() if row.id == code or row.text("salesRepOrderCode") == key_of(job)]
    return _originals(ours or [row for row in found.values() if _by_number(job, row)])


async def lines_of(reader: Reader, code: str) -> tuple[Line, ...]:
    """The lines of a sales order, each with its item's name, which is asked for by the internal key.

    Raises:
        Stopped, Endless: they could not be read.
    """
    details = [row async for row in reader.rows(listing(f"salesorder/{code}/detail"))]
    names: dict[str, str] = {}
    for row in details:
        item = row.text("itemCode")
        if item not in names:
            found = await reader.one(f"inventory/{item}") if _CODE.fullmatch(item) else None
            names[item] = (found.text("itemName") if found else "") or item
    return tuple(read_line(row, names[row.text("itemCode")]) for row in details)


def _local(job: Job[IwsDestination], moment: float) -> datetime:
    """The server's local time, without offset as all of its times."""
    there = datetime.fromtimestamp(moment, UTC).astimezone(job.destination.zone)
    return there.replace(tzinfo=None, microsecond=0)


async def _of_customer(job: Job[IwsDestination], reader: Reader, customer: str) -> list[Resource]:
    """The customer's sales orders, newest first, no further back than one of ours may be.

    The newest first also keeps pages from losing rows to orders that come in meanwhile.
    """
    call = listing("customer/salesorder", ("customercode", customer), sort="-dateCreated")
    found: list[Resource] = []
    limit = _local(job, float(job.memo.get("first", 0.0))) - MARGIN
    times: list[datetime | None] = []
    async for row in reader.rows(call):
        found.append(row)
        times.append(_moment(row))
        if len(found) % PAGE == 0 and _falls(times, to=limit):
            break
    return found


def _falls(times: Sequence[datetime | None], *, to: datetime) -> bool:
    """Whether they go down beyond a limit: a server that does not sort is read to the end."""
    known = [moment for moment in times if moment is not None]
    return len(known) == len(times) and known == sorted(known, reverse=True) and known[-1] < to


async def _made_since(job: Job[IwsDestination], reader: Reader) -> list[Resource]:
    since, until = _local(job, float(job.memo.get("since", 0.0))), _local(job, job.now)
    window = (("from", (since - MARGIN).isoformat()), ("to", (until + MARGIN).isoformat()))
    changes = reader.rows(listing("changelog/CustomerSalesOrder", *window, sort="dateCreated"))
    codes = list(dict.fromkeys([code async for row in changes for code in _inserted(row)]))
    if len(codes) > MOST_READ:
        why = f"{len(codes)} sales orders were made there since it was first sent; {MOST_READ} at most are read for it"
        raise Endless(why)
    headers = [await reader.one(_route(job, code)) for code in codes]
    return [header for header in headers if header is not None]


def _inserted(change: Resource) -> Iterable[str]:
    """The code of a sales order that was made: ``data`` is it, or the record (section 9). A broken one is none."""
    if change.text("action").upper() not in ("INSERT", ""):
        return ()
    data: Any = change.attributes.get("data")
    record = {name.lower(): value for name, value in members(data).items()}
    code = str(record.get("salesordercode", "")) if record else str(data).strip()
    return (code,) if _CODE.fullmatch(code) else ()


def _by_number(job: Job[IwsDestination], row: Resource) -> bool:
    """Ours by the shop's number, where staff wrote over our reference. Another order of ours kept its own."""
    theirs = row.text("salesRepOrderCode")
    of_another = re.fullmatch(re.escape(job.destination.reference_prefix) + "[0-9a-f]{12}", theirs) is not None
    return row.text("poCode") == job.number and not of_another


def _originals(found: Sequence[Resource]) -> tuple[Resource, ...]:
    """Without back orders and the like, which the ERP makes from one of them with the same references."""
    codes = {row.id for row in found}
    return tuple(
        row
        for row in found
        if all(row.text(source) in ("", row.id) or row.text(source) not in codes for source in _SOURCES)
    )


_SOURCES = ("sourceSalesOrderCode", "rootDocumentCode")


def _moment(row: Resource) -> datetime | None:
    try:
        return datetime.fromisoformat(row.text("dateCreated")).replace(tzinfo=None)
    except ValueError:
        return None


def _route(job: Job[IwsDestination], code: str) -> str:
    return job.destination.word("route_header").replace("{code}", code)


def cannot_look(job: Job[IwsDestination], why: str) -> Reject:
    """Nobody but a person can tell whether it is there."""
    return Reject(
        code="cannot_look",
        reason=f"Whether IWS has order {job.number} already cannot be told: {why}.",
        hint=f"Look in Interprise for a sales order with PO {job.number}. If there is none, enter it by hand. Then "
        "accept the delivery as it is there.",
        hold=True,
    )
