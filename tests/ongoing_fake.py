"""Orders, destinations and jobs for the tests of Ongoing, and an Http that gives the replies it was given."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from schemas.http import Call, Fault, Reply
from schemas.ongoing import OngoingDestination, goods_order
from schemas.order import Order
from tasks.ongoing import converge, plan
from tests import wire
from worker.outcomes import Outcome
from worker.system import Http, Job

ORDER: dict[str, Any] = {
    **wire.ORDER,
    "currency": "AUD",
    "email": "ada@example.com",
    "phone": "+61 2 5550 1234",
    "note": "Leave at the door",
    "ship_to": {
        "first_name": "Ada",
        "last_name": "Lovelace",
        "address1": "1 Analytical St",
        "city": "Alabaster",
        "state": "VIC",
        "postcode": "3188",
        "country": "au",
    },
    "lines": [
        {
            "id": "466157049",
            "sku": "MUG-BLUE",
            "name": "Mug, blue",
            "quantity": "2",
            "total_incl": "79.90",
            "tax": "7.26",
            "options": {"Engraving": "A.L.", "Size": ""},
        },
        {"id": "466157050", "sku": "TEE-M", "quantity": "1", "total_incl": "12.00", "tax": "1.09"},
    ],
    "shipping": [{"code": "express", "name": "Express parcel", "total_incl": "10.00", "tax": "0.91"}],
}


def order(**changes: Any) -> Order:
    return Order.model_validate(ORDER | changes)


def line(**changes: Any) -> dict[str, Any]:
    return {"id": "1", "sku": "A", "name": "A thing", "quantity": "1", "total_incl": "10", "tax": "2"} | changes


def destination(**changes: Any) -> OngoingDestination:
    section = {
        "name": "ongoing-se",
        "system": "ongoing",
        "base_url": "https://api.ongoingsystems.se/acme/api/v1",
        "auth": {"mode": "basic", "username": "WSI1", "password": "secret"},
        "goods_owner_id": 159,
    }
    return OngoingDestination.model_validate(section | changes)


def body_of(an_order: Order, *, number: str = "1001", shop: str = "acme-au", **settings: Any) -> dict[str, Any]:
    return goods_order(an_order, number=number, shop=shop, destination=destination(**settings))[0]


def warnings_of(an_order: Order, **settings: Any) -> tuple[str, ...]:
    return goods_order(an_order, number="1001", shop="acme-au", destination=destination(**settings))[1]


DESTINATION = destination()
LINE = {"id": "11", "sku": "MUG", "quantity": "2", "total_incl": "20", "tax": "4"}
PLAIN = {
    "shop_order_id": "7001",
    "number": "#1001",
    "version": "2026-11-20T10:15:00Z",
    "currency": "SEK",
    "email": "ada@example.com",
    "ship_to": {"name": "Ada", "address1": "1 St", "city": "Lund", "postcode": "22100", "country": "SE"},
    "lines": [LINE],
}
KEY = (("goodsOwnerId", "159"), ("orderNumber", "1001"))
SENT = {"order_id": 501, "number": "1001"}
BEGUN = {"Message": "The warehouse has started working on the order"}


def job(*, in_doubt: bool = False, memo: Mapping[str, Any] | None = None, now: float = 0.0, **changes: Any) -> Job[Any]:
    return Job(
        order=Order.model_validate(PLAIN | changes),
        number="1001",
        shop="acme-se",
        destination=DESTINATION,
        in_doubt=in_doubt,
        memo=memo or {},
        now=now,
    )


def shown(a_job: Job[Any], *, order_id: int = 501, status: int = 200, **info: Any) -> dict[str, Any]:
    """The job's order as GET /orders shows it."""
    (call,) = plan(replace(a_job, order=a_job.order.model_copy(update={"cancelled": False})))
    body = dict(call.body or {})
    consignee, rows = body.pop("consignee"), body.pop("orderLines")
    return {
        "orderInfo": body | {"orderId": order_id, "orderStatus": {"number": status}} | info,
        "consignee": consignee,
        "orderLines": [
            {
                "rowNumber": row["rowNumber"],
                "article": {"articleNumber": row["articleNumber"]},
                "orderedNumberOfItems": float(row["numberOfItems"]),
            }
            for row in rows
        ],
    }


class Script:
    """An Http that gives the replies it was given, in their order, and keeps the calls."""

    def __init__(self, *replies: tuple[int, Any] | Fault) -> None:
        self._replies = list(replies)
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        reply = self._replies.pop(0)
        if isinstance(reply, str):
            return Reply(call=call, fault=reply)
        status, body = reply
        return Reply(call=call, status=status, text=body if isinstance(body, str) else json.dumps(body))

    @property
    def said(self) -> list[str]:
        assert not self._replies, "fewer calls than replies"
        return [self.name(call) for call in self.calls]

    def name(self, call: Call) -> str:
        return call.method


def run(a_job: Job[Any], http: Http) -> Outcome:
    return asyncio.run(converge(a_job, http))
