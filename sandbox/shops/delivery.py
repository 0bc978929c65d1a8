"""One webhook that a shop wants to send, and what came back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast, get_args

Platform = Literal["shopify", "woocommerce", "standard"]
PLATFORMS: tuple[Platform, ...] = get_args(Platform)

Json = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook, ready to be signed.

    Attributes:
        shop: its name in crossdock.toml, the last part of ``/webhooks/{shop}``.
        topic: the platform's word, ``orders/create``, ``order.created``; "" for WooCommerce's ping.
        body: the bytes as they go out; nothing re-serialises them.
        delivery_id: the same on every re-send, as the platform has it (Webhook-Id, webhook-id).
        event_id: Shopify's Event-Id; the same for all topics that one change causes.
        triggered: when the shop's event happened, UTC.
        name: the file it was read from, or "".
        number: the order number as the shop's people see it, or "" where the body has none.
        ping: WooCommerce's unsigned form post (contracts/webhooks.md section 3).
        comment: what is odd about it, one line.
        expect: the outcome that the webhook is answered with, where it is known beforehand.
        ends: the order's status when the demo has come to rest, where it is known beforehand.
        at: the destinations that hold the order, once and live, when the demo has come to rest.
        written: what the lines of its sales order at the ERP say then: at ManEx by line number and without cancelled
            ones, ``6 x 104-2200 revision B, 107.70, due 2026-11-30``; at IWS and Enapps ``7 x CANDLE-BEE, 46.59``
            without tax, and at IWS the freight as ``freight, 4.00``.
        waits: the demo sends it only when what came of the order before is at rest.
        fault: what the sandbox is told to do to this order: the body of ``POST /_sandbox/faults``.
        waybill: under which the warehouse sends it when the demo has come to rest.
    """

    shop: str
    platform: Platform
    topic: str
    body: bytes
    delivery_id: str
    event_id: str
    triggered: datetime
    name: str = ""
    number: str = ""
    ping: bool = False
    comment: str = ""
    expect: str | None = None
    ends: str | None = None
    at: tuple[str, ...] | None = None
    written: tuple[str, ...] | None = None
    waits: bool = False
    fault: Mapping[str, object] | None = None
    waybill: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the shop heard.

    Attributes:
        status: the HTTP status of the last try; 0 when there was no answer at all.
        outcome: accepted, duplicate, stale, held or ignored; None when the answer names none.
        order: the order's id, as text.
        tries: how often the webhook was sent.
        seconds: from the first byte of the last try to its answer.
    """

    status: int
    outcome: str | None = None
    order: str | None = None
    tries: int = 1
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """The shop takes the webhook as delivered and forgets it."""
        return 200 <= self.status < 300


def decode(raw: bytes | str) -> object:
    """Read JSON; None where it is none. A body that nobody can read is still a webhook that may be sent."""
    try:
        return cast("object", json.loads(raw))
    except (ValueError, RecursionError):
        return None


def encode(platform: Platform, value: object) -> bytes:
    """Write JSON as the platform's own serialiser does: compact, and with its escapes.

    Shopify escapes slashes and writes letters as UTF-8; PHP (WooCommerce) escapes both.
    """
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=platform == "woocommerce", allow_nan=False)
    if platform != "standard":
        text = text.replace("/", "\\/")
    return text.encode()
