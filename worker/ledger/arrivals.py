"""A webhook enters the ledger: receipt, order and deliveries in one transaction.

Many webhooks share a transaction, and so one disk flush; each still gets its own answer.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import Connection, insert, select, tuple_

from schemas.config import Config
from schemas.webhook import REMOVED, Webhook
from worker.ledger import tables as t
from worker.ledger.book import Book, DeliveryState, OrderState
from worker.ledger.settle import Settler
from worker.ledger.tally import Tally
from worker.ledger.versions import take_version

Outcome = Literal["accepted", "duplicate", "stale", "held", "ignored", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One genuine webhook, read but not yet stored.

    Attributes:
        headers: what is worth keeping, lower case, without the signature.
        received_at: UNIX seconds.
        exact: the same key with another body is a conflict and not a duplicate (``Idempotency-Key``).
    """

    shop: str
    webhook: Webhook
    body: bytes
    headers: Mapping[str, str]
    received_at: float
    exact: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What became of it: ``order_id`` where there is an order, ``reason`` for people, ``ready`` deliveries to wake."""

    outcome: Outcome
    order_id: int | None = None
    reason: str = ""
    ready: tuple[DeliveryState, ...] = ()
    number: str = ""


@dataclass(slots=True)
class _Receipt:
    arrival: Arrival
    sha: str
    outcome: Outcome = "accepted"
    reason: str = ""
    order: OrderState | None = None
    order_id: int | None = None
    id: int | None = None


@dataclass(slots=True)
class _Desk:
    """What this transaction knows: seen keys, orders, and the receipts it adds."""

    book: Book
    settler: Settler
    seen: dict[tuple[str, str], _Receipt]
    orders: dict[tuple[str, str], OrderState]
    receipts: list[_Receipt] = field(default_factory=list)


def accept(connection: Connection, arrivals: Sequence[Arrival], *, config: Config, now: float) -> list[Answer]:
    """Store webhooks and say what became of each, in their order."""
    book = Book(connection)
    desk = _Desk(
        book=book,
        settler=Settler(connection, config, now=now),
        seen=_seen(connection, arrivals),
        orders={(order.shop, order.shop_order_id): order for order in book.load_keys(map(_order_key, arrivals))},
    )
    taken = [_take(desk, arrival, now) for arrival in arrivals]
    book.number()
    desk.settler.claim_numbers(book.orders)
    book.save()
    for receipt in taken:
        _number_taken(receipt)
    _save_receipts(connection, desk.receipts)
    tally = Tally()
    for receipt in taken:
        tally.intake(shop=receipt.arrival.shop, outcome=receipt.outcome)
    tally.save(connection)
    told: set[int] = set()
    return [_answer(receipt, told, now=now) for receipt in taken]


def _order_key(arrival: Arrival) -> tuple[str, str]:
    """Shop and shop order id; the body stands for an id that could not be read."""
    return arrival.shop, arrival.webhook.shop_order_id or f"receipt-{_sha(arrival.body)[:16]}"


def _sha(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _number_taken(receipt: _Receipt) -> None:
    held = next((d for d in receipt.order.deliveries if d.held_by == "number"), None) if receipt.order else None
    if held is not None and receipt.outcome == "accepted":
        receipt.outcome, receipt.reason = "held", held.reason


def _answer(receipt: _Receipt, told: set[int], *, now: float) -> Answer:
    order = receipt.order
    order_id = order.id if order is not None else receipt.order_id
    ready: tuple[DeliveryState, ...] = ()
    if order is not None and id(order) not in told:
        told.add(id(order))
        ready = tuple(d for d in order.deliveries if d.state == "ready" and d.rung_at == now)
    return Answer(
        outcome=receipt.outcome,
        order_id=order_id,
        reason=receipt.reason,
        ready=ready,
        number=order.number if order is not None else "",
    )


def _seen(connection: Connection, arrivals: Sequence[Arrival]) -> dict[tuple[str, str], _Receipt]:
    wanted = {(a.shop, key) for a in arrivals for key in a.webhook.keys}
    if not wanted:
        return {}
    k, r = t.receipt_keys, t.receipts
    query = (
        select(k.c.shop, k.c.key, r.c.outcome, r.c.reason, r.c.order_id, r.c.body_sha)
        .join(r, r.c.id == k.c.receipt_id)
        .where(tuple_(k.c.shop, k.c.key).in_(sorted(wanted)))
    )
    known = {}
    for row in connection.execute(query):
        blank = Arrival(shop=row.shop, webhook=_NONE, body=b"", headers={}, received_at=0)
        known[row.shop, row.key] = _Receipt(
            blank, row.body_sha, outcome=row.outcome, reason=row.reason, order_id=row.order_id
        )
    return known


_NONE = Webhook(topic="", kind="ignored")


def _take(desk: _Desk, arrival: Arrival, now: float) -> _Receipt:
    receipt = _Receipt(arrival, _sha(arrival.body))
    webhook = arrival.webhook
    first = next((desk.seen[arrival.shop, key] for key in webhook.keys if (arrival.shop, key) in desk.seen), None)
    if first is not None:
        return _repeated(receipt, first)
    desk.receipts.append(receipt)
    for key in webhook.keys:
        desk.seen[arrival.shop, key] = receipt
    if webhook.kind == "ignored":
        receipt.outcome, receipt.reason = "ignored", webhook.reason
        return receipt
    _apply(desk, receipt, now)
    return receipt


def _repeated(receipt: _Receipt, first: _Receipt) -> _Receipt:
    receipt.order, receipt.order_id = first.order, first.order_id
    if not receipt.arrival.exact:
        receipt.outcome, receipt.reason = "duplicate", "this webhook was stored before"
    elif first.sha == receipt.sha:
        receipt.outcome, receipt.reason = first.outcome, first.reason
    else:
        receipt.outcome = "conflict"
        receipt.reason = "this Idempotency-Key came before with another body; use a new key for another order"
    return receipt


def _apply(desk: _Desk, receipt: _Receipt, now: float) -> None:
    arrival, webhook = receipt.arrival, receipt.arrival.webhook
    shop, key = _order_key(arrival)
    state = desk.orders.get((shop, key))
    if state is None:
        state = OrderState(shop=shop, shop_order_id=key, number=key, received_at=arrival.received_at, updated_at=now)
        desk.orders[shop, key] = state
        desk.book.add(state)
    receipt.order = state
    if webhook.kind == "unreadable":
        _keep_unreadable(desk, state, receipt, now)
    elif webhook.kind == "removed":
        _remove(desk, state, receipt, now)
    else:
        _update(desk, state, receipt, now)


def _keep_unreadable(desk: _Desk, state: OrderState, receipt: _Receipt, now: float) -> None:
    webhook = receipt.arrival.webhook
    reason = f"not understood ({webhook.topic}): {webhook.reason}"
    state.unread, state.updated_at = True, now
    state.tell("unreadable", f"{webhook.topic} stored, but not understood: {webhook.reason}", now)
    # It may be a cancellation: what is on its way waits until somebody has looked.
    desk.settler.hold(state, reason)
    receipt.outcome, receipt.reason = "held", reason


def _remove(desk: _Desk, state: OrderState, receipt: _Receipt, now: float) -> None:
    # contracts/webhooks.md section 3: order.deleted is {"id": N} only, so arrival is its version, and an older
    # creation that arrives late must not bring the order back. What is stored came before, whatever the shop's clock.
    at = max(receipt.arrival.received_at, state.version_at or 0.0)
    state.version_at, state.tie, state.rank = at, "", REMOVED
    state.body_sha, state.unread = f"removed-{at}", False
    state.cancelled, state.updated_at = True, now
    state.tell("removed", f"{receipt.arrival.webhook.topic}: the shop removed the order", now)
    before = state.content
    if state.shop_version is not None:
        state.shop_version = json.dumps(json.loads(state.shop_version) | {"cancelled": True}, ensure_ascii=False)
        edit = {key: value for key, value in json.loads(state.edit or "{}").items() if key != "cancelled"}
        state.edit = json.dumps(edit, ensure_ascii=False) if edit else None
        order = state.order()
        state.content = order.content() if order is not None else "removed"
    desk.settler.settle(state, changed=state.content != before)


def _update(desk: _Desk, state: OrderState, receipt: _Receipt, now: float) -> None:
    before = state.content
    verdict, why = take_version(state, receipt.arrival.webhook, now=now)
    if verdict != "newer":
        receipt.outcome, receipt.reason = verdict, why
        return
    desk.settler.settle(state, changed=state.content != before)
    if state.test:
        receipt.outcome, receipt.reason = "ignored", "a test order goes nowhere"
    elif state.hold is not None:
        receipt.outcome, receipt.reason = "held", state.hold


def _save_receipts(connection: Connection, receipts: Sequence[_Receipt]) -> None:
    if not receipts:
        return
    rows = [
        {
            "shop": r.arrival.shop,
            "topic": r.arrival.webhook.topic,
            "received_at": r.arrival.received_at,
            "headers": json.dumps(dict(r.arrival.headers), ensure_ascii=False),
            "body": r.arrival.body,
            "body_sha": r.sha,
            "outcome": r.outcome,
            "reason": r.reason,
            "order_id": r.order.id if r.order is not None else None,
        }
        for r in receipts
    ]
    statement = insert(t.receipts).returning(t.receipts.c.id, sort_by_parameter_order=True)
    for receipt, receipt_id in zip(receipts, connection.scalars(statement, rows), strict=True):
        receipt.id = receipt_id
    keys = [
        {"shop": r.arrival.shop, "key": key, "receipt_id": r.id, "received_at": r.arrival.received_at}
        for r in receipts
        for key in dict.fromkeys(r.arrival.webhook.keys)
    ]
    if keys:
        # By the key: two processes that store the same webhooks must not wait for each other in a circle.
        connection.execute(insert(t.receipt_keys), sorted(keys, key=lambda row: (row["shop"], row["key"])))
