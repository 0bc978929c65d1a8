"""A person leaves an order at a destination as it is there: the other way out, beside replay."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.ledger.book import Book, DeliveryState, OrderState, next_in_turn


class AcceptRefusedError(ValueError):
    """There is nothing to accept: why, and what to do instead."""


def accept(
    connection: Connection, order_id: int, *, destination: str, now: float, by: str
) -> tuple[tuple[str, str, int, str], ...]:
    """Count a delivery that waits for a person as settled, with what the destination has of the order.

    Nothing is sent there any more until the order changes. The rest of the route goes on; but where the shop has
    cancelled the order, it stays at the earlier destinations as well, since it goes its way.

    Returns:
        What to ring for: (system, destination, delivery id, order number).

    Raises:
        AcceptRefusedError: no such delivery, it does not wait for a person, or nothing of it is there.
    """
    book = Book(connection)
    states = book.load([order_id])
    delivery = next((d for s in states for d in s.deliveries if d.destination == destination), None)
    if delivery is None:
        raise AcceptRefusedError(f"the order has no delivery at {destination}")
    state = states[0]
    _refuse_where_nothing_waits(delivery)
    state.tell("accepted", f"accepted as it is there ({by}): {delivery.reason}", now, destination=destination)
    _settle(delivery, state, f"accepted as it is there ({by})", now)
    wake = []
    if state.cancelled:
        for other in state.deliveries:
            if other.state == "waiting":
                text = f"the order stays here, since it goes its way at {destination}"
                state.tell("accepted", text, now, destination=other.destination)
                _settle(other, state, text, now)
    else:
        later = next_in_turn(state)
        if later is not None:
            later.restart(now)
            wake.append(later)
    state.updated_at = now
    book.save()
    return tuple((d.system, d.destination, d.id or 0, state.number) for d in wake)


def _refuse_where_nothing_waits(delivery: DeliveryState) -> None:
    if delivery.state != "dead" and delivery.held_by != "person":
        raise AcceptRefusedError(
            f"the delivery at {delivery.destination} is {delivery.state}: it does not wait for a decision of yours"
        )
    if not (delivery.may_be_there or delivery.reference):
        raise AcceptRefusedError(
            f"nothing of the order is at {delivery.destination}, so there is nothing to accept; mend it and replay"
        )


def _settle(delivery: DeliveryState, state: OrderState, reason: str, now: float) -> None:
    delivery.restart(now)
    delivery.state, delivery.rung_at, delivery.in_doubt = "delivered", None, False
    delivery.content_done, delivery.reason = state.content, reason
