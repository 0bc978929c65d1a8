"""Interprise IWS: what stands in the ledger about an order before anything of it is sent, and whose order it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from schemas.customers import Copies, Copy, code_of, customer_of, source
from schemas.destination import Unmappable
from schemas.iws import EMAIL, IwsDestination
from schemas.order import Order
from tasks.copies import customer_unread
from worker.outcomes import Retry
from worker.system import Job

TRIED = 5
"""Versions whose content is remembered."""

KEPT = ("first", "since", "number", "tried", "asked", "buyer")
"""What :func:`prepare` put into the memo."""


class Shelf(Copies[Copy], Protocol):
    """The copies of other systems, for an order of ``shop``."""

    @property
    def shop(self) -> str:
        """Its name in ``crossdock.toml``."""
        ...


def prepare(order: Order, memo: Mapping[str, Any], destination: IwsDestination, shelf: Shelf) -> Mapping[str, Any]:
    """Which versions may be sent, to whom, and since when, stands in the ledger before one is.

    ``first``: UNIX seconds, when anything may have been sent for the first time; ``since``: under this number.
    ``buyer``: what :func:`schemas.customers.customer_of` tells, anew each time. ``asked``: all customers that the order
    may have gone to, ``email`` among them: sales orders are found by their customer alone (section 6.6), and the
    configuration, or the buyer's company, may change while a doubt lasts.
    """
    if order.cancelled:
        return memo
    now, content = int(time.time()), order.content()
    done = {**memo, "first": memo.get("first", now), "since": memo.get("since", now), "number": order.number}
    if memo.get("number", order.number) != order.number and _known(memo):
        done["since"] = now
    tried = list(memo.get("tried", ()))
    done["tried"] = tried if content in tried else [*tried, content][-TRIED:]
    who = _configured(destination, shelf.shop)
    of = source(who)
    done.pop("buyer", None)
    if of is not None:
        done["buyer"] = customer_of(order.email, of=of, shelf=shelf)
        who = done["buyer"].get("code")
    asked = list(memo.get("asked", ()))
    done["asked"] = asked if who is None or who in asked else [*asked, who]
    return done


def _known(memo: Mapping[str, Any]) -> bool:
    """What became of the order under the number that it had is known: what was sent under that is no doubt any more."""
    number = str(memo.get("number", "")).removeprefix("#")
    return bool(memo.get("salesOrderCode")) and str(memo.get("poCode", "")).endswith(number)


def _configured(destination: IwsDestination, shop: str) -> str | None:
    try:
        return destination.customer_of(shop)
    except Unmappable:
        return None  # converge says so


def kept(job: Job[IwsDestination]) -> dict[str, Any]:
    """What every later memo goes on with."""
    return {name: job.memo[name] for name in KEPT if name in job.memo}


def unread(job: Job[IwsDestination]) -> Retry | None:
    """The copies by which the customer is known are not complete yet."""
    return customer_unread({"customer": job.memo.get("buyer", {})})


def code(job: Job[IwsDestination]) -> str | None:
    """The customer that an order goes to now; None where IWS finds it by e-mail.

    Raises:
        Unmappable: nobody is configured for the shop, or the buyer's company is not known.
    """
    who = job.destination.customer_of(job.shop)
    of = source(who)
    if of is not None:
        return code_of(job.memo.get("buyer", {}), of=of)
    return None if who == EMAIL else who


def by_email(job: Job[IwsDestination]) -> bool:
    """Whether the order may have gone out by e-mail, to whomever IWS found or made."""
    return EMAIL in _asked(job)


def customers(job: Job[IwsDestination]) -> tuple[str, ...]:
    """All customers that the order may have gone to."""
    return tuple(one for one in _asked(job) if one != EMAIL)


def _asked(job: Job[IwsDestination]) -> tuple[str, ...]:
    return tuple(map(str, job.memo.get("asked", ())))
