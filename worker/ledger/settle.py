"""Deliveries follow their order: what the newest version, the release rule and the routes ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from schemas.config import Config, Route
from schemas.order import Order
from schemas.routing import NoRoute, asks_for_stock, number_at_destination, release, route
from schemas.stock import Catalogue
from worker.ledger import tables as t
from worker.ledger.book import DeliveryState, OrderState, its_turn
from worker.ledger.destinations import NOT_CONFIGURED, not_configured
from worker.ledger.stock import catalogue

OTHER_ROUTE = "other_route"
"""Code of a delivery that was cancelled because its order takes another route."""

NUMBER_CHARS = 300


class Settler:
    """Settles orders within one transaction. Made before the orders are loaded: destinations are locked first."""

    def __init__(self, connection: Connection, config: Config, *, now: float) -> None:
        self._connection = connection
        self._config = config
        self._now = now
        # Shared lock: a destination that is resumed meanwhile would miss what is held for it here.
        query = select(t.destinations).where(t.destinations.c.status == "suspended").order_by(t.destinations.c.name)
        self._suspended = {row.name: row for row in connection.execute(query.with_for_update(read=True))}

    def settle(self, state: OrderState, *, changed: bool) -> None:
        """Bring the deliveries in line with the order, and say on the timeline what was decided.

        Args:
            changed: destinations see another order than when it was last settled. Else whatever failed or waits
                for a person stays as it is, and only what the order itself held back moves.
        """
        if state.test:
            for delivery in state.deliveries:
                if delivery.state not in ("delivered", "cancelled") and not delivery.may_be_there:
                    delivery.drop(self._now, reason="a test order goes nowhere")
            return
        if state.cancelled:
            self._cancel(state, changed=changed)
            return
        order = state.order()
        if order is None:
            return
        chosen = self._choose(state, order)
        if isinstance(chosen, str):
            self.hold(state, chosen, changed=changed)
            return
        state.hold = None
        if any(d.may_be_there for d in state.deliveries):
            self._again(state, chosen, changed=changed)
        else:
            self._plan(state, chosen, changed=changed)

    def _choose(self, state: OrderState, order: Order) -> Route | str:
        """The order's route, or why it waits."""
        shop = self._config.shops.get(state.shop)
        if shop is None:
            return f"the shop {state.shop} is not in the configuration any more; add it, then replay"
        waits = release(order, shop=shop)
        if waits is not None:
            return waits
        begun = state.route if any(d.may_be_there for d in state.deliveries) else None
        stock = self._stock(order) if begun is None else None
        chosen = route(order, shop=state.shop, config=self._config, stock=stock, begun=begun)
        return chosen.reason if isinstance(chosen, NoRoute) else chosen

    def _stock(self, order: Order) -> Catalogue | None:
        """What the destinations say about the order's codes, where a route wants to know."""
        places = [self._config.destinations[name] for name in asks_for_stock(self._config)]
        return catalogue(self._connection, order, places) if places else None

    def hold(self, state: OrderState, reason: str, *, changed: bool = False) -> None:
        """The order itself waits: nothing of it goes out until its reason is gone."""
        state.hold = reason
        state.tell("held", reason, self._now)
        for delivery in state.deliveries:
            moving = delivery.state in ("ready", "retrying", "waiting") or delivery.held_by in ("destination", "order")
            if moving or (changed and delivery.state in ("dead", "held")):
                delivery.hold("order", reason=reason, code="order_held")

    def _plan(self, state: OrderState, chosen: Route, *, changed: bool) -> None:
        """Nothing was sent yet: the deliveries are exactly those of the route."""
        have = {delivery.destination: delivery for delivery in state.deliveries}
        for name, delivery in have.items():
            if name not in chosen.deliver and delivery.state != "cancelled":
                delivery.drop(self._now, reason=f"the order takes the route {chosen.name} now", code=OTHER_ROUTE)
        for position, name in enumerate(chosen.deliver):
            delivery = have.get(name) or self._new(state, name)
            out_of_turn = position > 0 and delivery.state in ("ready", "retrying")
            delivery.position = position
            if changed or out_of_turn or _waits_for_its_order(delivery):
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
        if delivery.state == "waiting" and not first:
            return
        suspended = self._suspended.get(delivery.destination)
        delivery.restart(self._now)
        if not first:
            delivery.go(self._now, state="waiting")
        elif delivery.destination not in self._config.destinations:
            reason, hint = not_configured(delivery.destination)
            delivery.hold("person", reason=reason, hint=hint, code=NOT_CONFIGURED)
        elif suspended is not None:
            delivery.hold("destination", reason=suspended.reason, hint=suspended.hint, code=suspended.code)

    def _again(self, state: OrderState, chosen: Route, *, changed: bool) -> None:
        """Something may be at a destination: those that do not agree with this version converge once more."""
        if changed and chosen.name != state.route:
            text = f"the order would take the route {chosen.name} now; it stays on {state.route}, where work has begun"
            state.tell("note", text, self._now)
        open_before = False
        for delivery in state.deliveries:
            agrees = delivery.state == "delivered" and delivery.content_done == state.content
            if agrees or (delivery.state == "cancelled" and delivery.code == OTHER_ROUTE):
                continue
            if changed or _waits_for_its_order(delivery):
                self.start(delivery, first=not open_before)
            open_before = True

    def _cancel(self, state: OrderState, *, changed: bool) -> None:
        """Nothing is sent any more; where something is, or may be, the delivery converges to "not there"."""
        state.hold = None
        if changed:
            text = "the order is cancelled: nothing more of it is sent, and what is there is taken back"
            state.tell("cancelled", text, self._now)
        state.cancels = self._cancels(state)
        for delivery in state.deliveries:
            if delivery.state in ("cancelled", "delivering") or not (changed or delivery.held_by == "order"):
                continue
            if delivery.may_be_there and not delivery.needed_nothing:
                delivery.restart(self._now)
                delivery.go(self._now, state="waiting")
            else:
                there_was = "nothing of it was there" if delivery.needed_nothing else "cancelled before it was sent"
                delivery.drop(self._now, reason=there_was)
        for delivery in state.deliveries:
            moving = delivery.state in ("ready", "retrying") or delivery.held_by == "destination"
            if moving and not its_turn(state, delivery):
                delivery.go(self._now, state="waiting")
        for delivery in state.deliveries:
            if delivery.state == "waiting" and its_turn(state, delivery):
                self.start(delivery, first=True)

    def _cancels(self, state: OrderState) -> str:
        chosen = next((one for one in self._config.routes if one.name == state.route), None)
        return chosen.cancel if chosen is not None else state.cancels

    def claim_numbers(self, states: Sequence[OrderState]) -> None:
        """Hold what would land on another order's number at a destination; the first to claim a number keeps it.

        The orders must have their ids.
        """
        wanted = [(state, d, number) for state in states for d, number in self._wanting(state)]
        if not wanted:
            return
        rows = [{"destination": d.destination, "number": _folded(number), "order_id": s.id} for s, d, number in wanted]
        rows.sort(key=lambda row: (row["destination"], row["number"]))  # a fixed order, so that nobody deadlocks
        holders = self._claim_numbers(rows)
        for state, delivery, number in wanted:
            holder = holders[delivery.destination, _folded(number)]
            if holder != state.id:
                text = (
                    f"the number {number} belongs to another order at {delivery.destination} already (order {holder})"
                )
                hint = "Give one of the shops a number_prefix, or edit this order's number, then replay."
                delivery.hold("number", reason=text, hint=hint, code="number_taken")
                state.tell("held", text, self._now, destination=delivery.destination)

    def _claim_numbers(self, rows: Sequence[dict[str, Any]]) -> dict[tuple[str, str], int]:
        """Who holds each of these numbers once the free ones are taken: (destination, number) -> order id."""
        n = t.numbers.c
        dialect = sqlite if self._connection.dialect.name == "sqlite" else postgresql
        claim = dialect.insert(t.numbers).on_conflict_do_nothing().returning(n.destination, n.number, n.order_id)
        holders = {(row.destination, row.number): row.order_id for row in self._connection.execute(claim, rows)}
        known = [key for row in rows if (key := (row["destination"], row["number"])) not in holders]
        if known:
            query = select(t.numbers).where(tuple_(n.destination, n.number).in_(known))
            holders |= {(row.destination, row.number): row.order_id for row in self._connection.execute(query)}
        return holders

    def _wanting(self, state: OrderState) -> list[tuple[DeliveryState, str]]:
        moving = [d for d in state.deliveries if d.state in ("ready", "retrying", "waiting") and not d.may_be_there]
        order = state.order() if moving and not state.cancelled and state.hold is None else None
        shop = self._config.shops.get(state.shop)
        if order is None or shop is None or state.test:
            return []
        number = number_at_destination(order, shop)
        return [(delivery, number) for delivery in moving]


def _waits_for_its_order(delivery: DeliveryState) -> bool:
    """Neither failed, nor on its way, nor a person's: it stands where its order put it, or has an older version."""
    return delivery.state in ("waiting", "cancelled", "delivered") or delivery.held_by == "order"


def _folded(number: str) -> str:
    # Folded case: Ongoing's database compares without it (contracts/ongoing.md section 6, trap 8).
    return number.casefold()[:NUMBER_CHARS]
