"""A way to a stand-in without a network, where calls fail or are cut off at will, and the life of a delivery over it.

What differs from system to system is in ``*_wire.py``.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar
from urllib.parse import quote, urlencode

from sandbox.system import Request, System
from schemas.destination import Destination
from schemas.http import Call, Fault, Reply
from schemas.order import Order
from worker import system as systems
from worker.feeds import Copied
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Http, Job

SHOP = "acme-uk"
NOW = 1_790_000_000.0
"""When a story begins, in UNIX seconds."""

ORDER = {
    "shop_order_id": "820982911946154508",
    "number": "#1001",
    "version": "2026-11-20T10:15:00Z",
    "placed_at": "2026-11-20T10:14:58Z",
}
"""What every order of these tests begins with."""

LATE = 2
"""After so many attempts, its own among them, a late call is carried out."""

Said = tuple[int, str] | Fault
"""An answer of nobody's: status and text, or why none comes."""

GATEWAY: Said = (502, "<html>Bad Gateway</html>")


class CutOff(BaseException):
    """The worker is gone. BaseException: nothing in an attempt may catch it."""


def said(call: Call, what: Said) -> Reply:
    """It as a reply."""
    if isinstance(what, str):
        return Reply(call=call, fault=what)
    return Reply(call=call, status=what[0], text=what[1])


async def ask(
    stand_in: System,
    call: Call,
    path: str,
    *,
    params: Sequence[tuple[str, str]] | None = None,
    headers: Mapping[str, str] | None = None,
    xml: str | None = None,
) -> Reply:
    """What a stand-in answers to a call at ``path``; ``params`` and ``xml`` take the place of the call's own."""
    content = b"" if call.body is None else json.dumps(call.body).encode()
    json_type = {"content-type": "application/json"} if call.body is not None else {}
    answer = await stand_in.handle(
        Request(
            call.method,
            path,
            urlencode(call.params if params is None else params, quote_via=quote).encode(),
            {**json_type, **(headers or {})},
            content if xml is None else xml.encode(),
        )
    )
    return Reply(call=call, status=answer.status, text=answer.body.decode())


class Wire(ABC):
    """A stand-in as one attempt sees it: a ``Http``, the calls it got, and what becomes of them.

    ``trouble`` is by the number of the call, counted from 1:

    - a word of ``instead``: that is answered, and the stand-in gets nothing of the call;
    - a word of ``after``: that is answered, and the stand-in has carried the call out;
    - ``late``: not answered, and carried out after the next attempt has looked;
    - ``cut``, ``cut before``: the worker is gone before the answer, and the call is carried out, or is not.
    """

    instead: Mapping[str, Said] = {"error": (500, '{"Message":"An error has occurred."}')}
    after: Mapping[str, Said] = {"lose": "timeout", "html": GATEWAY}

    def __init__(self, trouble: Mapping[int, str] | None = None) -> None:
        self.trouble: Mapping[int, str] = trouble or {}
        self.calls: list[Call] = []
        self._late: list[tuple[int, Call]] = []

    async def send(self, call: Call) -> Reply:
        """As :class:`worker.http.Client` does it."""
        self.calls.append(call)
        return await self.sent(call, self.trouble.get(len(self.calls)))

    async def sent(self, call: Call, what: str | None) -> Reply:
        """What comes back from a call of which becomes ``what``."""
        if what is None:
            return await self.carry_out(call)
        if what in self.instead:
            return said(call, self.instead[what])
        if what == "late":
            self._late.append((LATE, call))
            return said(call, "timeout")
        if what == "cut before":
            raise CutOff
        await self.carry_out(call)
        if what == "cut":
            raise CutOff
        return said(call, self.after[what])

    async def carry_out(self, call: Call) -> Reply:
        """What becomes of a call that is not late."""
        return await self.handle(call)

    @abstractmethod
    async def handle(self, call: Call) -> Reply:
        """What the stand-in answers."""

    async def catch_up(self) -> None:
        """An attempt is over: what comes late is carried out after the next one, which only looked."""
        self._late = [(left - 1, call) for left, call in self._late]
        for call in [call for left, call in self._late if left <= 0]:
            await self.handle(call)
        self._late = [(left, call) for left, call in self._late if left > 0]

    def forget_late(self) -> list[Call]:
        """The late calls; they are not carried out by themselves any more."""
        calls, self._late = [call for _, call in self._late], []
        return calls

    def writes(self) -> int:
        """How many calls so far were to make something."""
        return sum(call.method == "POST" for call in self.calls)


