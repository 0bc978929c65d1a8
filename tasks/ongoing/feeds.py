"""Ongoing: how orders get on at the warehouse, and its stock (contracts/ongoing.md sections 1.2, 1.6 and 1.9)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import exact, members, whole
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_reply import said
from schemas.ongoing_status import of_order
from tasks.ongoing.replies import connection_trouble
from worker.feeds import Batch, Checkpoint, Feed, Progress, Stock
from worker.outcomes import Retry, Suspend
from worker.system import Http

PAGE = 500
"""Entries of one request: large results time out (section 1.2); the vendor's example asks for 1000."""

OVERLAP = timedelta(minutes=10)
"""Read again each time, since clocks differ and a status may be written late. What is no news is left out later."""


async def read_statuses(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """Orders whose status has changed since the last reading; by id, page by page."""
    began = datetime.fromtimestamp(now, UTC)
    since = str(checkpoint.get("since") or (began - timedelta(days=1)).isoformat())
    first = whole(checkpoint.get("next")) or 0
    params = [
        ("goodsOwnerId", str(destination.goods_owner_id)),
        ("orderStatusChangedTimeFrom", since.replace("+00:00", "Z")),
        ("maxOrdersToGet", str(PAGE)),
    ]
    if first:
        params.append(("orderIdFrom", str(first)))
    reply = await http.send(Call("GET", "orders", params=tuple(params)))
    entries, problem = _entries(reply, destination, now=now)
    if problem is not None:
        return Batch(checkpoint=checkpoint, problem=problem)
    found, last = [], first
    for entry in entries:
        info = members(entry.get("orderInfo"))
        last = max(last, (whole(info.get("orderId")) or 0) + 1)
        status = of_order(entry, destination)
        if status is not None:
            word, number = status.word, status.order_number
            found.append(Progress(number=number, state=word, text=status.text, tracking=status.tracking))
    if len(entries) >= PAGE:
        begun = checkpoint.get("begun") or began.isoformat()
        return Batch(checkpoint={"since": since, "next": last, "begun": begun}, progress=tuple(found), more=True)
    upto = datetime.fromisoformat(str(checkpoint.get("begun") or began.isoformat())) - OVERLAP
    return Batch(checkpoint={"since": upto.isoformat()}, progress=tuple(found))


async def read_stock(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """All articles with what can be sold of them; inactive ones and services too, since orders may name them."""
    first = whole(checkpoint.get("next")) or 0
    params = [("goodsOwnerId", str(destination.goods_owner_id)), ("maxArticlesToGet", str(PAGE))]
    if first:
        params.append(("articleSystemIdFrom", str(first)))
    reply = await http.send(Call("GET", "articles", params=tuple(params)))
    entries, problem = _entries(reply, destination, now=now)
    if problem is not None:
        return Batch(checkpoint={}, problem=problem)
    rows, last = [], first
    for entry in entries:
        last = max(last, (whole(entry.get("articleSystemId")) or 0) + 1)
        code = str(entry.get("articleNumber") or "").strip()
        quantity = exact(members(entry.get("inventoryInfo")).get("sellableNumberOfItems"))
        if code:
            rows.append(Stock(code=code, quantity=quantity, name=str(entry.get("articleName") or "")))
    more = len(entries) >= PAGE
    begun = float(checkpoint.get("begun") or now)
    return Batch(
        checkpoint={"next": last, "begun": begun} if more else {},
        stock=tuple(rows),
        more=more,
        whole=frozenset() if more else frozenset({"stock"}),
        since=begun,
    )


def _entries(
    reply: Reply, destination: OngoingDestination, *, now: float
) -> tuple[list[dict[str, Any]], Retry | Suspend | None]:
    trouble = connection_trouble(reply, destination=destination.name, now=now)
    if trouble is not None:
        return [], trouble
    body = reply.json()
    if not reply.ok or not isinstance(body, list):
        reason = f"The warehouse answered {reply.status} to the reading: {said(reply) or 'without a text'}"
        return [], Retry(code="unreadable", reason=reason)
    return [members(entry) for entry in body], None


FEEDS: tuple[Feed[OngoingDestination], ...] = (
    Feed(name="statuses", every_s=lambda d: d.status_minutes * 60, read=read_statuses),
    Feed(name="stock", every_s=lambda d: d.stock_minutes * 60, read=read_stock),
)
