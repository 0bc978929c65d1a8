"""Interprise IWS: reading lists to their end, and single resources (contracts/iws.md section 4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from schemas.http import Call, Reply
from schemas.iws.reply import SIZE, Resource, following, read_one, read_page
from tasks.iws.replies import Asked, outcome
from worker.outcomes import Delivered, Outcome
from worker.system import Http

PAGE = 100
PAGES = 50
"""A list that is longer than this many pages is nothing to look one order up in."""


@dataclass(frozen=True, slots=True)
class Stopped(Exception):  # noqa: N818 - it is what a reading is
    """A page was not answered as it should. ``outcome`` says how, and what follows."""

    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Endless(Exception):  # noqa: N818 - as above
    """What is there cannot be read whole. ``why``: a sentence's part for people."""

    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads at one destination. ``name``: its name, for hints; ``now``: UNIX seconds; ``pages``: of a list at most."""

    http: Http
    name: str
    now: float
    pages: int = PAGES

    async def rows(self, first: Call) -> AsyncIterator[Resource]:
        """The rows of a list, page after page by ``links.next``. 404 with ``errors`` is a list without rows.

        Raises:
            Stopped, Endless
        """
        call, seen = first, {first.params}
        for _ in range(self.pages):
            rows, after = await self.page(call)
            for row in rows:
                yield row
            if after is None:
                return
            if after.params in seen:
                if len(rows) < PAGE:
                    return  # the last page names itself (section 4: guard against it)
                raise Endless(f"the pages of {first.path} lead back to where they came from")
            call = after
            seen.add(after.params)
        raise Endless(f"{first.path} has more than {self.pages} pages")

    async def page(self, call: Call) -> tuple[tuple[Resource, ...], Call | None]:
        """One page of a list, and the call for the next one, if there is one.

        Raises:
            Stopped, Endless
        """
        reply = await self._asked(call, "list")
        page = read_page(reply) if reply.ok else None
        if page is None or not page.next:
            return () if page is None else page.rows, None
        after = following(call, page.next)
        if after is None:
            raise Endless(f"{call.path} goes on at another address")
        return page.rows, after

    async def one(self, path: str) -> Resource | None:
        """A single resource; None where it is not there.

        Raises:
            Stopped
        """
        reply = await self._asked(Call("GET", path), "one")
        return read_one(reply) if reply.ok else None

    async def _asked(self, call: Call, asked: Asked) -> Reply:
        reply = await self.http.send(call)
        answer = outcome(reply, asked, destination=self.name, now=self.now)
        if not isinstance(answer, Delivered):
            raise Stopped(answer)
        return reply


def listing(path: str, *params: tuple[str, str], sort: str = "", size: int = PAGE) -> Call:
    """The call for a list's first page. Its order is said where rows may come in meanwhile: pages count rows."""
    sorting = (("sort", sort),) if sort else ()
    return Call("GET", path, params=(*params, *sorting, (SIZE, str(size))))


def falls(times: Sequence[datetime | None], *, to: datetime) -> bool:
    """Whether the times of a list's rows go down beyond a limit: a server that does not sort is read to the end."""
    known = [one for one in times if one is not None]
    return len(known) == len(times) and known == sorted(known, reverse=True) and known[-1] < to
