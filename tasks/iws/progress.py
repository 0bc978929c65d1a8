"""Interprise IWS: how a sales order gets on, by its header and its invoices (contracts/iws.md section 6.6)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from schemas.iws import IwsDestination
from schemas.iws.reply import Resource, moment
from tasks.iws.paging import PAGE, Reader, falls, listing
from worker.feeds import CANCELLED, Progress

MARGIN = timedelta(days=1)
"""An invoice is no older than its order, but for clocks that were set."""

OPEN = "open"


async def header_of(destination: IwsDestination, reader: Reader, code: str) -> Resource | None:
    """The header of a sales order; None where it is not there.

    Raises:
        Stopped
    """
    return await reader.one(destination.word("route_header").replace("{code}", code))


async def invoices_of(reader: Reader, headers: Mapping[str, Resource]) -> dict[str, Resource]:
    """The newest invoice of each of these sales orders that has one, by the order's code.

    An invoice can be listed by its customer alone. The newest come first, and those from before the oldest of the
    orders are not read: all orders of a shop may be of one customer.

    Raises:
        Stopped, Endless
    """
    of_customer: dict[str, list[Resource]] = {}
    for header in headers.values():
        if header.text("billToCode") and not header.flag("isVoided"):
            of_customer.setdefault(header.text("billToCode"), []).append(header)
    found: dict[str, Resource] = {}
    for customer, orders in of_customer.items():
        rows = await _newest(reader, customer, back_to=_oldest(orders))
        for names in (("sourceInvoiceCode",), ("rootDocumentCode", "rootOrderCode")):
            for row in rows:
                for code in {row.text(name) for name in names} & headers.keys() - found.keys():
                    found[code] = row
    return found


def _oldest(orders: Iterable[Resource]) -> datetime | None:
    made = [moment(order, "dateCreated") for order in orders]
    known = [one for one in made if one is not None]
    return min(known) - MARGIN if known and len(known) == len(made) else None


async def _newest(reader: Reader, customer: str, *, back_to: datetime | None) -> list[Resource]:
    call = listing("customer/invoice", ("customercode", customer), sort="-dateCreated")
    found: list[Resource] = []
    times: list[datetime | None] = []
    async for row in reader.rows(call):
        times.append(moment(row, "dateCreated"))
        if not row.flag("isVoided"):
            found.append(row)
        if len(times) % PAGE == 0 and back_to is not None and falls(times, to=back_to):
            break
    return found


def progress(code: str, header: Resource, invoice: Resource | None) -> Progress:
    """What is told of a sales order. Nothing there has begun where its ``state`` is empty."""

    def told(state: str, text: str) -> Progress:
        return Progress(reference=code, number=header.text("poCode"), state=state, text=text)

    if header.flag("isVoided"):  # the flag wins over the status
        return told(CANCELLED, "voided")
    if invoice is not None:
        shipped = invoice.flag("isDispatch") or invoice.flag("isDeliveryNotePrinted")
        text = f"invoiced as {name_of(invoice)}" + (", shipped" if shipped else "")
        return told("shipped" if shipped else "invoiced", text)
    status = header.text("orderStatus").lower()
    if status not in ("", OPEN):  # completed orders may still have the flag of a hold
        return told(status, status)
    return told("on_hold", f"on hold ({status or 'no status'})") if header.flag("isOnHold") else told("", OPEN)


def deleted(code: str) -> Progress:
    """The changelog says so, and it is not there."""
    return Progress(reference=code, state=CANCELLED, text="deleted")


def name_of(invoice: Resource) -> str:
    """Its code."""
    return invoice.id or invoice.text("invoiceCode")
