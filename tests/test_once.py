"""The heart of the promise: look before writing wherever something may be there, else write."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from schemas.destination import Unmappable
from schemas.http import Call, Reply
from schemas.iws import IwsDestination
from tasks.once import look_again, once
from tests.iws_wire import destination, order
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Job

NOW = 1_795_000_000.0
WRITTEN = Delivered(reference="SO-000001")
FULL = Unmappable("no_sku", "No SKU: line 1.", hint="Give it one.", hold=True)
STOPS: Sequence[Retry | Reject | Suspend] = (
    Retry(code="timeout", reason="no answer"),
    Reject(code="duplicates", reason="it is there twice"),
    Suspend(code="unauthorized", reason="the key is refused"),
)


class Nobody:
    """A client that is not to be asked."""

    async def send(self, call: Call) -> Reply:
        raise AssertionError(call)


class Told:
    """Finds and creates as it is told, and counts."""

    def __init__(self, *, found: Outcome | Unmappable | None = None, created: Outcome | Unmappable = WRITTEN) -> None:
        self._found, self._created = found, created
        self.done: list[str] = []

    async def find(self, _: Job[IwsDestination], __: object) -> Outcome | None:
        self.done.append("find")
        if isinstance(self._found, Unmappable):
            raise self._found
        return self._found

    async def create(self, _: Job[IwsDestination], __: object) -> Outcome:
        self.done.append("create")
        if isinstance(self._created, Unmappable):
            raise self._created
        return self._created


def job(*, cancelled: bool = False, **changes: Any) -> Job[IwsDestination]:
    return Job(
        order=order(cancelled=cancelled), number="1001", shop="tea-uk", destination=destination(), now=NOW, **changes
    )


def tell(told: Told, *, may_be_there: bool, cancelled: bool = False) -> Outcome:
    work = once(
        job(cancelled=cancelled),
        Nobody(),
        may_be_there=may_be_there,
        find=told.find,
        create=told.create,
        system="Esuite",
    )
    return asyncio.run(work)


def test_where_nothing_can_be_there_it_is_written_without_a_look() -> None:
    told = Told()

    assert tell(told, may_be_there=False) == WRITTEN
    assert told.done == ["create"]


def test_where_something_may_be_there_and_is_not_it_is_written_after_a_look() -> None:
    told = Told(found=None)

    assert tell(told, may_be_there=True) == WRITTEN
    assert told.done == ["find", "create"]


def test_what_is_found_is_not_written_again() -> None:
    there = Delivered(reference="SO-000007")
    told = Told(found=there)

    assert tell(told, may_be_there=True) == there
    assert told.done == ["find"]


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: type(stop).__name__)
def test_a_look_that_does_not_come_to_an_end_stays_in_doubt_and_writes_nothing(stop: Retry | Reject | Suspend) -> None:
    told = Told(found=stop)
    outcome = tell(told, may_be_there=True)

    assert not isinstance(outcome, Delivered)
    assert (type(outcome), outcome.code, outcome.in_doubt) == (type(stop), stop.code, True)
    assert told.done == ["find"]


@pytest.mark.parametrize("may_be_there", [False, True])
def test_a_cancelled_order_that_is_not_there_is_not_written(may_be_there: bool) -> None:
    told = Told(found=None)

    note = "cancelled before anything reached Esuite"
    assert tell(told, may_be_there=may_be_there, cancelled=True) == Delivered(reference=None, note=note)
    assert "create" not in told.done


@pytest.mark.parametrize(
    ("told", "may_be_there"),
    [(Told(created=FULL), False), (Told(created=FULL), True), (Told(found=FULL), True)],
    ids=["at first", "after a look", "while looking"],
)
def test_what_cannot_be_put_into_words_is_refused_and_in_doubt_only_where_it_was(
    told: Told, may_be_there: bool
) -> None:
    outcome = tell(told, may_be_there=may_be_there)

    wanted = Reject(code="no_sku", reason="No SKU: line 1.", hint="Give it one.", hold=True, in_doubt=may_be_there)
    assert outcome == wanted


# ---------------------------------------------------------------- the second look


def again(**changes: Any) -> Retry | None:
    return look_again(job(**changes), key="1001", apart=20.0, reason="It is looked for once more.")


def test_a_first_look_is_remembered_and_counts_as_no_failure() -> None:
    first = again(memo={"first": 7})

    assert first is not None
    assert (first.code, first.after, first.counts) == ("looking", 20.0, False)
    assert first.memo == {"first": 7, "looked_for": "1001", "looked_at": NOW}


def test_a_second_look_too_soon_waits_for_the_rest_and_does_not_begin_anew() -> None:
    soon = again(memo={"looked_for": "1001", "looked_at": NOW - 15})

    assert soon is not None
    assert (soon.after, soon.memo) == (5.0, None)


def test_a_second_look_in_time_is_enough() -> None:
    assert again(memo={"looked_for": "1001", "looked_at": NOW - 20}) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"memo": {"looked_for": "1000", "looked_at": NOW - 20}},
        {"memo": {"looked_for": "1001", "looked_at": NOW - 20}, "interrupted": True},
    ],
    ids=["under another key", "before an attempt that was cut off"],
)
def test_a_look_that_proves_nothing_begins_anew(changes: dict[str, Any]) -> None:
    first = again(**changes)

    assert first is not None
    assert first.memo == {"looked_for": "1001", "looked_at": NOW}


def test_a_clock_that_was_set_back_does_not_make_the_wait_longer() -> None:
    soon = again(memo={"looked_for": "1001", "looked_at": NOW + 3600})

    assert soon is not None
    assert soon.after == 20.0
