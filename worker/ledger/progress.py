"""How orders get on at their destinations: on their deliveries and their timelines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from worker.feeds import CANCELLED, Progress
from worker.ledger import tables as t
from worker.ledger.book import Book, DeliveryState, OrderState, chunks, its_turn, next_in_turn, storable

_d, _n = t.deliveries.c, t.numbers.c

CANCELLED_THERE = "cancelled_there"
"""Code of a delivery that the destination cancelled, and the shop did not."""

ALIVE_THERE = "alive_there"
"""Code of a delivery that was cancelled, and the destination goes on with it."""


@dataclass(frozen=True, slots=True)
class Told:
    """``ours``: how many entries are about orders of ours; ``news``: how many of them were not known."""

    ours: int
    news: int


def tell(connection: Connection, destination: str, progress: Sequence[Progress], *, now: float) -> Told:
    """Write how orders get on now to their deliveries and timelines; what a destination cancelled waits for a person.

    They may have gone back: a pick undone, an order that is open again.
    """
    wanted = _orders_of(connection, destination, progress)
    book, ours, news = Book(connection), 0, 0
    states = {state.id: state for state in book.load(wanted.values())}
    for place, one in enumerate(progress):
        state = states.get(wanted.get(place))
        delivery = next((d for d in state.deliveries if d.destination == destination), None) if state else None
        if state is None or delivery is None or not _meant(delivery, one):
            continue
        ours += 1
        if _tell(state, delivery, one, now=now):
            news += 1
            _follow(state, delivery, one, now=now)
    book.save()
    return Told(ours, news)


def known(connection: Connection, destination: str, one: Progress) -> bool:
    """Whether an entry is about an order of ours, which the destination has or may have."""
    order_id = _orders_of(connection, destination, [one]).get(0)
    query = select(t.deliveries).where(_d.order_id == order_id, _d.destination == destination)
    row = connection.execute(query).mappings().one_or_none() if order_id is not None else None
    return row is not None and _meant(DeliveryState(**row), one)


def _meant(delivery: DeliveryState, one: Progress) -> bool:
    """The destination has this order of ours, and not somebody else's of the same number."""
    if not (delivery.may_be_there or delivery.reference):
        return False
    return not (one.reference and delivery.reference) or storable(one.reference) == delivery.reference


def _tell(state: OrderState, delivery: DeliveryState, one: Progress, *, now: float) -> bool:
    said, before = storable(one.text), json.loads(delivery.tracking or "{}")
    found = {storable(waybill): storable(address) for waybill, address in one.tracking.items()}
    tracking = before | {waybill: address or before.get(waybill, "") for waybill, address in found.items()}
    not_begun = not one.state and delivery.progress is None
    if not_begun or (delivery.progress or "", before) == (said, tracking):
        return False
    delivery.progress, delivery.progress_at, state.updated_at = said, now, now
    delivery.tracking = json.dumps(tracking, ensure_ascii=False) if tracking else None
    text = said + "".join(f", tracking {waybill}" for waybill in found)
    state.tell(
        "progress", text, now, destination=delivery.destination, data={"tracking": tracking} if tracking else None
    )
    return True


def _follow(state: OrderState, delivery: DeliveryState, one: Progress, *, now: float) -> None:
    """What was cancelled there alone must not look delivered, nor what goes on there look cancelled.

    When the two agree again, nothing waits any more.
    """
    if one.state == CANCELLED and delivery.state == "delivered" and _wanted(state):
        delivery.hold(
            "person",
            reason="The order was cancelled there, and the shop has not cancelled it.",
            hint="Ask why. Then cancel it in the shop too, or accept it as it is. A replay tries to send it again.",
            code=CANCELLED_THERE,
        )
        delivery.changed_at = now
        state.tell("held", delivery.reason, now, destination=delivery.destination)
        for other in state.deliveries:
            if other.state in ("ready", "retrying") and not its_turn(state, other):
                other.go(now, state="waiting")
    elif one.state != CANCELLED and delivery.state == "held" and delivery.code == CANCELLED_THERE:
        delivery.go(now, state="delivered")
        delivery.changed_at = now
        later = next_in_turn(state)
        if later is not None:
            later.go(now)  # the sweep rings for it
    elif one.state != CANCELLED and delivery.state == "cancelled":
        delivery.hold(
            "person",
            reason=f"The order was cancelled there, and it goes on all the same: {storable(one.text)}.",
            hint="Have it stopped there, then replay: it is cancelled there once more. Or accept it as it is.",
            code=ALIVE_THERE,
        )
        delivery.in_doubt, delivery.changed_at = True, now  # a replay looks, whatever was answered to the cancel
        state.tell("held", delivery.reason, now, destination=delivery.destination)
    elif one.state == CANCELLED and delivery.state == "held" and delivery.code == ALIVE_THERE:
        delivery.go(now, state="cancelled")
        delivery.in_doubt, delivery.changed_at = False, now


def _wanted(state: OrderState) -> bool:
    """The shop wants goods of it: we have not cancelled it there ourselves."""
    order = state.order()
    if order is None or state.cancelled or state.test:
        return False
    return any(line.shippable and line.open_quantity + line.fulfilled_quantity for line in order.lines)


def _orders_of(connection: Connection, destination: str, progress: Sequence[Progress]) -> dict[int, int]:
    """The order of each entry, by its place; entries of orders that are not ours are left out.

    By its number where there is one: numbers are found by their key, references by a search.
    """
    numbers = {place: storable(one.number).casefold() for place, one in enumerate(progress) if one.number}
    references = {
        place: storable(one.reference) for place, one in enumerate(progress) if one.reference and not one.number
    }
    by_number: dict[str, int] = {}
    for part in chunks(sorted(set(numbers.values()))):
        query = select(_n.number, _n.order_id).where(_n.destination == destination, _n.number.in_(part))
        by_number |= {row.number: row.order_id for row in connection.execute(query)}
    by_reference: dict[str, int] = {}
    for part in chunks(sorted(set(references.values()))):
        query = select(_d.reference, _d.order_id).where(_d.destination == destination, _d.reference.in_(part))
        by_reference |= {row.reference: row.order_id for row in connection.execute(query)}
    found = {place: by_number.get(number) for place, number in numbers.items()}
    found |= {place: by_reference.get(reference) for place, reference in references.items()}
    return {place: order_id for place, order_id in found.items() if order_id is not None}
