"""What changed between two versions, as an operator reads it, and that the timeline says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.changes import changes
from schemas.order import Order
from tests.ledgers import DELIVERED, World, order
from worker.web.telling import told

PERSONAL = ("Nell Rowan", "Pier St", "Hobart", "7000", "nell@example.com", "0400 111 222", "Ring twice")
HOME = {"name": "Nell Rowan", "address1": "4 Pier St", "city": "Hobart", "postcode": "7000", "country": "AU"}
BOLT = {"id": "1", "sku": "BOLT", "name": "Bolt", "quantity": "2", "total_incl": "22.00", "tax": "2.00"}
NUT = {"id": "2", "sku": "NUT", "name": "Nut", "quantity": "3", "total_incl": "33.00", "tax": "3.00"}
ROAD = {"code": "road", "name": "Road", "total_incl": "10.00", "tax": "0.91"}
BEFORE: dict[str, Any] = {"ship_to": HOME, "lines": [BOLT, NUT], "shipping": [ROAD], "total_incl": "65.00"}


def _order(changed: dict[str, Any] | None = None, *, minute: float = 0) -> Order:
    more = {"shop_order_id": "id-1001", **BEFORE, **(changed or {})}
    return order(more.pop("number", "1001"), minute=minute, **more)


def _said(after: dict[str, Any], before: dict[str, Any] | None = None) -> list[str]:
    return list(changes(_order(before), _order(after, minute=1)))


def _nut(**more: Any) -> dict[str, Any]:
    return {"lines": [BOLT, {**NUT, **more}]}


@pytest.mark.parametrize(
    ("after", "says"),
    [
        pytest.param({}, [], id="nothing but a newer version"),
        pytest.param(
            _nut(quantity="1", total_incl="11.00", tax="1.00"),
            ["line 2 quantity 3 -> 1"],
            id="fewer, at the same price",
        ),
        pytest.param(
            _nut(quantity="1", total_incl="15.00", tax="1.36"),
            ["line 2 quantity 3 -> 1, total 33.00 -> 15.00, tax 3.00 -> 1.36"],
            id="fewer, at another price",
        ),
        pytest.param(
            _nut(quantity="2", total_incl="22.03", tax="2.00"),
            ["line 2 quantity 3 -> 2, total 33.00 -> 22.03"],
            id="fewer, and a little dearer",
        ),
        pytest.param(_nut(total_incl="33.01"), ["line 2 total 33.00 -> 33.01"], id="a cent dearer"),
        pytest.param(_nut(quantity="0.5", total_incl="5.50", tax="0.50"), ["line 2 quantity 3 -> 0.5"], id="a part"),
        pytest.param(_nut(open_quantity="1"), ["line 2 still to be delivered 3 -> 1"], id="refunded before shipping"),
        pytest.param(_nut(open_quantity="0"), ["line 2 still to be delivered 3 -> 0"], id="refunded whole"),
        pytest.param(
            _nut(open_quantity="1", fulfilled_quantity="2"), ["line 2 fulfilled 0 -> 2"], id="shipped by the shop"
        ),
        pytest.param(
            _nut(open_quantity="0", fulfilled_quantity="2"),
            ["line 2 fulfilled 0 -> 2, still to be delivered 3 -> 0"],
            id="two shipped, one refunded",
        ),
        pytest.param(
            _nut(total_incl="30.00", tax="2.73"), ["line 2 total 33.00 -> 30.00, tax 3.00 -> 2.73"], id="another price"
        ),
        pytest.param(_nut(tax="0"), ["line 2 tax 3.00 -> 0"], id="another tax"),
        pytest.param(_nut(discount="3.00"), ["line 2 discount 0 -> 3.00"], id="a discount within the same price"),
        pytest.param(_nut(sku="NUT-8"), ["line 2 SKU NUT -> NUT-8"], id="another SKU"),
        pytest.param(_nut(sku=None), ["line 2 SKU NUT -> none"], id="a SKU less"),
        pytest.param(_nut(name="Nut, for Nell Rowan"), ["line 2 description changed"], id="another name"),
        pytest.param(_nut(options={"engraving": "Nell Rowan"}), ["line 2 description changed"], id="another option"),
        pytest.param(_nut(shippable=False), ["line 2 needs no shipping any more"], id="a service now"),
        pytest.param({"lines": [BOLT]}, ["line 2 of the earlier version removed (NUT)"], id="a line removed"),
        pytest.param(
            {"lines": [NUT]}, ["line 1 of the earlier version removed (BOLT)"], id="the line before it removed"
        ),
        pytest.param(
            {"lines": [{**BOLT, "id": "9"}, BOLT, {**NUT, "quantity": "1", "total_incl": "11.00", "tax": "1.00"}]},
            ["line 1 added (BOLT, quantity 2)", "line 3 quantity 3 -> 1"],
            id="a line added before",
        ),
        pytest.param(
            {"lines": [BOLT, NUT, {**NUT, "id": "3", "sku": None}]},
            ["line 3 added (no SKU, quantity 3)"],
            id="a line without a SKU added",
        ),
        pytest.param({"lines": [NUT, BOLT]}, ["lines in another order"], id="lines in another order"),
        pytest.param({"ship_to": {**HOME, "name": "Al", "address1": "1 Hay St"}}, None, id="another address"),
        pytest.param({"ship_to": None}, ["ship-to address removed"], id="no address any more"),
        pytest.param({"bill_to": HOME}, ["bill-to address added"], id="an address more"),
        pytest.param(
            {"email": "nell@example.com", "phone": "0400 111 222"}, ["e-mail added", "phone added"], id="ways"
        ),
        pytest.param({"note": "Ring twice"}, ["note added"], id="a note"),
        pytest.param({"number": "1002"}, ["number 1001 -> 1002"], id="another number"),
        pytest.param({"currency": "NZD"}, ["currency AUD -> NZD"], id="another currency"),
        pytest.param(
            {"payment_state": "partially_refunded"}, ["payment paid -> partially refunded"], id="money refunded"
        ),
        pytest.param(
            {"shipping": [{**ROAD, "total_incl": "12.50"}]}, ["shipping 10.00 -> 12.50"], id="dearer shipping"
        ),
        pytest.param({"shipping": [{**ROAD, "tax": "0"}]}, ["shipping tax changed"], id="another tax on shipping"),
        pytest.param({"shipping": [{**ROAD, "code": "air"}]}, ["shipping method changed"], id="another way"),
        pytest.param({"shipping": []}, ["shipping removed (10.00)"], id="no shipping any more"),
        pytest.param({"cancelled": True}, ["cancelled"], id="cancelled"),
        pytest.param({"test": True}, ["marked as a test order"], id="a test after all"),
        pytest.param({"total_incl": "55.00"}, ["order total 65.00 -> 55.00"], id="another total"),
        pytest.param({"total_incl": None}, ["order total 65.00 -> none"], id="no total any more"),
        pytest.param({"total_tax": "5.91"}, ["order tax none -> 5.91"], id="another tax in total"),
        pytest.param({"tags": ["vip"], "cancel_reason": "x"}, [], id="what no destination sees"),
    ],
)
def test_a_change_is_said_in_words(after: dict[str, Any], says: list[str] | None) -> None:
    said = _said(after)
    assert said == (["ship-to address changed (name, address1)"] if says is None else says)
    assert not [value for value in PERSONAL for text in said if value in text]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        pytest.param({"cancelled": True}, {}, ["no longer cancelled"], id="revived"),
        pytest.param({"note": "Ring twice"}, {"note": "Ring once"}, ["note changed"], id="another note"),
        pytest.param({"note": "Ring twice"}, {"note": ""}, ["note removed"], id="an emptied note"),
        pytest.param({"email": "nell@example.com"}, {}, ["e-mail removed"], id="an e-mail less"),
        pytest.param(
            _nut(total_incl="10.00", tax="0.91"),
            _nut(quantity="2", total_incl="6.67", tax="0.61"),
            ["line 2 quantity 3 -> 2"],
            id="fewer, and its money rounded",
        ),
        pytest.param(
            _nut(open_quantity="2", fulfilled_quantity="1"),
            _nut(open_quantity="1", fulfilled_quantity="1"),
            ["line 2 still to be delivered 2 -> 1"],
            id="refunded after a part was shipped",
        ),
        pytest.param(
            _nut(open_quantity="1"),
            _nut(quantity="1", total_incl="11.00", tax="1.00"),
            ["line 2 quantity 3 -> 1"],
            id="the quantity follows an earlier refund",
        ),
        pytest.param(
            _nut(open_quantity="1"),
            _nut(quantity="4", total_incl="44.00", tax="4.00"),
            ["line 2 quantity 3 -> 4, still to be delivered 1 -> 4"],
            id="more, and an earlier refund undone",
        ),
        pytest.param(
            {"ship_to": {**HOME, "first_name": "Nell"}},
            {"ship_to": {**HOME, "first_name": "N"}},
            ["ship-to address changed (first name)"],
            id="a field of two words",
        ),
    ],
)
def test_a_change_of_what_was_changed_before_is_said_in_words(
    before: dict[str, Any], after: dict[str, Any], says: list[str]
) -> None:
    assert _said(after, before) == says


def test_many_changes_are_cut_and_counted() -> None:
    lines = [{**BOLT, "id": str(number)} for number in range(1, 31)]
    dearer = [{**line, "total_incl": "24.00", "tax": "2.00"} for line in lines]
    said = _said({"lines": dearer}, {"lines": lines})
    assert len(said) == 21
    assert said[19:] == ["line 20 total 22.00 -> 24.00", "and 10 more"]
    assert len(_said({"lines": dearer[:20]}, {"lines": lines[:20]})) == 20


SEEN: dict[str, Any] = {
    "number": "1002",
    "currency": "NZD",
    "cancelled": True,
    "test": True,
    "email": "a@example.com",
    "phone": "1",
    "note": "x",
    "ship_to": {**HOME, "country": "NZ"},
    "bill_to": HOME,
    "lines": [BOLT],
    "shipping": [{**ROAD, "name": "By road"}],
    "total_incl": "1.00",
    "total_tax": "1.00",
}


@pytest.mark.parametrize("name", SEEN)
def test_whatever_destinations_see_is_said(name: str) -> None:
    before, after = _order(), _order({name: SEEN[name]})
    assert before.content() != after.content()
    assert changes(before, after)


def test_nothing_that_destinations_see_is_left_out_of_the_test_before() -> None:
    its_key, unseen = {"shop_order_id"}, {"version", "placed_at", "cancelled_at", "cancel_reason", "tags"}
    assert set(Order.model_fields) - set(SEEN) == its_key | unseen | {"payment_state", "payments"}


# ------------------------------------------------------------ on the timeline


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


def test_a_newer_version_says_what_it_changed(world: World) -> None:
    world.place("1001", **BEFORE)
    assert world.events("1001", "changes") == []
    world.place("1001", minute=1, **(BEFORE | _nut(quantity="1", total_incl="11.00", tax="1.00") | {"note": "Ring"}))
    world.place("1001", minute=2, **(BEFORE | _nut(quantity="1", total_incl="11.00", tax="1.00") | {"note": "Ring"}))
    assert world.events("1001", "changes") == ["note added; line 2 quantity 3 -> 1"]


def test_a_version_that_is_not_newer_says_nothing(world: World) -> None:
    world.place("1001", minute=5, **BEFORE)
    world.place("1001", minute=1, **(BEFORE | {"note": "Ring"}))
    assert world.events("1001", "changes") == []


def test_an_edit_says_what_it_changed(world: World) -> None:
    world.place("1001", **BEFORE)
    world.replay("1001", edit={"ship_to": {"postcode": "7001"}, "lines": [BOLT]})
    assert world.events("1001", "edit") == ["edited lines, ship_to (test)"]
    said = ["ship-to address changed (postcode); line 2 of the earlier version removed (NUT)"]
    assert world.events("1001", "changes") == said


def test_a_newer_version_under_an_edit_says_what_is_different_with_the_edit_in_it(world: World) -> None:
    world.place("1001", **BEFORE)
    world.try_once("1001", "a", DELIVERED)
    world.replay("1001", edit={"note": "Ring twice"})
    world.place("1001", minute=1, **(BEFORE | {"note": None, "currency": "NZD"}))
    world.place("1001", minute=2, **(BEFORE | {"note": "Leave it", "currency": "NZD"}))
    assert world.events("1001", "changes") == ["note added", "currency AUD -> NZD", "note changed"]
    assert world.events("1001", "edit")[1:] == [
        "the edit of note stays: the shop did not touch it",
        "the shop changed note as well: its newer value replaces the edit",
    ]


def test_a_payment_alone_is_said_and_sends_nothing(world: World) -> None:
    world.place("1001", payment_state="authorized")
    world.place("1001", minute=1)
    assert world.events("1001", "changes") == ["payment authorized -> paid"]
    assert world.states("1001") == "ready waiting"


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        (
            "changes",
            "note added; line 2 quantity 3 -> 1",
            "What changed: note added; line 2 quantity 3 → 1.",
        ),
        ("step", "line 3 of 5 added", "Line 3 of 5 added."),
        (
            "accepted",
            "accepted as it is there (console)",
            "Accepted as it is there, from the console.",
        ),
        ("accepted", "the order stays here too, since it goes its way at b", None),
        (
            "cancelled",
            "the order is cancelled: nothing more of it is sent, and what is there is taken back",
            "The order is cancelled. Nothing more of it is sent, and what is there is taken back.",
        ),
    ],
)
def test_the_console_tells_it_as_a_sentence(kind: str, text: str, says: str | None) -> None:
    assert told(kind, text) == (says or "The order stays here too, since it goes its way at b.")
