"""Ongoing: how an order gets on, as GET /orders tells it, and which order a webhook is about (contracts/ongoing.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.echo import members, whole
from schemas.ongoing import OngoingDestination

CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``word``: what the status number means, as configured; empty before the warehouse has begun with the order.

    ``order_id``: theirs; None where it is not told. ``tracking``: waybill -> address, empty for none.
    """

    order_number: str
    order_id: int | None
    number: int
    word: str
    tracking: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """For people: ``sent (status 450)``."""
        return f"{self.word or 'not begun'} (status {self.number})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Which order a webhook is about. ``order_id``: theirs; None where it is not told."""

    order_number: str
    order_id: int | None


def of_order(entry: Mapping[str, Any], destination: OngoingDestination) -> Status | None:
    """The status of an entry of GET /orders; None where it has none, or one that stands for no step of its way."""
    info = members(entry.get("orderInfo"))
    code, name = whole(members(info.get("orderStatus")).get("number")), str(info.get("orderNumber") or "").strip()
    word = _word(code, destination) if code is not None else None
    if code is None or word is None or not name:
        return None
    order_id = whole(info.get("orderId"))
    return Status(order_number=name, order_id=order_id, number=code, word=word, tracking=_tracking(entry))


def of_webhook(body: Any, destination: OngoingDestination) -> Hint | None:
    """Which order a webhook's body is about; None where it is about none.

    Raises:
        ValueError: it is about an order of another goods owner.
    """
    told = members(body)
    owner = whole(told.get("goodsOwnerId"))
    if owner is not None and owner != destination.goods_owner_id:
        raise ValueError(f"it is about goods owner {owner}, and {destination.name} is {destination.goods_owner_id}")
    name = told.get("orderNumber")
    if not isinstance(name, str) or not name.strip():
        return None
    return Hint(order_number=name.strip(), order_id=whole(told.get("orderId")))


def _word(number: int, destination: OngoingDestination) -> str | None:
    """The word of the highest configured number that it has reached; empty before the first, None beyond the last."""
    if number == destination.cancelled_status:
        return CANCELLED
    reached = [known for known in destination.statuses if known <= number < destination.cancelled_status]
    if reached:
        return destination.statuses[max(reached)]
    return "" if number < destination.cancelled_status else None


def _tracking(body: Mapping[str, Any]) -> dict[str, str]:
    """From the four places where it can stand (section 1.6); return parcels left out."""
    found: dict[str, str] = {}
    rows = [{"waybill": members(body.get("orderInfo")).get("wayBill")}, *_rows(body.get("tracking"))]
    for parcel in _rows(body.get("parcels")):
        own = members(parcel.get("tracking"))
        rows.append(
            {
                **own,
                "waybill": own.get("waybill") or parcel.get("parcelNumber"),
                "isReturn": parcel.get("isReturnParcel"),
            }
        )
    for row in rows:
        name = str(row.get("waybill") or "").strip()
        if name and not row.get("isReturn"):
            found[name] = _address(row.get("trackingUrl")) or found.get(name, "")
    return found


def _rows(value: object) -> list[dict[str, Any]]:
    """The objects of an array, which may be null (section 1.2)."""
    return [members(row) for row in value] if isinstance(value, list) else []


def _address(value: object) -> str:
    """An address that a person may follow: it becomes a link in the console, so nothing but http."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.lower().startswith(("https://", "http://")) and text.isprintable() else ""
