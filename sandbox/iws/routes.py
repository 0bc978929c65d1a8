"""Everything that can be read, by path (sections 6.6, 7.1, 8 and 9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sandbox.iws.book import Customer, Order
from sandbox.iws.changelog import get_changes
from sandbox.iws.data import NO_CHANGES
from sandbox.iws.fields import InvalidError, MissingError
from sandbox.iws.site import One, Rows, Site
from sandbox.iws.views import (
    contact_view,
    customer_view,
    invoice_view,
    item_view,
    line_views,
    order_view,
    ship_to_view,
    stock_views,
)

Params = Mapping[str, str]
Read = Callable[[Site, Params], One | Rows]


def moved(parts: list[str], routes: Mapping[str, str]) -> list[str]:
    """The path that a server of the usual kind would have been asked for; none where it is of a route that moved.

    Args:
        routes: what this server has, by the usual route; ``{code}`` stands for any segment.
    """
    for usual, here in routes.items():
        code = _code_in(parts, here)
        if code is not None:
            return usual.replace("{code}", code).split("/")
    return [] if any(_code_in(parts, usual) is not None for usual in routes) else parts


def _code_in(parts: list[str], route: str) -> str | None:
    """The code within a path of that route, empty where the route has none; None for another route."""
    pattern = "/".join("([^/]+)" if part == "{code}" else re.escape(part) for part in route.split("/"))
    found = re.fullmatch(pattern, "/".join(parts), re.IGNORECASE)
    return None if found is None else "".join(found.groups())


def reader(parts: list[str]) -> Read | None:
    """What answers a GET of that path; None where there is no such route. Codes keep their letter case."""
    match [parts[0].lower(), *(part.lower() for part in parts[1:])]:
        case ["salesorder", _]:
            return lambda site, _: _order(site, parts[1])
        case ["salesorder", _, "detail"]:
            return lambda site, _: _lines(site, parts[1])
        case ["customer"]:
            return _customers
        case ["customer", "salesorder"]:
            return _orders
        case ["customer", "invoice"]:
            return _invoices
        case ["customer", "contact"]:
            return _contacts
        case ["customer", "shipto"]:
            return _ship_tos
        case ["inventory"]:
            return _items
        case ["inventory", _]:
            return lambda site, _: _item(site, parts[1])
        case ["inventory", _, "stocktotal"]:
            return lambda site, _: _stock(site, parts[1])
        case ["changelog", _]:
            return lambda site, params: _changes(site, parts[1], params)
    return None


def _changes(site: Site, resource: str, params: Params) -> Rows:
    return Rows("changelog", get_changes(site, resource, begin=params.get("from"), end=params.get("to")), NO_CHANGES)


# ------------------------------------------------------------------ orders


def _find(site: Site, code: str) -> Order:
    order = site.book.orders.get(code.upper())
    if order is None or order.code in site.settings.deleted:
        raise MissingError("Sales order not found.")
    return order


def _order(site: Site, code: str) -> One:
    order = _find(site, code)
    return One("salesorder", order.code, order_view(site, order))


def _lines(site: Site, code: str) -> Rows:
    return Rows("salesorderdetail", line_views(site, _find(site, code)), "")


def _orders(site: Site, params: Params) -> Rows:
    # The newest first: the default order differs per endpoint (section 4).
    rows = [(order.code, order_view(site, order)) for order in reversed(_of_customer(site, params))]
    return Rows("customersalesorder", rows, site.none("Sales orders"))


def _invoices(site: Site, params: Params) -> Rows:
    orders = [order for order in _of_customer(site, params) if order.invoice]
    rows = [(order.invoice, invoice_view(site, order)) for order in reversed(orders)]
    return Rows("customerinvoice", rows, site.none("Invoices"))


def _of_customer(site: Site, params: Params) -> list[Order]:
    held = site.book.by_customer.get(_customer(site, params).code.upper(), [])
    return [order for order in held if order.code not in site.settings.deleted]


# ------------------------------------------------------------------ customers


def _customer(site: Site, params: Params) -> Customer:
    code = params.get("customercode", "").strip()
    if not code:
        raise InvalidError("customercode is required.")
    return site.need_customer(code)


def _customers(site: Site, params: Params) -> One | Rows:
    if params.get("customercode"):
        customer = _customer(site, params)
        return One("customer", customer.code, customer_view(site, customer))
    only_active = params.get("onlyactive", "").lower() == "true"
    rows = [
        (customer.code, customer_view(site, customer))
        for customer in site.customers()
        if customer.row.get("isActive", True) or not only_active
    ]
    return Rows("customer", rows, site.none("Customers"))


def _contacts(site: Site, params: Params) -> Rows:
    return Rows("crmcontactview", [contact_view(site, _customer(site, params))], "")


def _ship_tos(site: Site, params: Params) -> Rows:
    customer = _customer(site, params)
    return Rows("customershipto", [(customer.ship_to, ship_to_view(site, customer))], "")


# ------------------------------------------------------------------ items


def _items(site: Site, params: Params) -> Rows:
    rows = [(item.code, item_view(site, item)) for item in site.book.items.values() if site.has_item(item.name)]
    return Rows("inventoryitem", rows, site.none("Items"))


def _item(site: Site, code: str) -> One:
    item = site.item(code)
    return One("inventoryitem", item.code, item_view(site, item))


def _stock(site: Site, code: str) -> Rows:
    return Rows("inventorystocktotal", stock_views(site, site.item(code)), site.none("Stock totals"))
