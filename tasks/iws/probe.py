"""Interprise IWS: is it there, and is it what the contract takes for granted (contracts/iws.md)."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from schemas.http import Call, Reply
from schemas.iws import EMAIL, IwsDestination
from schemas.iws.reply import titles
from tasks.iws.replies import Asked, outcome
from worker.outcomes import Delivered, Outcome
from worker.system import Http

NO_SUCH_CODE = "SO-CROSSDOCK-PROBE"


async def probe(destination: IwsDestination, http: Http) -> Outcome:
    """Read one customer. Where customers are found by e-mail, see also whether an order could be looked up.

    The note says which names or routes of the contract's own making the server contradicts.
    """
    first = Call("GET", "customer", params=(("page[size]", "1"),))
    answer = _answer(await http.send(first), "list", destination)
    if not isinstance(answer, Delivered) or not _asks_by_email(destination):
        return answer
    said = []
    for call, asked, known in _looking(destination):
        reply = await http.send(call)
        if reply.fault is not None or (reply.status or 0) >= 500 or reply.status == 401:
            return _answer(reply, asked, destination)
        if not (reply.ok or (reply.status in (400, 404) and titles(reply) is not None)):
            said.append(f"{call.path} is unknown there, so an order whose answer was lost cannot be looked up: {known}")
    return Delivered(reference=None, note="; ".join([f"{destination.base_url} answers", *said]) if said else "")


def _looking(destination: IwsDestination) -> tuple[tuple[Call, Asked, str], ...]:
    today = datetime.fromtimestamp(time.time(), UTC).astimezone(destination.zone).date().isoformat()
    window = (("from", today), ("to", today), ("page[size]", "1"))
    header = destination.word("route_header").replace("{code}", NO_SUCH_CODE)
    return (
        (Call("GET", "changelog/CustomerSalesOrder", params=window), "list", "ask for a build with the changelog"),
        (Call("GET", header), "one", f"set route_header in [destinations.{destination.name}.names]"),
    )


def _asks_by_email(destination: IwsDestination) -> bool:
    customer = destination.customer
    return EMAIL in (customer.values() if isinstance(customer, dict) else (customer,))


def _answer(reply: Reply, asked: Asked, destination: IwsDestination) -> Outcome:
    return outcome(reply, asked, destination=destination.name, now=time.time())
