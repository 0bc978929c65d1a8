"""PriceAdd, PriceEdit, PriceGet and PriceDelete (section 5)."""

from __future__ import annotations

from sandbox.manex.book import Line, Row
from sandbox.manex.data import NO_PLPRICELNK, NO_PRICE, PRICE_EDITED
from sandbox.manex.fields import Fields, RefusedError
from sandbox.manex.shape import plain, price_view
from sandbox.manex.site import Done, Site

FRESH = {"PRICE": "0", "TAXABLE": "0", "FLAT": "0", "RECORDTYPE": "P", "SALETYPEID": ""}


def add(site: Site, fields: Fields) -> Done:
    """A price row; the reply does not say its PLPRICELNK."""
    line = site.line(fields)
    site.require("priceadd", fields)
    if line.prices and not site.settings.double_prices:
        raise RefusedError("Sales Order Price already exists.")
    site.commit({"op": "price_add", "line": line.key, "row": {**FRESH, **_sent(fields)}})
    return Done("Sales Order Price added successfully.")


def edit(site: Site, fields: Fields) -> Done:
    """Changes what is sent. Success has Code 403 (section 9, trap 1)."""
    line = site.line(fields)
    site.require("priceedit", fields)
    price = _named(site, line, fields)
    site.commit({"op": "price_edit", "key": price["PLPRICELNK"], "row": _sent(fields)})
    return Done(PRICE_EDITED, code=site.settings.price_edit_code)


def get(site: Site, fields: Fields) -> Done:
    """The first price of a line; there is one object and no list."""
    order, line = site.book.lines.get((fields.text("uniqueLn") or "").upper(), (None, None))
    if order is None or line is None or not line.prices:
        raise RefusedError(NO_PRICE, made=False)
    return Done("Sales Order Price details:", price_view(order, line, line.prices[0]))


def delete(site: Site, fields: Fields) -> Done:
    """One price row."""
    if not fields.given("PLPRICELNK"):
        raise RefusedError(NO_PLPRICELNK, made=False)
    order, line = site.book.lines.get((fields.text("uniqueLn") or "").upper(), (None, None))
    if order is None or line is None or order.sono != site.sono(fields):
        raise RefusedError(NO_PRICE, made=False)
    site.commit({"op": "price_delete", "key": _named(site, line, fields)["PLPRICELNK"]})
    return Done("Sales Order Price deleted successfully.")


def _named(site: Site, line: Line, fields: Fields) -> Row:
    # Sent as plpricelink, as the tables spell it, it is as good as missing (section 5).
    key = (fields.text("PLPRICELNK") or "").upper()
    if not key:
        raise RefusedError(NO_PLPRICELNK, made=False)
    holder, price = site.book.prices.get(key, (None, None))
    if price is None or holder is not line:
        raise RefusedError(NO_PRICE, made=False)
    return price


def _sent(fields: Fields) -> Row:
    row = {}
    price = fields.number("price")
    if price is not None:
        row["PRICE"] = plain(price)
    for name in ("taxable", "flat"):
        flag = fields.flag(name)
        if flag is not None:
            row[name.upper()] = str(int(flag))
    for name in ("recordType", "saleTypeID"):
        text = fields.text(name)
        if text:
            row[name.upper()] = text
    return row
