"""Standard Webhooks whose data is the canonical order (contracts/webhooks.md section 4, order.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from schemas import strict_json
from schemas.config import Shop
from schemas.order import Order
from schemas.shops import signatures
from schemas.shops.common import (
    Node,
    UnreadableError,
    difference_note,
    digest,
    joined,
    key,
    make_order,
    order_id,
    sortable,
)
from schemas.webhook import CREATED, UPDATED, Webhook

ORDER_TYPES = frozenset(("order.created", "order.updated", "order.cancelled"))
TOLERANCE_S = 300

_OTHER_TYPE = "no order type; send order.created, order.updated and order.cancelled"

_TIMESTAMP = re.compile(r"[0-9]{1,12}", re.ASCII)


def verify(*, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str | None:
    """None when the webhook is genuine, else one sentence why not.

    Args:
        headers: names in lower case.
        secrets: base64 with or without ``whsec_``, current first, previous after it; an empty one never matches.
        now: UNIX seconds; the time of the attempt must be within 300 s of it, past or future.
    """
    keys = [made for made in map(_key_of, secrets) if made]
    if not keys:
        return signatures.NO_SECRET
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id:
        return "the webhook-id header is missing"
    if not sent_at:
        return "the webhook-timestamp header is missing"
    if not _TIMESTAMP.fullmatch(sent_at):
        return "webhook-timestamp is not a whole number of seconds"
    away = abs(now - int(sent_at))
    if away > TOLERANCE_S:
        return f"webhook-timestamp is {away:.0f} s away, at most {TOLERANCE_S} s is allowed"
    return _check(f"{message_id}.{sent_at}.".encode("utf-8", "surrogateescape") + body, headers, keys)


def _check(message: bytes, headers: Mapping[str, str], keys: Sequence[bytes]) -> str | None:
    header = headers.get("webhook-signature", "").strip()
    if not header:
        return signatures.MISSING
    # v1a is ed25519, and others may come: only v1 is ours, the rest is skipped (section 4, signature).
    ours = [text for version, _, text in (one.partition(",") for one in header.split()) if version == "v1"]
    if not ours:
        return "the signature header has no v1 signature"
    given = [one for one in map(signatures.signature, ours) if one is not None]
    if not given:
        return signatures.NOT_A_SIGNATURE
    return None if any(signatures.matches(message, one, keys) for one in given) else signatures.WRONG


def _key_of(secret: str) -> bytes | None:
    return signatures.decode(secret.strip().removeprefix("whsec_"))


def secret_flaw(secret: str) -> str | None:
    """Why a secret cannot serve; None where it can."""
    if not secret.strip().removeprefix("whsec_"):
        return "it is empty: anyone could sign with an empty secret"
    return None if _key_of(secret) else "it is not base64 (whsec_ and base64, as the shop shows it)"


def is_ping(headers: Mapping[str, str], body: bytes) -> bool:
    """Standard Webhooks has no unsigned ping."""
    return False


def read(*, headers: Mapping[str, str], body: bytes, shop: Shop, received_at: datetime) -> Webhook:
    """What the webhook says. Never raises: a body that cannot be read has a reason that names the field."""
    message_id = headers.get("webhook-id", "")
    keys = (key("id", message_id) if message_id else key("body", digest(body)),)
    topic, found = "", None
    try:
        node = Node.of(strict_json.loads(body))
        topic = node.need_text("type")[:80]
        if topic not in ORDER_TYPES:
            return Webhook(topic=topic, kind="ignored", keys=keys, reason=_OTHER_TYPE)
        tie = sortable(node.text("timestamp"))
        data = node.child("data")
        if data is None:
            raise node.fault("data", "is missing")
        found = order_id(data.get("shop_order_id"))
        order = _order(data, cancelled=topic == "order.cancelled", at=tie or None)
    except (strict_json.MalformedError, UnreadableError) as error:
        return Webhook(
            topic=topic,
            kind="unreadable",
            keys=keys,
            shop_order_id=found,
            reason=f"the body is no order that can be read: {error}",
        )
    return Webhook(
        topic=topic,
        kind="order",
        keys=keys,
        shop_order_id=order.shop_order_id,
        order=order,
        rank=CREATED if topic == "order.created" else UPDATED,
        tie=tie,
        notes=joined((difference_note(order),)),
    )


def _order(data: Node, *, cancelled: bool, at: str | None) -> Order:
    told = data.all()
    if cancelled:
        told |= {"cancelled": True, "cancelled_at": told.get("cancelled_at") or at or told.get("version")}
    return make_order(told, prefix=data.path)
