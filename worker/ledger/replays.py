"""A person sends an order on: converge again, optionally with an edit."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, select

from schemas.config import Config
from schemas.shops import PLATFORMS
from worker.ledger import tables as t
from worker.ledger.book import Book, DeliveryState, OrderState, in_sequence, its_turn, read_order
from worker.ledger.merge import compose
from worker.ledger.settle import Settler
from worker.ledger.versions import take_version, tell_changes


class EditRefusedError(ValueError):
    """The edit does not make a valid order: which field, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay set moving: ``wake`` as (system, destination, delivery id, order number)."""

    order_ids: tuple[int, ...]
    wake: tuple[tuple[str, str, int, str], ...]


def replay(
    connection: Connection,
    order_ids: Sequence[int],
    *,
    config: Config,
    now: float,
    by: str,
    destination: str | None = None,
    edit: Mapping[str, Any] | None = None,
) -> Replayed:
    """Let orders, or their deliveries at one destination, converge again.

    What is at the destination already is looked up there, never assumed: replaying a delivered order sends nothing.

    Args:
        by: who did it, for the timeline: ``console``, ``api``, ``command line``.
        edit: JSON merge patch on the canonical order.

    Raises:
        EditRefusedError: the edit does not make a valid order; nothing was changed.
    """
    book = Book(connection)
    settler = Settler(connection, config, now=now)
    states = book.load(order_ids)
    for state in states:
        before, state.updated_at = state.content, now
        if edit:
            _edit(state, edit, by=by, now=now)
        where = f" at {destination}" if destination else ""
        state.tell("replay", f"replayed{where} ({by})", now)
        if state.unread:
            _read_again(connection, state, config=config, now=now)
        if not state.unread:
            settler.settle(state, changed=state.content != before)
        _let_go(state, destination, settler=settler)
    settler.claim_numbers(states)
    book.save()
    wake = [
        (d.system, d.destination, d.id or 0, s.number)
        for s in states
        for d in s.deliveries
        if d.state in ("ready", "retrying") and d.rung_at == now
    ]
    return Replayed(order_ids=tuple(s.id or 0 for s in states), wake=tuple(wake))


def _edit(state: OrderState, edit: Mapping[str, Any], *, by: str, now: float) -> None:
    text = json.dumps(compose(json.loads(state.edit or "{}"), edit), ensure_ascii=False)
    try:
        order = read_order(state.shop_version, text)
    except ValidationError as error:
        raise EditRefusedError(_why(error)) from None
    if order is None:
        raise EditRefusedError("the edit is empty")
    before = state.order()
    if order.shop_order_id != state.shop_order_id and state.shop_version is not None:
        raise EditRefusedError("shop_order_id cannot be edited: it is the order's key")
    state.edit, state.number, state.content = text, order.number, order.content()
    state.cancelled, state.test, state.unread = order.cancelled, order.test, False
    state.tell("edit", f"edited {', '.join(sorted(edit))} ({by})", now, data={"edit": dict(edit)})
    if before is not None:
        tell_changes(state, before, order, now)


def _why(error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join(map(str, e['loc'])) or 'order'}: {e['msg']}" for e in error.errors(include_input=False)
    )


def _let_go(state: OrderState, destination: str | None, *, settler: Settler) -> None:
    if state.hold is not None or state.test:
        return
    chosen = [d for d in in_sequence(state) if destination in (None, d.destination)]
    left = [d for d in chosen if d.state not in ("delivered", "cancelled")]
    for delivery in left or [d for d in chosen if d.state == "delivered"]:
        # A suspended destination lets its deliveries go by itself, by its probe or by resume.
        if delivery.state not in ("waiting", "delivering") and delivery.held_by != "destination":
            _restart(state, delivery, settler=settler)


def _restart(state: OrderState, delivery: DeliveryState, *, settler: Settler) -> None:
    delivery.in_doubt = delivery.in_doubt or delivery.state == "delivered"
    settler.start(delivery, first=its_turn(state, delivery))


def _read_again(connection: Connection, state: OrderState, *, config: Config, now: float) -> None:
    """Read the stored webhook once more: the reader, or the shop's settings, may be wiser now."""
    r, shop = t.receipts.c, config.shops.get(state.shop)
    query = select(r.headers, r.body, r.received_at).where(r.order_id == state.id, r.outcome == "held")
    row = connection.execute(query.order_by(r.id.desc()).limit(1)).one_or_none()
    if row is None or shop is None:
        return
    webhook = PLATFORMS[shop.platform].read(
        headers=json.loads(row.headers),
        body=row.body,
        shop=shop,
        received_at=datetime.fromtimestamp(row.received_at, tz=UTC),
    )
    if webhook.kind == "order":
        take_version(state, webhook, now=now)
        state.unread = False  # also where it turns out to be older than what we have
    elif webhook.kind == "ignored" and state.shop_version is not None:
        state.unread = False
    else:
        state.hold = f"still not understood: {webhook.reason}"
        state.tell("unreadable", state.hold, now)


def matching(
    connection: Connection,
    *,
    destination: str | None = None,
    reason: str | None = None,
    shop: str | None = None,
    since: float | None = None,
) -> list[int]:
    """Orders that wait for a person (dead or held) and fit every given rule.

    Args:
        reason: occurs in the delivery's or the order's reason, or is its code; case does not matter.
        since: UNIX seconds; changed at or after it.
    """
    o, d = t.orders.c, t.deliveries.c
    query = select(o.id).outerjoin(t.deliveries, d.order_id == o.id).where(o.status.in_(("dead", "held"))).distinct()
    if destination:
        query = query.where(d.destination == destination, d.state.in_(("dead", "held")))
    if reason:
        like = f"%{_escape(reason)}%"
        stopped = d.state.in_(("dead", "held")) & (d.reason.ilike(like, escape="\\") | (d.code == reason))
        query = query.where(stopped | o.hold.ilike(like, escape="\\"))
    if shop:
        query = query.where(o.shop == shop)
    if since is not None:
        query = query.where((o.updated_at >= since) | (d.changed_at >= since))
    return list(connection.scalars(query.order_by(o.id)))


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
