"""ManEx: the writes that lead from what is there to what has to be there (contracts/manex.md section 10)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from schemas.http import Call
from schemas.manex import Part, told
from schemas.manex.calls import Calls, Resolved
from schemas.manex.desired import Desired, Item
from schemas.manex.reply import DueRow, LineRow, PriceRow, SalesOrder
from schemas.model import plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """One call that changes something.

    Attributes:
        what: what it is about, for people: ``the price of line 3``.
        says: the timeline's sentence once it is done; ``{lines}`` stands for the lines that have the same sentence.
    """

    action: str
    call: Call
    line_no: int
    what: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What earlier attempts remember.

    Attributes:
        parts: by line number, the part that was written.
        dated: lines whose due dates were written; for sites whose DueDateList stays empty, as in the samples.
        verified: everything was read back once; a date that differs since then was moved in ManEx.
    """

    parts: Mapping[int, str] = field(default_factory=dict)
    dated: frozenset[int] = frozenset()
    verified: bool = False


@dataclass(slots=True, kw_only=True)
class Difference:
    """A sales order as it has to be beside the one that is there."""

    desired: Desired
    there: SalesOrder
    prices: Mapping[str, PriceRow | None]
    known: Known
    calls: Calls
    parts: Mapping[Part, Resolved]

    def row(self, line_no: int) -> LineRow | None:
        """Our line there. Of several with its number the one that is not cancelled: a person mended a double one."""
        rows = self._rows(line_no)
        return rows[0] if rows else None

    def _rows(self, line_no: int) -> list[LineRow]:
        rows = [row for row in self.there.lines if row.line_no == line_no]
        return [row for row in rows if not row.cancelled] or rows[:1]

    def doubles(self) -> tuple[int, ...]:
        """Line numbers that more than one line has; nobody can tell which is ours."""
        ours = (*(item.line_no for item in self.desired.items), *self.desired.gone)
        return tuple(line_no for line_no in ours if len(self._rows(line_no)) > 1)

    def resumed(self) -> str:
        """What an attempt that did not begin from nothing has found."""
        missing, lines = self.missing(), [item.line_no for item in self.desired.items]
        there = [line_no for line_no in lines if line_no not in missing]
        was = f"the header {self.desired.so_no}"
        if there:
            was += f" and line{'s' if len(there) > 1 else ''} {told(there)}"
        return f"resumed at line {missing[0]} of {lines[-1]}: found {was}" if missing else f"resumed: found {was}"

    def missing(self) -> tuple[int, ...]:
        """Lines that are not there yet."""
        return tuple(item.line_no for item in self.desired.items if self.row(item.line_no) is None)

    def stuck(self) -> tuple[str, ...]:
        """What ManEx does not let be changed any more, a sentence each (section 4, rule for editing status)."""
        return tuple(sentence for sentence, _ in self._stuck())

    def _stuck(self) -> Iterator[tuple[str, int]]:
        for item, row in self._pairs():
            problem = _fixed(item, row)
            if problem:
                wanted = f"the shop wants {plain(item.quantity)}"
                yield f"line {item.line_no} {problem}, {wanted}", item.line_no
        for line_no in self.desired.gone:
            row = self.row(line_no)
            if row is not None and not row.cancelled and (row.finished or row.status == "CLOSED"):
                yield f"line {line_no} was shipped or closed, so it cannot be cancelled", line_no

    def _pairs(self) -> Iterator[tuple[Item, Any]]:
        for item in self.desired.items:
            row = self.row(item.line_no)
            if row is not None:
                yield item, row

    def _free(self) -> list[tuple[Item, LineRow]]:
        """Lines that are there and can be changed."""
        stuck = {line_no for _, line_no in self._stuck()}
        return [(item, row) for item, row in self._pairs() if item.line_no not in stuck]

    # ------------------------------------------------------------------ stages: each only of calls that need no other

    def shrinking(self) -> list[Write]:
        """Due dates of lines that become smaller: their quantities must never add up to more than the line's."""
        return [
            self._due_edit(item, row, replace(row.due[0], quantity=item.quantity))
            for item, row in self._free()
            if len(row.due) == 1 and (row.due[0].quantity or Decimal(0)) > item.quantity
        ]

    def lines(self) -> list[Write]:
        """Lines that are added, changed, cancelled."""
        return [*self._added(), *self._changed(), *self._cancelled()]

    def _added(self) -> Iterator[Write]:
        last, missing = max((item.line_no for item in self.desired.items), default=0), self.missing()
        for item in self.desired.items:
            if item.line_no in missing:
                yield Write(
                    action="ItemADD",
                    call=self.calls.item_add(self.desired.so_no, item, self.parts.get(item.part, Resolved())),
                    line_no=item.line_no,
                    what=f"line {item.line_no} ({item.part})",
                    says=f"{{lines}} of {last} added",
                )

    def _changed(self) -> Iterator[Write]:
        for item, row in self._free():
            changes = []
            if row.cancelled:
                changes.append("wanted again")
            if row.quantity != item.quantity:
                changes.append(f"quantity {_figure(row.quantity)} -> {plain(item.quantity)}")
            if self._other_part(item, row):
                changes.append(f"part {item.part}")
            if changes:
                part = self.parts.get(item.part, Resolved())
                yield Write(
                    action="ItemEdit",
                    call=self.calls.item_edit(self.desired.so_no, row.unique_ln, item, part, reopen=row.cancelled),
                    line_no=item.line_no,
                    what=f"the change of line {item.line_no} ({', '.join(changes)})",
                    says=f"line {item.line_no}: {', '.join(changes)}",
                )

    def _other_part(self, item: Item, row: LineRow) -> bool:
        # PART_NUM is null in replies (section 4): the inventory key tells, or what an earlier attempt remembers.
        key = self.parts.get(item.part, Resolved()).uniq_key
        if key:
            return row.uniq_key != key
        return self.known.parts.get(item.line_no, str(item.part)) != str(item.part)

    def _cancelled(self) -> Iterator[Write]:
        for line_no in self.desired.gone:
            row = self.row(line_no)
            if row is not None and not row.cancelled and not row.finished and row.status != "CLOSED":
                yield Write(
                    action="ItemEdit",
                    call=self.calls.item_cancel(self.desired.so_no, row.unique_ln, row.uniq_key),
                    line_no=line_no,
                    what=f"the cancellation of line {line_no}",
                    says="{lines} cancelled",
                )

    def prices_and_dates(self) -> list[Write]:
        """Prices and due dates of lines that are there."""
        found: list[Write] = []
        for item, row in self._free():
            found += self._price(item, row)
        for item, row in self._free():
            found += self._due(item, row)
        return found

    def _price(self, item: Item, row: LineRow) -> Iterator[Write]:
        there, so_no = self.prices.get(row.unique_ln), self.desired.so_no
        if there is None:
            yield Write(
                action="PriceAdd",
                call=self.calls.price_add(so_no, row.unique_ln, item.price),
                line_no=item.line_no,
                what=f"the price of line {item.line_no}",
                says="{lines} priced",
            )
        elif (there.amount, there.flat) != (item.price.amount, item.price.flat):
            yield Write(
                action="PriceEdit",
                call=self.calls.price_edit(so_no, row.unique_ln, there.link, item.price),
                line_no=item.line_no,
                what=f"the new price of line {item.line_no}",
                says=f"line {item.line_no}: price {_figure(there.amount)} -> {item.price}",
            )

    def _due(self, item: Item, row: LineRow) -> Iterator[Write]:
        order = self.desired
        if not row.due and item.line_no not in self.known.dated:
            yield Write(
                action="DueDateAdd",
                call=self.calls.due_add(order.so_no, row.unique_ln, order, item.quantity),
                line_no=item.line_no,
                what=f"the due date of line {item.line_no}",
                says=f"{{lines}} due on {order.due}, to be shipped on {order.ship}",
            )
        elif len(row.due) == 1:
            wanted = replace(row.due[0], quantity=item.quantity)
            if not self.known.verified:
                wanted = replace(wanted, due=order.due, ship=order.ship if row.due[0].ship else None)
            if wanted != row.due[0]:
                yield self._due_edit(item, row, wanted)

    def _due_edit(self, item: Item, row: LineRow, wanted: DueRow) -> Write:
        return Write(
            action="DueDateEdit",
            call=self.calls.due_edit(self.desired.so_no, row.unique_ln, wanted),
            line_no=item.line_no,
            what=f"the due date of line {item.line_no}",
            says=f"{{lines}} due on {wanted.due}, to be shipped on {wanted.ship}, as many as ordered",
        )

    # ------------------------------------------------------------------ what was read back

    def swapped(self) -> str:
        """Day and month of a date that was written stand the other way round there: a sentence, or nothing."""
        order = self.desired
        if self.known.verified:
            return ""
        pairs = [("the order date", order.order_date, self.there.order_date)]
        for item, row in self._pairs():
            for due in row.due[:1]:
                pairs.append((f"the due date of line {item.line_no}", order.due, due.due))
                pairs.append((f"the ship date of line {item.line_no}", order.ship, due.ship))
        for name, ours, theirs in pairs:
            if exchanged(ours, theirs):
                return f"{name} was written as {ours} and stands in ManEx as {theirs}, day and month exchanged"
        return ""

    def remarks(self) -> tuple[str, ...]:
        """Sentences for the timeline: dates that were moved in ManEx, or that it does not show."""
        hidden = [item.line_no for item, row in self._pairs() if not row.due]
        said = [
            f"line {item.line_no} is due on {row.due[0].due} in ManEx, not on {self.desired.due}; left as it is"
            for item, row in self._pairs()
            if self.known.verified and len(row.due) == 1 and row.due[0].due != self.desired.due
        ]
        if hidden:
            said.append(f"ManEx shows no due date of line {told(hidden)}, so it was not checked")
        return tuple(said)


