"""Does an ERP hold each line of an order exactly once, with its money? An order begun there is not yet an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sandbox.demo.orders import Row, Sent
from sandbox.demo.verdict import Names

SalesOrder = Mapping[str, Any]
SalesOrders = Mapping[str, Mapping[str, Sequence[SalesOrder]]]
"""System -> order reference -> what it holds, as ``GET /_sandbox/orders`` shows it."""


def judge_lines(rows: Sequence[Row], sent: Sequence[Sent], there: SalesOrders, names: Names) -> list[str]:
    """What is missing, twice, or otherwise in the sales orders of ManEx, IWS and Enapps; empty if all is well."""
    wanted = {one.answer.order: one.delivery.written for one in sent if one.delivery.written is not None}
    return [
        f"order {row.number} of {row.shop} at {leg.destination}: {problem}"
        for row in rows
        for leg in row.legs
        if (system := names.system(leg.destination)) in _SAID
        for found in there.get(system, {}).get(names.reference(row, leg.destination), ())
        for problem in _problems(system, found, wanted.get(str(row.id)), complete=leg.status == "delivered")
    ]


def _problems(system: str, found: SalesOrder, wanted: Sequence[str] | None, *, complete: bool) -> Iterator[str]:
    if system == "manex":
        yield from _chain_problems(found, complete=complete)
    said = _SAID[system](found)
    if wanted is not None and said != list(wanted):
        yield f"it says {'; '.join(said)}, expected {'; '.join(wanted)}"


# ------------------------------------------------------------------ ManEx


def _live(found: SalesOrder) -> list[Mapping[str, Any]]:
    return [line for line in found["lines"] if line["STATUS"] != "CANCEL"]


def _chain_problems(found: SalesOrder, *, complete: bool) -> Iterator[str]:
    for line_no, times in Counter(line["LINE_NO"] for line in found["lines"]).items():
        if times > 1:
            yield f"line {line_no} is there {times} times"
    for line in _live(found):
        for what, number in (("prices", len(line["prices"])), ("due dates", len(line["due_dates"]))):
            if number > 1 or (complete and not number):
                yield f"line {line['LINE_NO']} has {number} {what}"
        scheduled = sum((Decimal(due["QTY"]) for due in line["due_dates"]), Decimal(0))
        if scheduled != Decimal(line["ORD_QTY"]) and (complete or scheduled):
            yield f"line {line['LINE_NO']} has due dates for {scheduled} of {line['ORD_QTY']}"
    if complete and not _live(found):
        yield "it has no line"


def _manex(found: SalesOrder) -> list[str]:
    return [_manex_line(line) for line in _live(found)]


def _manex_line(line: Mapping[str, Any]) -> str:
    part = " revision ".join(filter(None, (line["part_no"], line["revision"])))
    money = sum((Decimal(price["extended"]) for price in line["prices"]), Decimal(0))
    days = " and ".join(due["DUE_DTS1"][:10] for due in line["due_dates"])
    return f"{line['ORD_QTY']} x {part}, {money}, due {days}"


# ------------------------------------------------------------------ IWS and Enapps


def _iws(found: SalesOrder) -> list[str]:
    said = [f"{line['quantity']} x {line['itemName']}, {line['extPrice']}" for line in found["lines"]]
    return said + ([f"freight, {found['freight']}"] if Decimal(found["freight"]) else [])


def _enapps(found: SalesOrder) -> list[str]:
    return [f"{line['qty']} x {line['default_code']}, {line['subtotal']}" for line in found["lines"]]


_SAID: Mapping[str, Callable[[SalesOrder], list[str]]] = {"manex": _manex, "iws": _iws, "enapps": _enapps}
