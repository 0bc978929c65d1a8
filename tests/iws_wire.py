"""Orders for an IWS destination, and a way to its stand-in without a network: calls may fail or be cut off at will."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from sandbox.iws import Iws
from sandbox.journal import Journal
from sandbox.system import Request
from schemas.http import Call, Reply
from schemas.iws import IwsDestination
from schemas.order import Order
from tasks.iws import converge
from tasks.iws.memo import prepare
from tests.manex_wire import Shelf
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Job

KEY = "sandbox-iws"
CUSTOMER = "CUST-000101"


def destination(**changes: Any) -> IwsDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "iws-uk",
        "system": "iws",
        "base_url": "http://iws.example:82/Interprise.Web.Services",
        "auth": {"mode": "basic", "username": KEY, "password": ""},
        "customer": CUSTOMER,
        "fields": {"warehouseCode": "MAIN", "sourceCode": "Internet"},
        "skus": {"MUG-BLUE": "MUG-11OZ-BLU"},
    }
    return IwsDestination.model_validate({**section, **changes})


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One line: two of something for 24.00, 20.00 without tax."""
    body = {"id": str(number), "sku": f"ITEM-{number}", "name": f"Item {number}", "quantity": "2"}
    return {**body, "total_incl": "24.00", "tax": "4.00", **changes}


def order(count: int = 2, **changes: Any) -> Order:
    """An order with so many lines and a shipping charge of 6.00, 5.00 without tax, with changes."""
    body: dict[str, Any] = {
        "shop_order_id": "820982911946154508",
        "number": "#1001",
        "version": "2026-11-20T10:15:00Z",
        "placed_at": "2026-11-20T10:14:58Z",
        "currency": "GBP",
        "email": "ada@example.com",
        "ship_to": {"name": "Ada Lovelace", "address1": "1 Analytical St", "city": "Bristol", "postcode": "BS1 4XX"}
        | {"state": "Avon", "country": "GB"},
        "lines": [line(number) for number in range(1, count + 1)],
        "shipping": [{"code": "standard", "total_incl": "6.00", "tax": "1.00"}],
    }
    return Order.model_validate({**body, **changes})


class CutOff(BaseException):
    """The worker is gone."""


What = Literal["refuse", "lose", "late", "cut", "cut before", "html", "error", "not json", "unavailable"]
"""``lose``: carried out, and not answered. ``late``: not answered, and carried out after the next attempt has looked.
``cut``: carried out, and the worker is gone before the answer. ``error``, ``unavailable``: not carried out."""


@dataclass
class Wire:
    """The stand-in as one attempt sees it.

    ``trouble``: by the number of the call, counted from 1. ``lose_writes``: every POST is carried out and not answered.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    trouble: dict[int, What] = field(default_factory=dict)
    lose_writes: bool = False

    def __post_init__(self) -> None:
        self.iws = Iws(Journal(None), settings=self.settings)
        self.calls: list[Call] = []
        self._late: list[tuple[int, Call]] = []

    async def send(self, call: Call) -> Reply:
        """As :class:`worker.http.Client` does it."""
        self.calls.append(call)
        what = self.trouble.get(len(self.calls))
        if self.lose_writes and call.method == "POST":
            what = "lose"
        if what == "refuse":
            return Reply(call=call, fault="connect")
        if what == "late":
            self._late.append((2, call))
            return Reply(call=call, fault="timeout")
        if what == "cut before":
            raise CutOff
        if what == "error":
            return Reply(call=call, status=500, text='{"errors":[{"status":"500","title":"Server execution failed."}]}')
        if what == "unavailable":
            return Reply(call=call, status=503, text="Service Unavailable")
        reply = await self.carry_out(call)
        if what == "lose":
            return Reply(call=call, fault="lost")
        if what == "html":
            return Reply(call=call, status=502, text="<html>Bad Gateway</html>")
        if what == "not json":
            return Reply(call=call, status=200, text="<html>maintenance</html>")
        if what == "cut":
            raise CutOff
        return reply

    async def carry_out(self, call: Call) -> Reply:
        """What the stand-in answers."""
        headers = {"authorization": "Basic " + base64.b64encode(f"{KEY}:".encode()).decode(), "host": "erp.internal:82"}
        body = b"" if call.body is None else json.dumps(call.body).encode()
        answer = await self.iws.handle(
            Request(
                call.method,
                f"/Interprise.Web.Services/{call.path}",
                urlencode(call.params, quote_via=quote).encode(),
                {**headers, "content-type": "application/json"} if body else headers,
                body,
            )
        )
        return Reply(call=call, status=answer.status, text=answer.body.decode())

    async def post(self, **body: Any) -> Reply:
        """A sales order that somebody else makes."""
        items = [{"itemName": "OTHER", "itemQuantity": 1, "itemUnitPrice": 1}]
        return await self.carry_out(Call("POST", "salesorder", body={"customerCode": CUSTOMER, "items": items, **body}))

    async def catch_up(self) -> None:
        """An attempt is over: what comes late is carried out after the next one, which only looked."""
        self._late = [(left - 1, call) for left, call in self._late]
        for call in [call for left, call in self._late if left <= 0]:
            await self.carry_out(call)
        self._late = [(left, call) for left, call in self._late if left > 0]

    def writes(self) -> int:
        """How many calls so far were to make something."""
        return sum(call.method == "POST" for call in self.calls)

    def live(self, number: str = "1001") -> int:
        """Sales orders under a poCode that are not voided."""
        return self.iws.counts().get(number, 0)


@dataclass
class Story:
    """The life of one delivery, as the ledger would tell it: attempt after attempt, until one says how it ends."""

    wire: Wire
    order: Order
    destination: IwsDestination = field(default_factory=destination)
    memo: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False
    interrupted: bool = False
    now: float = field(default_factory=time.time)
    shelf: Shelf = field(default_factory=lambda: Shelf("0".zfill))

    async def attempt(self) -> Outcome | None:
        """One attempt; None where it was cut off."""
        self.memo = json.loads(json.dumps(prepare(self.order, self.memo, self.destination, self.shelf)))
        job = Job(
            order=self.order,
            number=self.order.number.removeprefix("#"),
            shop=self.shelf.shop,
            destination=self.destination,
            in_doubt=self.in_doubt,
            memo=self.memo,
            interrupted=self.interrupted,
            now=self.now,
        )
        try:
            outcome = await converge(job, self.wire)
        except CutOff:
            self.in_doubt = self.interrupted = True
            return None
        self._take(outcome)
        await self.wire.catch_up()
        return outcome

    def _take(self, outcome: Outcome) -> None:
        self.interrupted = False
        if isinstance(outcome, Delivered):
            self.memo, self.in_doubt = dict(outcome.memo) or self.memo, False
            return
        self.memo = outcome.memo if outcome.memo is not None else self.memo
        if isinstance(outcome, Reject):
            self.in_doubt = outcome.in_doubt or (outcome.hold and self.in_doubt)
        else:
            self.in_doubt = self.in_doubt or outcome.in_doubt
        if isinstance(outcome, Retry):
            self.now += outcome.after or 0.0

    async def to_the_end(self, *, attempts: int = 12) -> Outcome:
        """Attempts until one neither says to try again nor is cut off."""
        outcome: Outcome | None = None
        for _ in range(attempts):
            outcome = await self.attempt()
            if outcome is not None and not isinstance(outcome, Retry):
                break
        assert outcome is not None
        return outcome
