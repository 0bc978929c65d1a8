"""What destinations say about codes, and what it means for routes and plans: pure functions, then in a ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from schemas.config import When
from schemas.order import Order
from schemas.routing import NoRoute, asks_for_stock, covers, route
from schemas.stock import Articles, Catalogue, remarks
from tests.ledgers import DELIVERED, World, config, destination, order
from worker.feeds import Batch, Stock
from worker.ledger import feeds

IN_STOCK = {"name": "now", "deliver": ["a", "b"], "when": {"in_stock": True}}
LATER = {"name": "later", "deliver": ["c"]}


def _line(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"id": str(number), "sku": "MUG", "quantity": "3", "total_incl": "30", "tax": "3"} | changes


def _order(*lines: dict[str, Any], **changes: Any) -> Order:
    return order("1001", lines=list(lines or [_line()]), **changes)


def _articles(told: Mapping[str, int] | None = None, *, whole: bool = True, **figures: float | None) -> Articles:
    every = {**(told or {}), **figures}
    found = {name.casefold(): None if one is None else Decimal(str(one)) for name, one in every.items()}
    return Articles(quantities=found, whole=whole)


def _chosen(an_order: Order, catalogue: Catalogue, *routes: Mapping[str, Any], **sections: Any) -> str:
    """The route's name, or why there is none."""
    configured = config(routes=list(routes) or [IN_STOCK], **sections)
    found = route(an_order, shop="tea", config=configured, stock=catalogue)
    return found.reason if isinstance(found, NoRoute) else found.name


# ------------------------------------------------------------------ the rule of routes

ENOUGH = [
    pytest.param(_order(), {"a": _articles(MUG=3)}, id="just enough"),
    pytest.param(_order(), {"a": _articles(MUG=None), "b": _articles(MUG=9)}, id="at one of the two"),
    pytest.param(_order(), {"a": _articles(MUG=1), "b": _articles(MUG=9)}, id="short at one, enough at the other"),
    pytest.param(_order(), {"a": _articles(whole=False), "b": _articles(MUG=9)}, id="one is not read to its end"),
    pytest.param(_order(_line(sku="mug")), {"a": _articles(MUG=3)}, id="in any case"),
    pytest.param(_order(_line(quantity="2.5")), {"a": _articles(MUG=2.5)}, id="fractions"),
    pytest.param(_order(_line(open_quantity="1")), {"a": _articles(MUG=1)}, id="only what is open counts"),
    pytest.param(_order(_line(), _line(2, sku="CARD", shippable=False)), {"a": _articles(MUG=3)}, id="no goods"),
    pytest.param(_order(_line(), _line(2, open_quantity="0", sku="X")), {"a": _articles(MUG=3)}, id="nothing open"),
    pytest.param(_order(_line(sku=None, shippable=False)), {}, id="nothing to ship"),
]


@pytest.mark.parametrize(("an_order", "catalogue"), ENOUGH)
def test_a_route_takes_what_is_in_stock(an_order: Order, catalogue: Catalogue) -> None:
    assert _chosen(an_order, catalogue) == "now"


LACKING = [
    pytest.param(_order(), {"a": _articles(MUG=1)}, "a has 1 of 3 MUG", id="short"),
    pytest.param(_order(), {"a": _articles(MUG=-7)}, "a has 0 of 3 MUG", id="more is booked than there is"),
    pytest.param(_order(), {"a": _articles(MUG=2), "b": _articles(MUG=1)}, "b has 1 of 3 MUG", id="both are short"),
    pytest.param(_order(), {"a": _articles(TEE=5)}, "a does not know MUG", id="unknown"),
    pytest.param(
        _order(), {"a": _articles(TEE=5), "b": _articles(MUG=9)}, "a does not know MUG", id="unknown at one is too much"
    ),
    pytest.param(_order(), {}, "no destination of the route has told a figure for MUG yet", id="nothing told"),
    pytest.param(_order(), {"a": _articles(MUG=None)}, "told a figure for MUG yet", id="known without a figure"),
    pytest.param(_order(), {"a": _articles(whole=False)}, "told a figure for MUG yet", id="not read to its end"),
    pytest.param(_order(), {"c": _articles(MUG=9)}, "told a figure for MUG yet", id="at another route's destination"),
    pytest.param(_order(_line(), _line(2)), {"a": _articles(MUG=5)}, "a has 5 of 6 MUG", id="two lines of one SKU"),
    pytest.param(
        _order(_line(), _line(2, sku="TEE")), {"a": _articles(MUG=3, TEE=1)}, "a has 1 of 3 TEE", id="one of two lines"
    ),
    pytest.param(_order(_line(sku=None)), {"a": _articles(MUG=9)}, "a line without SKU", id="no SKU"),
]


