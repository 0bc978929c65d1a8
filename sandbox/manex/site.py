"""What every action works with: the book, the switches, and how a change is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from sandbox.manex.book import Book, Line, Order, Row, part_key
from sandbox.manex.data import NO_ORDER, REQUIRED, ManexSettings, not_in_order
from sandbox.manex.fields import Fields, RefusedError, padded, stored
from sandbox.system import Entry

SONO_WIDTH = CUSTNO_WIDTH = 10


@dataclass(frozen=True, slots=True)
class Done:
    """What an action answers. ``code``: the envelope's."""

    message: str
    response: dict[str, Any] | None = None
    code: int = 200


@dataclass(frozen=True, slots=True)
class Site:
    """One site during one call. ``commit``: :meth:`sandbox.system.System.commit`."""

    book: Book
    settings: ManexSettings
    commit: Callable[[Entry], None]

    def sono(self, fields: Fields) -> str:
        """SoNo as it is kept; blank if there is none."""
        text = fields.text("SoNo") or ""
        return padded(text, SONO_WIDTH) if text else ""

    def order(self, fields: Fields) -> Order:
        """The order that is meant. Raises RefusedError."""
        order = self.book.orders.get(self.sono(fields))
        if order is None:
            raise RefusedError(NO_ORDER, made=False)
        return order

    def line(self, fields: Fields) -> Line:
        """The line of a Price or DueDate action: uniqueLn, never a line_no. Raises RefusedError."""
        sono, key = self.sono(fields), fields.text("uniqueLn") or ""
        order, line = self.book.lines.get(key.upper(), (None, None))
        if order is None or line is None or order.sono != sono:
            raise RefusedError(not_in_order(key, sono), made=False)
        return line

    def require(self, action: str, fields: Fields) -> None:
        """Raise RefusedError if a field is missing that the edition's table requires."""
        for name in REQUIRED[self.settings.edition].get(action, ()):
            if not fields.given(name):
                raise RefusedError(f"{name} not provided.")

    def check(self, fits: object, message: str) -> None:
        """Raise RefusedError unless a value fits, or nobody looks."""
        if self.settings.validate_values and not fits:
            raise RefusedError(message)

    def stored(self, moment: datetime) -> str:
        """A date as this site keeps it."""
        return stored(moment, self.settings.dates)

    def custno(self, fields: Fields) -> str:
        """custNo as it is kept; blank if there is none."""
        text = fields.text("custNo") or ""
        return padded(text, CUSTNO_WIDTH) if text else ""

    def has_customer(self, custno: str) -> bool:
        """Whether there is such a customer."""
        if self.settings.customers is not None:
            return custno in (padded(known.strip(), CUSTNO_WIDTH) for known in self.settings.customers)
        return len(custno) == CUSTNO_WIDTH and custno.isascii() and custno.isdigit()

    def has_part(self, name: str) -> bool:
        """Whether there is such a part number or inventory key."""
        return not any(fnmatchcase(name.upper(), pattern.upper()) for pattern in self.settings.unknown_parts)

    def part(self, part_no: str, revision: str, key: str = "") -> Row:
        """A part's fields in a line; ``key`` stands in for number and revision. Raises RefusedError."""
        for name in filter(None, (part_no, key)):
            if not self.has_part(name):
                raise RefusedError(f"Part {name[:40]} does not exists.")
        if key and not part_no:
            part_no, revision = self.book.parts.get(key, ("", ""))
        return {"UNIQ_KEY": key or part_key(part_no, revision), "part_no": part_no, "revision": revision}
