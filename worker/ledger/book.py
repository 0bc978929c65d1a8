"""The unit of work: orders and their deliveries are read, changed as plain values, and written back together.

Whatever changes an order (a webhook, an outcome, an operator) goes through :func:`load` and :func:`save`
inside one transaction, so status, timeline and deliveries can never disagree.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from operator import attrgetter
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Select, Update, bindparam, insert, select, tuple_, update

from schemas.order import Order
from worker.ledger import tables as t
from worker.ledger.merge import merge
from worker.ledger.status import refresh_status

T = TypeVar("T")

CHUNK = 500
"""Values in one IN list; SQLite allows 32,766 in a statement."""


@dataclass(slots=True)
class Event:
    """One line of the timeline, for people. ``data`` is what stands behind it: an exchange, figures."""

    kind: str
    text: str
    at: float
    destination: str | None = None
    data: Mapping[str, Any] | None = None


@dataclass(slots=True)
class DeliveryState:
    """A row of ``deliveries``. States and their meaning: docs/how-it-works.md."""

    destination: str
    system: str
    position: int
    state: str
    due_at: float
    changed_at: float
    id: int | None = None
    order_id: int | None = None
    attempts: int = 0
    failures: int = 0
    failing: str = ""
    alike: int = 0
    crashes: int = 0
    rung_at: float | None = None
    first_try_at: float | None = None
    lease_id: str | None = None
    in_doubt: bool = False
    interrupted: bool = False
    held_by: str | None = None
    reference: str | None = None
    memo: str = "{}"
    content_done: str | None = None
    code: str = ""
    reason: str = ""
    hint: str = ""
    progress: str | None = None
    progress_at: float | None = None
    tracking: str | None = None

    @property
    def may_be_there(self) -> bool:
        """The destination holds something of this order, or it may."""
        return self.in_doubt or self.state == "delivering" or self.content_done is not None

    @property
    def needed_nothing(self) -> bool:
        """It agrees, and the destination holds nothing: there was nothing to ship, to book or to make."""
        return self.state == "delivered" and self.reference is None and not self.in_doubt

    def go(self, now: float, *, state: str = "ready") -> None:
        """Let it run: nothing holds it any more."""
        self.state, self.due_at, self.rung_at = state, now, None
        self.held_by, self.code, self.reason, self.hint = None, "", "", ""

    def restart(self, now: float) -> None:
        """Let it run as if it had never failed; whoever calls this rings for it."""
        self.go(now)
        self.failures, self.failing, self.alike, self.crashes = 0, "", 0, 0
        self.first_try_at, self.rung_at, self.changed_at = None, now, now

    def drop(self, now: float, *, reason: str, code: str = "") -> None:
        """Nothing of it is there, and nothing will be sent."""
        self.go(now, state="cancelled")
        self.changed_at, self.reason, self.code, self.content_done = now, reason, code, None

    def die(self, reason: str, *, hint: str, code: str) -> None:
        """A person must look at it."""
        self.state, self.held_by = "dead", None
        self.reason, self.hint, self.code = reason, hint, code

    def hold(self, by: str, *, reason: str, hint: str = "", code: str = "held") -> None:
        """Let it wait in plain sight; ``by`` says who can let it go: destination, number, order or person."""
        self.state, self.held_by, self.lease_id = "held", by, None
        self.code, self.reason, self.hint = code, reason, hint


@dataclass(slots=True)
class OrderState:
    """A row of ``orders`` with its deliveries, and the events that this transaction adds."""

    shop: str
    shop_order_id: str
    number: str
    received_at: float
    updated_at: float
    id: int | None = None
    version_at: float | None = None
    tie: str = ""
    rank: int = 0
    body_sha: str = ""
    content: str = ""
    shop_version: str | None = None
    edit: str | None = None
    cancelled: bool = False
    test: bool = False
    route: str | None = None
    status: str = "received"
    hold: str | None = None
    unread: bool = False
    cancels: str = "reverse"
    deliveries: list[DeliveryState] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    _parsed: tuple[str | None, str | None, Order | None] | None = None

    def order(self) -> Order | None:
        """The canonical order with the operator's edit in it, or None where nothing could be read yet.

        Nor can what an older Crossdock stored and this one does not take any more.
        """
        known = self._parsed
        if known is None or known[0] is not self.shop_version or known[1] is not self.edit:
            known = self._parsed = (self.shop_version, self.edit, self._parse())
        return known[2]

    def _parse(self) -> Order | None:
        try:
            return read_order(self.shop_version, self.edit)
        except ValidationError:
            return None

    def knows(self, order: Order) -> None:
        """``order`` is what the stored texts say: spare :meth:`order` the reading."""
        self._parsed = (self.shop_version, self.edit, order)

    def tell(
        self,
        kind: str,
        text: str,
        now: float,
        *,
        destination: str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a line to the timeline."""
        self.events.append(Event(kind=kind, text=text, at=now, destination=destination, data=data))


