"""Does ManEx hold header, lines, prices and due dates exactly once? An order begun there is not yet an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.demo.orders import Row, Sent
from sandbox.demo.verdict import Names

SalesOrders = Mapping[str, Sequence[Mapping[str, Any]]]
"""Order reference -> its sales orders, as ``GET /_sandbox/orders`` shows them."""


def judge_lines(rows: Sequence[Row], sent: Sequence[Sent], there: SalesOrders, names: Names) -> list[str]:
    """What is missing, or there twice, in the sales orders of ManEx, a sentence each; empty if all is well."""
    wanted = {one.answer.order: one.delivery.written for one in sent if one.delivery.written is not None}
    return [
        f"order {row.number} of {row.shop} at {leg.destination}: {problem}"
        for row in rows
        for leg in row.legs
        if names.system(leg.destination) == "manex"
        for found in there.get(names.reference(row, leg.destination), ())
        for problem in _problems(found, wanted.get(str(row.id)), complete=leg.status == "delivered")
    ]


def _problems(found: Mapping[str, Any], wanted: Sequence[str] | None, *, complete: bool) -> Iterator[str]:
    for line_no, times in Counter(line["LINE_NO"] for line in found["lines"]).items():
        if times > 1:
            yield f"line {line_no} is there {times} times"
    live = [line for line in found["lines"] if line["STATUS"] != "CANCEL"]
    for line in live:
        for what, number in (("prices", len(line["prices"])), ("due dates", len(line["due_dates"]))):
            if number > 1 or (complete and not number):
                yield f"line {line['LINE_NO']} has {number} {what}"
        scheduled = sum((Decimal(due["QTY"]) for due in line["due_dates"]), Decimal(0))
        if scheduled != Decimal(line["ORD_QTY"]) and (complete or scheduled):
            yield f"line {line['LINE_NO']} has due dates for {scheduled} of {line['ORD_QTY']}"
    if complete and not live:
        yield "it has no line"
    said = [_said(line) for line in live]
    if wanted is not None and said != list(wanted):
        yield f"it says {'; '.join(said)}, expected {'; '.join(wanted)}"


def _said(line: Mapping[str, Any]) -> str:
    part = " revision ".join(filter(None, (line["part_no"], line["revision"])))
    money = sum((Decimal(price["extended"]) for price in line["prices"]), Decimal(0))
    days = " and ".join(due["DUE_DTS1"][:10] for due in line["due_dates"])
    return f"{line['ORD_QTY']} x {part}, {money}, due {days}"
