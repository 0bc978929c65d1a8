"""What was sent and where it stands: the API's orders as plain rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from sandbox.shops.delivery import Answer, Delivery

STATUS_SENT = 450
"""The warehouse's own number (contracts/ongoing.md section 1.7)."""

_PAGE = "200"
_MOVING = frozenset({"ready", "delivering", "retrying"})


@dataclass(frozen=True, slots=True)
class Sent:
    """One webhook that was answered. ``at``: when its last try went out, UNIX seconds."""

    delivery: Delivery
    answer: Answer
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One delivery of an order.

    Attributes:
        progress: how it gets on there: ``sent (status 450)``, or "".
        waybills: under which parcels are on their way.
        changed_at: UNIX seconds.
    """

    destination: str
    status: str
    attempts: int
    reference: str | None
    reason: str
    progress: str = ""
    waybills: tuple[str, ...] = ()
    changed_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One order. ``reason``: why it waits, "" where it does not. ``sent_at``: UNIX seconds, None if not by us."""

    id: int
    shop: str
    number: str
    status: str
    reason: str
    legs: tuple[Leg, ...]
    sent_at: float | None

    @property
    def moving(self) -> bool:
        """Something will happen to it without anybody's help."""
        return self.status in {"received", "delivering"} or any(leg.status in _MOVING for leg in self.legs)

    @property
    def delivered_at(self) -> float | None:
        """When its last delivery ended well; None where the order is not delivered."""
        if self.status != "delivered" or not self.legs:
            return None
        return max(leg.changed_at for leg in self.legs)

    @property
    def seconds(self) -> float | None:
        """From sending to the last delivery."""
        done = self.delivered_at
        return None if done is None or self.sent_at is None else max(0.0, done - self.sent_at)

    @property
    def state(self) -> tuple[object, ...]:
        """What a person would call a change if it changed."""
        return (self.status, self.reason, *((leg.destination, leg.status, leg.progress) for leg in self.legs))


class Api:
    """The part of Crossdock's API, and of the sandbox's, that the demo looks at."""

    def __init__(self, *, crossdock: str, sandbox: str) -> None:
        self._crossdock = httpx.Client(base_url=crossdock, timeout=5, trust_env=False)
        self._sandbox = httpx.Client(base_url=sandbox, timeout=5, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._crossdock.close()
        self._sandbox.close()

    def crossdock_answers(self) -> bool:
        """Web is there."""
        return _answers(self._crossdock, "/healthz")

    def sandbox_answers(self) -> bool:
        """The stand-ins are there."""
        return _answers(self._sandbox, "/_sandbox/down")

    def fault(self, fault: Mapping[str, object]) -> None:
        """Tell the sandbox what to do to an order."""
        self._sandbox.post("/_sandbox/faults", json=fault).raise_for_status()

    def held_there(self) -> dict[str, dict[str, int]]:
        """System -> order reference -> how many live objects it holds."""
        found: dict[str, dict[str, int]] = self._sandbox.get("/_sandbox/counts").raise_for_status().json()
        return found

    def sales_orders(self) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """System -> order reference -> what it holds, with lines and prices."""
        found: dict[str, Any] = self._sandbox.get("/_sandbox/orders").raise_for_status().json()
        return found

    def send_out(self, order_id: str, waybill: str, address: str, *, login: tuple[str, str]) -> None:
        """What people at the warehouse do: an order gets its parcel, and then the status "sent"."""
        order = f"/ongoing/api/v1/orders/{order_id}"
        parcel = {"waybill": waybill, "trackingUrl": address, "isReturnTracking": False}
        self._sandbox.put(f"{order}/orderTracking", json=parcel, auth=login).raise_for_status()
        status = {"orderStatusNumber": STATUS_SENT}
        self._sandbox.patch(f"{order}/orderStatus", json=status, auth=login).raise_for_status()

    def report(self, destination: str, body: Mapping[str, object], *, token: str) -> None:
        """A webhook of a destination."""
        path = f"/webhooks/destinations/{destination}"
        self._crossdock.post(path, json=body, headers={"X-Auth-Token": token}).raise_for_status()

    def destinations(self) -> list[dict[str, Any]]:
        """Every destination: ``name``, ``status``, ``reason``, ``held``."""
        found: list[dict[str, Any]] = self._crossdock.get("/api/destinations").raise_for_status().json()["items"]
        return found

    def orders(self, sent: Iterable[Sent]) -> list[Row]:
        """All orders, in the order in which they came.

        Raises:
            httpx.HTTPError: no answer, or a refusal.
        """
        items: list[Mapping[str, Any]] = []
        cursor: str | None = None
        while True:
            params = {"limit": _PAGE, **({"cursor": cursor} if cursor else {})}
            page = self._crossdock.get("/api/orders", params=params).raise_for_status().json()
            items += page["items"]
            cursor = None if page["next"] is None else str(page["next"])
            if cursor is None:
                break
        times: dict[str, list[float]] = {}
        for one in sent:
            if one.answer.order is not None:
                times.setdefault(one.answer.order, []).append(one.at)
        return [_row(item, times.get(str(item["id"]), ())) for item in sorted(items, key=lambda item: int(item["id"]))]


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path, timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def _row(item: Mapping[str, Any], sent_at: Sequence[float]) -> Row:
    legs = tuple(
        Leg(
            destination=str(d["destination"]),
            status=str(d["status"]),
            attempts=int(d["attempts"]),
            reference=d["reference"],
            reason=d["reason"] or "",
            progress=d["progress"] or "",
            waybills=tuple(d["tracking"]),
            changed_at=_unix(d["changed_at"]),
        )
        for d in item["deliveries"]
    )
    # An order that waited for its money counts from the webhook that let it go.
    done = max((leg.changed_at for leg in legs), default=0.0)
    before = [at for at in sent_at if at <= done] or list(sent_at)
    return Row(
        id=int(item["id"]),
        shop=str(item["shop"]),
        number=str(item["number"]),
        status=str(item["status"]),
        reason=item["reason"] or "",
        legs=legs,
        sent_at=max(before, default=None),
    )


def _unix(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
