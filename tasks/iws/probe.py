"""Interprise IWS: is it there, and is it what the contract takes for granted (contracts/iws.md).

Some names and routes are the contract's own making. What this destination needs is asked for by reading; what the
server contradicts becomes a remark with the key to set, and what no reading can show a remark as well.
"""

from __future__ import annotations

import time
from collections.abc import Container, Sequence
from datetime import UTC, datetime, timedelta

from schemas.echo import exact, members
from schemas.http import Call, Reply
from schemas.iws import EMAIL, IwsDestination
from schemas.iws.reply import Resource, read_one, read_page, titles
from tasks.iws.changes import code_of, codes_of
from tasks.iws.feeds import ORDERS, STOCK
from tasks.iws.replies import outcome
from tasks.probing import Findings
from worker.outcomes import Delivered
from worker.system import Http, Probed

NO_SUCH_CODE = "SO-CROSSDOCK-PROBE"
BACK = timedelta(days=30)
"""So far back changes are looked for: the longer, the likelier that there is one to ask about."""

ITEMS = 10
"""So many items are asked for their stock: some have none."""

NOT_ITS_WORD = (401, 403, 408, 429)
"""Such an answer says nothing about a route."""

BUILD = "ask the vendor for a build with the changelog"
LOOK_UP = "an order whose answer was lost cannot be looked up"
FOLLOW = "what becomes of sales orders is not seen"


async def probe(destination: IwsDestination, http: Http) -> Probed:
    """Read one customer, and then what this destination needs: to look orders up, to follow them, to know the stock.

    Where customers are found by e-mail, a lost answer is looked up in the changelog and by the header of a sales
    order; a server that contradicts these fails the probe. All else is a remark.
    """
    reply = await http.send(Call("GET", "customer", params=(("page[size]", "1"),)))
    answer = outcome(reply, "list", destination=destination.name, now=time.time())
    if not isinstance(answer, Delivered):
        return Probed(answer)
    look, by_email = _Findings(destination, http), _asks_by_email(destination)
    if by_email or destination.status_minutes:
        await _orders(look, by_email=by_email, customer=next((row.id for row in _rows(reply)), ""))
    if destination.stock_minutes:
        await _stock(look)
    return look.probed(_not_seen(destination))


class _Findings(Findings[IwsDestination]):
    """Of routes that were asked for."""

    async def ask(
        self, call: Call, *, lost: str, known: str, needed: bool = False, fine: Container[int] = (404,)
    ) -> Reply | None:
        """The reply, where there is such a route.

        Args:
            lost: what does not work without it.
            known: what to do where it is not there.
            needed: without it nobody can tell whether an order is there.
            fine: in such words IWS says that nothing is there, of the route itself it does not.
        """
        reply = await self.http.send(call)
        if reply.ok or (reply.status in fine and titles(reply) is not None):
            return reply
        problem = outcome(reply, "list", destination=self.destination.name, now=time.time())
        if reply.fault is not None or reply.status in NOT_ITS_WORD or (reply.status or 0) >= 500:
            self.untried.append(f"not tried: {_asked(call)}, without which {lost}: it {_how(reply)}.")
            if needed:
                self.fail(problem)
            return None
        self.contradict(f"{_asked(call)} {_how(reply)}, so {lost}: {known}.", needed=needed)
        return None


def _asked(call: Call) -> str:
    return f"{call.method} {call.path}"


def _how(reply: Reply) -> str:
    if reply.fault is not None:
        return "could not be reached" if reply.fault == "connect" else "did not answer"
    return f"answers {reply.status}"


def _asks_by_email(destination: IwsDestination) -> bool:
    customer = destination.customer
    return EMAIL in (customer.values() if isinstance(customer, dict) else (customer,))


# ---------------------------------------------------------------- sales orders


async def _orders(look: _Findings, *, by_email: bool, customer: str) -> None:
    """The changelog, and the header of a sales order: they find an order by e-mail, and tell what becomes of it."""
    place = look.destination
    lost = LOOK_UP if by_email else FOLLOW
    reply = await look.ask(_changes(place, ORDERS[0]), lost=lost, known=BUILD, needed=by_email)
    codes = _codes(reply)
    for resource in ORDERS[1:] if place.status_minutes else ():
        codes += _codes(await look.ask(_changes(place, resource), lost=FOLLOW, known=BUILD))
    code = codes[0] if codes else await _order_of(look, customer)
    call = Call("GET", place.word("route_header").replace("{code}", code or NO_SUCH_CODE))
    fine = (404,) if code else (400, 404)
    reply = await look.ask(call, lost=lost, known=look.key("route_header"), needed=by_email, fine=fine)
    if reply is None or not reply.ok:
        return  # a code that is there no more is a 404 as well
    header = read_one(reply)
    if header is None or code.casefold() not in (header.id.casefold(), header.text("salesOrderCode").casefold()):
        said = f"{_asked(call)} does not answer with that sales order, so {lost}: {look.key('route_header')}."
        look.contradict(said, needed=by_email)


