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
from schemas.iws import IwsDestination
from schemas.iws.reply import Line, Resource, is_code, moment, read_line
from schemas.iws.sales_order import reference
from tasks.iws.memo import by_email, customers
from tasks.iws.paging import PAGE, Endless, Reader, Stopped, falls, listing
from worker.outcomes import Reject, Retry
from worker.system import Job

MARGIN = timedelta(days=1)
"""Clocks differ, and so may the zone that the server's local times are of."""

MOST_READ = 500
"""So many sales orders are read one by one at most."""


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
    """
    settled = bool(remembered(job))
    code, customer = (str(job.memo.get(name, "")) for name in ("salesOrderCode", "customer"))
    found: dict[str, Resource] = {}
    for each in filter(None, dict.fromkeys((customer, *(() if settled and customer else customers(job))))):
        found |= {row.id: row for row in await _of_customer(job, reader, each)}
    if code and code not in found:
        header = await _header(job, reader, code, listed=bool(customer))
        found |= {} if header is None else {code: header}
    if by_email(job) and not settled:
        found |= {row.id: row for row in await _made_since(job, reader)}
    ours = [row for row in found.values() if row.id == code or row.text("salesRepOrderCode") == key_of(job)]
    return _originals(ours or [row for row in found.values() if _by_number(job, row)])


async def _header(job: Job[IwsDestination], reader: Reader, code: str, *, listed: bool) -> Resource | None:
    """A sales order that its customer does not have, or not any more: staff may have moved it to another one.

    Args:
        listed: the customer's were looked through. Then a server without this route, which nobody has seen
            (section 6.6), leaves it at that.
    """
    try:
        return await reader.one(_route(job, code))
    except Stopped as stopped:
        if listed and isinstance(stopped.outcome, Retry) and stopped.outcome.code == "404":
            return None
        raise


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
            found = await reader.one(f"inventory/{item}") if is_code(item) else None
            names[item] = (found.text("itemName") if found else "") or item
    return tuple(read_line(row, names[row.text("itemCode")]) for row in details)


def _local(job: Job[IwsDestination], seconds: float) -> datetime:
    """The server's local time, without offset as all of its times."""
    there = datetime.fromtimestamp(seconds, UTC).astimezone(job.destination.zone)
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
        times.append(moment(row, "dateCreated"))
        if len(found) % PAGE == 0 and falls(times, to=limit):
            break
    return found


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
    return (code,) if is_code(code) else ()


def _by_number(job: Job[IwsDestination], row: Resource) -> bool:
    """Ours by the shop's number, where staff wrote over our reference. Another order of ours kept its own."""
    theirs = row.text("salesRepOrderCode")
    of_another = re.fullmatch(re.escape(job.destination.reference_prefix) + "[0-9a-f]{12}", theirs) is not None
    return row.text("poCode") == job.number and not of_another


def _originals(found: Sequence[Resource]) -> tuple[Resource, ...]:
    """Without back orders and the like, which the ERP makes from one of them with the same references.

    What was made from a voided one stands in its place: staff copy an order, mend the copy and void the first.
    """
    codes = {row.id for row in found if not row.flag("isVoided")}
    return tuple(
        row
        for row in found
        if all(row.text(source) in ("", row.id) or row.text(source) not in codes for source in _SOURCES)
    )


_SOURCES = ("sourceSalesOrderCode", "rootDocumentCode")


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
