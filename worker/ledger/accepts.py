"""A person leaves an order at a destination as it is there: the other way out, beside replay."""

from __future__ import annotations

from sqlalchemy import Connection

from worker.ledger.book import Book, DeliveryState, OrderState, next_in_turn


class AcceptRefusedError(ValueError):
    """There is nothing to accept: why, and what to do instead."""


class NoDeliveryError(AcceptRefusedError):
    """The order has no delivery at that destination."""


def accept(
    connection: Connection, order_id: int, *, destination: str, now: float, by: str
) -> tuple[tuple[str, str, int, str], ...]:
    """Count a delivery that waits for a person as settled, with what the destination has of the order.

    Nothing is sent there any more until the order changes; then it is looked at before anything is written. The rest
    of the route goes on; but where the order is cancelled, it stays where its cancel waited for this one, since it
    goes its way.

    Returns:
        What to ring for: (system, destination, delivery id, order number).

    Raises:
        NoDeliveryError: the order has none at that destination.
        AcceptRefusedError: it does not wait for a person, or nothing of it is there.
    """
    book = Book(connection)
    states = book.load([order_id])
    delivery = next((d for s in states for d in s.deliveries if d.destination == destination), None)
    if delivery is None:
        known = ", ".join(d.destination for s in states for d in s.deliveries) or "none"
        raise NoDeliveryError(f"the order has no delivery at {destination}; those that it has: {known}")
    state = states[0]
    _refuse_where_nothing_waits(delivery)
    text, left = f"accepted as it is there ({by})", {"waited_for": delivery.reason, "code": delivery.code}
    state.tell("accepted", text, now, destination=destination, data=left)
    delivery.in_doubt = True  # nobody has compared what is there with this version
    _settle(delivery, state, text, now)
    wake = []
    if state.cancelled:
        for other in state.deliveries:
            if other.state == "waiting":
                text = f"the order stays here too, since it goes its way at {destination}"
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
    if not delivery.may_be_there:
        raise AcceptRefusedError(
            f"nothing of the order is at {delivery.destination}, so there is nothing to accept; mend it and replay"
        )


def _settle(delivery: DeliveryState, state: OrderState, reason: str, now: float) -> None:
    delivery.restart(now)
    delivery.state, delivery.rung_at = "delivered", None
    delivery.content_done, delivery.reason = state.content, reason