def in_sequence(state: OrderState) -> list[DeliveryState]:
    """The deliveries in the order in which they take their turns."""
    by_route = sorted(state.deliveries, key=lambda d: d.position)
    return by_route[::-1] if state.cancelled and state.cancels == "reverse" else by_route


def its_turn(state: OrderState, delivery: DeliveryState) -> bool:
    """Nothing of the sequence before it is open: the route's, or the one in which a cancel goes through it."""
    return not any(d.state not in ("delivered", "cancelled") for d in _before(state, delivery))


def _before(state: OrderState, delivery: DeliveryState) -> list[DeliveryState]:
    here = delivery.position
    if not state.cancelled or state.cancels == "forward":
        return [d for d in state.deliveries if d.position < here]
    return [d for d in state.deliveries if d.position > here] if state.cancels == "reverse" else []


def next_in_turn(state: OrderState) -> DeliveryState | None:
    """The delivery that waits for its turn, and whose turn it is."""
    waiting = [d for d in state.deliveries if d.state == "waiting"]
    return next((d for d in waiting if its_turn(state, d)), None)


def landed(state: OrderState, delivery: DeliveryState, *, changed: bool, now: float) -> None:
    """A delivery is in nobody's hands any more, and its order may have moved on meanwhile: it follows.

    Args:
        changed: what was tried is not what the order is now.
    """
    if delivery.state in ("delivered", "cancelled", "waiting"):
        return
    if (state.cancelled or state.test) and not delivery.may_be_there:
        delivery.drop(now, reason="cancelled before it was sent" if state.cancelled else "a test order goes nowhere")
        later = next_in_turn(state)
        if later is not None:
            later.go(now)  # the sweep rings for it
    elif state.hold is not None:
        moving = delivery.state in ("ready", "retrying") or delivery.held_by == "destination"
        if moving or changed:
            delivery.hold("order", reason=state.hold, code="order_held")
    elif changed and (delivery.state == "dead" or delivery.held_by == "person"):
        delivery.restart(now)
        state.tell("changed", "the shop changed the order meanwhile", now, destination=delivery.destination)
    moving = delivery.state in ("ready", "retrying") or delivery.held_by == "destination"
    if moving and not its_turn(state, delivery):
        delivery.go(now, state="waiting")


@lru_cache(maxsize=256)
def read_order(shop_version: str | None, edit: str | None) -> Order | None:
    """The canonical order from the ledger's two texts.

    Remembered, since an order goes to its destinations one soon after the other.

    Raises:
        pydantic.ValidationError: they make no order that this version of Crossdock takes.
    """
    if shop_version is None and edit is None:
        return None
    if edit is None:
        return Order.model_validate_json(shop_version or "{}")
    return Order.model_validate(merge(json.loads(shop_version or "{}"), json.loads(edit)))


def storable(text: str) -> str:
    """The text as both databases take it: without NUL (PostgreSQL) and without half of a surrogate pair (UTF-8)."""
    return text if text.isprintable() else text.replace("\0", "").encode("utf-8", "replace").decode()


_ORDER = [f.name for f in fields(OrderState) if f.name not in ("deliveries", "events", "_parsed")]
_DELIVERY = [f.name for f in fields(DeliveryState)]
_order_values, _delivery_values = attrgetter(*_ORDER), attrgetter(*_DELIVERY)
_ORDER_FIXED = ("id", "shop", "shop_order_id", "received_at", "status")
_DELIVERY_FIXED = ("id", "order_id", "destination", "system")

_update_order = (
    update(t.orders)
    .where(t.orders.c.id == bindparam("row_id"))
    .values({name: bindparam(name) for name in _ORDER if name not in _ORDER_FIXED})
)
_update_delivery = (
    update(t.deliveries)
    .where(t.deliveries.c.id == bindparam("row_id"))
    .values({name: bindparam(name) for name in _DELIVERY if name not in _DELIVERY_FIXED})
)
_insert_orders = insert(t.orders).returning(t.orders.c.id, sort_by_parameter_order=True)
_insert_deliveries = insert(t.deliveries).returning(t.deliveries.c.id, sort_by_parameter_order=True)


