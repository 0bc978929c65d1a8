"""What one ManEx site holds, and the changes it can go through. All values are text, as JSON keeps them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sandbox.manex.fields import padded

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
KEY_SPACE = len(LETTERS) ** 9
KEY_STEP = 40_503_774_011  # no common factor with KEY_SPACE: every key comes once
FIRST_SONO = 790

Row = dict[str, str]


def _key(number: int) -> str:
    """Ten characters of upper-case letters, digits and ``_`` (section 11)."""
    found = ""
    for _ in range(9):
        number, rest = divmod(number, len(LETTERS))
        found = LETTERS[rest] + found
    return f"_{found}"


def part_key(part_no: str, revision: str) -> str:
    """UNIQ_KEY of a part, always the same; upper and lower case are one part."""
    named = f"{part_no.upper()}\n{revision.upper()}".encode()
    return _key(int.from_bytes(hashlib.blake2b(named, digest_size=8).digest()) % KEY_SPACE)


def link_key(custno: str, use: str) -> str:
    """Key of a customer's billing or shipping address, or a part's place in the warehouse."""
    return part_key(custno, f"link {use}")


@dataclass(slots=True, eq=False)
class Line:
    """One item. ``row`` by the names of section 4; ``part_no`` and ``revision`` are never shown in a reply."""

    key: str
    row: Row
    prices: list[Row] = field(default_factory=list)
    due_dates: list[Row] = field(default_factory=list)

    @property
    def ordered(self) -> Decimal:
        """ORD_QTY."""
        return Decimal(self.row["ORD_QTY"])

    @property
    def scheduled(self) -> Decimal:
        """The sum of its due dates' quantities."""
        return sum((Decimal(due["QTY"]) for due in self.due_dates), Decimal(0))

    @property
    def cancelled(self) -> bool:
        """Whether its status says so."""
        return self.row["STATUS"] == "CANCEL"


@dataclass(slots=True, eq=False)
class Order:
    """One sales order. ``header`` has only what was sent, by the reply's names."""

    sono: str
    custno: str
    order_date: str
    saved: str
    header: Row
    lines: list[Line] = field(default_factory=list)


class Book:
    """Orders by SONO; lines by UNIQUELN, prices by PLPRICELNK, due dates by DUEDT_UNIQ; parts by UNIQ_KEY."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.lines: dict[str, tuple[Order, Line]] = {}
        self.prices: dict[str, tuple[Line, Row]] = {}
        self.due_dates: dict[str, tuple[Line, Row]] = {}
        self.parts: dict[str, tuple[str, str]] = {}
        self._keys = 0

    def next_sono(self) -> str:
        """The number that a blank SoNo gets: digits only."""
        number = FIRST_SONO + len(self.orders)
        while padded(str(number), 10) in self.orders:
            number += 1
        return padded(str(number), 10)

    def holder(self, line: Line) -> Order:
        """The order of a line."""
        return self.lines[line.key][0]

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Carry out one change. Raises KeyError for an unknown one."""
        {
            "so_add": self._add_order,
            "so_edit": self._edit_order,
            "item_add": self._add_line,
            "item_edit": self._edit_line,
            "item_delete": self._delete_line,
            "price_add": self._add_price,
            "price_edit": self._edit_price,
            "price_delete": self._delete_price,
            "due_add": self._add_due_date,
            "due_edit": self._edit_due_date,
            "due_delete": self._delete_due_date,
            "part": self._register,
        }[entry["op"]](entry)

    def _new_key(self) -> str:
        self._keys += 1
        return _key(self._keys * KEY_STEP % KEY_SPACE)

    def _add_order(self, entry: Mapping[str, Any]) -> None:
        header = dict(entry["header"])
        self.orders[entry["sono"]] = Order(entry["sono"], entry["custno"], entry["order_date"], entry["at"], header)

    def _edit_order(self, entry: Mapping[str, Any]) -> None:
        order = self.orders[entry["sono"]]
        order.custno = entry.get("custno", order.custno)
        order.order_date = entry.get("order_date", order.order_date)
        order.saved = entry["at"]
        order.header.update(entry["header"])

    def _add_line(self, entry: Mapping[str, Any]) -> None:
        order, line = self.orders[entry["sono"]], Line(self._new_key(), dict(entry["row"]))
        order.lines.append(line)
        self.lines[line.key] = (order, line)
        self._register(line.row)

    def _edit_line(self, entry: Mapping[str, Any]) -> None:
        _, line = self.lines[entry["key"]]
        line.row.update(entry["row"])
        self._register(line.row)

    def _delete_line(self, entry: Mapping[str, Any]) -> None:
        order, line = self.lines.pop(entry["key"])
        order.lines.remove(line)
        for price in line.prices:
            del self.prices[price["PLPRICELNK"]]
        for due in line.due_dates:
            del self.due_dates[due["DUEDT_UNIQ"]]

    def _add_price(self, entry: Mapping[str, Any]) -> None:
        _, line = self.lines[entry["line"]]
        price = {"PLPRICELNK": self._new_key(), **entry["row"]}
        line.prices.append(price)
        self.prices[price["PLPRICELNK"]] = (line, price)

    def _edit_price(self, entry: Mapping[str, Any]) -> None:
        self.prices[entry["key"]][1].update(entry["row"])

    def _delete_price(self, entry: Mapping[str, Any]) -> None:
        line, price = self.prices.pop(entry["key"])
        line.prices.remove(price)

    def _add_due_date(self, entry: Mapping[str, Any]) -> None:
        _, line = self.lines[entry["line"]]
        due = {"DUEDT_UNIQ": self._new_key(), **entry["row"]}
        line.due_dates.append(due)
        self.due_dates[due["DUEDT_UNIQ"]] = (line, due)

    def _edit_due_date(self, entry: Mapping[str, Any]) -> None:
        self.due_dates[entry["key"]][1].update(entry["row"])

    def _delete_due_date(self, entry: Mapping[str, Any]) -> None:
        line, due = self.due_dates.pop(entry["key"])
        line.due_dates.remove(due)

    def _register(self, row: Mapping[str, Any]) -> None:
        if row["part_no"]:
            self.parts[row["UNIQ_KEY"]] = (row["part_no"], row["revision"])