@pytest.mark.parametrize(("an_order", "catalogue", "why"), LACKING)
def test_a_route_that_lacks_stock_says_so_and_what(an_order: Order, catalogue: Catalogue, why: str) -> None:
    reason = _chosen(an_order, catalogue)
    assert reason.startswith('no route takes it for want of stock alone (route "now" lacks stock: ')
    assert why in reason
    assert reason.endswith("replay when the stock is there, or add a route without in_stock")


def test_the_next_route_takes_what_is_not_in_stock() -> None:
    assert _chosen(_order(), {"a": _articles(MUG=1)}, IN_STOCK, LATER) == "later"
    assert _chosen(_order(), {"a": _articles(MUG=3)}, IN_STOCK, LATER) == "now"


def test_each_destination_is_asked_for_its_own_word() -> None:
    told = {"a": _articles({"000250A": 3}), "b": _articles(mug=0)}
    assert _chosen(_order(), told, a={"skus": {"MUG": "000250a"}}) == "now"
    short = {"a": _articles({"000250A": 1})}
    assert "a has 1 of 3 000250a (our MUG)" in _chosen(_order(), short, a={"skus": {"MUG": "000250a"}})


@pytest.mark.parametrize("ours", ["ALSO", "mug"], ids=["another SKU", "another case"])
def test_skus_that_are_one_article_there_share_what_is_in_stock(ours: str) -> None:
    both = _order(_line(), _line(2, sku=ours))
    skus = {"a": {"skus": {"MUG": "000250A", ours: "000250a"}}}
    assert _chosen(both, {"a": _articles({"000250A": 6})}, **skus) == "now"
    assert "a has 5 of 6 000250A (our MUG)" in _chosen(both, {"a": _articles({"000250A": 5})}, **skus)


def test_where_another_key_is_unmet_stock_is_not_what_is_told() -> None:
    sweden = IN_STOCK | {"when": {"in_stock": True, "currency": ["SEK"]}}
    reason = _chosen(_order(), {}, sweden)
    assert "currency AUD" in reason
    assert "stock" not in reason


def test_many_missing_articles_are_told_as_a_few() -> None:
    lines = [_line(number, sku=f"S{number}") for number in range(40)]
    reason = _chosen(_order(*lines), {"a": _articles()})
    assert "a does not know S7 and 32 more" in reason


def test_a_route_on_which_work_has_begun_keeps_its_order_and_no_other_gets_it() -> None:
    first = {"name": "first", "deliver": ["c"], "when": {"in_stock": True}}
    configured = config(routes=[first, IN_STOCK, LATER])
    plenty = {"a": _articles(MUG=9), "c": _articles(MUG=9)}
    for begun, stock in (("now", None), ("now", plenty), ("later", plenty), ("first", None)):
        found = route(_order(), shop="tea", config=configured, stock=stock, begun=begun)
        assert not isinstance(found, NoRoute)
        assert found.name == begun
    only = config(routes=[first])
    found = route(_order(), shop="tea", config=only, stock=plenty, begun="gone")
    assert isinstance(found, NoRoute)
    assert "what is in stock before work begins" in found.reason


def test_a_route_for_stock_hides_no_route_after_it() -> None:
    assert not covers(When(in_stock=True), When())
    assert not covers(When(in_stock=True), When(in_stock=True))
    assert covers(When(), When(in_stock=True))


def test_stock_is_asked_for_where_a_route_wants_it() -> None:
    assert asks_for_stock(config()) == ()
    assert asks_for_stock(config(routes=[IN_STOCK, LATER, IN_STOCK | {"name": "x", "deliver": ["b", "c"]}])) == (
        "a",
        "b",
        "c",
    )


# ------------------------------------------------------------------ remarks of plan and order page


