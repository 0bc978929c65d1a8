"""Stock of the stand-in: what the database begins with, and ``GET stock`` (contracts/esuite.md section 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.esuite.data import EsuiteSettings
from sandbox.esuite.query import window
from sandbox.esuite.trans import Transaction, is_true, stock_no

CREATED = "2025-11-03 09:15:00"
USUAL = 100
"""Units of an article that nobody has counted."""


@dataclass(frozen=True, slots=True)
class Article:
    """An article; ``kind`` is its LineType."""

    code: str
    name: str
    quantity: int = USUAL
    kind: str = "S"


ARTICLES = (
    Article("000250a", "Mug, blue, 350 ml", 48),
    Article("BOOK-KNOTS", "Knots & Splices", 35),
    Article("BOOK-TIDES", "A Calendar of Tides", 120),
    Article("CLASS-ONLINE", "Tea class, online", 0, "D"),
    Article("CLOTH-NAVY", "Book cloth, navy, per metre", 60),
    Article("FREIGHT", "Freight and handling", 0, "F"),
    Article("GIFT-50", "Gift card, 50 dollars", 500, "G"),
    Article("LAMP-OIL", "Lamp oil, 1 l", 3),
    Article("MAP-HARBOUR", "Harbour chart, folded", 210),
    Article("MUG-BLUE", "Mug, blue", 48),
    Article("MUG-ÖL", "Mug, Öland", 12),
    Article("PART-10", "Hex bolt M10", 4_000),
    Article("PART-22", "Bearing 22 mm", 340),
    Article("POT-IRON", "Cast iron teapot, 0.8 l", 40),
    Article("SET-SAILOR", "Sailor's set", 15),
    Article("TEA", "TEA AND TISANES", 0, "H"),
    Article("TEA-CHAI", "Masala chai, 250 g", 180),
    Article("TEA-EARL", "Earl Grey, 100 g", 260),
    Article("TEA-SENCHA", "Sencha, 50 g", 75),
    Article("TIN-S", "Tin, small", 900),
    Article("TRAY-BRASS", "Tray, brass", 22),
)
"""Everything here is made up."""


def stock_rows(
    settings: EsuiteSettings,
    transactions: Iterable[Transaction],
    params: Mapping[str, str],
    known: Callable[[str], bool],
) -> list[dict[str, Any]]:
    """The rows of a page.

    Args:
        known: whether the database takes a StockCode on an order; one that it takes and that has no article here is
            shown when it is asked for by name, or once an order has named it.
    """
    sold, changed = _sold(transactions)
    there = _articles(settings, sold, known)
    asked = params.get("StockCode")
    if asked is not None:
        codes = [code.strip() for code in asked.split(",")]
        found = [there.get(code) or Article(code, f"Item {code}") for code in codes if code and known(code)]
    else:
        found = [one for one in there.values() if one.kind != "H" or is_true(params.get("InclHeaders", "0"))]
    if not is_true(params.get("InclDiscontinued", "0")):
        found = [one for one in found if one.code not in settings.discontinued]
    if settings.stock_filter == "heed":
        found = [one for one in found if _passes(one, params, settings, changed.get(one.code, CREATED))]
    page = dict(params)
    if settings.stock_pages == "ignore" and "PageNo" in page:
        page["PageNo"] = "1"
    return [
        _row(one, settings, sold.get(one.code, Decimal(0)), changed.get(one.code, CREATED))
        for one in found[window(page)]
    ]


def _articles(settings: EsuiteSettings, sold: Iterable[str], known: Callable[[str], bool]) -> dict[str, Article]:
    """By code: those there are from the beginning, those that were counted, those that orders have named."""
    there = {one.code: one for one in ARTICLES} if settings.stock is None else {}
    for code in (*(settings.stock or ()), *settings.levels, *sold):
        there.setdefault(code, Article(code, f"Item {code}"))
    return {code: there[code] for code in sorted(there) if known(code)}


def _sold(transactions: Iterable[Transaction]) -> tuple[dict[str, Decimal], dict[str, str]]:
    """Units on sales orders by code, and when that changed last."""
    sold: dict[str, Decimal] = {}
    changed: dict[str, str] = {}
    for transaction in transactions:
        for line in transaction.lines:
            code = line["StockCode"]
            taken = Decimal(0) if transaction.deleted else Decimal(line["LineQty"])
            sold[code] = sold.get(code, Decimal(0)) + taken
            changed[code] = max(changed.get(code, ""), transaction.get("TransModified"))
    return sold, changed


def _passes(one: Article, params: Mapping[str, str], settings: EsuiteSettings, changed: str) -> bool:
    """QtyModified and InfoCreated are "since"; what was counted by hand has changed just now."""
    if changed < params.get("QtyModified", "") and one.code not in settings.levels:
        return False
    new = one not in ARTICLES
    return (changed if new else CREATED) >= params.get("InfoCreated", "") or (new and one.code in settings.levels)


def _row(one: Article, settings: EsuiteSettings, sold: Decimal, changed: str) -> dict[str, Any]:
    """Numbers bare, prices and booleans text, dates day first (section 7)."""
    quantity = Decimal(settings.levels.get(one.code, one.quantity))
    return {
        "StockCode": one.code,
        "StockNo": stock_no(one.code),
        "StockDesc": one.name,
        "LineType": one.kind,
        "WebEnabled": "True",
        "Discontinued": str(one.code in settings.discontinued),
        "RecRetailPrice": "9.95",
        "StockQty": _bare(quantity),
        "StockOnHandQty": _bare(quantity - sold),
        "StockSalesOrderQty": _bare(sold),
        "StockCreated": datetime.fromisoformat(CREATED).strftime("%d/%m/%Y"),
        "StockQtyModified": datetime.fromisoformat(changed).strftime("%d/%m/%Y %I:%M:%S %p"),
        "StockPrice": [],
    }


def _bare(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
