"""Esuite: what it has in stock (contracts/esuite.md sections 7 and 9).

All articles are read a few times a day, page by page; in between, those whose quantity changed and those that are new.
A list of changes only adds: what was discontinued, and what a filter missed, shows when all is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.esuite import EsuiteDestination
from schemas.esuite.reply import said
from schemas.esuite.stock import Article, read_articles
from schemas.http import Call, Reply
from tasks.esuite.replies import outcome
from worker.feeds import Batch, Checkpoint, Feed, Stock
from worker.outcomes import Delivered, Reject, Retry, Suspend
from worker.system import Http

PAGE = 250
"""Articles of one request: a row has some 80 members, and an answer may have 4 MB."""

WHOLE_AGAIN = timedelta(hours=6)

CHANGES = ("QtyModified", "InfoCreated")
"""Filters of the lists of changes, both "since"; two lists, since filters of one request narrow each other."""

OVERLAP = timedelta(days=1)
"""Lists of changes are asked for by the day, and begin a day early: the zone of its times is not told (trap 12)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a reading is.

    Attributes:
        by: the filter of the list of changes that is read; empty while all is read.
        page: from 1.
        before: first and last code of the page before, and how many it had.
        begun: when this list, or these lists of changes, were begun, in UNIX seconds.
        since: a day; changes are asked for from it on.
        whole_at: when all was begun to be read the last time; 0 for never.
    """

    by: str
    page: int
    before: Sequence[object]
    begun: float
    since: str
    whole_at: float

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, now: float) -> Place:
        """Where the last reading stopped, or the beginning of a new one."""
        if "page" in checkpoint:
            return cls(**checkpoint)
        since, whole_at = str(checkpoint.get("since", "")), float(checkpoint.get("whole_at", 0.0))
        changes = bool(since) and now - whole_at < WHOLE_AGAIN.total_seconds()
        return cls(by=CHANGES[0] if changes else "", page=1, before=(), begun=now, since=since, whole_at=whole_at)

    def checkpoint(self, **changes: Any) -> dict[str, Any]:
        """As it is kept, with changes."""
        names = ("by", "page", "before", "begun", "since", "whole_at")
        return {name: getattr(self, name) for name in names} | changes

    def call(self) -> Call:
        """The page. Never without its size: that would be 406, or everything at once (trap 11)."""
        filters = ((self.by, self.since),) if self.by else ()
        return Call("GET", "stock", params=(*filters, ("PageNo", str(self.page)), ("PageSize", str(PAGE))))

    def ended(self) -> Batch:
        """What follows from the end of a list: the next list of changes, or the end of the reading."""
        following = CHANGES.index(self.by) + 1 if self.by else len(CHANGES)
        if following < len(CHANGES):
            return Batch(checkpoint=self.checkpoint(by=CHANGES[following], page=1, before=()), more=True)
        since = (datetime.fromtimestamp(self.begun, UTC) - OVERLAP).date().isoformat()
        if self.by:
            return Batch(checkpoint={"since": since, "whole_at": self.whole_at})
        checkpoint = {"since": since, "whole_at": self.begun}
        return Batch(checkpoint=checkpoint, whole=frozenset({"stock"}), since=self.begun)


async def read_stock(destination: EsuiteDestination, checkpoint: Checkpoint, now: float, http: Http) -> Batch:
    """One page of what is in stock; a list ends with 204, and a page of another size proves nothing."""
    place = Place.of(checkpoint, now=now)
    reply = await http.send(place.call())
    if reply.fault is None and reply.status == 204:
        if place.page == 1 and not place.by:
            return Batch(checkpoint={}, problem=_none_at_all(destination))
        return place.ended()
    articles = _articles(reply, destination, now=now)
    if not isinstance(articles, tuple):
        return Batch(checkpoint=place.checkpoint(), problem=articles)
    if not articles:
        return place.ended()
    this = [articles[0].code, articles[-1].code, len(articles)]
    if this == list(place.before):
        # The same once more: it was all there is, or PageSize cuts and PageNo does nothing.
        return Batch(checkpoint={}, problem=_astray()) if len(articles) == PAGE else place.ended()
    ahead = place.checkpoint(page=place.page + 1, before=this)
    return Batch(checkpoint=ahead, stock=_stock(articles), more=True)


def _stock(articles: Sequence[Article]) -> tuple[Stock, ...]:
    return tuple(
        Stock(code=article.code, quantity=article.free, name=article.name)
        for article in articles
        if article.code and not article.discontinued
    )


def _articles(reply: Reply, destination: EsuiteDestination, *, now: float) -> tuple[Article, ...] | Retry | Suspend:
    answer = outcome(reply, writing=False, destination=destination.name, now=now)
    if isinstance(answer, Retry | Suspend):
        return answer
    if isinstance(answer, Reject):
        # The same question gets the same answer (section 3.2, 406): it is asked again when its time comes.
        return Retry(code=answer.code, reason=answer.reason, after=destination.stock_minutes * 60)
    found = read_articles(reply.json()) if isinstance(answer, Delivered) else None
    return found if found is not None else Retry(code="unreadable", reason=f"Esuite listed no stock: {said(reply)}")


def _none_at_all(destination: EsuiteDestination) -> Retry:
    reason = (
        "Esuite shows no stock code at all. Ask whoever runs this database whether the credential of "
        f"{destination.name} may read stock; stock_minutes = 0 leaves it unread."
    )
    return Retry(code="no_stock", reason=reason, after=destination.stock_minutes * 60)


def _astray() -> Retry:
    reason = "Esuite answered with the page of stock that had been read before: it does not heed PageNo."
    return Retry(code="unreadable", reason=reason)


def _every(destination: EsuiteDestination) -> float:
    return destination.stock_minutes * 60


FEEDS: tuple[Feed[EsuiteDestination], ...] = (Feed(name="stock", every_s=_every, read=read_stock),)
