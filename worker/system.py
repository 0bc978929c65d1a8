"""What a system is to the machine: how it converges, what it would send, and how to ask whether it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from schemas.destination import Destination
from schemas.http import Call, Reply
from schemas.order import Order
from worker.feeds import Copied, Feed
from worker.outcomes import Outcome

D = TypeVar("D", bound=Destination)


class Shelf(Protocol):
    """What the ledger gives to :attr:`System.prepare`."""

    @property
    def shop(self) -> str:
        """The name of the shop whose order it is."""
        ...

    def number(self, digits: int) -> str:
        """The next one of the destination's own series, zero-padded."""
        ...

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """Records of a destination that were copied, and fit all that is given."""
        ...

    def copied(self, destination: str, kind: str) -> bool:
        """Whether those of a kind were read to their end at least once."""
        ...


Prepare = Callable[[Order, Mapping[str, Any], Any, Shelf], Mapping[str, Any]]
"""``(order, memo, destination, shelf) -> memo``, see :attr:`System.prepare`."""


class Http(Protocol):
    """The destination's HTTP client, as an attempt sees it: it never raises for what the other side does."""

    async def send(self, call: Call) -> Reply:
        """Send one request with the destination's address, credentials, pace and deadline."""
        ...


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run these at the same time. Where one fails, the others are stopped, and its exception is raised as it is."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Generic[D]):
    """One try at making one destination agree with one order.

    Attributes:
        order: the newest version, edits included.
        number: the shop's ``number_prefix`` and the order's number without a leading ``#``; their key for our order.
        shop: the shop's name in ``crossdock.toml``.
        destination: its section of ``crossdock.toml``.
        in_doubt: an earlier attempt may have got through; look before writing.
        memo: what the system's earlier attempts remembered.
        interrupted: the attempt before this one ended without an outcome of the system's: its worker died, was
            stopped or failed. It may have written after it looked, so what ``memo`` says was seen counts no more.
        now: UNIX seconds.
    """

    order: Order
    number: str
    shop: str
    destination: D
    in_doubt: bool = False
    memo: Mapping[str, Any] = field(default_factory=dict)
    interrupted: bool = False
    now: float = 0.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What a probe found out.

    Attributes:
        outcome: Delivered where the destination can be worked with, its note being what it says of itself.
        remarks: sentences for people: what the contract guesses and the server contradicts, with the key to set; and
            what reading alone cannot try.
    """

    outcome: Outcome
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class System(Generic[D]):
    """A kind of destination.

    Attributes:
        converge: make the destination agree with the order, and say how it went.
        plan: the calls of a first attempt, exactly as they would be sent. Raises Unmappable.
        probe: harmless reads; Delivered when address, credentials and rights are right, and an order whose answer was
            lost could be looked up.
        prepare: the memo with what has to stand in the ledger before the first call, and to stay: it is called at
            every claim, in its transaction, must not fail, and returns an equal memo where nothing is new.
        feeds: what the destination tells of its own accord.
    """

    name: str
    converge: Callable[[Job[D], Http], Awaitable[Outcome]]
    plan: Callable[[Job[D]], Sequence[Call]]
    probe: Callable[[D, Http], Awaitable[Probed]]
    prepare: Prepare | None = None
    feeds: tuple[Feed[D], ...] = ()
