"""ItemADD, ItemEdit, ItemGet and ItemDelete (section 4)."""

from __future__ import annotations

from decimal import Decimal

from sandbox.manex.book import Line, Order, Row, link_key
from sandbox.manex.data import NO_ITEM, NO_UNIQUELN, PART_NAMES, STATUSES
from sandbox.manex.fields import Fields, RefusedError, now, padded
from sandbox.manex.shape import balance, line_view, plain, shipped
from sandbox.manex.site import Done, Site

LINE_NO_WIDTH = 7
TEXTS = {"soDet_Desc": "Sodet_Desc", "note": "NOTE", "w_key": "W_KEY"}
NUMBERS = {"eachQty": "EACHQTY", "ord_qty": "ORD_QTY", "trans_days": "TRANS_DAYS"}
FRESH = {
    "UOFMEAS": "EACH",
    "EACHQTY": "0",
    "ORD_QTY": "0",
    "TRANS_DAYS": "1",
    "Sodet_Desc": "",
    "NOTE": "",
    "DELIFREQ": "",
    "STATUS": "STANDARD",
    "UNIQ_KEY": "",
    "part_no": "",
    "revision": "",
    "W_KEY": "",
}


def add(site: Site, fields: Fields) -> Done:
    """A new line, also where its line_no is taken (F-423); the reply does not say its UNIQUELN."""
    order = site.order(fields)
    site.require("itemadd", fields)
    part = _part(site, fields)
    if not part and not fields.flag("IsMisc"):
        raise RefusedError(f"{PART_NAMES[site.settings.edition][0]} or uniq_key not provided.")
    line_no = _line_no(fields) or _next_line_no(order)
    row = {**FRESH, "FSTDUEDT": f"{now()[:10]}T00:00:00", **part, **_sent(site, fields), "LINE_NO": line_no}
    if part and not row["W_KEY"]:
        row["W_KEY"] = link_key(row["UNIQ_KEY"], "warehouse")
    _check_quantities(site, row, fields)
    site.commit({"op": "item_add", "sono": order.sono, "row": row})
    returned = {"UNIQUELN": order.lines[-1].key} if site.settings.item_add_returns_line else None
    return Done("Sales Order Item added successfully.", returned)


def edit(site: Site, fields: Fields) -> Done:
    """Changes what is sent. The success text is a guess: the documentation has a picture there."""
    order = site.order(fields)
    site.require("itemedit", fields)
    line = _named(order, fields)
    changes = {**_changed_part(site, line, fields), **_sent(site, fields)}
    row = {**line.row, **changes}
    _check_quantities(site, row, fields)
    quantity = Decimal(row["ORD_QTY"])
    site.check(
        quantity == line.ordered or quantity >= line.scheduled,
        f"ord_qty {row['ORD_QTY']} is less than the scheduled quantity {plain(line.scheduled)}.",
    )
    gone = shipped(order, line, site.settings)
    site.check(
        quantity == line.ordered or quantity >= gone,
        f"ord_qty {row['ORD_QTY']} is less than the shipped quantity {plain(gone)}.",
    )
    # The rule is the documentation's (section 4), the text is not.
    closed = balance(order, line, site.settings) == 0 and quantity <= line.ordered
    site.check(
        row["STATUS"] == line.row["STATUS"] or not closed,
        "Status of an item with balance 0 cannot be changed without increasing the quantity.",
    )
    site.commit({"op": "item_edit", "key": line.key, "row": changes})
    return Done("Sales Order Item edited successfully.")


def get(site: Site, fields: Fields) -> Done:
    """One line by its UNIQUELN."""
    order, line = _by_key(site, fields)
    return Done("Sales Order Item details:", line_view(order, line, site.settings))


def delete(site: Site, fields: Fields) -> Done:
    """A line with its prices and due dates."""
    if not fields.given("uniqueLn"):
        raise RefusedError(NO_UNIQUELN, made=False)
    order, line = _by_key(site, fields)
    if order.sono != site.sono(fields):
        raise RefusedError(NO_ITEM, made=False)
    site.commit({"op": "item_delete", "key": line.key})
    return Done("Sales Order Item deleted successfully.")


