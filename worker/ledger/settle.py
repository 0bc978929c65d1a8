"""Deliveries follow their order: what the newest version, the release rule and the routes ask for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from schemas.config import Config, Route
from schemas.order import Order
from schemas.routing import NoRoute, number_at_destination, release, route
from worker.ledger import tables as t
from worker.ledger.book import DeliveryState, OrderState


class Settler:
    """Settles orders within one transaction."""

    def __init__(self, connection: Connection, config: Config, *, now: float) -> None:
        self._connection = connection
        self._config = config
        self._now = now
        query = select(t.destinations).where(t.destinations.c.status == "suspended")
        self._suspended = {row.name: row for row in connection.execute(query)}

    def settle(self, state: OrderState, order: Order | None = None) -> None:
        """Bring the deliveries in line with the order, and say on the timeline what was decided."""
        order = order or state.order()
        if state.test:
            return
        if state.cancelled:
            self._cancel(state)
            return
        if order is None:
            return
        shop = self._config.shops.get(state.shop)
        if shop is None:
            state.hold = f"the shop {state.shop} is not in the configuration any more; add it, then replay"
        else:
            state.hold = release(order, shop=shop)
        chosen = self._route(state, order) if state.hold is None else None
        if chosen is None:
            self._hold(state)
            return
        if any(d.may_be_there for d in state.deliveries):
            self._again(state, chosen)
        else:
            self._plan(state, chosen)

    def _route(self, state: OrderState, order: Order) -> Route | None:
        chosen = route(order, shop=state.shop, config=self._config)
        if isinstance(chosen, NoRoute):
            state.hold = chosen.reason
            return None
        return chosen

    def _hold(self, state: OrderState) -> None:
        """The order itself waits: nothing of it goes out until its reason is gone."""
        state.tell("held", state.hold or "", self._now)
        for delivery in state.deliveries:
            if delivery.state in ("ready", "retrying", "waiting") or delivery.held_by == "destination":
                delivery.hold("order", reason=state.hold or "", code="order_held")

    def _plan(self, state: OrderState, chosen: Route) -> None:
        """Nothing was sent yet: the deliveries are exactly those of the route."""
        have = {delivery.destination: delivery for delivery in state.deliveries}
        for name, delivery in have.items():
            if name not in chosen.deliver and delivery.state != "cancelled":
                delivery.state, delivery.reason = "cancelled", f"the order takes the route {chosen.name} now"
        for position, name in enumerate(chosen.deliver):
            delivery = have.get(name) or self._new(state, name)
            delivery.position = position
            self.start(delivery, first=position == 0)
        state.deliveries.sort(key=lambda d: d.position)
        if state.route != chosen.name:
            state.tell("routed", f"route {chosen.name}: {' -> '.join(chosen.deliver)}", self._now)
        state.route = chosen.name

    def _new(self, state: OrderState, name: str) -> DeliveryState:
        delivery = DeliveryState(
            destination=name,
            system=self._config.destinations[name].system,
            position=0,
            state="waiting",
            due_at=self._now,
            changed_at=self._now,
        )
        state.deliveries.append(delivery)
        return delivery

    def start(self, delivery: DeliveryState, *, first: bool) -> None:
        """Let a delivery go, or wait for its turn, or for its suspended destination."""
        if delivery.state == "delivering":
            return  # whoever has it compares versions when it is recorded
        delivery.changed_at = self._now
        suspended = self._suspended.get(delivery.destination)
        if not first:
            delivery.go(self._now, state="waiting")
        elif suspended is not None:
            delivery.hold("destination", reason=suspended.reason, hint=suspended.hint, code=suspended.code)
        else:
            delivery.go(self._now)
            delivery.failures, delivery.failing, delivery.alike, delivery.first_try_at = 0, "", 0, None
            delivery.rung_at = self._now

    def _again(self, state: OrderState, chosen: Route) -> None:
        """Something may be at a destination: those that do not agree with this version converge once more."""
        if chosen.name != state.route:
            text = f"the order would take the route {chosen.name} now; it stays on {state.route}, where work has begun"
            state.tell("note", text, self._now)
        open_before = False
        for delivery in state.deliveries:
            if delivery.state == "cancelled" or (
                delivery.state == "delivered" and delivery.content_done == state.content
            ):
                continue
            if delivery.state == "delivering":
                open_before = True
                continue
            self.start(delivery, first=not open_before)
            open_before = True

    def _cancel(self, state: OrderState) -> None:
        """Nothing is sent any more; where something is, or may be, the delivery converges to "not there"."""
        state.hold = None
        state.tell("cancelled", "the shop cancelled the order", self._now)
        for delivery in state.deliveries:
            if delivery.state in ("cancelled", "delivering"):
                continue
            if delivery.may_be_there and not (delivery.state == "delivered" and delivery.reference is None):
                self.start(delivery, first=True)
            else:
                delivery.go(self._now, state="cancelled")
                delivery.changed_at = self._now
                delivery.reason = "cancelled before it was sent"

    def claim_numbers(self, states: Sequence[OrderState]) -> None:
        """Hold what would land on another order's number at a destination; the first to claim a number keeps it.

        The orders must have their ids.
        """
        wanted = [(state, d, number) for state in states for d, number in self._wanting(state)]
        if not wanted:
            return
        rows = [
            {"destination": d.destination, "number": number.casefold(), "order_id": s.id} for s, d, number in wanted
        ]
        rows.sort(key=lambda row: (row["destination"], row["number"]))  # a fixed order, so that nobody deadlocks
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        self._connection.execute(dialect.insert(t.numbers).on_conflict_do_nothing(), rows)
        n = t.numbers.c
        keys = tuple_(n.destination, n.number).in_([(row["destination"], row["number"]) for row in rows])
        holders = {
            (row.destination, row.number): row.order_id
            for row in self._connection.execute(select(t.numbers).where(keys))
        }
        for state, delivery, number in wanted:
            holder = holders[delivery.destination, number.casefold()]
            if holder != state.id:
                text = (
                    f"the number {number} belongs to another order at {delivery.destination} already (order {holder})"
                )
                hint = "Give one of the shops a number_prefix, or edit this order's number, then replay."
                delivery.hold("number", reason=text, hint=hint, code="number_taken")
                state.tell("held", text, self._now, destination=delivery.destination)

    def _wanting(self, state: OrderState) -> list[tuple[DeliveryState, str]]:
        # Folded case: Ongoing's database compares without it (contracts/ongoing.md section 6, trap 8).
        moving = [d for d in state.deliveries if d.state in ("ready", "retrying", "waiting") and not d.may_be_there]
        order = state.order() if moving and not state.cancelled and state.hold is None else None
        shop = self._config.shops.get(state.shop)
        if order is None or shop is None or state.test:
            return []
        number = number_at_destination(order, shop)
        return [(delivery, number) for delivery in moving]
