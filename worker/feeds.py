"""What destinations tell of their own accord: how orders get on there, what is in stock, whom they know."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from schemas.destination import Destination
from worker.outcomes import Retry, Suspend

if TYPE_CHECKING:
    from worker.system import Http

D = TypeVar("D", bound=Destination)

Checkpoint = Mapping[str, Any]
"""Where a feed goes on from; JSON. Empty at the first time."""


CANCELLED = "cancelled"
"""The state of an order that the destination will not carry out any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How one order gets on at a destination.

    Attributes:
        reference: what the destination calls it.
        number: the order's number there. One of the two is given, or both: then an order of ours that the
            destination calls otherwise is not meant, for somebody else's may have its number.
        state: one word, ``picked``, ``sent``, ``collected``, ``invoiced``; :data:`CANCELLED`; empty where work has not
            begun there, which is news of an order that had come farther.
        text: a sentence's part for people, ``invoiced as INV-000012``.
        tracking: waybill -> address where it can be followed; an empty address where there is none.
    """

    state: str
    text: str
    reference: str = ""
    number: str = ""
    tracking: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """What a destination says about one of its article codes; ``quantity`` None: it knows it, and tells no figure."""

    code: str
    quantity: Decimal | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """One record of a destination that is kept as a copy, to look things up in.

    Attributes:
        kind: ``partner``, ``contact``, ``address``, ``product``.
        key: its id there, unique within the kind.
        ref, email: what it is found by; e-mail addresses are compared without case.
        data: what else is wanted of it, JSON.
    """

    kind: str
    key: str
    ref: str = ""
    email: str = ""
    name: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one reading of a feed brought.

    Attributes:
        checkpoint: where the next one goes on; saved together with what was read.
        more: there is more at once.
        whole: ``stock``, or kinds of copies, that were read to their end, in this reading or over several: what was
            not seen since ``since``, in UNIX seconds, is gone.
        problem: why it could not be read (to the end); what was read is saved all the same.
    """

    checkpoint: Checkpoint
    progress: tuple[Progress, ...] = ()
    stock: tuple[Stock, ...] = ()
    copies: tuple[Copied, ...] = ()
    more: bool = False
    whole: frozenset[str] = frozenset()
    since: float = 0.0
    problem: Retry | Suspend | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed(Generic[D]):
    """A source of such news.

    Attributes:
        every_s: seconds between two readings, by the destination's configuration; 0: it is not read.
        read: one reading; ``now`` in UNIX seconds.
        ask: the same about some orders, by their numbers there: those of which a webhook said that something happened.
    """

    name: str
    every_s: Callable[[D], float]
    read: Callable[[D, Checkpoint, float, Http], Awaitable[Batch]]
    ask: Callable[[D, Sequence[str], float, Http], Awaitable[Batch]] | None = None
