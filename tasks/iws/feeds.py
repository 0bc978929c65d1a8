"""Interprise IWS: what becomes of sales orders, and stock, by its changelog (contracts/iws.md 6.6, 8 and 9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from schemas.iws import IwsDestination
from schemas.iws.reply import Resource
from tasks.iws.changes import Named, changed, codes_of, part_of, without
from tasks.iws.paging import Endless, Reader, Stopped
from tasks.iws.progress import deleted, header_of, invoices_of, name_of, progress
from tasks.iws.stock import listed, stock_of
from worker.feeds import Batch, Checkpoint, Feed, Progress, Stock
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Http

log = structlog.get_logger("crossdock.iws")

ORDERS = ("CustomerSalesOrder", "CustomerSalesOrderWorkflow")
INVOICES = "CustomerInvoice"
STOCK = ("InventoryStockTotal",)

PAGES = 500
"""Of a list: a window after a mass update, or a customer who has all orders of a shop."""

INVOICES_KNOWN = 2_000
"""So many invoices are remembered with their orders: an invoice's change names the invoice alone, and no route reads
one by its code. It is first seen with its order, which changes when it is invoiced."""


async def read_orders(destination: IwsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """What became of the sales orders that changed: completed, invoiced, shipped, voided, deleted."""
    reader = Reader(http=http, name=destination.name, now=now, pages=PAGES)
    after = dict(checkpoint)
    try:
        if not after.get("pending"):
            found, after = await changed(destination, checkpoint, reader, (*ORDERS, INVOICES))
            after["pending"] = _orders(found, after.get("invoices", {}), quotes=_quotes(destination))
        part = part_of(after)
        headers: dict[str, Resource | None] = {}
        for code in part:
            try:
                headers[code] = await header_of(destination, reader, code)
            except Stopped as stopped:
                return _failed(after, code, stopped)
        there = {code: header for code, header in headers.items() if header is not None}
        invoices = await invoices_of(reader, there)
    except (Stopped, Endless) as stopped:
        return Batch(checkpoint=after, problem=_problem(stopped))
    told: list[Progress] = [progress(code, header, invoices.get(code)) for code, header in there.items()]
    told += [deleted(code) for code, said in part.items() if said == "DELETE" and code not in there]
    known = {**after.get("invoices", {}), **{name_of(invoice): code for code, invoice in invoices.items()}}
    after = without(after, part) | {"invoices": dict(list(known.items())[-INVOICES_KNOWN:])}
    return Batch(checkpoint=after, progress=tuple(told), more=_more(after))


def _quotes(destination: IwsDestination) -> bool:
    """A quote is deleted when it becomes an order."""
    flags = (value for name, value in destination.fields.items() if name.lower() == "isquote")
    return any(str(flag).lower() == "true" for flag in flags)


def _orders(found: Sequence[Named], invoices: Mapping[str, str], *, quotes: bool) -> dict[str, str]:
    """The codes of sales orders that something happened to, with DELETE where it was that."""
    pending: dict[str, str] = {}
    for one in found:
        of_invoice = one.resource == INVOICES and not one.whole
        code = invoices.get(one.code, "") if of_invoice else one.code
        if codes_of([code]):
            gone = one.resource == ORDERS[0] and one.action == "DELETE" and not quotes
            pending[code] = "DELETE" if gone else pending.get(code, "")
    return pending


async def read_stock(destination: IwsDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """Stock of the items that changed; the first readings go through all items."""
    reader = Reader(http=http, name=destination.name, now=now, pages=PAGES)
    after, found = dict(checkpoint), list[Stock]()
    try:
        if not after.get("pending"):
            if not after.get("listed"):
                after = await listed(destination, after, reader)
            else:
                changes, after = await changed(destination, checkpoint, reader, STOCK)
                after["pending"] = dict.fromkeys(codes_of(one.code for one in changes), "")
        part = part_of(after)
        for code, name in part.items():
            try:
                stock = await stock_of(destination, reader, code, name=name)
            except Stopped as stopped:
                return replace(_failed(after, code, stopped), stock=tuple(found))
            found += [] if stock is None else [stock]
    except (Stopped, Endless) as stopped:
        return Batch(checkpoint=after, problem=_problem(stopped))
    after = without(after, part)
    return Batch(checkpoint=after, stock=tuple(found), more=_more(after) or not checkpoint.get("listed"))


def _more(after: Mapping[str, Any]) -> bool:
    return bool(after.get("pending") or after.get("behind"))


def _failed(after: Mapping[str, Any], code: str, stopped: Stopped) -> Batch:
    """One thing that cannot be read must not keep the news of all others, for ever: it is passed over, and logged."""
    count = int(after.get("failed", {}).get(code, 0)) + 1
    outcome = stopped.outcome
    tries = outcome.tries if isinstance(outcome, Retry) else 1 if isinstance(outcome, Reject) else None
    if tries is not None and count >= tries:
        log.warning("passed_over", system="iws", code=code, problem=getattr(outcome, "code", ""))
        return Batch(checkpoint=without(after, [code]), more=True)
    return Batch(checkpoint={**after, "failed": {**after.get("failed", {}), code: count}}, problem=_problem(stopped))


def _problem(stopped: Stopped | Endless) -> Retry | Suspend:
    if isinstance(stopped, Endless):
        return Retry(code="endless", reason=f"IWS: {stopped.why}")
    outcome: Outcome = stopped.outcome
    if isinstance(outcome, Retry | Suspend):
        return outcome
    reason = "" if isinstance(outcome, Delivered) else outcome.reason
    return Retry(code="unreadable", reason=reason or "IWS answered with something that is no list")


FEEDS: tuple[Feed[IwsDestination], ...] = (
    Feed(name="orders", every_s=lambda d: d.status_minutes * 60, read=read_orders),
    Feed(name="stock", every_s=lambda d: d.stock_minutes * 60, read=read_stock),
)
