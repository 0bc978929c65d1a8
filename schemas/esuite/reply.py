"""Esuite: reading what ``trans`` answers, and telling whether a transaction agrees with an order."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, ValidationError

from schemas.esuite import EsuiteDestination
from schemas.esuite.trans import items
from schemas.http import Reply
from schemas.model import Model, bounded, plain
from schemas.money import decimals, rounded
from schemas.order import Order

QUOTED = 300
"""Characters of Esuite's text that a reason quotes."""

NO_GOODS = ("D", "H")
"""Line types of descriptions and headers (contracts/esuite.md section 7)."""


def _as_text(value: object) -> str:
    return "" if value is None else str(value).strip()


def _as_list(value: object) -> object:
    return [value] if isinstance(value, dict) else value


WireText = Annotated[str, BeforeValidator(_as_text)]
"""Replies hold strings, and here and there bare numbers or booleans (section 9, trap 6)."""


class RowLine(Model):
    """One T_TrnDet of a reply."""

    StockCode: WireText = ""
    LineType: WireText = ""
    LineQty: WireText = ""
    LineTotalExGST: WireText = ""
    LineTotalIncGST: WireText = ""


class Row(Model):
    """One transaction of a reply. ``T_TrnDet`` is None where the reply has no details at all."""

    CompanyNo: WireText = ""
    TransNo: WireText = ""
    TransRefCode: WireText = ""
    TransYourRef: WireText = ""
    TransLedger: WireText = ""
    SourceTransRefCode: WireText = ""
    TransTotalExGST: WireText = ""
    TransTotalIncGST: WireText = ""
    T_TrnDet: Annotated[tuple[RowLine, ...] | None, BeforeValidator(_as_list)] = None

    @property
    def name(self) -> str:
        """What people call it: ``PSIN-123456``."""
        return self.TransRefCode or self.TransNo

    @property
    def ids(self) -> dict[str, str]:
        """What PUT and DELETE need later (section 6: store all three)."""
        return {"CompanyNo": self.CompanyNo, "TransNo": self.TransNo, "TransRefCode": self.TransRefCode}


def said(reply: Reply) -> str:
    """Esuite's own words: Description, Message, or the raw text (section 3.1)."""
    body = reply.json()
    words = body.get("Description") or body.get("Message") if isinstance(body, dict) else None
    return " ".join(str(words or reply.text).split())[:QUOTED]


def _rows_of(value: object) -> object:
    return () if value is None else _as_list(value)


class _Trans(Model):
    Trans: Annotated[tuple[Row, ...], BeforeValidator(_rows_of)]


def read_rows(body: object) -> tuple[Row, ...] | None:
    """The transactions of ``{"Trans": [...]}``; None where the body is something else."""
    try:
        return _Trans.model_validate(body).Trans
    except ValidationError:
        return None


def read_created(body: object) -> Row | None:
    """The ``T_Trans`` of a POST's reply; None where it does not say which transaction was made."""
    try:
        row = Row.model_validate(body.get("T_Trans") if isinstance(body, dict) else None)
    except ValidationError:
        return None
    return row if row.name else None


@dataclass(slots=True)
class _Span:
    """What the shop has of one stock code: ``least`` is still open, ``most`` was before it shipped on."""

    code: str
    least: Decimal = Decimal(0)
    most: Decimal = Decimal(0)
    least_amount: Decimal = Decimal(0)
    most_amount: Decimal = Decimal(0)

    def holds(self, quantity: Decimal | None, amount: Decimal | None) -> bool:
        if quantity is None or amount is None:
            return False
        if quantity == self.least:
            return amount == self.least_amount
        if quantity == self.most:
            return amount == self.most_amount
        low, high = sorted((self.least_amount, self.most_amount))
        return self.least < quantity < self.most and low <= amount <= high


