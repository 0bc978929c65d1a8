"""Which route an order takes, why none does, when it may leave, and under which number."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.config import Config, Route, Shop, When
from schemas.order import Order
from schemas.routing import NoRoute, covers, number_at_destination, release, route


def order(**changes: Any) -> Order:
    line = {"id": "1", "sku": "MUG", "quantity": "2", "total_incl": "80.00", "total_excl": "72.73"}
    shipping = {"total_incl": "10.00", "total_excl": "9.09"}
    values = {
        "shop_order_id": "1",
        "number": "#1001",
        "version": "2026-11-20T10:15:00Z",
        "currency": "AUD",
        "ship_to": {"country": "AU"},
        "lines": [line],
        "shipping": [shipping],
        **changes,
    }
    return Order.model_validate(values)


def config(**routes: dict[str, Any]) -> Config:
    rules = tuple(Route(name=name, when=When.model_validate(when), deliver=("d",)) for name, when in routes.items())
    return Config(shops={}, destinations={}, routes=rules)


def taken(when: dict[str, Any], **changes: Any) -> bool:
    return isinstance(route(order(**changes), shop="au", config=config(only=when)), Route)


LINES: list[dict[str, Any]] = [
    {"id": "1", "sku": None, "quantity": "1", "total_incl": "1", "tax": "0"},
    {"id": "2", "sku": "PRE-7", "quantity": "1", "total_incl": "1", "tax": "0"},
]
MATCHING = {
    "no keys": ({}, {}, True),
    "shop": ({"shop": ["se", "au"]}, {}, True),
    "another shop": ({"shop": ["se"]}, {}, False),
    "country of delivery": ({"country": ["au"]}, {}, True),
    "another country": ({"country": ["NZ"]}, {}, False),
    "country of the bill": ({"country": ["NZ"]}, {"ship_to": None, "bill_to": {"country": "nz"}}, True),
    "country of the bill as well": ({"country": ["NZ"]}, {"ship_to": {}, "bill_to": {"country": "NZ"}}, True),
    "country of delivery before that of the bill": ({"country": ["NZ"]}, {"bill_to": {"country": "NZ"}}, False),
    "no country": ({"country": ["AU"]}, {"ship_to": None}, False),
    "currency": ({"currency": ["aud"]}, {}, True),
    "another currency": ({"currency": ["SEK"]}, {}, False),
    "any line has the SKU": ({"sku": ["PRE-*"]}, {"lines": LINES}, True),
    "one character": ({"sku": ["PRE-?"]}, {"lines": LINES}, True),
    "one character too few": ({"sku": ["PRE-??"]}, {"lines": LINES}, False),
    "SKUs differ in case": ({"sku": ["pre-*"]}, {"lines": LINES}, False),
    "brackets are letters": ({"sku": ["MUG[1]"]}, {"lines": [{**LINES[1], "sku": "MUG[1]"}]}, True),
    "brackets are no set": ({"sku": ["MUG[1]"]}, {"lines": [{**LINES[1], "sku": "MUG1"}]}, False),
    "any SKU needs a SKU": ({"sku": ["*"]}, {"lines": LINES[:1]}, False),
    "no lines": ({"sku": ["*"]}, {"lines": []}, False),
    "tag in other letters": ({"tag": ["Wholesale"]}, {"tags": ["vip", "WHOLESALE"]}, True),
    "another tag": ({"tag": ["wholesale"]}, {"tags": ["vip"]}, False),
    "total from, itself included": ({"min_total": 90}, {}, True),
    "below the total": ({"min_total": "90.01"}, {}, False),
    "total up to, itself included": ({"max_total": 90}, {}, True),
    "above the total": ({"max_total": "89.99"}, {}, False),
    "the total as stated before the sum": ({"max_total": "85"}, {"total_incl": "85"}, True),
    "all keys": ({"shop": ["au"], "country": ["AU"], "min_total": 1}, {}, True),
    "all keys but one": ({"shop": ["au"], "country": ["AU"], "min_total": 1000}, {}, False),
}  # fmt: skip


@pytest.mark.parametrize(("when", "changes", "matches"), MATCHING.values(), ids=MATCHING)
def test_a_route_takes_what_meets_every_key(when: dict[str, Any], changes: dict[str, Any], matches: bool) -> None:
    assert taken(when, **changes) is matches


def test_the_first_route_that_matches_wins() -> None:
    both = config(nz={"country": ["NZ"]}, first={"country": ["AU"]}, second={})
    chosen = route(order(), shop="au", config=both)
    assert isinstance(chosen, Route)
    assert chosen.name == "first"


REASONS = {
    "no routes": ({}, "there are no routes for shop au or any other; add a [[routes]] entry, then replay"),
    "country": (
        {"home": {"shop": ["au"], "country": ["NZ", "FJ"]}, "other": {"shop": ["se"]}},
        'no route takes country AU from shop au (closest: "home" takes country NZ, FJ); '
        "add a [[routes]] entry or widen one, then replay",
    ),
    "two keys": (
        {"home": {"country": ["NZ"], "currency": ["NZD"]}},
        "no route takes country AU and currency AUD from shop au "
        '(closest: "home" takes country NZ and currency NZD); add a [[routes]] entry or widen one, then replay',
    ),
    "shop": (
        {"other": {"shop": ["se"]}, "third": {"shop": ["fi"]}},
        'no route takes shop au (closest: "other" takes shop se; "third" takes shop fi); '
        "add a [[routes]] entry or widen one, then replay",
    ),
    "total": (
        {"small": {"max_total": 50}, "large": {"min_total": 100}},
        'no route takes a total of 90.00 from shop au (closest: "small" takes a total up to 50; '
        '"large" takes a total from 100); add a [[routes]] entry or widen one, then replay',
    ),
}


@pytest.mark.parametrize(("routes", "reason"), REASONS.values(), ids=REASONS)
def test_an_order_without_a_route_says_what_came_closest(routes: dict[str, Any], reason: str) -> None:
    assert route(order(), shop="au", config=config(**routes)) == NoRoute(reason)


def test_the_reason_holds_no_personal_data() -> None:
    person = {"name": "Ada Lovelace", "city": "Alabaster", "postcode": "3188", "country": None}
    held = route(
        order(ship_to=person, email="ada@example.com", note="at the door", tags=["ada-tag"]),
        shop="au",
        config=config(a={"country": ["NZ"]}, b={"tag": ["vip"]}, c={"sku": ["PRE-*"]}),
    )
    assert isinstance(held, NoRoute)
    assert "an order without a country" in held.reason
    for word in ("Ada", "Alabaster", "3188", "example", "door", "ada-tag"):
        assert word not in held.reason


RELEASES = {
    "placed": {"pending", "authorized", "paid", "partially_refunded"},
    "authorized": {"authorized", "paid", "partially_refunded"},
    "paid": {"paid", "partially_refunded"},
}
STATES = ("pending", "authorized", "paid", "partially_refunded", "refunded", "voided")


@pytest.mark.parametrize(("at", "state"), list(itertools.product(RELEASES, STATES)))
def test_an_order_leaves_when_its_shop_releases_it(at: str, state: str) -> None:
    shop = Shop.model_validate({"name": "au", "platform": "shopify", "secrets": ["x"], "release": at})
    reason = release(order(payment_state=state), shop=shop)
    assert (reason is None) is (state in RELEASES[at])
    assert reason is None or f"the shop says {state}" in reason


def test_a_held_order_says_what_it_waits_for() -> None:
    shop = Shop.model_validate({"name": "au", "platform": "shopify", "secrets": ["x"], "release": "paid"})
    reason = release(order(payment_state="authorized"), shop=shop)
    assert reason == "waits for payment: the shop says authorized, this shop releases at paid"


@pytest.mark.parametrize(
    ("prefix", "number", "there"),
    [("", "#1001", "1001"), ("P-", "#1001", "P-1001"), ("P-", "1001", "P-1001"), ("", "##7", "#7"), ("", "#", "#")],
)
def test_the_number_at_the_destination_has_the_prefix_and_no_hash(prefix: str, number: str, there: str) -> None:
    shop = Shop.model_validate({"name": "au", "platform": "shopify", "secrets": ["x"], "number_prefix": prefix})
    assert number_at_destination(order(number=number), shop) == there


def some(*values: str) -> st.SearchStrategy[list[str] | None]:
    return st.none() | st.lists(st.sampled_from(values), min_size=1, max_size=3)


totals = st.none() | st.integers(0, 3)
whens = st.builds(
    lambda **keys: When.model_validate(keys),
    shop=some("au", "se"),
    country=some("AU", "NZ"),
    sku=some("A", "A*", "A?", "*A", "?", "*", "AB", "B?*"),
    tag=some("vip", "VIP", "new"),
    currency=some("AUD", "SEK"),
    min_total=totals,
    max_total=totals.map(lambda top: None if top is None else top + 3),
)
orders = st.builds(
    order,
    ship_to=st.sampled_from([None, {"country": "AU"}, {"country": "NZ"}]),
    currency=st.sampled_from(["AUD", "SEK"]),
    tags=st.lists(st.sampled_from(["vip", "NEW"]), max_size=2),
    total_incl=st.integers(0, 7),
    lines=st.lists(st.sampled_from(["A", "AB", "B", "BA", "ABA"]), max_size=2, unique=True).map(
        lambda skus: [{**LINES[1], "id": sku, "sku": sku} for sku in skus]
    ),
)


@given(earlier=whens, later=whens, one=orders, shop=st.sampled_from(["au", "se"]))
def test_what_covers_a_route_takes_each_of_its_orders(earlier: When, later: When, one: Order, shop: str) -> None:
    def takes(when: When) -> bool:
        routes = (Route(name="only", when=when, deliver=("d",)),)
        return isinstance(route(one, shop=shop, config=Config(shops={}, destinations={}, routes=routes)), Route)

    if covers(earlier, later) and takes(later):
        assert takes(earlier)


PATTERNS = [
    ("A*", "AB", True),
    ("A*", "A?C", True),
    ("A?", "AB", True),
    ("A?", "A*", False),
    ("*", "?", True),
    ("AB", "A*", False),
]


@pytest.mark.parametrize(("wide", "narrow", "covered"), PATTERNS)
def test_a_pattern_covers_what_it_matches_for_certain(wide: str, narrow: str, covered: bool) -> None:
    assert covers(When(sku=(wide,)), When(sku=(narrow,))) is covered
    assert covers(When(), When(sku=(narrow,)))
    assert not covers(When(sku=(wide,)), When())
