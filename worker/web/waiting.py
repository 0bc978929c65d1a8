"""What would let a held order go, and which button there is for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schemas.config import Config
from schemas.order import Order
from schemas.routing import release

_UNPAID = ("pending", "authorized")


@dataclass(frozen=True, slots=True, kw_only=True)
class WayOut:
    """Why the order itself is held, what lets it go; ``payment``: a person may say that it is paid."""

    reason: str
    text: str
    payment: bool = False


def way_out(item: Mapping[str, Any], *, config: Config) -> WayOut | None:
    """For an order of ``views.order``; None where the order is not held, or only by one of its deliveries."""
    reason = item["reason"]
    own = all(reason != f"{d['destination']}: {d['reason']}" for d in item["deliveries"])
    if item["status"] != "held" or not reason or not own:
        return None
    shop = config.shops.get(item["shop"])
    canonical = Order.model_validate(item["order"]) if item["order"] is not None else None
    if canonical is None or shop is None or release(canonical, shop=shop) != reason:
        return WayOut(reason=reason, text=_otherwise(canonical, known=shop is not None))
    if canonical.payment_state not in _UNPAID:
        text = (
            "It goes by itself when the shop says that it is paid after all. To send it all the same, replay it "
            "with an edit of payment_state."
        )
        return WayOut(reason=reason, text=text)
    waits_for = "paid" if shop.release == "paid" else "authorized or paid"
    text = f"It goes by itself when the shop says {waits_for}. If the money came by another way, let it go here."
    return WayOut(reason=reason, text=text, payment=True)


def _otherwise(canonical: Order | None, *, known: bool) -> str:
    if canonical is None:
        return (
            "It goes by itself when the shop sends a version that can be read. A replay reads the stored webhook "
            "again; an edit that makes it a whole order lets it go too."
        )
    if not known:
        return "A replay lets it go once its shop is in the configuration."
    return "It goes by itself when a newer version of the shop may leave. A replay looks at rules and routes again."
