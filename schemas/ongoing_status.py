"""Ongoing: how an order gets on, as GET /orders and its webhooks tell it (contracts/ongoing.md 1.6, 1.7 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.echo import members, whole
from schemas.ongoing import OngoingDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``word``: what the status number means, as configured; ``tracking``: waybill -> address, empty for none.

    ``order_id``: theirs; None where it is not told.
    """

    order_number: str
    order_id: int | None
    number: int
    word: str
    tracking: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """For people: ``sent (status 450)``."""
        return f"{self.word} (status {self.number})"


def of_order(entry: Mapping[str, Any], destination: OngoingDestination) -> Status | None:
    """The status of an entry of GET /orders; None before the warehouse has begun with it."""
    info = members(entry.get("orderInfo"))
    return _status(info, entry, destination)


def of_webhook(body: Any, destination: OngoingDestination) -> Status | None:
    """The status of a webhook's body; None where it is no order's, or before the warehouse has begun.

    Raises:
        ValueError: it is about an order of another goods owner.
    """
    told = members(body)
    owner = whole(told.get("goodsOwnerId"))
    if owner is not None and owner != destination.goods_owner_id:
        raise ValueError(f"it is about goods owner {owner}, and {destination.name} is {destination.goods_owner_id}")
    return _status(told, told, destination)


def _status(info: Mapping[str, Any], body: Mapping[str, Any], destination: OngoingDestination) -> Status | None:
    code, name = whole(members(info.get("orderStatus")).get("number")), str(info.get("orderNumber") or "").strip()
    word = _word(code, destination) if code is not None else ""
    if code is None or not word or not name:
        return None
    order_id = whole(info.get("orderId"))
    return Status(order_number=name, order_id=order_id, number=code, word=word, tracking=_tracking(body))


def _word(number: int, destination: OngoingDestination) -> str:
    """The word of the highest configured number that it has reached; empty for none."""
    if number == destination.cancelled_status:
        return "cancelled"
    reached = [known for known in destination.statuses if known <= number < destination.cancelled_status]
    return destination.statuses[max(reached)] if reached else ""


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
