"""One Esuite transaction: read from a payload, totalled, and written out as ``trans`` GET has it."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandbox.esuite.data import (
    DEFAULT_TRANS_TYPES,
    DELIVERY_FIELDS,
    HEADER_DEFAULTS,
    HEADER_FIELDS,
    LINE_DEFAULTS,
    LINE_FIELDS,
    MADE,
    WRITTEN_FIELDS,
)

CENT = Decimal("0.01")
FIRST_DETAIL_NO = 7  # it does not start at 1 in the sample (section 5)
Row = dict[str, str]


class RefusedError(Exception):
    """400 with this Description; the documentation has none of these texts."""

    def __init__(self, description: str) -> None:
        super().__init__(f"Error with Payload - {description}{MADE}")


@dataclass(slots=True, eq=False)
class Transaction:
    """A transaction. ``header`` and ``lines`` hold what differs from the defaults; all values are text."""

    header: Row
    lines: list[Row]
    delivery: Row | None = None
    payments: list[Row] = field(default_factory=list)
    deleted: bool = False

    def get(self, name: str) -> str:
        """A header field as it is shown."""
        return self.header.get(name, HEADER_DEFAULTS.get(name, ""))

    def settle(self) -> None:
        """Total the header: the sum of the lines, each rounded by itself (section 5)."""
        for kind in ("ExGST", "GST", "IncGST"):
            total = trim(sum((Decimal(line[f"LineTotal{kind}"]) for line in self.lines), Decimal(0)))
            self.header[f"TransTotal{kind}"] = self.header[f"TransProforma{kind}"] = total
        paid = sum((Decimal(payment["PaymentAmt"]) for payment in self.payments), Decimal(0))
        self.header["PaymentEntryAmt"] = self.header["PaymentBankAmt"] = trim(paid)
        self.header["AccountOutstanding"] = trim(Decimal(self.header["TransTotalIncGST"]) - paid)

    def change(self, header: Row, tables: Mapping[str, Any], *, merge: bool) -> None:
        """Take over a PUT: the header's fields, and each table that was sent (``merge``: see EsuiteSettings.put)."""
        self.header.update(header)
        if "lines" in tables:
            self.lines = merged(self.lines, tables["lines"]) if merge else tables["lines"]
        if "delivery" in tables:
            self.delivery = {**(self.delivery or {}), **tables["delivery"]} if merge else tables["delivery"]
        if "payments" in tables:
            self.payments = [*self.payments, *tables["payments"]] if merge else tables["payments"]
        self.settle()

    def key(self) -> Row:
        """What POST and PUT answer."""
        return {name: self.get(name) for name in ("CompanyNo", "TransNo", "TransRefCode")}

    def row(self, *, details: bool, delivery: bool) -> dict[str, Any]:
        """What GET answers: strings everywhere, in the sample's order."""
        row: dict[str, Any] = {name: self.get(name) for name in HEADER_FIELDS}
        if details:
            # The order of lines is not the order of entry (section 5).
            row["T_TrnDet"] = [self._detail(i) for i in reversed(range(len(self.lines)))]
        if delivery:
            row["T_TrnDlv"] = [] if self.delivery is None else [self._delivery(self.delivery)]
        return row

    def _detail(self, index: int) -> Row:
        line, number = self.lines[index], str(FIRST_DETAIL_NO + index)
        own = {
            **{name: self.get(name) for name in ("LocationNo", "CostCentreCode", "SegmentCode")},
            "StockDesc": f"Item {line['StockCode']}",
            **line,
            "CompanyNo": self.get("CompanyNo"),
            "TransNo": self.get("TransNo"),
            "AccountNo": self.get("AccountNo"),
            "DetailNo": number,
            "ItemNo": number,
            "LineDlvQty": line["LineQty"],
            "StockNo": str(stock_no(line["StockCode"])),
        }
        return {name: own.get(name, LINE_DEFAULTS.get(name, "")) for name in LINE_FIELDS}

    def _delivery(self, delivery: Row) -> dict[str, Any]:
        # CompanyNo and TransNo are bare numbers in this one sample (section 5).
        numbers = {name: int(self.get(name)) for name in ("CompanyNo", "TransNo")}
        return {**numbers, **{name: delivery.get(name, "") for name in DELIVERY_FIELDS}}

    def summary(self) -> dict[str, Any]:
        """What ``/_sandbox/orders`` shows; amounts with two decimals."""
        names = ("TransYourRef", "AccountRef", "BatchType", "TransType", "TransLedger", "TransDate")
        return {
            **self.key(),
            **{name: self.get(name) for name in names},
            "deleted": self.deleted,
            "total": str(Decimal(self.header["TransTotalIncGST"]).quantize(CENT)),
            "paid": str(Decimal(self.header["PaymentEntryAmt"]).quantize(CENT)),
            "lines": len(self.lines),
            "items": [
                {name: line[name] for name in ("StockCode", "LineQty", "LineUnitPrice", "LineTotalIncGST")}
                for line in self.lines
            ],
        }


def text(value: object) -> str:
    """Any JSON value as Esuite keeps it: ``True``, ``39.95``, empty for null."""
    return "" if value is None else str(value)


def trim(value: Decimal) -> str:
    """A number without trailing zeros: ``15``, ``13.64``."""
    return format(value.normalize() if value else Decimal(0), "f")


def stock_no(code: str) -> int:
    """The number of a stock code, always the same."""
    return zlib.crc32(code.encode()) % 100_000


def is_true(value: str) -> bool:
    """Booleans come as ``True``, ``true``, ``1`` (section 9, trap 6)."""
    return value.strip().lower() in ("true", "1")


