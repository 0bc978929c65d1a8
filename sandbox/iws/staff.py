"""The people at the ERP, played through the switches: what they do shows, and leaves rows in the changelog."""

from __future__ import annotations

from datetime import datetime

from sandbox.iws.book import STAFF, Book, Order
from sandbox.iws.data import IwsSettings
from sandbox.iws.site import code_of, staff_customer

OF_PREFIX = {
    "SO": "CustomerSalesOrder",
    "QU": "CustomerSalesOrder",
    "INV": "CustomerInvoice",
    "CUST": "Customer",
    "ITEM": "InventoryItem",
    "SHIP": "CustomerShipTo",
    "CCTC": "CRMContact",
}
"""Which resource a code is of."""


def played(book: Book, before: IwsSettings, after: IwsSettings, at: datetime) -> None:
    """Carry out what changed from one set of switches to the next."""
    _customers(book, before, after, at)
    _items(book, before, after, at)
    for order in book.orders.values():
        settle(book, order, after, at, before=before)
    for code, count in after.touched.items():
        resource = OF_PREFIX.get(code.partition("-")[0].upper(), "Customer")
        for _ in range(count - before.touched.get(code, 0)):
            book.log(resource, "UPDATE", code, at=at, user=STAFF)
    for resource, code in after.broken_codes.items() - before.broken_codes.items():
        book.log(resource, "UPDATE", code, at=at, user=STAFF)


def settle(book: Book, order: Order, settings: IwsSettings, at: datetime, *, before: IwsSettings | None = None) -> None:
    """Bring one order to where the switches have it."""
    invoice = order.invoice
    _invoice(book, order, settings.invoiced.get(order.code, ""), at)
    if invoice and invoice == order.invoice and before and _flags(before, invoice) != _flags(settings, invoice):
        book.log("CustomerInvoice", "UPDATE", invoice, at=at, user=STAFF)
    if before is not None and (order.code in before.deleted) != (order.code in settings.deleted):
        action = "DELETE" if order.code in settings.deleted else "INSERT"
        book.log("CustomerSalesOrder", action, order.code, at=at, user=STAFF)
    wanted = (
        order.code in settings.voided,
        order.code in settings.completed,
        order.code in settings.on_hold,
        settings.rep_codes.get(order.code),
    )
    if wanted == (order.voided, order.completed, order.on_hold, order.rep_code):
        return
    order.voided, order.completed, order.on_hold, order.rep_code = wanted
    _changed(book, order, at)


def _flags(settings: IwsSettings, invoice: str) -> tuple[object, ...]:
    return settings.tracking.get(invoice), invoice in settings.undispatched, invoice in settings.voided


def _invoice(book: Book, order: Order, wanted: str, at: datetime) -> None:
    if order.invoice == wanted:
        return
    for code, action in ((order.invoice, "DELETE"), (wanted, "INSERT")):
        if code:
            book.log("CustomerInvoice", action, code, at=at, user=STAFF)
            for _ in order.lines:
                book.log("CustomerInvoiceDetail", action, code, at=at, user=STAFF)
    if wanted:
        book.log("CustomerInvoice", "UPDATE", wanted, at=at, user=STAFF)
    order.invoice, order.invoiced_at = wanted, at if wanted else None
    for _ in order.lines:
        book.log("CustomerSalesOrderDetail", "UPDATE", order.code, at=at, user=STAFF)
    _changed(book, order, at)


def _changed(book: Book, order: Order, at: datetime) -> None:
    order.modified, order.modified_by = at, STAFF
    # Several within a second, for one change (section 9).
    for resource in ("CustomerSalesOrder", "CustomerSalesOrderWorkflow", "CustomerSalesOrder"):
        book.log(resource, "UPDATE", order.code, at=at, user=STAFF)


def _customers(book: Book, before: IwsSettings, after: IwsSettings, at: datetime) -> None:
    for code, email in (after.customers or {}).items():
        known = book.customers.get(code.upper())
        if known is None:
            new = staff_customer(code.upper(), email, logged=before.customers is not None)
            book.apply({"op": "customer", "customer": new, "at": at.isoformat(), "user": STAFF})
        elif not known.made and known.email != email:
            book.by_email[known.email.lower()].remove(known)
            known.row["email"] = email
            book.by_email.setdefault(email.lower(), []).append(known)
            book.log("CRMContact", "UPDATE", known.contact, at=at, user=STAFF)
            book.log("Customer", "UPDATE", known.code, at=at, user=STAFF)


def _items(book: Book, before: IwsSettings, after: IwsSettings, at: datetime) -> None:
    for name in {**after.items, **after.stock}:
        book.register(name, code_of(after, name), at=at)
    for name in {**before.stock, **after.stock}:
        if _levels(before, name) != _levels(after, name):
            action = "DELETE" if name not in after.stock else "UPDATE" if name in before.stock else "INSERT"
            book.log("InventoryStockTotal", action, code_of(after, name), at=at, user=STAFF)


def _levels(settings: IwsSettings, name: str) -> tuple[object, object]:
    stock = settings.stock.get(name)
    return stock, None if stock is None else settings.allocated.get(name)
