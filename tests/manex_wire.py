"""Orders for a ManEx destination, and a way to its stand-in without a network: calls may fail or be cut off at will."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode

from sandbox.journal import Journal
from sandbox.manex import Manex
from sandbox.system import Request
from schemas.http import Call, Fault, Reply
from schemas.manex import ManexDestination
from schemas.manex.desired import prepare
from schemas.order import Order
from tasks.manex import converge
from worker.feeds import Copied
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Job

KEY = "SANDBOX123"
CUSTOMER = "0000000008"

LATE = 2
"""After so many attempts, its own among them, a late call is carried out."""


def destination(**changes: Any) -> ManexDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "manex-us",
        "system": "manex",
        "base_url": "https://manex.example",
        "auth": {"mode": "path", "key": KEY},
        "so_prefix": "W",
        "customer": CUSTOMER,
        "lead_days": 5,
        "calendar": "US",
        "timeout_s": 20,
        "shipping_sku": "FREIGHT",
        "line_fields": {"uOfMeas": "EACH", "status": "Standard", "deliv_time": "3:00"},
        "price_fields": {"saleTypeID": "OTHER"},
        "skus": {"MUG-BLUE": {"part_no": "MUG-11OZ", "revision": "A"}},
    }
    return ManexDestination.model_validate({**section, **changes})


def line(number: int = 1, **changes: Any) -> dict[str, Any]:
    """One line: two of something for 79.90."""
    body = {"id": str(number), "sku": f"PART-{number}", "name": f"Part {number}", "quantity": "2"}
    return {**body, "total_incl": "79.90", "tax": "7.26", **changes}


def order(count: int = 2, **changes: Any) -> Order:
    """An order with so many lines and no shipping charge, with changes."""
    body: dict[str, Any] = {
        "shop_order_id": "820982911946154508",
        "number": "#1001",
        "version": "2026-11-20T10:15:00Z",
        "placed_at": "2026-11-20T10:14:58Z",
        "currency": "USD",
        "lines": [line(number) for number in range(1, count + 1)],
    }
    return Order.model_validate({**body, **changes})


@dataclass(frozen=True)
class Shelf:
    """Gives numbers as the ledger does, and knows ``people``: contacts and companies of another system."""

    give: Callable[[int], str]
    people: Sequence[Copied] = ()
    read: bool = True
    shop: str = "acme-uk"

    def number(self, digits: int) -> str:
        """The next one."""
        return self.give(digits)

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """Those that fit."""
        wanted = (("key", key), ("ref", ref), ("email", email))
        return [
            one
            for one in self.people
            if one.kind == kind and all(not value or getattr(one, name) == value for name, value in wanted)
        ]

    def copied(self, destination: str, kind: str) -> bool:
        """They were read to their end."""
        return self.read


class CutOff(BaseException):
    """The worker is gone."""


What = Literal["refuse", "lose", "late", "cut", "html", "error"]
"""``lose``: carried out, and not answered. ``late``: not answered, and carried out after the next attempt has looked.
``cut``: carried out, and the worker is gone before the answer."""


@dataclass
class Wire:
    """The stand-in as one attempt sees it, and how many calls it got. ``trouble``: by the number of the call.

    ``trips``: how often somebody waited for an answer, calls that were on their way together counted once.
    """

    folder: Path
    settings: Mapping[str, Any] = field(default_factory=dict)
    trouble: dict[int, What] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.manex = Manex(Journal(None), settings=self.settings)
        self.calls: list[Call] = []
        self.in_flight = self.most = 0
        self.trips = 0
        self._late: list[tuple[int, Call]] = []
        self._back: asyncio.Future[None] | None = None

    async def send(self, call: Call) -> Reply:
        """As :class:`worker.http.Client` does it."""
        self.calls.append(call)
        what = self.trouble.get(len(self.calls))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await self._trip()
            return await self._sent(call, what)
        finally:
            self.in_flight -= 1

    async def _trip(self) -> None:
        """Wait for the answer's way back, together with all calls that are on their way."""
        if self._back is None or self._back.done():
            self._back = asyncio.ensure_future(self._go())
        await asyncio.shield(self._back)

    async def _go(self) -> None:
        for _ in range(20):  # whoever has something to send now sends it
            await asyncio.sleep(0)
        self.trips, self._back = self.trips + 1, None

    async def _sent(self, call: Call, what: What | None) -> Reply:
        if what == "refuse":
            body = {"$id": "1", "Code": 403, "Message": "Not today.", "SessionId": None, "IsValidUser": True}
            return Reply(call=call, status=200, text=json.dumps({**body, "ResponseObject": None}))
        if what == "late":
            self._late.append((LATE, call))
            return _silent(call, "timeout")
        if what == "error":
            return Reply(call=call, status=500, text='{"Message":"An error has occurred."}')
        reply = await self.carry_out(call)
        if what == "lose":
            return _silent(call, "timeout")
        if what == "html":
            return Reply(call=call, status=502, text="<html>Bad Gateway</html>")
        if what == "cut":
            raise CutOff
        return reply

    async def carry_out(self, call: Call) -> Reply:
        """What the stand-in answers."""
        path = f"/{call.path}" + ("" if call.key_param else f"/{KEY}")
        params = (*call.params, *(((call.key_param, KEY),) if call.key_param else ()))
        answer = await self.manex.handle(
            Request(
                call.method,
                path,
                urlencode(params, quote_via=quote).encode(),
                {"content-type": "application/json"} if call.body is not None else {},
                b"" if call.body is None else json.dumps(call.body).encode(),
            )
        )
        return Reply(call=call, status=answer.status, text=answer.body.decode())

    async def catch_up(self) -> None:
        """An attempt is over: what comes late is carried out after the next one, which only looked."""
        self._late = [(left - 1, call) for left, call in self._late]
        for call in [call for left, call in self._late if left <= 0]:
            await self.carry_out(call)
        self._late = [(left, call) for left, call in self._late if left > 0]

    def writes(self) -> list[str]:
        """The actions that change something, of all calls so far."""
        actions = [call.path.removeprefix("API/SO/") for call in self.calls]
        return [action for action in actions if not action.endswith("Get")]

    def orders(self, number: str = "1001") -> list[dict[str, Any]]:
        """What the stand-in holds under a PoNo."""
        return self.manex.orders().get(number, [])


def _silent(call: Call, fault: Fault) -> Reply:
    return Reply(call=call, fault=fault)


@dataclass
class Story:
    """The life of one delivery, as the ledger would tell it: attempt after attempt, until one says how it ends."""

    wire: Wire
    order: Order
    destination: ManexDestination
    memo: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False
    interrupted: bool = False
    now: float = 1_790_000_000.0
    said: list[str] = field(default_factory=list)
    people: Sequence[Copied] = ()
    _last: int = 90_000_000

    def _number(self, digits: int) -> str:
        self._last += 1
        return str(self._last).zfill(digits)

    def _shelf(self) -> Shelf:
        return Shelf(self._number, self.people)

    async def attempt(self) -> Outcome | None:
        """One attempt; None where it was cut off."""
        self.memo = json.loads(json.dumps(prepare(self.order, self.memo, self.destination, self._shelf())))
        job = Job(
            order=self.order,
            number=self.order.number.removeprefix("#"),
            shop="parts",
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
        self.said += [*outcome.steps, getattr(outcome, "reason", "")]
        self._take(outcome)
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
        raise AssertionError(f"no end after {attempts} attempts: {self.said}")


def tell(story: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    return asyncio.run(story())