def differences(
    order: Order, *, destination: EsuiteDestination, row: Row, before: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """What the transaction says otherwise than the order, one sentence each; empty when they agree.

    Compared are quantity and money of each stock code, and the total: lines come back in another order than
    they went (section 5). A transaction may hold what the shop has shipped since it was made.

    Args:
        before: what had been shipped when it was made, see :func:`schemas.esuite.trans.change`; None where nobody
            knows.

    Raises:
        Unmappable: a line without SKU, a shipping charge without stock code.
    """
    spans, places = _spans(order, destination, before or {}), decimals(order.currency)
    taxed = destination.tax_included
    found: list[str] = []
    if row.T_TrnDet is not None:
        found += _line_differences(spans, row.T_TrnDet, tax_included=taxed, places=places)
    total = _number(row.TransTotalIncGST if taxed else row.TransTotalExGST)
    least = sum((span.least_amount for span in spans.values()), Decimal(0))
    most = sum((span.most_amount for span in spans.values()), Decimal(0))
    if total is None or not min(least, most) <= total <= max(least, most):
        found.append(f"total: Esuite has {_figure(total, places=places)}, the shop has {plain(least)}")
    return tuple(found)


def footprints(order: Order, *, destination: EsuiteDestination, before: Mapping[str, str]) -> tuple[str, ...]:
    """What a transaction of this version is known by, as it is made and as it is changed: digests of its figures.

    Args:
        before: what had been shipped when it was made, see :func:`schemas.esuite.trans.change`.

    Raises:
        Unmappable: as :func:`differences`.
    """
    places, made, changed = decimals(order.currency), _Figures(), _Figures()
    for item in items(order, destination):
        for figures, quantity in ((made, item.open), (changed, item.wanted(before))):
            figures.add(item.stock_code, quantity, item.amount(quantity, places=places))
    return tuple(dict.fromkeys(figures.digest() for figures in (made, changed) if figures.by_code))


def leaves(row: Row, prints: Collection[str]) -> bool:
    """Whether the transaction has one of these footprints, with tax or without. One without details has none."""
    lines = [line for line in row.T_TrnDet or () if line.LineType not in NO_GOODS]
    for taxed in (True, False):
        figures = _Figures()
        for line in lines:
            quantity, amount = _number(line.LineQty), _number(line.LineTotalIncGST if taxed else line.LineTotalExGST)
            if quantity is None or amount is None:
                break
            figures.add(line.StockCode, quantity, amount)
        else:
            if figures.by_code and figures.digest() in prints:
                return True
    return False


@dataclass(slots=True)
class _Figures:
    """Quantity and money of each stock code, folded."""

    by_code: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)

    def add(self, code: str, quantity: Decimal, amount: Decimal) -> None:
        if quantity or amount:
            key = code.strip().casefold()
            there = self.by_code.get(key, (Decimal(0), Decimal(0)))
            self.by_code[key] = (there[0] + quantity, there[1] + amount)

    def digest(self) -> str:
        rows = [[code, *(plain(one.normalize()) for one in pair)] for code, pair in sorted(self.by_code.items())]
        return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def _spans(order: Order, destination: EsuiteDestination, before: Mapping[str, str]) -> dict[str, _Span]:
    places = decimals(order.currency)
    spans: dict[str, _Span] = {}
    for item in items(order, destination):
        span = spans.setdefault(item.stock_code.casefold(), _Span(item.stock_code))
        most = item.wanted(before)
        span.least += item.open
        span.most += most
        span.least_amount += item.amount(item.open, places=places)
        span.most_amount += item.amount(most, places=places)
    return spans


def _line_differences(
    spans: Mapping[str, _Span], lines: tuple[RowLine, ...], *, tax_included: bool, places: int
) -> list[str]:
    there: dict[str, list[RowLine]] = {}
    for line in lines:
        if line.LineType not in NO_GOODS:
            there.setdefault(line.StockCode.casefold(), []).append(line)
    found = []
    for code in {**spans, **there}:
        rows = there.get(code, [])
        span = spans.get(code) or _Span(rows[0].StockCode)
        quantity = _sum(line.LineQty for line in rows)
        amount = _sum(line.LineTotalIncGST if tax_included else line.LineTotalExGST for line in rows)
        if not span.holds(quantity, amount):
            theirs = f"{_figure(quantity)} for {_figure(amount, places=places)}"
            ours = f"{_figure(span.least)} for {_figure(span.least_amount, places=places)}"
            found.append(f"{span.code}: Esuite has {theirs}, the shop has {ours}")
    return found


def _sum(texts: Iterable[str]) -> Decimal | None:
    total = Decimal(0)
    for text in texts:
        value = _number(text)
        if value is None:
            return None
        total += value
    return total


def _number(text: str) -> Decimal | None:
    try:
        return bounded(Decimal(text))
    except (InvalidOperation, ValueError):
        return None


def _figure(value: Decimal | None, *, places: int = 0) -> str:
    """A number as people write it, with at least so many decimals: Esuite cuts trailing zeros (section 5)."""
    if value is None:
        return "no figure"
    exponent = value.normalize().as_tuple().exponent
    return plain(rounded(value, max(places, -exponent if isinstance(exponent, int) else 0)))
