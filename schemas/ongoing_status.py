"""Ongoing: how an order gets on, as GET /orders and its webhooks tell it (contracts/ongoing.md 1.6, 1.7 and 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.echo import members, whole
from schemas.ongoing import OngoingDestination


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """``word``: what the status number means, as configured; ``tracking``: waybill -> address, empty for none."""

    order_number: str
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
    return _status(info.get("orderNumber"), info.get("orderStatus"), entry, destination)


def of_webhook(body: Any, destination: OngoingDestination) -> Status | None:
    """The status of a webhook's body; None where it is no order's, or before the warehouse has begun.

    Raises:
        ValueError: it is about an order of another goods owner.
    """
    told = members(body)
    owner = whole(told.get("goodsOwnerId"))
    if owner is not None and owner != destination.goods_owner_id:
        raise ValueError(f"it is about goods owner {owner}, and {destination.name} is {destination.goods_owner_id}")
    return _status(told.get("orderNumber"), told.get("orderStatus"), told, destination)


def _status(number: Any, status: Any, body: Mapping[str, Any], destination: OngoingDestination) -> Status | None:
    code, name = whole(members(status).get("number")), str(number or "").strip()
    if code is None or not name:
        return None
    word = _word(code, destination)
    return Status(order_number=name, number=code, word=word, tracking=_tracking(body)) if word else None


def _word(number: int, destination: OngoingDestination) -> str:
    """The word of the highest configured number that it has reached; empty for none."""
    if number == destination.cancelled_status:
        return "cancelled"
    reached = [known for known in destination.statuses if known <= number < destination.cancelled_status]
    return destination.statuses[max(reached)] if reached else ""


def _tracking(body: Mapping[str, Any]) -> dict[str, str]:
    """From the four places where it can stand (section 1.6); return parcels left out."""
    found: dict[str, str] = {}
    waybill = members(body.get("orderInfo")).get("wayBill")
    rows = [{"waybill": waybill}, *map(members, body.get("tracking") or [])]
    for parcel in map(members, body.get("parcels") or []):
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
            found[name] = str(row.get("trackingUrl") or "") or found.get(name, "")
    return found
