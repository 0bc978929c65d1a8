"""Signatures and headers as the real producers write them (contracts/webhooks.md sections 2 to 4)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from datetime import UTC, datetime
from uuid import uuid4

from sandbox.shops.delivery import Delivery, Platform, decode

SHOPIFY_API_VERSION = "2026-07"
WOO_TOPICS = ("order.created", "order.updated", "order.deleted", "order.restored")


def sign(
    platform: Platform,
    body: bytes,
    secret: str,
    topic: str,
    *,
    shop: str = "shop",
    delivery_id: str | None = None,
    event_id: str | None = None,
    triggered: datetime | None = None,
    now: float | None = None,
) -> dict[str, str]:
    """All headers of one webhook, the signature over ``body`` among them.

    Args:
        secret: as the shop shows it; Standard Webhooks: ``whsec_`` and base64.
        topic: unused by ``standard``, whose body names its type.
        delivery_id, event_id, triggered: of the event, so equal on a re-send; new ones by default.
        now: of this try, Unix seconds; the clock by default.

    Raises:
        ValueError: when the secret is empty, or no base64 where that is needed.
    """
    if not secret:
        raise ValueError(f"the secret of shop {shop!r} is empty: anyone could sign with it")
    delivery_id = delivery_id or str(uuid4())
    seconds = int(time.time() if now is None else now)
    if platform == "standard":
        return _standard(body, secret, delivery_id=delivery_id, seconds=seconds)
    if platform == "woocommerce":
        return _woocommerce(body, secret, topic, shop=shop, seconds=seconds)
    return _shopify(
        body,
        secret,
        topic,
        shop=shop,
        delivery_id=delivery_id,
        event_id=event_id or str(uuid4()),
        triggered=triggered or datetime.now(UTC),
    )


def headers(delivery: Delivery, secret: str) -> dict[str, str]:
    """The headers of this try of a delivery; the ping has no signature and no names.

    Raises:
        ValueError: as :func:`sign`.
    """
    if delivery.ping:
        return {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": _WOO_AGENT}
    return sign(
        delivery.platform,
        delivery.body,
        secret,
        delivery.topic,
        shop=delivery.shop,
        delivery_id=delivery.delivery_id,
        event_id=delivery.event_id,
        triggered=delivery.triggered,
    )


_WOO_AGENT = "WooCommerce/10.3.5 Hookshot (WordPress/6.8.3)"


def _hmac(key: bytes, message: bytes) -> str:
    return base64.b64encode(hmac.digest(key, message, "sha256")).decode()


def _shopify(
    body: bytes, secret: str, topic: str, *, shop: str, delivery_id: str, event_id: str, triggered: datetime
) -> dict[str, str]:
    order_id, test = _shopify_order(body, topic)
    found = {
        "Content-Type": "application/json",
        "User-Agent": "Shopify-Captain-Hook",
        "X-Shopify-Topic": topic,
        "X-Shopify-Hmac-Sha256": _hmac(secret.encode(), body),
        "X-Shopify-Shop-Domain": f"crossdock-{shop}.myshopify.com",
        "X-Shopify-API-Version": SHOPIFY_API_VERSION,
        "X-Shopify-Webhook-Id": delivery_id,
        "X-Shopify-Event-Id": event_id,
        "X-Shopify-Triggered-At": triggered.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z"),
    }
    if order_id:
        found |= {"X-Shopify-Order-Id": order_id, "X-Shopify-Test": "true" if test else "false"}
    return found


def _shopify_order(body: bytes, topic: str) -> tuple[str, bool]:
    """Order topics also carry the order's id and whether it is a test; the others do not."""
    if not topic.startswith("orders/"):
        return "", False
    order = decode(body)
    if not isinstance(order, dict):
        return "", False
    return str(order.get("id") or ""), order.get("test") is True


def _woocommerce(body: bytes, secret: str, topic: str, *, shop: str, seconds: int) -> dict[str, str]:
    resource, _, event = topic.partition(".")
    # One webhook of the shop has one topic. The delivery id hashes the webhook and the current second, so two
    # orders sent in one second share it and a re-send gets another (contracts/webhooks.md section 3).
    webhook_id = 1 + (WOO_TOPICS.index(topic) if topic in WOO_TOPICS else len(WOO_TOPICS))
    return {
        "Content-Type": "application/json",
        "User-Agent": _WOO_AGENT,
        "X-WC-Webhook-Source": f"https://{shop}.example.com/",
        "X-WC-Webhook-Topic": topic,
        "X-WC-Webhook-Resource": resource,
        "X-WC-Webhook-Event": event,
        "X-WC-Webhook-Signature": _hmac(secret.encode(), body),
        "X-WC-Webhook-ID": str(webhook_id),
        "X-WC-Webhook-Delivery-ID": hashlib.md5(
            f"{shop}{webhook_id}{seconds}".encode(), usedforsecurity=False
        ).hexdigest(),
    }


def _standard(body: bytes, secret: str, *, delivery_id: str, seconds: int) -> dict[str, str]:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a Standard Webhooks secret is whsec_ and base64; this one is no base64") from None
    if not key:
        raise ValueError("the secret is empty after whsec_: anyone could sign with it")
    return {
        "Content-Type": "application/json",
        "User-Agent": "Crossdock-Sandbox",
        "webhook-id": delivery_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": "v1," + _hmac(key, f"{delivery_id}.{seconds}.".encode() + body),
    }
