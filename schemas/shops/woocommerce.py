"""WooCommerce's order webhooks: signature, ping, dedupe keys, topics (contracts/webhooks.md section 3)."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas import strict_json
from schemas.config import Shop
from schemas.shops import signatures, woocommerce_order
from schemas.shops.common import Node, UnreadableError, as_text, digest, key, order_id
from schemas.webhook import CREATED, REMOVED, UPDATED, Webhook

ORDER_TOPICS = frozenset(("order.created", "order.updated", "order.restored"))

secret_flaw = signatures.text_flaw

_FORM = "application/x-www-form-urlencoded"
_PING = re.compile(rb"webhook_id=[0-9]{1,20}")


def verify(*, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str | None:
    """None when the webhook is genuine, else one sentence why not.

    Args:
        headers: names in lower case.
        secrets: current first, previous after it; an empty one never matches.
        now: unused, because WooCommerce signs no time.
    """
    keys = [signatures.text_key(spelt) for secret in secrets for spelt in _spellings(secret)]
    return signatures.check(body, headers.get("x-wc-webhook-signature"), keys)


def _spellings(secret: str) -> tuple[str, ...]:
    # The sender decodes HTML entities of the stored secret before it signs (section 3, signature).
    return tuple(dict.fromkeys((secret, html.unescape(secret))))


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """The unsigned form post on saving a webhook; it wants exactly 200, and nothing else is done."""
    return headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM and bool(
        _PING.fullmatch(body.strip())
    )


def read(*, headers: Mapping[str, str], body: bytes, shop: Shop, received_at: datetime) -> Webhook:
    """What the webhook says. Never raises: a body that cannot be read has a reason that names the field."""
    topic = headers.get("x-wc-webhook-topic", "").strip()
    if topic != "order.deleted" and topic not in ORDER_TOPICS:
        return _not_an_order(headers, topic, body)
    node = None
    try:
        node = Node.of(strict_json.loads(body))
        if topic == "order.deleted":
            # {"id": N} and nothing else, on every deletion: only the delivery tells a second one from a repeat.
            keys = (_key(headers, topic, node, body, headers.get("x-wc-webhook-delivery-id", "")),)
            return Webhook(topic=topic, kind="removed", keys=keys, shop_order_id=node.need_id("id"), rank=REMOVED)
        order, notes = woocommerce_order.read(node, received_at=received_at)
    except (strict_json.MalformedError, UnreadableError) as error:
        return Webhook(
            topic=topic,
            kind="unreadable",
            keys=(_key(headers, topic, node, body),),
            shop_order_id=order_id(node.get("id")) if node is not None else None,
            reason=str(error)
            if isinstance(error, woocommerce_order.DraftError)
            else f"the body is no order that can be read: {error}",
        )
    return Webhook(
        topic=topic,
        kind="order",
        keys=(_key(headers, topic, node, body),),
        shop_order_id=order.shop_order_id,
        order=order,
        rank=CREATED if topic == "order.created" else UPDATED,
        notes=notes,
    )


def _key(headers: Mapping[str, str], topic: str, node: Node | None, body: bytes, delivery: str = "") -> str:
    # Two orders sent in one second share a Delivery-ID, and a re-send gets another: never by that alone (section 3).
    fields = [as_text(node.get(name)) if node is not None else "" for name in ("id", "date_modified_gmt")]
    return key(
        "content",
        digest(
            headers.get("x-wc-webhook-source", ""),
            headers.get("x-wc-webhook-id", ""),
            topic,
            *(field or "" for field in fields),
            body,
            delivery,
        ),
    )


def _not_an_order(headers: Mapping[str, str], topic: str, body: bytes) -> Webhook:
    keys = (_key(headers, topic, None, body),)
    if not topic:
        return Webhook(topic="", kind="unreadable", keys=keys, reason="the X-WC-Webhook-Topic header is missing")
    return Webhook(
        topic=topic[:80],
        kind="ignored",
        keys=keys,
        reason="no order topic; the shop needs webhooks for order created, updated, deleted and restored",
    )