def _fixed(item: Item, row: LineRow) -> str:
    """Why the line cannot become what it has to be; empty where it can. Quantity may always be raised (section 4)."""
    if row.shipped is not None and row.shipped > item.quantity:
        return f"was shipped with {_figure(row.shipped)}"
    if row.quantity != item.quantity and row.status == "CLOSED":
        return f"is closed with {_figure(row.quantity)}"
    if row.finished and row.quantity is not None and row.quantity > item.quantity:
        return f"has no balance left of {_figure(row.quantity)}"
    if len(row.due) > 1 and _total(row.due) != item.quantity:
        return f"has {len(row.due)} due dates for {_figure(_total(row.due))} in all"
    return ""


def exchanged(ours: date, theirs: date | None) -> bool:
    """Day and month stand the other way round there."""
    if theirs is None or theirs == ours:
        return False
    return (theirs.year, theirs.month, theirs.day) == (ours.year, ours.day, ours.month)


def _total(rows: Sequence[DueRow]) -> Decimal:
    return sum((row.quantity or Decimal(0) for row in rows), Decimal(0))


def _figure(value: Decimal | None) -> str:
    """A number as people write it: ``3`` and not ``3.00``."""
    return "no figure" if value is None else format(value.normalize() if value else Decimal(0), "f")
