"""ManEx: reading its replies: the envelope, a sales order, a price (contracts/manex.md sections 2 to 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from schemas.http import Reply
from schemas.model import bounded

QUOTED = 300
"""Characters of ManEx's text that a reason quotes."""

Object = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A reply of ManEx itself. ``message`` is without the resource marker ``$$`` and outer blanks (section 2)."""

    code: str
    message: str
    valid_user: bool
    found: Object | None


def envelope(reply: Reply) -> Envelope | None:
    """The envelope; None where the body is something else: a URL error, a page of a gateway."""
    body = reply.json()
    if not isinstance(body, dict):
        return None
    fields = {str(name).lower(): value for name, value in body.items()}
    if "code" not in fields or "message" not in fields:
        return None
    found = fields.get("responseobject")
    return Envelope(
        code=_text(fields["code"]),
        message=_bare(fields["message"]),
        valid_user=_text(fields.get("isvaliduser", True)).lower() != "false",
        found=found if isinstance(found, dict) else None,
    )


def said(reply: Reply) -> str:
    """ManEx's own words, or those of whatever answered in its place."""
    body = reply.json()
    if isinstance(body, dict):
        words = [_bare(body[name]) for name in ("Message", "MessageDetail") if body.get(name)]
        if words:
            return " ".join(words)[:QUOTED]
    return " ".join(reply.text.split())[:QUOTED]


def _bare(value: object) -> str:
    # One message has a stray quote before its marker (section 8, DueDateGet).
    return _text(value).lstrip('"').removeprefix("$$").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class DueRow:
    """One row of a line's DueDateList; a date that cannot be read is None."""

    key: str
    due: date | None
    ship: date | None
    quantity: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """One line of SODETAILList. ``unique_ln`` is the key for prices and dates."""

    line_no: int | None
    unique_ln: str
    uniq_key: str
    quantity: Decimal | None
    shipped: Decimal | None
    balance: Decimal | None
    status: str
    due: tuple[DueRow, ...]

    @property
    def cancelled(self) -> bool:
        """Its status is Cancel."""
        return self.status == "CANCEL"

    @property
    def finished(self) -> bool:
        """Nothing of it is left to be shipped, so its status cannot change any more (section 4)."""
        return self.balance == 0 and self.quantity != 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SalesOrder:
    """What SO/Get tells of a sales order."""

    so_no: str
    customer: str
    po_no: str
    order_date: date | None
    lines: tuple[LineRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """What PriceGet tells."""

    link: str
    amount: Decimal | None
    flat: bool


def sales_order(found: Object) -> SalesOrder:
    """SO/Get's ResponseObject. Names are matched whatever their letter case, values are trimmed (section 9)."""
    fields = _folded(found)
    return SalesOrder(
        so_no=_text(fields.get("sono")),
        customer=_text(fields.get("custno")),
        po_no=_text(fields.get("pono")),
        order_date=_date(fields.get("orderdate")),
        lines=tuple(_line(row) for row in _rows(fields.get("sodetaillist"))),
    )


def new_line(line_no: int, key: str, quantity: Decimal) -> LineRow:
    """A line as it is right after an ItemADD that told its key: no need to read it."""
    return LineRow(
        line_no=line_no,
        unique_ln=key,
        uniq_key="",
        quantity=quantity,
        shipped=None,
        balance=quantity,
        status="",
        due=(),
    )


def unique_ln(found: Object | None) -> str:
    """UNIQUELN of an ItemADD's reply, where an edition should ever tell it (section 4); else empty."""
    return _text(_folded(found or {}).get("uniqueln"))


def price_row(found: Object) -> PriceRow:
    """PriceGet's ResponseObject."""
    fields = _folded(found)
    return PriceRow(
        link=_text(fields.get("plpricelnk")),
        amount=_number(fields.get("price")),
        flat=_text(fields.get("flat")).lower() in ("true", "1"),
    )


def part_keys(found: Object) -> tuple[str, str, str]:
    """Inventory key, unit, and key of the first warehouse, of ItemMaster/Get's ResponseObject (section 7)."""
    fields = _folded(found)
    warehouse = ""
    for head in _rows(fields.get("invtmfhdlist")):
        for row in _rows(head.get("invtmfgrlist")):
            warehouse = warehouse or _text(row.get("w_key"))
    return _text(fields.get("uniq_key")), _text(fields.get("u_of_meas")), warehouse


def _line(row: Object) -> LineRow:
    return LineRow(
        line_no=_whole(row.get("line_no")),
        unique_ln=_text(row.get("uniqueln")),
        uniq_key=_text(row.get("uniq_key")),
        quantity=_number(row.get("ord_qty")),
        shipped=_number(row.get("shippedqty")),
        balance=_number(row.get("balance")),
        status=_text(row.get("status")).upper(),
        due=tuple(_due(one) for one in _rows(row.get("duedatelist"))),
    )


def _due(row: Object) -> DueRow:
    return DueRow(
        key=_text(row.get("duedt_uniq")),
        due=_date(row.get("due_dts1")),
        ship=_date(row.get("ship_dts")),
        quantity=_number(row.get("qty")),
    )


def _folded(found: Object) -> dict[str, Any]:
    return {str(name).lower(): value for name, value in found.items()}


def _rows(value: object) -> list[dict[str, Any]]:
    """The objects of a list; also of Json.NET's form that keeps references."""
    if isinstance(value, dict):
        value = value.get("$values", [])
    return [_folded(row) for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _number(value: object) -> Decimal | None:
    try:
        return bounded(Decimal(_text(value)))
    except (InvalidOperation, ValueError):
        return None


def _whole(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _date(value: object) -> date | None:
    """``2013-11-28T00:00:00``, without a zone (section 3)."""
    try:
        return date.fromisoformat(_text(value)[:10])
    except ValueError:
        return None