def _changes(destination: IwsDestination, resource: str) -> Call:
    today = datetime.fromtimestamp(time.time(), UTC).astimezone(destination.zone).date()
    window = (("from", (today - BACK).isoformat()), ("to", (today + timedelta(days=1)).isoformat()))
    return Call("GET", f"changelog/{resource}", params=(*window, ("page[size]", "1")))


def _codes(reply: Reply | None) -> list[str]:
    return codes_of(code_of(row) for row in _rows(reply))


async def _order_of(look: _Findings, customer: str) -> str:
    """A sales order of that customer; empty where there is none."""
    if not customer:
        return ""
    params = (("customercode", customer), ("page[size]", "1"))
    found = _rows(await look.http.send(Call("GET", "customer/salesorder", params=params)))
    return found[0].id if found else ""


# ---------------------------------------------------------------- stock


async def _stock(look: _Findings) -> None:
    """The listing of the items, the stock of some, and whether its changes name items."""
    place = look.destination
    listing = Call("GET", place.word("route_inventory"), params=(("page[size]", str(ITEMS)),))
    reply = await look.ask(listing, lost="the items cannot be listed", known=look.key("route_inventory"))
    if reply is not None and reply.ok and read_page(reply) is None:
        look.contradict(f"{_asked(listing)} does not answer with a list: {look.key('route_inventory')}.")
    changes = _changes(place, STOCK[0])
    changed = await look.ask(changes, lost="changes of the stock are not seen", known=BUILD)
    named = await _named(look, changes, changed)
    await _figures(look, codes_of(row.id or row.text("itemCode") for row in _rows(reply)) or named)


async def _named(look: _Findings, changes: Call, reply: Reply | None) -> list[str]:
    """The item of the newest change. What its ``data`` holds is not public (section 9)."""
    if not _rows(reply):
        return []
    code = next(iter(_codes(reply)), "")
    item = await look.http.send(Call("GET", f"inventory/{code}")) if code else None
    if item is not None and item.ok:
        return [code]
    if item is None or (item.status == 404 and titles(item) is not None):
        look.contradict(
            f"{_asked(changes)} names no item that is there, so changes of the stock are not found: set stock_minutes "
            "= 0, and ask the vendor what its data holds."
        )
    return []


async def _figures(look: _Findings, codes: Sequence[str]) -> None:
    """The stock of the first of these items that has any."""
    name = look.destination.word("stock_free")
    for code in codes:
        call = Call("GET", look.destination.word("route_stock").replace("{code}", code))
        reply = await look.ask(call, lost="the stock is not known", known=look.key("route_stock"))
        if reply is None:
            return
        if reply.ok and read_page(reply) is None:
            look.contradict(f"{_asked(call)} does not answer with a list: {look.key('route_stock')}.")
            return
        rows = _rows(reply)
        if rows:
            if all(row.number(name) is None for row in rows):
                has = ", ".join(_numbers(reply)) or "none"
                look.contradict(f"{_asked(call)} has no figure {name}, only {has}: {look.key('stock_free')}.")
            return
    why = "none of the items that were asked for has stock" if codes else "no item is known"
    look.untried.append(f"not tried: {'stock_free' if codes else 'route_stock and stock_free'}: {why}.")


def _numbers(reply: Reply) -> list[str]:
    """The names of the figures of the first row, as they are written there."""
    attributes = members(members(reply.json()["data"][0]).get("attributes"))
    return [name for name, value in attributes.items() if exact(value) is not None]


def _rows(reply: Reply | None) -> tuple[Resource, ...]:
    page = read_page(reply) if reply is not None and reply.ok else None
    return () if page is None else page.rows


def _not_seen(destination: IwsDestination) -> str:
    """What only an order would show."""
    by_email = "route_by_email, " if _asks_by_email(destination) else ""
    return (
        f"not tried, since only an order shows it: {by_email}ship_*, bill_* and price in "
        f"[destinations.{destination.name}.names]. The server describes them below {destination.base_url}/Help."
    )
