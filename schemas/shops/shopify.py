"""Shopify's order webhooks: signature, dedupe keys, topics (contracts/webhooks.md section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas import strict_json
from schemas.config import Shop
from schemas.shops import shopify_order, signatures
from schemas.shops.common import Node, UnreadableError, digest, key, order_id, sortable
from schemas.webhook import CREATED, REMOVED, UPDATED, Webhook

ORDER_TOPICS = frozenset(
    f"orders/{name}" for name in ("create", "paid", "updated", "cancelled", "fulfilled", "partially_fulfilled")
)
_IGNORED = {
    "refunds/create": "a refund by itself: the quantities that remain arrive with orders/updated",
    "orders/edited": "it tells only the change: the order as it is now arrives with orders/updated",
}

secret_flaw = signatures.text_flaw


def verify(*, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str | None:
    """None when the webhook is genuine, else one sentence why not.

    Args:
        headers: names in lower case.
        secrets: current first, previous after it; an empty one never matches.
        now: unused, because Shopify signs no time.
    """
    keys = [signatures.text_key(secret) for secret in secrets]
    return signatures.check(body, _header(headers, "hmac-sha256"), keys)


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Shopify has no unsigned ping."""
    return False


def read(*, headers: Mapping[str, str], body: bytes, shop: Shop, received_at: datetime) -> Webhook:
    """What the webhook says. Never raises: a body that cannot be read has a reason that names the field."""
    topic = (_header(headers, "topic") or "").strip()
    keys, tie = _keys(headers, topic, body), sortable(_header(headers, "triggered-at"))
    if topic != "orders/delete" and topic not in ORDER_TOPICS:
        return _not_an_order(topic, keys)
    node = None
    try:
        node = Node.of(strict_json.loads(body))
        if topic == "orders/delete":
            return Webhook(
                topic=topic,
                kind="removed",
                keys=keys,
                shop_order_id=node.need_id("id"),
                rank=REMOVED,
                tie=tie,
            )
        order, notes = shopify_order.read(
            node,
            presentment=shop.currency == "presentment",
            cancelled=topic == "orders/cancelled",
            test=(_header(headers, "test") or "").strip().lower() == "true",
            triggered_at=tie,
            received_at=received_at,
        )
    except (strict_json.MalformedError, UnreadableError) as error:
        return Webhook(
            topic=topic,
            kind="unreadable",
            keys=keys,
            shop_order_id=_any_id(node, headers),
            tie=tie,
            reason=f"the body is no order that can be read: {error}",
        )
    return Webhook(
        topic=topic,
        kind="order",
        keys=keys,
        shop_order_id=order.shop_order_id,
        order=order,
        rank=CREATED if topic == "orders/create" else UPDATED,
        tie=tie,
        notes=notes,
    )


def _header(headers: Mapping[str, str], name: str) -> str | None:
    # Shopify's newer "Events" send the same names without X-; its own library prefers those (section 2).
    return headers.get(f"shopify-{name}") or headers.get(f"x-shopify-{name}")


def _keys(headers: Mapping[str, str], topic: str, body: bytes) -> tuple[str, ...]:
    webhook_id, event_id = _header(headers, "webhook-id"), _header(headers, "event-id")
    # One event can cause several topics, so Event-Id counts only together with the topic (section 2, duplicates).
    found = (
        key("id", webhook_id) if webhook_id else None,
        key("event", topic, event_id) if event_id else None,
    )
    made = tuple(one for one in found if one)
    return made or (key("body", digest(topic, body, _header(headers, "triggered-at") or "")),)


def _not_an_order(topic: str, keys: tuple[str, ...]) -> Webhook:
    if not topic:
        return Webhook(topic="", kind="unreadable", keys=keys, reason="the X-Shopify-Topic header is missing")
    reason = _IGNORED.get(
        topic, "no order topic; the shop needs to send orders/create, orders/updated and orders/cancelled"
    )
    return Webhook(topic=topic[:80], kind="ignored", keys=keys, reason=reason)


def _any_id(node: Node | None, headers: Mapping[str, str]) -> str | None:
    # A refund has an id of its own beside order_id; the header is not signed, so it comes last.
    if node is not None:
        found = order_id(node.get("order_id")) or order_id(node.get("id"))
        if found:
            return found
    return order_id(_header(headers, "order-id"))