@pytest.mark.parametrize(
    ("an_order", "articles", "says"),
    [
        (_order(), _articles(MUG=3), []),
        (_order(), _articles(MUG=None), []),
        (_order(), _articles(whole=False), []),
        (_order(), _articles(TEE=1), ["ongoing-se does not know MUG"]),
        (_order(), _articles(MUG=1), ["ongoing-se has 1 of 3 MUG"]),
        (_order(), _articles(whole=False, MUG=1), ["ongoing-se has 1 of 3 MUG"]),
        (
            _order(_line(), _line(2), _line(3, sku="OURS")),
            _articles(MUG=5),
            ["ongoing-se has 5 of 6 MUG", "ongoing-se does not know THEIRS (our OURS)"],
        ),
        (
            _order(_line(sku="OURS"), _line(2, sku="theirs")),
            _articles(THEIRS=5),
            ["ongoing-se has 5 of 6 THEIRS (our OURS)", "ongoing-se has 5 of 6 theirs"],
        ),
        (_order(_line(sku=None)), _articles(), []),
        (
            _order(shipping=[{"code": "x", "total_incl": "9", "tax": "1"}]),
            _articles(MUG=3),
            ["ongoing-se does not know FREIGHT, the code of the shipping charge"],
        ),
        (_order(shipping=[{"code": "x", "total_incl": "9", "tax": "1"}]), _articles(MUG=3, FREIGHT=0), []),
    ],
)
def test_remarks_say_which_codes_are_not_known_and_what_is_short(
    an_order: Order, articles: Articles, says: list[str]
) -> None:
    place = destination("ongoing-se", skus={"OURS": "THEIRS"}, shipping_sku="FREIGHT")
    assert list(remarks(an_order, place, articles)) == says


# ------------------------------------------------------------------ in the ledger


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url, config(routes=[IN_STOCK])) as world:
        yield world


def _stock(world: World, name: str = "a", **figures: float) -> None:
    rows = tuple(Stock(code=code, quantity=Decimal(str(figure))) for code, figure in figures.items())

    def save(c: Any) -> bool:
        turn = feeds.take(c, name, "stock", lease_s=60, now=world.now)
        assert turn is not None
        batch = Batch(checkpoint={}, stock=rows, whole=frozenset({"stock"}))
        return feeds.save(c, turn, batch, every_s=0, now=world.now)

    assert world.ledger.write(save)


def test_an_order_is_held_for_its_stock_and_goes_with_a_replay_when_it_is_there(world: World) -> None:
    _stock(world, BOLT=0)
    assert world.place("1001").outcome == "held"
    reason = world.order("1001").hold
    assert "a has 0 of 1 BOLT" in reason
    assert world.deliveries("1001") == []
    assert not world.replay("1001").wake
    _stock(world, BOLT=1)
    assert len(world.replay("1001").wake) == 1
    assert (world.states("1001"), world.order("1001").hold) == ("ready waiting", None)


def test_before_anything_was_told_an_order_for_stock_waits(world: World) -> None:
    assert world.place("1001").outcome == "held"
    assert "has told a figure for BOLT yet" in world.order("1001").hold


def test_an_order_that_took_the_last_ones_is_changed_all_the_same(world: World) -> None:
    _stock(world, BOLT=1)
    world.place("1001")
    world.try_once("1001", "a", DELIVERED)
    _stock(world, BOLT=-1)
    world.place("1001", minute=5, note="Leave at the gate")
    assert (world.states("1001"), world.order("1001").hold) == ("ready waiting", None)


def test_an_order_of_which_nothing_was_sent_follows_the_stock(world: World) -> None:
    _stock(world, BOLT=1)
    world.place("1001")
    assert world.states("1001") == "ready waiting"
    _stock(world, BOLT=0)
    world.place("1001", minute=5, note="Leave at the gate")
    assert world.states("1001") == "held held"
    assert "a has 0 of 1 BOLT" in world.order("1001").hold


def test_a_cancelled_order_asks_nobody_for_stock(world: World) -> None:
    _stock(world, BOLT=0)
    world.place("1001")
    world.place("1001", minute=5, cancelled=True)
    assert world.order("1001").status == "cancelled"


def test_without_such_a_route_the_stock_is_not_looked_at(world: World) -> None:
    world.configure(config())
    world.place("1001")
    assert world.states("1001") == "ready waiting"