def objects(value: object, name: str) -> list[dict[str, Any]]:
    """A table of the payload: an array of objects, or one object."""
    given = value if isinstance(value, list) else [value]
    rows = [row for row in given if isinstance(row, dict)]
    if len(rows) < len(given):
        raise RefusedError(f"{name} must be an object or an array of objects")
    return rows


def read_header(payload: dict[str, Any]) -> Row:
    """The T_Trans fields that a caller may set; others are ignored, as far as is known (section 13)."""
    header = {name: text(value) for name, value in payload.items() if name in WRITTEN_FIELDS}
    if header.get("TransDate"):
        day = read_date(header["TransDate"], "TransDate")
        header["TransDate"] = f"{day.isoformat()} 00:00:00"
        header["TransPeriod"] = fiscal_period(day)
    return header


def read_date(value: str, name: str) -> date:
    """``2020-08-09``, with a time or without."""
    try:
        return date.fromisoformat(value[:10])
    except ValueError:
        raise RefusedError(f"{name} {value} is no date, write yyyy-mm-dd") from None


def fiscal_period(day: date) -> str:
    """``202103`` for September 2020: the year starts in July and is named for its end."""
    shifted = day.month - 7
    return f"{day.year + (shifted >= 0)}{shifted % 12 + 1:02}"


def read_lines(value: object, *, rate: Decimal, inclusive: str) -> list[Row]:
    """T_TrnDet with its totals. ``inclusive``: LineIncGST of a line that does not say."""
    rows = objects(value, "T_TrnDet") if value is not None else []
    return [_line(row, number, rate, inclusive) for number, row in enumerate(rows, start=1)]


def _line(row: dict[str, Any], number: int, rate: Decimal, inclusive: str) -> Row:
    line = {name: text(value) for name, value in row.items() if name in LINE_FIELDS}
    if not line.get("StockCode"):
        raise RefusedError(f"StockCode is missing in line {number}")
    quantity = _number(line.get("LineQty") or "1", f"LineQty in line {number}")
    price = _number(line.get("LineUnitPrice") or "0", f"LineUnitPrice in line {number}")
    line["LineIncGST"] = str(is_true(line.get("LineIncGST") or inclusive))
    amount = (quantity * price).quantize(CENT, ROUND_HALF_UP)
    if is_true(line["LineIncGST"]):
        excluding = (amount / (1 + rate)).quantize(CENT, ROUND_HALF_UP)
        gst = amount - excluding
    else:
        excluding, gst = amount, (amount * rate).quantize(CENT, ROUND_HALF_UP)
    return {
        **line,
        "LineQty": trim(quantity),
        "LineUnitPrice": trim(price),
        "LineGSTRate": trim(rate),
        "LineTotalExGST": trim(excluding),
        "LineTotalGST": trim(gst),
        "LineTotalIncGST": trim(excluding + gst),
    }


def _number(value: str, name: str) -> Decimal:
    try:
        number = Decimal(value.strip())
    except InvalidOperation:
        raise RefusedError(f"{name} is no number: {value}") from None
    if not number.is_finite() or abs(number) >= 10**12 or number.as_tuple().exponent < -12:  # type: ignore[operator]
        raise RefusedError(f"{name} is out of range: {value}")
    return number


def merged(there: Sequence[Row], sent: Sequence[Row]) -> list[Row]:
    """Lines of a PUT, each in the place of one that is there with its StockCode, else added."""
    lines, free = list(there), list(range(len(there)))
    for line in sent:
        place = next((i for i in free if lines[i]["StockCode"] == line["StockCode"]), None)
        if place is None:
            lines.append(line)
        else:
            free.remove(place)
            lines[place] = line
    return lines


def read_delivery(value: object) -> Row | None:
    """T_TrnDlv; both spellings of the postcode come in, DlvPostcode goes out (section 9, trap 7)."""
    if value is None:
        return None
    row = objects(value, "T_TrnDlv")[0]
    spelled = {"DlvPostcode" if name == "DlvPostCode" else name: text(field) for name, field in row.items()}
    return {name: field for name, field in spelled.items() if name in DELIVERY_FIELDS}


def read_payments(value: object, *, types: Sequence[str] | None, banked: Collection[str], strict: bool) -> list[Row]:
    """T_Pay. ``strict``: types of ``banked`` need AuthBankPosted, which the sample leaves out (section 9)."""
    payments = []
    for row in objects(value, "T_Pay") if value is not None else []:
        for name in ("PaymentType", "PaymentAmt"):
            if not text(row.get(name)):
                raise RefusedError(f"{name} is missing in T_Pay")
        kind = text(row["PaymentType"])
        if types is not None and kind not in types:
            raise RefusedError(f"PaymentType {kind} was not found")
        if strict and kind in banked and not text(row.get("AuthBankPosted")):
            raise RefusedError(f"AuthBankPosted is missing in T_Pay, PaymentType {kind} needs it")
        amount = _number(text(row["PaymentAmt"]), "PaymentAmt")
        payments.append({"PaymentType": kind, "PaymentAmt": trim(amount)})
    return payments


def check_serials(value: object) -> None:
    """T_Serial is accepted and not kept: it never appears in a reply (section 5)."""
    for row in objects(value, "T_Serial") if value is not None else []:
        for name in ("SerialNo", "StockCode", "SerialQty"):
            if not text(row.get(name)):
                raise RefusedError(f"{name} is missing in T_Serial")


def trans_type(header: Row) -> str:
    """TransType, or what stands in for it where the printed sample leaves it out."""
    return header.get("TransType") or DEFAULT_TRANS_TYPES.get(header["BatchType"], "SOR")
