"""What reading one genuine webhook gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.order import Order

CREATED, UPDATED, REMOVED = 0, 1, 2
"""Ranks that settle equal versions: a removal outranks an update, an update outranks a creation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """One webhook, understood or not.

    Attributes:
        topic: the shop's word, ``orders/create``.
        kind: ``order``: ``order`` is set. ``removed``: the shop deleted ``shop_order_id`` and tells no more.
            ``ignored``: nothing to do, ``reason`` says why. ``unreadable``: a person must look, ``reason`` says why.
        keys: what makes the delivery a known duplicate, unique within the shop.
        shop_order_id: where it could be read at all.
        order: the canonical order.
        rank: CREATED, UPDATED or REMOVED.
        tie: settles equal versions before rank does (Shopify's Triggered-At, ISO 8601); the greater wins.
        reason: one sentence for people, without personal data.
        notes: sentences for the timeline, such as totals that do not add up.
    """

    topic: str
    kind: Literal["order", "removed", "ignored", "unreadable"]
    keys: tuple[str, ...] = ()
    shop_order_id: str | None = None
    order: Order | None = None
    rank: int = UPDATED
    tie: str = ""
    reason: str = ""
    notes: tuple[str, ...] = ()
