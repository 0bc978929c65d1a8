"""Interprise IWS: what becomes of sales orders, and stock, by its changelog (contracts/iws.md sections 6.6, 8 and 9).

There are no webhooks. A window of the changelog is read to its end before the checkpoint moves; windows overlap, since
rows of one second come in any order and local times repeat for an hour in autumn; rows are known by their ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from schemas.echo import members
from schemas.iws import IwsDestination
from schemas.iws.reply import Resource
from tasks.iws.paging import Endless, Reader, Stopped, listing
from worker.feeds import Batch, Checkpoint, Feed, Progress, Stock
from worker.outcomes import Delivered, Outcome, Retry, Suspend
from worker.system import Http

OVERLAP = timedelta(minutes=70)
FIRST = timedelta(days=1)
"""So far back the first reading goes."""

LONGEST = timedelta(hours=12)
"""A window; after an outage several are read, one after the other."""

SEEN = 5_000
"""Ids that are remembered; more than a window's overlap can hold."""

ORDERS = ("CustomerSalesOrder", "CustomerSalesOrderWorkflow")
STOCK = ("InventoryStockTotal",)

_CODE = re.compile(r"[A-Za-z0-9][\w.-]*[A-Za-z0-9]", re.ASCII)


async def read_orders(destination: IwsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """What became of the sales orders that changed: completed, invoiced, voided."""
    reader = Reader(http=http, name=destination.name, now=now)
    try:
        codes, after, more = await _changed(destination, checkpoint, now, reader, ORDERS)
        found = [await _progress(destination, reader, code) for code in codes]
    except (Stopped, Endless) as stopped:
        return Batch(checkpoint=checkpoint, problem=_problem(stopped))
    return Batch(checkpoint=after, progress=tuple(one for one in found if one is not None), more=more)


async def read_stock(destination: IwsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """Stock of the items that changed; the first reading begins with all items."""
    reader = Reader(http=http, name=destination.name, now=now)
    try:
        if not checkpoint.get("listed"):
            rows = [row async for row in reader.rows(listing(destination.word("route_inventory"), sort="itemCode"))]
            codes, after, more = _codes(row.id or row.text("itemCode") for row in rows), dict(checkpoint), True
            after["listed"] = True
            after.setdefault("since", _local(destination, now).isoformat())
        else:
            codes, after, more = await _changed(destination, checkpoint, now, reader, STOCK)
        found = [await _stock(destination, reader, code) for code in codes]
    except (Stopped, Endless) as stopped:
        return Batch(checkpoint=checkpoint, problem=_problem(stopped))
    return Batch(checkpoint=after, stock=tuple(one for one in found if one is not None), more=more)


def _problem(stopped: Stopped | Endless) -> Retry | Suspend:
    if isinstance(stopped, Endless):
        return Retry(code="endless", reason=f"IWS: {stopped.why}")
    outcome: Outcome = stopped.outcome
    if isinstance(outcome, Retry | Suspend):
        return outcome
    reason = "" if isinstance(outcome, Delivered) else outcome.reason
    return Retry(code="unreadable", reason=reason or "IWS answered with something that is no list")


async def _changed(
    destination: IwsDestination, checkpoint: Checkpoint, now: float, reader: Reader, resources: Iterable[str]
) -> tuple[list[str], dict[str, Any], bool]:
    """The codes that changed in the next window, the checkpoint behind it, and whether there is another one."""
    here = _local(destination, now)
    since = datetime.fromisoformat(checkpoint["since"]) if checkpoint.get("since") else here - FIRST
    until = min(here, since + LONGEST)
    window = (("from", (since - OVERLAP).isoformat()), ("to", (until + OVERLAP).isoformat()))
    known, fresh, codes = set(checkpoint.get("seen", ())), list[str](), list[str]()
    for resource in resources:
        async for row in reader.rows(listing(f"changelog/{resource}", *window, sort="dateCreated")):
            if row.id not in known:
                fresh.append(row.id)
                codes += _codes([_code_of(row)])
    seen = [*checkpoint.get("seen", ()), *fresh][-SEEN:]
    after = {**checkpoint, "since": until.isoformat(), "seen": seen}
    return list(dict.fromkeys(codes)), after, until < here


def _code_of(row: Resource) -> str:
    """The entity's code: ``data`` is it, or has it, whatever the documentation says (section 9)."""
    data = row.attributes.get("data")
    inner = members(members(data).get("new")) or members(data)
    values = (value for name, value in inner.items() if name.lower() in ("salesordercode", "itemcode"))
    return str(next(values, "") if inner else data or "")


def _codes(values: Iterable[str]) -> list[str]:
    """Without broken ones, which occur (section 9): ``ITEM-``."""
    return [value for value in values if _CODE.fullmatch(value)]


async def _progress(destination: IwsDestination, reader: Reader, code: str) -> Progress | None:
    header = await reader.one(destination.word("route_header").format(code=code))
    if header is None:
        return None  # deleted since, or a quote
    number = header.text("poCode")
    if header.flag("isVoided"):  # the flag wins over the status (section 6.6)
        return Progress(reference=code, number=number, state="cancelled", text="voided")
    customer = header.text("billToCode")
    invoice = await _invoice(reader, customer, code) if customer else None
    if invoice is not None:
        shipped = invoice.flag("isDispatch") or invoice.flag("isDeliveryNotePrinted")
        text = f"invoiced as {invoice.id}" + (", shipped" if shipped else "")
        return Progress(reference=code, number=number, state="shipped" if shipped else "invoiced", text=text)
    status = header.text("orderStatus")
    if header.flag("isOnHold"):
        return Progress(reference=code, number=number, state="on_hold", text=f"on hold ({status or 'no status'})")
    if status and status.lower() != "open":
        return Progress(reference=code, number=number, state=status.lower(), text=status.lower())
    return None


async def _invoice(reader: Reader, customer: str, code: str) -> Resource | None:
    """The newest invoice made from the order (section 6.6: goods leave with the invoice)."""
    call = listing("customer/invoice", ("customercode", customer), sort="-invoiceDate")
    async for row in reader.rows(call):
        if code in (row.text("sourceInvoiceCode"), row.text("rootDocumentCode"), row.text("rootOrderCode")):
            return row
    return None


async def _stock(destination: IwsDestination, reader: Reader, code: str) -> Stock | None:
    item = await reader.one(f"inventory/{code}")
    name = item.text("itemName") if item is not None else ""
    if not name:
        return None
    free, told = Decimal(0), False
    async for row in reader.rows(listing(destination.word("route_stock").format(code=code))):
        figure = row.number(destination.word("stock_free"))
        if figure is not None:
            free, told = free + figure, True
    return Stock(code=name, quantity=free if told else None)


def _local(destination: IwsDestination, moment: float) -> datetime:
    """The server's local time, without offset as all of its times."""
    return datetime.fromtimestamp(moment, UTC).astimezone(destination.zone).replace(tzinfo=None, microsecond=0)


FEEDS: tuple[Feed[IwsDestination], ...] = (
    Feed(name="orders", every_s=lambda d: d.status_minutes * 60, read=read_orders),
    Feed(name="stock", every_s=lambda d: d.stock_minutes * 60, read=read_stock),
)
