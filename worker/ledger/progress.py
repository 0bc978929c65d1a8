"""How orders get on at their destinations: on their deliveries and their timelines."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from worker.feeds import Progress
from worker.ledger import tables as t
from worker.ledger.book import Book, DeliveryState, OrderState, chunks, storable

_d, _n = t.deliveries.c, t.numbers.c


@dataclass(frozen=True, slots=True)
class Told:
    """``ours``: how many entries are about orders of ours; ``news``: how many of them were not known."""

    ours: int
    news: int


def tell(
    connection: Connection, destination: str, progress: Sequence[Progress], *, now: float, late: bool = False
) -> Told:
    """Write how orders get on to their deliveries and timelines.

    Args:
        late: what is told may be old (a webhook): what is behind the known step is no news then. Without it this is
            how things are now, and they may have gone back.
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
        if not late or one.step >= (delivery.progress_step or 0):
            news += _tell(state, delivery, one, now=now)
    book.save()
    return Told(ours, news)


def _meant(delivery: DeliveryState, one: Progress) -> bool:
    """The destination has this order of ours, and not somebody else's of the same number."""
    if not (delivery.may_be_there or delivery.reference):
        return False
    return not (one.reference and delivery.reference) or storable(one.reference) == delivery.reference


def _tell(state: OrderState, delivery: DeliveryState, one: Progress, *, now: float) -> bool:
    said, known = storable(one.text), json.loads(delivery.tracking or "{}")
    found = {storable(waybill): storable(address) for waybill, address in one.tracking.items()}
    tracking = known | {waybill: address or known.get(waybill, "") for waybill, address in found.items()}
    delivery.progress_step = one.step or None
    if (delivery.progress or "", known) == (said, tracking):
        return False
    delivery.progress, delivery.progress_at = said, now
    delivery.tracking = json.dumps(tracking, ensure_ascii=False) if tracking else None
    text = said + "".join(f", tracking {waybill}" for waybill in found)
    state.tell(
        "progress", text, now, destination=delivery.destination, data={"tracking": tracking} if tracking else None
    )
    return True


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