class Book:
    """Orders of one transaction. ``save`` writes what differs from what was read.

    Locks are taken in one order everywhere, so that nobody waits in a circle: destination, orders by their ids,
    their deliveries.
    """

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.orders: list[OrderState] = []
        self._read: dict[int, tuple[Any, ...]] = {}
        self._new: set[int] = set()

    def load(self, ids: Iterable[int]) -> list[OrderState]:
        """Read orders by id, locked for this transaction, in the order of their ids."""
        loaded = []
        for part in chunks(sorted(set(ids))):
            loaded += self._load(select(t.orders).where(t.orders.c.id.in_(part)))
        return loaded

    def load_keys(self, keys: Iterable[tuple[str, str]]) -> list[OrderState]:
        """Read orders by (shop, shop_order_id), locked for this transaction."""
        columns = tuple_(t.orders.c.shop, t.orders.c.shop_order_id)
        ids: list[int] = []
        for part in chunks(sorted(set(keys))):
            ids += self.connection.scalars(select(t.orders.c.id).where(columns.in_(part)))
        return self.load(ids)

    def _load(self, query: Select[Any]) -> list[OrderState]:
        rows = self.connection.execute(query.order_by(t.orders.c.id).with_for_update()).mappings().all()
        states = [OrderState(**row) for row in rows]
        if not states:
            return []
        by_id = {state.id: state for state in states}
        wanted = (
            select(t.deliveries)
            .where(t.deliveries.c.order_id.in_([state.id for state in states]))
            .order_by(t.deliveries.c.order_id, t.deliveries.c.position)
            .with_for_update()
        )
        for row in self.connection.execute(wanted).mappings():
            by_id[row["order_id"]].deliveries.append(DeliveryState(**row))
        for state in states:
            self._read[id(state)] = _order_values(state)
            for delivery in state.deliveries:
                self._read[id(delivery)] = _delivery_values(delivery)
        self.orders += states
        return states

    def add(self, order: OrderState) -> None:
        """Take a new order in."""
        self.orders.append(order)

    def number(self) -> None:
        """Write new orders, so that they have their ids; by their keys, as everyone does who writes the same ones."""
        new = sorted((o for o in self.orders if o.id is None), key=lambda o: (o.shop, o.shop_order_id))
        if new:
            rows = [{name: getattr(order, name) for name in _ORDER if name != "id"} for order in new]
            for order, order_id in zip(new, self.connection.scalars(_insert_orders, rows), strict=True):
                order.id = order_id
                self._read[id(order)] = _order_values(order)
                self._new.add(order_id)

    def save(self) -> None:
        """Write all changes, the events, and the orders' statuses."""
        self.number()
        changed = {order.id for order in self.orders if order.id and _order_values(order) != self._read[id(order)]}
        self._update(self.orders, _ORDER, _ORDER_FIXED, _order_values, _update_order)
        changed |= self._save_deliveries()
        self._save_events()
        for part in chunks(sorted(changed | self._new)):
            refresh_status(self.connection, part)

    def _save_deliveries(self) -> set[int]:
        """Returns the ids of the orders whose deliveries changed."""
        added: list[DeliveryState] = []
        moved: list[DeliveryState] = []
        orders: set[int] = set()
        for order in self.orders:
            for delivery in order.deliveries:
                delivery.order_id = order.id
                before = self._read.get(id(delivery))
                if before is not None and before == _delivery_values(delivery):
                    continue
                delivery.reason, delivery.hint = storable(delivery.reason), storable(delivery.hint)
                delivery.reference = delivery.reference and storable(delivery.reference)
                (added if before is None else moved).append(delivery)
                orders.add(order.id or 0)
        if added:
            rows = [{name: getattr(delivery, name) for name in _DELIVERY if name != "id"} for delivery in added]
            for delivery, delivery_id in zip(added, self.connection.scalars(_insert_deliveries, rows), strict=True):
                delivery.id = delivery_id
        self._update(moved, _DELIVERY, _DELIVERY_FIXED, _delivery_values, _update_delivery)
        return orders

    def _update(
        self,
        states: Sequence[Any],
        names: Sequence[str],
        fixed: Sequence[str],
        values: Callable[[Any], tuple[Any, ...]],
        statement: Update,
    ) -> None:
        rows = [
            {name: getattr(state, name) for name in names if name not in fixed} | {"row_id": state.id}
            for state in states
            if values(state) != self._read[id(state)]
        ]
        if rows:
            self.connection.execute(statement, rows)

    def _save_events(self) -> None:
        rows = [
            {
                "order_id": order.id,
                "destination": event.destination,
                "at": event.at,
                "kind": event.kind,
                "text": storable(event.text),
                "data": None if event.data is None else storable(json.dumps(event.data, ensure_ascii=False)),
            }
            for order in self.orders
            for event in order.events
        ]
        if rows:
            self.connection.execute(insert(t.events), rows)
        for order in self.orders:
            order.events.clear()


def chunks(values: Sequence[T]) -> Iterable[Sequence[T]]:
    """Parts of at most CHUNK."""
    for start in range(0, len(values), CHUNK):
        yield values[start : start + CHUNK]
