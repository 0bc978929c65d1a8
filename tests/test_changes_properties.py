"""Whatever comes between, the other side has the newest version exactly once, or a person is told why not."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.ledgers import World, webhook
from tests.manex_wire import What
from tests.wires import Life, config

ROUTES = (("esuite",), ("ongoing",), ("manex",), ("esuite", "ongoing"), ("manex", "ongoing"), ("esuite", "manex"))

PASSING: tuple[What, ...] = ("lose", "late", "cut", "html", "error")
"""Troubles that say nothing about the order."""

REVIVED = {"revived", "change_refused"}
"""Codes of a cancelled order that the shop wants again, where that cannot be: deleted, or cancelled for good."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the order. ``lines``: ordered, still open, and price of each, by line number."""

    lines: Mapping[int, tuple[int, int, int]]
    street: str
    charge: int
    cancelled: bool

    def body(self) -> dict[str, Any]:
        return {
            "lines": [_line(number, *figures) for number, figures in sorted(self.lines.items())],
            "ship_to": {"name": "Nell", "address1": self.street, "city": "Hobart", "postcode": "7000", "country": "AU"},
            "shipping": [{"code": "road", "total_incl": str(self.charge), "tax": "0"}] if self.charge else [],
            "cancelled": self.cancelled,
        }


def _line(number: int, quantity: int, still: int, price: int) -> dict[str, Any]:
    return {
        "id": str(number),
        "sku": f"PART-{number}",
        "name": f"Part {number}",
        "quantity": str(quantity),
        "open_quantity": str(min(still, quantity)),
        "total_incl": str(quantity * price),
        "tax": "0",
    }


lines = st.dictionaries(
    st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(1, 2)), min_size=1
)
streets = st.sampled_from(["4 Pier St", "9 Hill Rd"])
versions = st.builds(Version, lines, streets, st.sampled_from([0, 5]), st.sampled_from([False, False, False, True]))
edits = st.one_of(
    st.builds(lambda street: {"ship_to": {"address1": street}}, streets),
    st.builds(lambda found: {"lines": [_line(n, *figures) for n, figures in sorted(found.items())]}, lines),
    st.builds(lambda cancelled: {"cancelled": cancelled}, st.just(True)),
    st.just({"note": "Ring twice"}),
)


def acts(troubles: tuple[What, ...]) -> st.SearchStrategy[list[tuple[str, Any]]]:
    """What happens: a version arrives, an operator edits or replays, an attempt is made, and goes wrong."""
    # The first call of an attempt more often than others: alone it may have written something, unknown to us.
    trouble = st.dictionaries(st.sampled_from([1, 1, 1, 1, 2, 2, 3, 4, 5, 6]), st.sampled_from(troubles), max_size=2)
    trouble |= st.builds(lambda what: {1: what}, st.sampled_from(troubles))
    arrival = st.tuples(st.integers(0, 9), versions)
    attempt = st.tuples(st.integers(0, 1), trouble, st.none() | arrival)
    one = st.one_of(
        st.tuples(st.just("arrive"), arrival),
        st.tuples(st.just("attempt"), attempt),
        st.tuples(st.just("attempt"), attempt),
        st.tuples(st.just("edit"), edits),
        st.tuples(st.just("replay"), st.none()),
    )
    return st.lists(one, max_size=10)


@pytest.fixture(scope="module", params=ROUTES, ids=" -> ".join)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("ledger")
    with World(f"sqlite:///{folder}/ledger.db", config(*request.param)) as made:
        yield made


class _Story:
    """One order; versions have whole minutes, so that each moment has one body."""

    def __init__(self, world: World) -> None:
        random.seed(0)  # the jitter of the back-off
        self.world, self.life = world, Life(world, f"N{next(_numbers)}")
        self._taken: dict[int, Version] = {}
        for name in world.config.destinations:
            world.resume(name)

    def arrive(self, minute: int, version: Version) -> None:
        """A minute has one version, however often it comes."""
        version = self._taken.setdefault(minute, version)
        self.world.take(webhook(self.life.number, minute=minute, **version.body()))

    def act(self, kind: str, what: Any) -> None:
        if kind == "arrive":
            self.arrive(*what)
        elif kind == "edit":
            self.world.replay(self.life.number, edit=what)
        elif kind == "replay":
            self.world.replay(self.life.number)
        else:
            position, trouble, arrival = what
            names = list(self.life.wires)
            meanwhile = None if arrival is None else lambda: self.arrive(*arrival)
            self.life.attempt(names[position % len(names)], trouble, meanwhile=meanwhile)

    def play(self, first: Version, happens: list[tuple[str, Any]]) -> None:
        self.arrive(0, first)
        for kind, what in happens:
            self.act(kind, what)
        self.life.stand_still()
        newest = max(self._taken)
        version = self.life.order().version
        assert version.hour * 60 + version.minute == 600 + newest, "an older version won"

    def differing(self) -> dict[str, Any]:
        """Destinations that do not have the newest version, with their deliveries' rows."""
        found = {}
        rows = {row.destination: row for row in self.world.deliveries(self.life.number)}
        for name in self.life.wires:
            unlike = self.life.unlike(name)
            if unlike:
                found[name] = rows[name]
                assert rows[name].state in ("held", "dead", "waiting"), self.told(unlike)
        return found

    def told(self, unlike: object) -> str:
        events = "\n  ".join(self.world.events(self.life.number))
        return f"{unlike}\n  {events}\n" + "\n  ".join(self.life.log)

    def reasons(self, found: dict[str, Any]) -> None:
        stopped = [row for row in self.world.deliveries(self.life.number) if row.state in ("held", "dead")]
        for row in stopped:
            assert row.reason, self.told(row)
            assert row.hint, self.told(row)
        for row in found.values():
            assert row.state != "waiting" or stopped, self.told("it waits for nobody")


_settings = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@_settings
@given(first=versions, happens=acts((*PASSING, "refuse")))
def test_every_life_ends_with_the_newest_version_or_with_a_reason(
    world: World, first: Version, happens: list[tuple[str, Any]]
) -> None:
    story = _Story(world)
    story.play(first, happens)
    story.reasons(story.differing())
    # All is well by now: a replay brings the newest version, but for what cannot be had any more.
    world.replay(story.life.number)
    story.life.stand_still()
    found = story.differing()
    story.reasons(found)
    assert {row.code for row in found.values() if row.state != "waiting"} <= REVIVED, story.told(found)


ONE = Version({1: (1, 1, 1)}, "4 Pier St", 0, cancelled=False)
TWO = Version({1: (2, 2, 1)}, "9 Hill Rd", 5, cancelled=False)
NONE = Version({1: (1, 1, 1)}, "4 Pier St", 0, cancelled=True)


@_settings
@example(first=ONE, happens=[("attempt", (0, {1: "late"}, None)), ("arrive", (1, NONE))])
@example(first=ONE, happens=[("attempt", (0, {1: "lose"}, None)), ("arrive", (1, TWO))])
@example(first=ONE, happens=[("attempt", (0, {1: "cut"}, (1, TWO))), ("attempt", (0, {2: "late"}, (2, ONE)))])
@given(first=versions, happens=acts(PASSING))
def test_without_a_refusal_nobody_is_needed(world: World, first: Version, happens: list[tuple[str, Any]]) -> None:
    story = _Story(world)
    story.play(first, happens)
    found = story.differing()
    codes = {row.code for row in world.deliveries(story.life.number) if row.state in ("held", "dead")}
    assert codes <= REVIVED, story.told(found)
    assert codes or not found, story.told(found)
