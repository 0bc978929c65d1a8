"""SO/Add, SO/Edit and SO/Get (section 3)."""

from __future__ import annotations

from sandbox.manex.book import Row
from sandbox.manex.data import (
    ADD_FAILED,
    EDIT_FAILED,
    HEADER_FIELDS,
    NO_CUSTOMER,
    NULL_REFERENCE,
    Kept,
)
from sandbox.manex.fields import Fields, RefusedError, now
from sandbox.manex.shape import order_view, plain
from sandbox.manex.site import SONO_WIDTH, Done, Site

FOB_GIVEN, FOB_KEPT = "ORIGIN-CUSTOMER P/U", "ORIGIN-CUST P/U"  # section 9, trap 9


def add(site: Site, fields: Fields) -> Done:
    """A new order; the reply never says its number."""
    custno = site.custno(fields)
    if not site.has_customer(custno):
        raise RefusedError(ADD_FAILED + NO_CUSTOMER, made=False)
    sono = site.sono(fields)
    if not sono:
        if site.settings.numbering == "manual":
            raise RefusedError(f"{ADD_FAILED}Sales Order number is required.")
        sono = site.book.next_sono()
    if len(sono) > SONO_WIDTH:
        raise RefusedError(f"{ADD_FAILED}Sales Order number has more than {SONO_WIDTH} characters.")
    if sono in site.book.orders:
        raise RefusedError(f"{ADD_FAILED}Sales Order already exists.")
    given = fields.moment("orderDate", site.settings.dates)
    site.commit(
        {
            "op": "so_add",
            "at": now(),
            "sono": sono,
            "custno": custno,
            "order_date": site.stored(given) if given else now(),
            "header": _header(site, fields, ADD_FAILED),
        }
    )
    return Done("Sales Order added successfully.")


def edit(site: Site, fields: Fields) -> Done:
    """Changes what is sent and nothing else."""
    order = site.book.orders.get(site.sono(fields))
    if order is None or (site.settings.edition == "S" and not fields.given("custNo")):
        raise RefusedError(EDIT_FAILED + NULL_REFERENCE, made=False)
    entry = {"op": "so_edit", "at": now(), "sono": order.sono, "header": _header(site, fields, EDIT_FAILED)}
    if fields.given("custNo"):
        entry["custno"] = custno = site.custno(fields)
        if not site.has_customer(custno):
            raise RefusedError(EDIT_FAILED + NO_CUSTOMER)
    given = fields.moment("orderDate", site.settings.dates)
    if given:
        entry["order_date"] = site.stored(given)
    site.commit(entry)
    return Done("Sales Order edited successfully.")


def get(site: Site, fields: Fields) -> Done:
    """The order with its lines."""
    return Done("Sales Order details:", order_view(site.order(fields), site.settings))


def _header(site: Site, fields: Fields, failed: str) -> Row:
    header = {kept.name: _kept(kept, name, fields) for name, kept in HEADER_FIELDS.items() if fields.known(name)}
    if header.get("FOB") == FOB_GIVEN:
        header["FOB"] = FOB_KEPT
    approved = header.get("SOAPPROVAL") == "1"
    site.check(not approved or header.get("SOAPPRVINT"), f"{failed}SOAPPRVINIT not provided.")
    return header


def _kept(kept: Kept, name: str, fields: Fields) -> str:
    if kept.kind == "flag":
        return "1" if fields.flag(name) else "0"
    if kept.kind == "number":
        number = fields.number(name)
        return "" if number is None else plain(number)
    text = fields.text(name) or ""
    return text[: kept.width].rstrip() if kept.width else text
