"""Copies of Enapps' lists: what is gone there goes here, and nothing else does (contracts/enapps.md section 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from schemas.http import Call, Reply
from tasks.enapps.feeds import FEEDS, WHOLE_AGAIN
from tests.enapps_wire import Wire, destination
from tests.ledgers import sqlalchemy_url
from tests.wire import tell
from worker.feeds import Batch
from worker.ledger import feeds
from worker.ledger.engine import Ledger
from worker.ledger.migrate import migrate

PLACE = destination()
BEGUN = 1_790_000_000.0
DAY = WHOLE_AGAIN.total_seconds() + 60


class Shifting(Wire):
    """``before`` happens before the call of that number; ``empty`` calls are answered with nothing."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.before: dict[int, Callable[[], None]] = {}
        self.empty: set[int] = set()

    async def carry_out(self, call: Call) -> Reply:
        self.before.get(len(self.calls), lambda: None)()
        if len(self.calls) in self.empty:
            return Reply(call=call, status=200, text="[]")
        return await super().carry_out(call)


def read(ledger: Ledger, wire: Wire, name: str, *, now: float, saved: float | None = None) -> list[str]:
    """Read a feed to its end as its task does; what went wrong.

    Args:
        saved: the clock of the worker that saves; by default the same.
    """
    [feed] = [one for one in FEEDS if one.name == name]
    problems = []
    for _ in range(100):
        turn = ledger.write(lambda c: feeds.take(c, PLACE.name, name, lease_s=60, now=now))
        assert turn is not None
        batch: Batch = tell(partial(feed.read, PLACE, turn.checkpoint, now, wire))
        ledger.write(partial(feeds.save, turn=turn, batch=batch, every_s=0, now=now if saved is None else saved))
        if batch.problem is not None:
            problems.append(batch.problem.reason)
        if not batch.more or batch.problem is not None:
            return problems
    raise AssertionError("no end")


def held(ledger: Ledger, kind: str) -> set[str]:
    with ledger.read() as connection:
        return {one.key for one in feeds.copies(connection, PLACE.name, kind)}


@pytest.mark.parametrize("name", [feed.name for feed in FEEDS])
def test_people_are_not_quoted_where_a_list_has_another_shape(tmp_path: Path, name: str) -> None:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    migrate(opened)
    assert read(opened, Otherwise(), name, now=BEGUN) == ["Enapps answered with no list."]
    opened.close()


class Otherwise(Wire):
    """Its lists are in a member that nobody knows."""

    async def carry_out(self, call: Call) -> Reply:
        return Reply(call=call, status=200, text='{"records": [{"first_name": "Mina", "email": "mina@example.test"}]}')


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    opened = Ledger(sqlalchemy_url(database_url))
    migrate(opened)
    yield opened
    opened.close()


CONTACTS = {"953", "954", "955", "956", "957", "958", "959", "960", "961", "962", "970"}


def test_what_was_deleted_there_is_gone_after_two_lists_without_it(ledger: Ledger) -> None:
    wire = Shifting()
    assert read(ledger, wire, "contacts", now=BEGUN) == []
    wire.enapps.switch({"contacts": {"953": None}})
    assert read(ledger, wire, "contacts", now=BEGUN + 900) == []
    assert held(ledger, "contact") == CONTACTS
    assert read(ledger, wire, "contacts", now=BEGUN + DAY) == []
    assert held(ledger, "contact") == CONTACTS
    assert read(ledger, wire, "contacts", now=BEGUN + DAY + 900) == []
    assert held(ledger, "contact") == CONTACTS - {"953"}


@pytest.mark.parametrize("call", [1, 2, 3, 4, 5], ids="call {}".format)
@pytest.mark.parametrize("name", ["contacts", "partners", "addresses", "products"])
def test_a_page_that_wrongly_comes_back_empty_takes_nothing_away(ledger: Ledger, name: str, call: int) -> None:
    kind = name.removesuffix("es" if name == "addresses" else "s")
    wire = Shifting(settings={"page_sizes": {"contacts": 3, "partners": 2, "addresses": 2, "products": 9}})
    read(ledger, wire, name, now=BEGUN)
    before = held(ledger, kind)
    wire.empty = {len(wire.calls) + call}
    read(ledger, wire, name, now=BEGUN + DAY)
    assert held(ledger, kind) == before
    read(ledger, wire, name, now=BEGUN + DAY + 900)
    read(ledger, wire, name, now=BEGUN + DAY + 1800)
    assert held(ledger, kind) == before


def test_a_list_of_nothing_where_there_was_something_is_told_and_never_believed(ledger: Ledger) -> None:
    wire = Shifting()
    read(ledger, wire, "contacts", now=BEGUN)
    wire.enapps.switch({"contacts": dict.fromkeys(CONTACTS)})
    for later in (0, 60, 120, DAY):
        [problem] = read(ledger, wire, "contacts", now=BEGUN + DAY + later)
        assert "lists none of its 11 records (contact)" in problem
    assert held(ledger, "contact") == CONTACTS


def test_a_row_that_moves_to_a_page_that_was_read_already_stays(ledger: Ledger) -> None:
    wire = Shifting(settings={"page_sizes": {"contacts": 4}})
    read(ledger, wire, "contacts", now=BEGUN)
    gone = len(wire.calls) + 3
    wire.before = {gone: lambda: wire.enapps.switch({"contacts": {"953": None}})}
    read(ledger, wire, "contacts", now=BEGUN + DAY)
    assert held(ledger, "contact") == CONTACTS
    for later in (900, DAY + 900):
        read(ledger, wire, "contacts", now=BEGUN + DAY + later)
    assert held(ledger, "contact") == CONTACTS - {"953"}


def test_a_worker_whose_clock_is_behind_takes_nothing_away(ledger: Ledger) -> None:
    wire = Shifting()
    read(ledger, wire, "contacts", now=BEGUN, saved=BEGUN - 30)
    assert held(ledger, "contact") == CONTACTS


@pytest.mark.parametrize("past_end", ["empty", "last"])
@pytest.mark.parametrize("size", [1, 2, 5, 11, 1000])
@pytest.mark.parametrize("server", [0, 1])
def test_every_record_is_copied_whatever_the_number_of_the_first_page(
    tmp_path: Path, server: int, size: int, past_end: str
) -> None:
    opened = Ledger(f"sqlite:///{tmp_path}/ledger.db")
    migrate(opened)
    settings = {"first_page": server, "past_end": past_end, "page_sizes": {"contacts": size}}
    for later in (0, DAY, DAY + 900):
        assert read(opened, Shifting(settings=settings), "contacts", now=BEGUN + later) == []
        assert held(opened, "contact") == CONTACTS
    opened.close()
