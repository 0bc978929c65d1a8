"""Ongoing over SOAP: how orders get on at the warehouse, and its stock (contracts/ongoing.md section 2).

Orders are read by when they were updated, window by window: a window is halved where the warehouse has more to say of
it than one answer may hold. An empty answer proves nothing, since a wrong login may get one too, so the login is asked
about then.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas import ongoing_soap as soap
from schemas import ongoing_soap_reply as read
from schemas.echo import whole
from schemas.http import Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_reply import readable
from tasks.ongoing.feeds import FIRST, astray, page_after, progress_of, stock_of
from tasks.ongoing.replies import WHO
from tasks.ongoing.soap import Soap
from tasks.replies import silence
from worker.feeds import Batch, Checkpoint
from worker.outcomes import Retry, Suspend
from worker.system import Http

Reading = Callable[[OngoingDestination, Checkpoint, float, Http], Awaitable[Batch]]

ARTICLES = 200
"""Articles of one request: each comes with some 40 elements of its own."""

OVERLAP = timedelta(hours=3)
"""Read again each time. Whether the server takes a time's zone into account is not told, and Swedish time is up to two
hours ahead of ours. What is no news is left out later."""

LONGEST, SHORTEST = timedelta(hours=12), timedelta(minutes=1)
"""A window."""


async def read_statuses(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """Orders that were updated in the next window; the last one has no end."""
    here = datetime.fromtimestamp(now, UTC)
    since = datetime.fromisoformat(checkpoint["since"]) if checkpoint.get("since") else here - FIRST
    span = timedelta(seconds=float(checkpoint.get("span", LONGEST.total_seconds())))
    until = since + span if since + span < here else None
    code = destination.goods_owner_code or ""
    reply = await http.send(
        soap.updated(goods_owner_code=code, since=_time(since), until=None if until is None else _time(until))
    )
    too_much = len(reply.text) > read.MAX_CHARS
    if (too_much or reply.fault == "timeout") and span > SHORTEST:
        half = _kept(since, max(min(span, here - since) / 2, SHORTEST))
        problem = None if too_much else await _problem(reply, destination, http, now=now)
        return Batch(checkpoint=half, more=too_much, problem=problem)
    orders = read.opened(reply).orders
    if not orders:
        problem = await _problem(reply, destination, http, now=now, empty=orders is not None)
        if problem is not None:
            return Batch(checkpoint=checkpoint, problem=problem)
    span = min(span * 2, LONGEST)
    progress = progress_of(orders or (), destination)
    if until is not None:
        return Batch(checkpoint=_kept(until, span), progress=progress, more=True)
    return Batch(checkpoint=_kept(here - OVERLAP, span), progress=progress)


def _kept(since: datetime, span: timedelta) -> dict[str, Any]:
    return {"since": since.isoformat(), "span": span.total_seconds()}


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def read_stock(destination: OngoingDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """All articles with what can be sold of them, by id until a page is empty."""
    first = whole(checkpoint.get("next")) or 0
    begun = float(checkpoint.get("begun") or now)
    code = destination.goods_owner_code or ""
    reply = await http.send(soap.inventory(goods_owner_code=code, first=first, most=ARTICLES))
    articles = read.opened(reply).articles
    if not articles:
        problem = await _problem(reply, destination, http, now=now, empty=articles is not None)
        if problem is not None:
            return Batch(checkpoint=checkpoint, problem=problem)
        return Batch(checkpoint={}, whole=frozenset({"stock"}), since=begun)
    following = page_after([whole(article.get("articleSystemId")) for article in articles], first)
    if following is None:
        return Batch(checkpoint=checkpoint, problem=astray("ArticleSystemIdFrom"))
    return Batch(checkpoint={"next": following, "begun": begun}, stock=stock_of(articles), more=True)


async def _problem(
    reply: Reply, destination: OngoingDestination, http: Http, *, now: float, empty: bool = False
) -> Retry | Suspend | None:
    """Why a list was not read. ``empty``: it was, and there is nothing on it."""
    if reply.fault is not None:
        return silence(reply, who=WHO, writing=False)
    door, told = Soap(destination), read.opened(reply)
    trouble = door.trouble(reply, told, now=now)
    if trouble is None or told.fault is not None:
        trouble = await door.connection(http, now=now) or trouble
    if trouble is not None or empty:
        return trouble
    said = readable(told.fault.text) if told.fault is not None else f"{len(reply.text)} characters of something else"
    return Retry(code="unreadable", reason=f"The warehouse answered {reply.status}, and no list: {said}")


READINGS: Mapping[str, Reading] = {"statuses": read_statuses, "stock": read_stock}
"""By the names of the feeds."""
