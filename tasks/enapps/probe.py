"""Enapps: is it there, and is it what the contract takes for granted (contracts/enapps.md sections 3 to 7).

Much of its documentation is not public. What the server contradicts becomes a remark with the key to set; what no
reading can show, a remark as well.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import members, whole
from schemas.enapps import NAMES, READ, EnappsDestination
from schemas.enapps.reply import REFERENCE
from schemas.http import Call, Reply
from tasks.enapps.feeds import TIMES
from tasks.enapps.replies import trouble
from tasks.probing import Findings
from worker.outcomes import Retry
from worker.system import Http, Probed

BACK = timedelta(days=30)
"""Orders of so many days are asked for."""

PRODUCTS = "products/get_basic"
Rows = list[dict[str, Any]]


async def probe(destination: EnappsDestination, http: Http) -> Probed:
    """Read products, contacts and orders: address, token and rights are right, and an order could be looked up.

    A lost answer is looked up in the list of orders, by its pages and by client_order_ref; a server that contradicts
    these fails the probe. All else is a remark.
    """
    look = _Findings(destination, http)
    products = await look.rows(PRODUCTS, needed=True)
    if products is None:
        return look.probed()
    await _pages(look, products)
    if products:
        _named(look, products, path=PRODUCTS, ours="product_code", lost="no line finds its product")
    contacts = await look.rows("contacts", needed=destination.contact == "email")
    if contacts:
        _named(look, contacts, path="contacts", ours="contact_email", lost="no buyer finds their contact")
    await _orders(look)
    return look.probed(_not_seen(destination))


class _Findings(Findings[EnappsDestination]):
    """Of lists that were asked for."""

    async def rows(self, path: str, *params: tuple[str, str], needed: bool) -> Rows | None:
        """The rows of a page, the first where ``params`` name none; None where it was no list.

        Args:
            needed: orders cannot be delivered, or not be looked up, without this list.
        """
        reply = await self.http.send(Call("GET", path, params=params))
        problem = trouble(reply, writing=False, destination=self.destination.name, now=time.time())
        if problem is not None:
            if needed:
                self.fail(problem)
            else:
                self.untried.append(f"not tried: GET {path}: {problem.reason}")
            return None
        found = self.destination.rows(reply)
        if found is None:
            self._no_list(path, reply)
        return found

    def _no_list(self, path: str, reply: Reply) -> None:
        told = [f'"{name}"' for name, value in members(reply.json()).items() if isinstance(value, list)]
        reason = f"GET {path} answers with no list that is known here."
        self.fail(Retry(code="unreadable", reason=reason))
        there = f"its list is in {' or '.join(told)}: {self.key('list')}" if told else "no member of it is a list"
        self.contradict(f"GET {path}: {there}.")


async def _pages(look: _Findings, first: Rows) -> None:
    """Every list is read without a number first, and then from page 1: that has to be all of it, whichever is first."""
    numbered = [await _page(look, number) for number in (0, 1)]
    begin = [_first(rows) for rows in numbered if rows]
    if None in numbered or not (begin or first):
        why = "lists nothing" if None not in numbered else "was not answered"
        look.untried.append(f"not tried: the number of the first page: GET {PRODUCTS} {why}.")
    elif _first(first) not in begin:
        look.contradict(
            f"GET {PRODUCTS} without a page begins neither as page 0 nor as page 1 does, so lists are not read from "
            "their beginning: ask the vendor how the first page of a list is asked for.",
            needed=True,
        )


async def _page(look: _Findings, number: int) -> Rows | None:
    """What a page has; nothing where there is no such page, which may be a refusal. None: it did not answer."""
    reply = await look.http.send(Call("GET", PRODUCTS, params=(("page", str(number)),)))
    problem = trouble(reply, writing=False, destination=look.destination.name, now=time.time())
    if isinstance(problem, Retry):
        return None
    return [] if problem is not None else look.destination.rows(reply) or []


def _first(rows: Sequence[Mapping[str, Any]]) -> int | None:
    return whole(rows[0].get("id")) if rows else None


def _named(look: _Findings, rows: Rows, *, path: str, ours: str, lost: str) -> None:
    """Whether a member that is needed is called as it is guessed."""
    if any(READ[ours] in row for row in rows):
        return
    name = look.destination.called(ours)
    look.contradict(f"GET {path} has no {name}, so {lost}; it has {_members(rows)}: {look.key(ours)}.")


def _members(rows: Iterable[Mapping[str, Any]]) -> str:
    """Names alone; what they hold is about people."""
    return ", ".join(dict.fromkeys(name for row in rows for name in row)) or "nothing"


async def _orders(look: _Findings) -> None:
    since = (datetime.now(UTC) - BACK).strftime(TIMES)
    orders = await look.rows("orders", ("create_date", since), needed=True)
    if orders is None:
        return
    if not orders:
        look.untried.append(f"not tried: whether orders show {REFERENCE}: there is none of the last {BACK.days} days.")
    elif not any(REFERENCE in row for row in orders):
        look.contradict(
            f"GET orders has no {REFERENCE}, so an order whose answer was lost cannot be looked up; it has "
            f"{_members(orders)}: have {REFERENCE} shown to the API user.",
            needed=True,
        )


def _not_seen(destination: EnappsDestination) -> str:
    """What only an order would show."""
    names = ", ".join(name for name in NAMES if name not in READ)
    return f"not tried, since only an order shows it: {names} in [destinations.{destination.name}.names]."
