"""Webhook bodies -> canonical order: one module a platform, pure functions, no I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from schemas.config import Shop
from schemas.shops import shopify, standard, woocommerce
from schemas.webhook import Webhook


class PlatformModule(Protocol):
    """What a platform's module offers. Header names are lower case; ``body`` is the raw bytes."""

    def verify(self, *, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float) -> str | None:
        """None when genuine, else one sentence why not. Secrets: current first; ``now``: UNIX seconds."""
        ...

    def read(self, *, headers: Mapping[str, str], body: bytes, shop: Shop, received_at: datetime) -> Webhook:
        """What a genuine webhook says. Never raises: what cannot be read is of kind ``unreadable``."""
        ...

    def is_ping(self, headers: Mapping[str, str], body: bytes) -> bool:
        """An unsigned ping that wants a 200 and nothing else; asked before ``verify``."""
        ...

    def secret_flaw(self, secret: str) -> str | None:
        """Why a configured secret can never match anything; None where it can."""
        ...


PLATFORMS: Mapping[str, PlatformModule] = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "standard": standard,
}
"""By the name that ``platform`` in ``crossdock.toml`` takes."""
