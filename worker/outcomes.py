"""What an attempt decided. A decision is a value; :mod:`worker.delivery` records it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.destination import Unmappable


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The destination agrees with the order.

    Attributes:
        reference: what the other side calls it, ``PSIN-123456``; None where no call was needed.
        note: one sentence for the timeline, ``nothing to ship: every line is a service``.
        memo: what the system wants to find again at the next attempt (ids of the other side).
        warnings: sentences for the timeline, such as a text that was cut.
        steps: what this attempt did before, a sentence each, for the timeline: ``line 3 of 5 added``.
    """

    reference: str | None
    note: str = ""
    memo: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Try again later: a time-out, a lost connection, a failure of this request.

    Attributes:
        code: short and stable, ``timeout``, ``500``; safe for logs and metrics.
        reason: one sentence for people.
        after: seconds that must pass at least; a floor below the back-off.
        everyone: ``after`` holds for every delivery of the destination (``Retry-After``).
        in_doubt: it may have been carried out, the next attempt looks first.
        tries: after so many attempts in a row with this code it becomes a dead letter; None: only time limits it.
        counts: False for a step that went well and only needs time (a second look): no failure, no back-off.
        memo: as at Delivered; None keeps what is there.
        steps: as at Delivered.
    """

    code: str
    reason: str
    after: float | None = None
    everyone: bool = False
    in_doubt: bool = False
    tries: int | None = None
    counts: bool = True
    memo: Mapping[str, Any] | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """The order is wrong for that system: a dead letter, at once.

    Attributes:
        code: short and stable, ``unknown_sku``; safe for logs, metrics, Flower and Sentry.
        reason: one sentence for people, with the other side's text verbatim.
        hint: what to mend.
        hold: nothing is wrong with the order, a person has to decide: held instead of dead.
        in_doubt: something of the order is or may be there all the same; a replay looks first.
        memo, steps: as at Retry.
    """

    code: str
    reason: str
    hint: str = ""
    hold: bool = False
    in_doubt: bool = False
    memo: Mapping[str, Any] | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend:
    """The connection is wrong: every delivery of the destination is held until a probe passes.

    ``in_doubt``, ``memo`` and ``steps`` as at Retry: it may have turned out in the middle of an order.
    """

    code: str
    reason: str
    hint: str = ""
    in_doubt: bool = False
    memo: Mapping[str, Any] | None = None
    steps: tuple[str, ...] = ()


Outcome = Delivered | Retry | Reject | Suspend


def unmappable(problem: Unmappable, *, in_doubt: bool, hold: bool = False) -> Reject:
    """The order cannot be put into the system's words.

    Args:
        in_doubt: something of the order is or may be there.
        hold: a person has to decide, whatever the problem is.
    """
    return Reject(
        code=problem.code, reason=problem.reason, hint=problem.hint, hold=problem.hold or hold, in_doubt=in_doubt
    )
