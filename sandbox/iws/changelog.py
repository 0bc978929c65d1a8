"""GET changelog/{resource} (section 9): what changed in a window of local time."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.iws.book import Change, Row
from sandbox.iws.data import RESOURCES
from sandbox.iws.fields import InvalidError, read_moment
from sandbox.iws.site import Site, clock
from sandbox.iws.views import customer_view, invoice_view, item_view, moment_of, order_view

CODE_NAMES = {
    "Customer": "customerCode",
    "CustomerShipTo": "shipToCode",
    "CRMContact": "contactCode",
    "CustomerInvoice": "invoiceCode",
    "CustomerInvoiceDetail": "invoiceCode",
    "InventoryItem": "itemCode",
    "InventoryStockTotal": "itemCode",
}
"""How a record calls its code; sales orders call it salesOrderCode."""


def get_changes(site: Site, name: str, *, begin: str | None, end: str | None) -> list[tuple[str, Row]]:
    """The rows of a window, in the order in which they were seen. Raises InvalidError."""
    resource = next((known for known in RESOURCES if known.lower() == name.lower()), None)
    if resource is None:
        raise InvalidError(f"There is no change log of '{name[:40]}'.")
    first, last = _bound(begin, "from", site.zone), _bound(end, "to", site.zone)
    seen_until = clock(site.settings) - timedelta(seconds=site.settings.changelog_lag_s)
    rows = [
        (moment_of(site, row.at), row)
        for row in site.book.changes.get(resource, ())
        if row.at <= seen_until or not site.settings.changelog_lag_s
    ]
    rows = [(at, row) for at, row in rows if _inside(at, first, last, inclusive=site.settings.bounds == "inclusive")]
    # Ascending time, but descending id within one second.
    rows.sort(key=lambda pair: (pair[0], -pair[1].number))
    return [(str(row.number), _row(site, row, at)) for at, row in rows]


def _bound(text: str | None, name: str, zone: ZoneInfo) -> datetime | None:
    try:
        return read_moment(text, zone) if text and text.strip() else None
    except (ValueError, OverflowError) as error:
        raise InvalidError(f"'{name}' is no date.") from error


def _inside(at: str, first: datetime | None, last: datetime | None, *, inclusive: bool) -> bool:
    moment = datetime.fromisoformat(at)
    if inclusive:
        return (first is None or first <= moment) and (last is None or moment <= last)
    return (first is None or first < moment) and (last is None or moment < last)


def _row(site: Site, row: Change, at: str) -> Row:
    data: object = row.data if site.settings.data == "string" else _record(site, row)
    if row.resource == "InventoryStockTotal" and site.settings.stock_data == "item and warehouse":
        data = f"{row.data}|{site.settings.warehouses[0]}"
    return {
        "resource": row.resource,
        "action": row.action,
        "data": data,
        "dateCreated": at,
        "userCreated": row.user,
    }


def _record(site: Site, row: Change) -> Row:
    """INSERT the new record, UPDATE old and new, DELETE the deleted one. What is gone has its code only."""
    code = {CODE_NAMES.get(row.resource, "salesOrderCode"): row.data}
    if row.action == "DELETE":
        return code
    new = {**code, **_known(site, row)}
    return new if row.action == "INSERT" else {"old": code, "new": new}


def _known(site: Site, row: Change) -> Row:
    book = site.book
    if row.resource in ("CustomerSalesOrder", "CustomerSalesOrderWorkflow") and row.data in book.orders:
        return order_view(site, book.orders[row.data])
    if row.resource == "Customer" and row.data.upper() in book.customers:
        return customer_view(site, book.customers[row.data.upper()])
    if row.resource == "InventoryItem" and row.data.upper() in book.by_code:
        return item_view(site, book.by_code[row.data.upper()])
    if row.resource == "CustomerInvoice":
        found = next((order for order in book.orders.values() if order.invoice == row.data), None)
        return invoice_view(site, found) if found else {}
    return {}
