"""Does the other side hold each order exactly once? Counted at the sandbox, not in Crossdock's own ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.demo.orders import Leg, Row, Sent

Held = Mapping[str, Mapping[str, int]]
"""System -> order reference -> live objects."""

_AT_REST = ("delivered", "held", "dead", "ignored", "cancelled")


@dataclass(frozen=True, slots=True)
class Names:
    """Knows what the other side calls an order, from the configuration alone."""

    config: Mapping[str, Any]

    def system(self, destination: str) -> str:
        """The system of a destination."""
        return str(self.config["destinations"][destination]["system"])

    def reference(self, row: Row, destination: str) -> str:
        """The prefixes of destination and shop, and the number without its ``#``."""
        prefix = self.config["destinations"][destination].get("reference_prefix", "")
        return f"{prefix}{self.config['shops'][row.shop].get('number_prefix', '')}{row.number.removeprefix('#')}"


def judge(rows: Sequence[Row], sent: Sequence[Sent], held: Held, names: Names) -> list[str]:
    """Everything that is not as it should be, a sentence each; empty if all is well."""
    return [
        *_answers(sent),
        *_rests(rows),
        *_expectations(rows, sent, held, names),
        *_delivered_once(rows, held, names),
        *_on_their_way(rows, sent),
        *_nothing_else(rows, held, names),
    ]


def _answers(sent: Sequence[Sent]) -> Iterator[str]:
    for one in sent:
        expect, answer = one.delivery.expect, one.answer
        if not answer.ok:
            got = f"HTTP {answer.status}" if answer.status else f"nothing in {answer.tries} tries"
            yield f"{one.delivery.name}: the webhook was answered {got}"
        elif expect is not None and answer.outcome != expect:
            yield f"{one.delivery.name}: the webhook was answered {answer.outcome}, expected {expect}"


def _rests(rows: Sequence[Row]) -> Iterator[str]:
    for row in rows:
        if row.moving or row.status not in _AT_REST:
            yield f"{_order(row)} is still {row.status}{_because(row)}"
        elif row.status != "delivered" and not row.reason:
            yield f"{_order(row)} is {row.status} without a reason"


def _expectations(rows: Sequence[Row], sent: Sequence[Sent], held: Held, names: Names) -> Iterator[str]:
    """What our own samples say of themselves. Several webhooks of one order say the same; once is enough."""
    by_id = {str(row.id): row for row in rows}
    told: set[str] = set()
    for one in sent:
        delivery, row = one.delivery, by_id.get(one.answer.order or "")
        if delivery.ends is None and delivery.at is None:
            continue
        if row is None:
            yield f"{delivery.name}: there is no order of it"
            continue
        problems = (
            [] if delivery.ends in {None, row.status} else [f"is {row.status}{_because(row)}, expected {delivery.ends}"]
        )
        if delivery.at is not None:
            problems += _places(row, delivery.at, held, names)
        for problem in problems:
            sentence = f"{_order(row)} {problem}"
            if sentence not in told:
                told.add(sentence)
                yield sentence


def _places(row: Row, at: Sequence[str], held: Held, names: Names) -> Iterator[str]:
    wanted = {names.system(destination) for destination in at}
    everywhere = {names.system(d): names.reference(row, d) for d in names.config["destinations"]}
    for system, reference in everywhere.items():
        count = held.get(system, {}).get(reference, 0)
        if count != (system in wanted) and count < 2:  # twice is told of every order alike
            yield f"is {'not ' if not count else ''}at {system}, expected {'there' if system in wanted else 'not'}"


def _delivered_once(rows: Sequence[Row], held: Held, names: Names) -> Iterator[str]:
    for row in rows:
        for leg in row.legs:
            if leg.status == "delivered" and row.status != "cancelled":
                count = _count(row, leg, held, names)
                if leg.reference is None and count:
                    yield f"{_order(row)} had nothing to send to {leg.destination}, and is there"
                elif leg.reference is not None and not count:
                    yield f"{_order(row)} is called delivered at {leg.destination}, and is not there"


def waybills(sent: Sequence[Sent]) -> dict[str, str]:
    """Order id -> the waybill under which the warehouse sends it."""
    return {one.answer.order: one.delivery.waybill for one in sent if one.answer.order and one.delivery.waybill}


def sent_out(row: Row, waybill: str) -> bool:
    """Whether Crossdock tells that the order is on its way."""
    return any(waybill in leg.waybills and leg.progress.startswith("sent") for leg in row.legs)


def _on_their_way(rows: Sequence[Row], sent: Sequence[Sent]) -> Iterator[str]:
    wanted = waybills(sent)
    for row in rows:
        waybill = wanted.get(str(row.id))
        if waybill is not None and not sent_out(row, waybill):
            yield f"{_order(row)} is to be sent as {waybill}, and Crossdock does not tell that it was"


def _nothing_else(rows: Sequence[Row], held: Held, names: Names) -> Iterator[str]:
    """Nothing is there twice, and nothing that no order asked for."""
    asked = {(names.system(leg.destination), names.reference(row, leg.destination)) for row in rows for leg in row.legs}
    for system, references in held.items():
        for reference, count in references.items():
            if count > 1:
                yield f"{system} holds {reference} {count} times"
            elif count and (system, reference) not in asked:
                yield f"{system} holds {reference}, and no order was to go there"


def _count(row: Row, leg: Leg, held: Held, names: Names) -> int:
    return held.get(names.system(leg.destination), {}).get(names.reference(row, leg.destination), 0)


def _order(row: Row) -> str:
    return f"order {row.number} of {row.shop}"


def _because(row: Row) -> str:
    return f" ({row.reason})" if row.reason else ""
