"""Ongoing over REST: how orders get on at the warehouse, and its stock (contracts/ongoing.md 1.2, 1.6 and 1.9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.echo import exact, members, whole
from schemas.http import Call, Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_reply import said
from schemas.ongoing_status import of_order
from tasks.ongoing.replies import WHO, connection_trouble
from tasks.replies import silence
from worker.feeds import Batch, Checkpoint, Feed, Progress, Stock
from worker.outcomes import Retry, Suspend
from worker.system import Http

ORDERS, ARTICLES = 100, 500
"""Entries of one request. Large results time out (section 1.2), and an order with its lines and picked items may be
20 KB long, of the 4 MB that an answer may have."""

OVERLAP = timedelta(minutes=10)
"""Read again each time, since clocks differ and a status may be written late. What is no news is left out later."""

FIRST = timedelta(days=1)
"""How far the first reading looks back."""


async def read_statuses(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """Orders whose status has changed since the last reading; by id, until a page is empty."""
    began = datetime.fromtimestamp(now, UTC)
    since = str(checkpoint.get("since") or (began - FIRST).isoformat())
    begun = str(checkpoint.get("begun") or began.isoformat())
    first = whole(checkpoint.get("next")) or 0
    params = [
        ("goodsOwnerId", str(destination.goods_owner_id)),
        ("orderStatusChangedTimeFrom", since.replace("+00:00", "Z")),
        ("maxOrdersToGet", str(ORDERS)),
    ]
    if first:
        params.append(("orderIdFrom", str(first)))
    reply = await http.send(Call("GET", "orders", params=tuple(params)))
    entries, problem = _entries(reply, destination, now=now)
    if problem is None and entries:
        ids = [whole(members(entry.get("orderInfo")).get("orderId")) for entry in entries]
        following = page_after(ids, first)
        if following is not None:
            ahead = {"since": since, "next": following, "begun": begun}
            return Batch(checkpoint=ahead, progress=progress_of(entries, destination), more=True)
        problem = astray("orderIdFrom")
    if problem is not None:
        return Batch(checkpoint=checkpoint, problem=problem)
    return Batch(checkpoint={"since": (datetime.fromisoformat(begun) - OVERLAP).isoformat()})


def progress_of(entries: Iterable[Mapping[str, Any]], destination: OngoingDestination) -> tuple[Progress, ...]:
    """What entries of GET /orders tell."""
    found = (of_order(entry, destination) for entry in entries)
    return tuple(
        Progress(
            reference=str(status.order_id or ""),
            number=status.order_number,
            state=status.word,
            text=status.text,
            tracking=status.tracking,
        )
        for status in found
        if status is not None
    )


async def read_stock(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """All articles with what can be sold of them; inactive ones and services too, since orders may name them."""
    first = whole(checkpoint.get("next")) or 0
    begun = float(checkpoint.get("begun") or now)
    params = [("goodsOwnerId", str(destination.goods_owner_id)), ("maxArticlesToGet", str(ARTICLES))]
    if first:
        params.append(("articleSystemIdFrom", str(first)))
    reply = await http.send(Call("GET", "articles", params=tuple(params)))
    entries, problem = _entries(reply, destination, now=now)
    if problem is None and entries:
        following = page_after([whole(entry.get("articleSystemId")) for entry in entries], first)
        if following is not None:
            return Batch(checkpoint={"next": following, "begun": begun}, stock=stock_of(entries), more=True)
        problem = astray("articleSystemIdFrom")
    if problem is not None:
        return Batch(checkpoint=checkpoint, problem=problem)
    return Batch(checkpoint={}, whole=frozenset({"stock"}), since=begun)


def stock_of(entries: Iterable[Mapping[str, Any]]) -> tuple[Stock, ...]:
    """What entries of GET /articles tell."""
    return tuple(
        Stock(
            code=str(entry["articleNumber"]).strip(),
            quantity=exact(members(entry.get("inventoryInfo")).get("sellableNumberOfItems")),
            name=str(entry.get("articleName") or ""),
        )
        for entry in entries
        if entry.get("articleNumber")
    )


def page_after(ids: Sequence[int | None], first: int) -> int | None:
    """Where the next page begins; None where the ids lead nowhere, and one would read the same page for ever."""
    highest = max((one for one in ids if one is not None), default=0)
    return highest + 1 if highest >= max(first, 1) else None


def astray(parameter: str) -> Retry:
    """The page that had been read before, once more."""
    reason = f"The warehouse answered with what had been read before: it does not heed {parameter}."
    return Retry(code="unreadable", reason=reason)


def _entries(
    reply: Reply, destination: OngoingDestination, *, now: float
) -> tuple[list[dict[str, Any]], Retry | Suspend | None]:
    if reply.fault is not None:
        return [], silence(reply, who=WHO, writing=False)
    trouble = connection_trouble(reply, destination=destination.name, now=now)
    if trouble is not None:
        return [], trouble
    body = reply.json()
    if not reply.ok or not isinstance(body, list):
        reason = f"The warehouse answered {reply.status}, and no list: {said(reply) or 'without a text'}"
        return [], Retry(code="unreadable", reason=reason)
    return [members(entry) for entry in body], None


FEEDS: tuple[Feed[OngoingDestination], ...] = (
    Feed(name="statuses", every_s=lambda d: d.status_minutes * 60, read=read_statuses),
    Feed(name="stock", every_s=lambda d: d.stock_minutes * 60, read=read_stock),
)
