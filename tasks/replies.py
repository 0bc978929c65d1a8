"""What all systems' tables of replies have in common; the tables are in ``tasks/SYSTEM/replies.py``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from schemas.http import Reply, retry_after
from worker.outcomes import Reject, Retry, Suspend

Trouble = Retry | Reject | Suspend


@dataclass(frozen=True, slots=True)
class Documented:
    """What a documented reply comes to: a row of a table, without what the reply is known by.

    Attributes:
        kind: ``reject``, the order is wrong; ``suspend``, the connection is; ``retry``, it may pass.
        code, tries: as at :class:`worker.outcomes.Retry`.
        hint: what to mend; ``{name}`` stands for the destination.
    """

    kind: Literal["reject", "suspend", "retry"]
    code: str
    hint: str = ""
    tries: int | None = None

    def outcome(self, reply: Reply, *, reason: str, writing: bool, destination: str, now: float) -> Trouble:
        """What to do.

        Args:
            reason: one sentence for people, see :func:`answered`.
            writing: the call was to change something, so that a failure leaves a doubt.
            destination: its name, for the hint.
            now: UNIX seconds, for a ``Retry-After`` that is a date.
        """
        if self.kind == "retry":
            return later(reply, code=self.code, reason=reason, in_doubt=writing, tries=self.tries, now=now)
        kind = Suspend if self.kind == "suspend" else Reject
        doubt = writing and sent_on(reply)
        return kind(code=self.code, reason=reason, hint=self.hint.format(name=destination), in_doubt=doubt)


def undocumented(status: int, *, address: str, mend: str) -> Documented:
    """A status that no table has: a server's failure is tried again, a redirection suspends, all else is refused.

    Args:
        address, mend: the hints for a wrong address, and for a refused order.
    """
    if status >= 500:
        return Documented("retry", str(status))
    if status < 400:
        return Documented("suspend", "redirected", address)
    return Documented("reject", str(status), mend)


def sent_on(reply: Reply) -> bool:
    """A write may have been carried out: some servers send one on to what it has made (RFC 9110 section 15.4.4)."""
    return reply.status in (302, 303)


def answered(who: str, status: int | None, text: str) -> str:
    """The reason, with the other side's text verbatim: ``Esuite answered 400: No Payload Found``."""
    return f"{who} answered {status}: {text}" if text else f"{who} answered {status} without a text."


def later(
    reply: Reply,
    *,
    code: str,
    reason: str,
    in_doubt: bool,
    now: float,
    tries: int | None = None,
    everyone: bool = False,
) -> Retry:
    """Try again; not before ``Retry-After``, which then holds for every delivery of the destination.

    Args:
        everyone: the back-off holds for all of them in any case.
    """
    wait = retry_after(reply, now=now)
    return Retry(
        code=code,
        reason=reason,
        after=wait,
        everyone=everyone or wait is not None,
        in_doubt=in_doubt,
        tries=tries,
    )


def silence(reply: Reply, *, who: str, writing: bool, perhaps: str = "") -> Retry:
    """No answer (``reply.fault``).

    Args:
        who: ``Esuite``; how the sentence begins.
        writing: the call was to change something: unless nothing was sent at all, that may have happened.
        perhaps: what a write may have done, ``the transaction may be there``.
    """
    if reply.fault == "connect":
        nothing = "; nothing was sent" if writing else ""
        return Retry(code="connect", reason=f"{who} could not be reached{nothing}.")
    happened = "did not answer in time" if reply.fault == "timeout" else "closed the connection without an answer"
    since = f"{perhaps}, so " if perhaps else ""
    doubt = f"; {since}the next attempt looks first" if writing else ""
    return Retry(code=reply.fault or "lost", reason=f"{who} {happened}{doubt}.", in_doubt=writing)
