"""Orders for an Enapps destination, and a way to its stand-in without a network: calls may fail or be cut off."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote, urlencode

from sandbox.enapps import Enapps
from sandbox.journal import Journal
from sandbox.system import Request
from schemas.enapps import EnappsDestination
from schemas.http import Call, Fault, Reply
from schemas.order import Order
from tasks.enapps import converge
from tasks.enapps.copies import prepare
from tasks.enapps.feeds import FEEDS
from worker.feeds import Copied
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Job

What = Literal["refuse", "lose", "late", "cut", "html", "page", "error"]
LATE = 2


def destination(**changes: Any) -> EnappsDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "enapps-uk",
        "system": "enapps",
        "base_url": "https://demo.erp.example:4095/api/v1",
        "auth": {"mode": "bearer", "token": "sandbox-enapps-token"},
        "shipping_sku": "CARRIAGE",
        "timeout_s": 20,
    }
    return EnappsDestination.model_validate({**section, **changes})


def line(number: int = 1, sku: str | None = "MUG-BLUE", **changes: Any) -> dict[str, Any]:
    """One line: two of something for 24.00."""
    body = {"id": str(number), "sku": sku, "name": f"Thing {number}", "quantity": "2"}
    return {**body, "total_incl": "24.00", "tax": "4.00", **changes}


def order(**changes: Any) -> Order:
    """An order of a contact that the stand-in knows, with changes."""
    body: dict[str, Any] = {
        "shop_order_id": "820982911946154508",
        "number": "#1001",
        "version": "2026-11-20T10:15:00Z",
        "placed_at": "2026-11-20T10:14:58Z",
        "currency": "GBP",
        "email": "mina@example.test",
        "ship_to": {
            "name": "Mina Okafor",
            "address1": "14 Quay St",
            "city": "Bristol",
            "postcode": "BS1",
            "country": "GB",
        },
        "lines": [line()],
    }
    return Order.model_validate({**body, **changes})


class CutOff(BaseException):
    """The worker is gone."""


@dataclass
class Wire:
    """The stand-in as one attempt sees it. ``trouble``: by the number of the call."""

    settings: Mapping[str, Any] = field(default_factory=dict)
    trouble: dict[int, What] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.enapps = Enapps(Journal(None), settings=self.settings)
        self.calls: list[Call] = []
        self.hidden = False
        self._late: list[tuple[int, Call]] = []

    async def send(self, call: Call) -> Reply:
        """As :class:`worker.http.Client` does it."""
        self.calls.append(call)
        what = self.trouble.get(len(self.calls))
        if what == "refuse":
            return Reply(call=call, status=400, text='{"error":{"code":400,"message":"Not today."}}')
        if what == "error":
            return Reply(call=call, status=500, text='{"error":{"code":500,"message":"broken"}}')
        if what == "late":
            self._late.append((LATE, call))
            return _silent(call, "timeout")
        reply = await self.carry_out(call)
        if what == "lose":
            return _silent(call, "timeout")
        if what == "html":
            return Reply(call=call, status=502, text="<html>Bad Gateway</html>")
        if what == "page":
            return Reply(call=call, status=200, text="<html>One moment, please</html>")
        if what == "cut":
            raise CutOff
        return reply

    async def carry_out(self, call: Call) -> Reply:
        """What the stand-in answers; while orders are ``hidden``, as if it had none."""
        if self.hidden and (call.method, call.path) == ("GET", "orders"):
            return Reply(call=call, status=200, text="[]")
        answer = await self.enapps.handle(
            Request(
                call.method,
                f"/api/v1/{call.path}",
                urlencode(call.params, quote_via=quote).encode(),
                {"content-type": "application/json", "authorization": "Bearer sandbox-enapps-token"},
                b"" if call.body is None else json.dumps(call.body).encode(),
            )
        )
        return Reply(call=call, status=answer.status, text=answer.body.decode())

    async def catch_up(self) -> None:
        """An attempt is over: what comes late is carried out after the next one."""
        self._late = [(left - 1, call) for left, call in self._late]
        for call in [call for left, call in self._late if left <= 0]:
            await self.carry_out(call)
        self._late = [(left, call) for left, call in self._late if left > 0]

    def posts(self) -> int:
        """How many orders were sent."""
        return sum(call.method == "POST" for call in self.calls)

    def orders(self, number: str = "1001") -> list[dict[str, Any]]:
        """What the stand-in holds under a reference."""
        return self.enapps.orders().get(number, [])


def _silent(call: Call, fault: Fault) -> Reply:
    return Reply(call=call, fault=fault)


class Copies:
    """Local copies, read from the stand-in as the feeds read them."""

    shop = "acme-uk"

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Copied] = {}
        self.whole: set[str] = set()
        self.last_whole: set[str] = set()
        self.checkpoints: dict[str, Mapping[str, Any]] = {}

    async def read(self, wire: Wire, place: EnappsDestination, *, now: float = 1_790_000_000.0) -> list[str]:
        """Read every feed to its end, from where it stood; what went wrong."""
        problems = []
        self.last_whole = set()
        for feed in FEEDS:
            while True:
                batch = await feed.read(place, self.checkpoints.get(feed.name, {}), now, wire)
                self.rows |= {(one.kind, one.key): one for one in batch.copies}
                self.last_whole |= batch.whole
                self.whole |= batch.whole
                self.checkpoints[feed.name] = json.loads(json.dumps(batch.checkpoint))
                if batch.problem is not None:
                    problems.append(batch.problem.reason)
                if not batch.more:
                    break
        return problems

    def number(self, digits: int) -> str:
        raise AssertionError("Enapps counts by itself")

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """As the ledger finds them."""
        wanted = (("key", key), ("ref", ref), ("email", email))
        return [
            one
            for one in self.rows.values()
            if one.kind == kind
            and all(not value or getattr(one, name).casefold() == value.casefold() for name, value in wanted)
        ]

    def copied(self, destination: str, kind: str) -> bool:
        """As the ledger remembers it."""
        return kind in self.whole


@dataclass
class Story:
    """The life of one delivery, as the ledger would tell it."""

    wire: Wire
    order: Order
    destination: EnappsDestination
    shelf: Copies
    memo: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False
    interrupted: bool = False
    now: float = 1_790_000_000.0

    async def attempt(self) -> Outcome | None:
        """One attempt; None where it was cut off."""
        self.memo = json.loads(json.dumps(prepare(self.order, self.memo, self.destination, self.shelf)))
        job = Job(
            order=self.order,
            number=self.order.number.removeprefix("#"),
            shop="uk",
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
        self.interrupted = False
        if isinstance(outcome, Delivered):
            self.memo, self.in_doubt = dict(outcome.memo) or self.memo, False
            return outcome
        self.memo = outcome.memo if outcome.memo is not None else self.memo
        if isinstance(outcome, Reject):
            self.in_doubt = outcome.in_doubt or (outcome.hold and self.in_doubt)
        else:
            self.in_doubt = self.in_doubt or outcome.in_doubt
        if isinstance(outcome, Retry):
            self.now += outcome.after or 0.0
        return outcome

    async def to_the_end(self, *, attempts: int = 12, replays: int = 1) -> Outcome:
        """Attempts until it is delivered; a dead letter is replayed so often."""
        for _ in range(attempts):
            outcome = await self.attempt()
            await self.wire.catch_up()
            if isinstance(outcome, Delivered):
                return outcome
            if isinstance(outcome, Reject):
                if not replays:
                    return outcome
                replays -= 1
        raise AssertionError(f"no end after {attempts} attempts")


def tell(story: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    return asyncio.run(story())
