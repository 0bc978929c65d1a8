"""Esuite: reading what ``GET stock`` answers (contracts/esuite.md section 7)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from schemas.echo import exact, members, words

NOT_STOCKED = ("D", "F", "H")
"""Line types of descriptions, freight and headers: a figure of theirs says nothing."""

_TRUE = ("true", "1")


class Article:
    """One row of a reply, whose values are numbers, strings or ``"True"`` as it pleases (section 9, trap 6)."""

    def __init__(self, row: dict[str, Any]) -> None:
        self._row = row

    @property
    def code(self) -> str:
        """Its StockCode; empty where the row has none."""
        return words(self._row.get("StockCode"))

    @property
    def name(self) -> str:
        """What people call it."""
        return words(self._row.get("StockDesc"))

    @property
    def discontinued(self) -> bool:
        """Taken out of the range: left out unless asked for, and here in any case."""
        return words(self._row.get("Discontinued")).lower() in _TRUE

    @property
    def free(self) -> Decimal | None:
        """What can be sold of it; None where it is not told, or is not kept in stock.

        In the sample of section 7 StockOnHandQty is StockQty less StockSalesOrderQty, so on hand is what sales orders
        have left.
        """
        if words(self._row.get("LineType")) in NOT_STOCKED:
            return None
        on_hand = exact(self._row.get("StockOnHandQty"))
        if on_hand is not None:
            return on_hand
        there, sold = (exact(self._row.get(name)) for name in ("StockQty", "StockSalesOrderQty"))
        return None if there is None else there - (sold or Decimal(0))


def read_articles(body: object) -> tuple[Article, ...] | None:
    """The articles of ``{"Stk": [...]}``, of V1's ``{"Stock": [...]}``; None where the body is something else."""
    told = members(body)
    rows = next((told[name] for name in ("Stk", "Stock") if name in told), None)
    if isinstance(rows, dict):
        rows = [rows]
    if not isinstance(rows, list):
        return None
    return tuple(Article(row) for row in rows if isinstance(row, dict))