def _by_key(site: Site, fields: Fields) -> tuple[Order, Line]:
    found = site.book.lines.get((fields.text("uniqueLn") or "").upper())
    if found is None:
        raise RefusedError(NO_ITEM, made=False)
    return found


def _named(order: Order, fields: Fields) -> Line:
    """The line by UNIQUELN, or by its line_no where that is the only one (F-423)."""
    key, line_no = (fields.text("uniqueLn") or "").upper(), _line_no(fields)
    if not key and not line_no:
        raise RefusedError("line_no or UNIQUELN not provided.")
    found = [line for line in order.lines if (line.key == key if key else line.row["LINE_NO"] == line_no)]
    if not found:
        raise RefusedError(NO_ITEM, made=False)
    if len(found) > 1:
        raise RefusedError(f"line_no {line_no} occurs more than once, UNIQUELN is needed.")
    return found[0]


def _line_no(fields: Fields) -> str:
    line_no = fields.text("line_no") or ""
    if len(line_no) > LINE_NO_WIDTH:
        raise RefusedError(f"line_no has more than {LINE_NO_WIDTH} characters.")
    return padded(line_no, LINE_NO_WIDTH) if line_no else ""


def _next_line_no(order: Order) -> str:
    numbers = [int(line.row["LINE_NO"]) for line in order.lines if line.row["LINE_NO"].isdecimal()]
    return padded(str(max(numbers, default=0) + 1), LINE_NO_WIDTH)


def _part(site: Site, fields: Fields) -> Row:
    """Empty where neither a part number nor an inventory key is sent. A miscellaneous line has no stock part."""
    part_no = fields.text(*PART_NAMES[site.settings.edition]) or ""
    revision, key = fields.text("revision") or "", (fields.text("uniq_key") or "").upper()
    if fields.flag("IsMisc"):
        return {"part_no": part_no, "revision": revision}
    return site.part(part_no, revision, key) if part_no or key else {}


def _changed_part(site: Site, line: Line, fields: Fields) -> Row:
    if not line.row["UNIQ_KEY"]:
        return {}
    if site.settings.edition != "any" and not fields.given("uniq_key"):
        for name in (*PART_NAMES[site.settings.edition], "revision"):
            if not fields.known(name):
                raise RefusedError(f"{name} not provided.")
    part = _part(site, fields)
    same = part.get("part_no", "").upper() == line.row["part_no"].upper()
    return {} if not part or (same and not fields.known("revision")) else part


def _sent(site: Site, fields: Fields) -> Row:
    """What is sent of a line, part and number aside."""
    row = {kept: fields.text(name) or "" for name, kept in TEXTS.items() if fields.known(name)}
    unit = fields.text("uOfMeas", "U_of_Meas")  # F-423 renamed it for ItemEdit alone
    if unit:
        row["UOFMEAS"] = unit
    for name, kept in NUMBERS.items():
        number = fields.number(name)
        if number is not None:
            row[kept] = plain(number)
    if fields.given("deliFreq"):
        row["DELIFREQ"] = (fields.text("deliFreq") or "").upper()
    first = fields.moment("fstduedt", site.settings.dates)
    if first:
        row["FSTDUEDT"] = site.stored(first)
    status = (fields.text("status") or "").upper()
    if status:
        site.check(status in STATUSES, f"Status {status[:40]} does not exists.")
        row["STATUS"] = status
    return row


def _check_quantities(site: Site, row: Row, fields: Fields) -> None:
    ordered, each = Decimal(row["ORD_QTY"]), Decimal(row["EACHQTY"])
    site.check(ordered >= 0, f"ord_qty {row['ORD_QTY']} is less than 0.")
    if fields.given("eachQty") or each:
        site.check(0 < each < ordered, f"eachQty {row['EACHQTY']} must be greater than 0 and less than ord_qty.")