def fitting(rows: Sequence[Copied], kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
    """Those of a kind that fit all that is given, as the ledger finds them."""
    wanted = (("key", key), ("ref", ref), ("email", email))
    return [
        one
        for one in rows
        if one.kind == kind
        and all(not value or getattr(one, name).casefold() == value.casefold() for name, value in wanted)
    ]


@dataclass
class Shelf:
    """Gives numbers as the ledger does, and knows ``people``: contacts and companies of another system.

    Attributes:
        give: digits -> the next number.
        read: the people were read to their end.
    """

    give: Callable[[int], str]
    people: Sequence[Copied] = ()
    read: bool = True
    shop: str = SHOP

    def number(self, digits: int) -> str:
        """The next one."""
        return self.give(digits)

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """Those that fit."""
        return fitting(self.people, kind, key=key, ref=ref, email=email)

    def copied(self, destination: str, kind: str) -> bool:
        """They were read to their end."""
        return self.read


D = TypeVar("D", bound=Destination)
W = TypeVar("W", bound=Wire)


@dataclass(kw_only=True)
class Kept:
    """What the ledger keeps of one delivery between its attempts; ``said``: steps and reasons so far."""

    memo: Mapping[str, Any] = field(default_factory=dict)
    in_doubt: bool = False
    interrupted: bool = False
    now: float = NOW
    said: list[str] = field(default_factory=list)

    async def try_once(
        self, system: systems.System[D], order: Order, destination: D, shelf: systems.Shelf, http: Http, *, number: str
    ) -> Outcome | None:
        """One attempt, from claim to record; None where it was cut off."""
        if system.prepare is not None:
            self.memo = _stored(system.prepare(order, self.memo, destination, shelf))
        job = Job(
            order=order,
            number=number,
            shop=shelf.shop,
            destination=destination,
            in_doubt=self.in_doubt,
            memo=self.memo,
            interrupted=self.interrupted,
            now=self.now,
        )
        try:
            outcome = await system.converge(job, http)
        except CutOff:
            self.in_doubt = self.interrupted = True
            return None
        self.said += [*outcome.steps, getattr(outcome, "reason", "") or "delivered"]
        self._record(outcome)
        return outcome

    def _record(self, outcome: Outcome) -> None:
        """As worker/ledger/records.py does."""
        if isinstance(outcome, Delivered):
            self.in_doubt = self.interrupted = False
            self.memo = _stored(outcome.memo) if outcome.memo else self.memo
            return
        if outcome.memo is not None:
            self.memo = _stored(outcome.memo)
        settled = outcome.memo is not None or (isinstance(outcome, Reject) and not outcome.in_doubt)
        self.interrupted = self.interrupted and not settled
        if isinstance(outcome, Reject):
            self.in_doubt = outcome.in_doubt or (outcome.hold and self.in_doubt)
        else:
            self.in_doubt = self.in_doubt or outcome.in_doubt


def _stored(memo: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(json.dumps(dict(memo)))
    return found


@dataclass
class Story(Kept, Generic[W, D]):
    """The life of one delivery, as the ledger would tell it: attempt after attempt, until one says how it ends."""

    system: ClassVar[systems.System[Any]]
    replays: ClassVar[int] = 1
    """How often :meth:`to_the_end` replays a dead letter."""

    wire: W
    order: Order
    destination: D
    shelf: systems.Shelf

    async def attempt(self) -> Outcome | None:
        """One attempt; None where it was cut off."""
        number = self.order.number.removeprefix("#")
        outcome = await self.try_once(self.system, self.order, self.destination, self.shelf, self.wire, number=number)
        await self.wire.catch_up()
        if isinstance(outcome, Retry):
            self.now += outcome.after or 0.0
        return outcome

    async def to_the_end(self, *, attempts: int = 12, replays: int | None = None) -> Outcome:
        """Attempts until it is delivered; a dead letter, or what is held for a person, is replayed so often."""
        left = self.replays if replays is None else replays
        for _ in range(attempts):
            outcome = await self.attempt()
            if isinstance(outcome, Delivered):
                return outcome
            if isinstance(outcome, Reject):
                if not left:
                    return outcome
                left -= 1
        raise AssertionError(f"no end after {attempts} attempts: {self.said}")


def tell(story: Callable[[], Any]) -> Any:
    """Run a coroutine function to its end."""
    return asyncio.run(story())
