"""``check --live`` at IWS: one guess of contracts/iws.md that a server contradicts, one row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from schemas.iws import IwsDestination
from schemas.iws.names import NAMES
from tasks.iws.probe import probe
from tests.iws_wire import CUSTOMER, Wire, destination
from worker.outcomes import Delivered, Retry, Suspend
from worker.system import Probed

BY_EMAIL = destination(customer="email")
BY_CODE = destination()
QUIET = destination(status_minutes=0, stock_minutes=0)
STOCKED = {"items": {"MUG": "ITEM-000007"}, "stock": {"MUG": 12}}
SET = "set {} in [destinations.iws-uk.names]"
BUILD = "ask the vendor for a build with the changelog"
UNSEEN = "not tried, since only an order shows it: "


def probed(place: IwsDestination, **settings: Any) -> Probed:
    """What the probe says of a server with a customer, and with stock that has just changed."""
    wire = Wire({**STOCKED, "customers": {CUSTOMER: "mina@example.test"}, **settings})
    if "stock" not in settings:
        wire.iws.switch({"stock": {"MUG": 11}})
    return asked(place, wire)


def asked(place: IwsDestination, wire: Wire) -> Probed:
    found = asyncio.run(probe(place, wire))
    assert wire.writes() == 0, "reads alone"
    return found


def contradicted(found: Probed) -> list[str]:
    return [remark for remark in found.remarks if not remark.startswith("not tried")]


@pytest.mark.parametrize("place", [BY_EMAIL, BY_CODE, QUIET], ids=["by e-mail", "by code", "quiet"])
@pytest.mark.parametrize("settings", [{}, {"data": "object"}, {"time_zone": "Pacific/Auckland"}])
def test_a_server_as_the_contract_guesses_contradicts_nothing(place: IwsDestination, settings: dict[str, Any]) -> None:
    found = probed(place, **settings)
    assert isinstance(found.outcome, Delivered)
    [remark] = found.remarks
    assert remark.startswith(UNSEEN)
    assert ("route_by_email" in remark) is (place is BY_EMAIL)
    assert remark.endswith("http://iws.example:82/Interprise.Web.Services/Help.")


GUESSES = [
    ("header", {"missing_routes": ["salesorder/*"]}, SET.format("route_header"), True),
    ("header moved", {"moved_routes": {"salesorder/{code}": "so/{code}"}}, SET.format("route_header"), True),
    ("changelog", {"missing_routes": ["changelog/*"]}, BUILD, True),
    ("orders' changelog", {"missing_routes": ["changelog/CustomerSalesOrder"]}, BUILD, True),
    ("workflow's changelog", {"missing_routes": ["changelog/*Workflow"]}, BUILD, False),
    ("listing", {"missing_routes": ["inventory"]}, SET.format("route_inventory"), False),
    ("stock", {"missing_routes": ["inventory/*/stocktotal"]}, SET.format("route_stock"), False),
    ("figure", {"renamed": {"freeStock": "available"}}, SET.format("stock_free"), False),
    ("stock's changelog", {"missing_routes": ["changelog/InventoryStockTotal"]}, BUILD, False),
    ("its data", {"stock_data": "item and warehouse"}, "set stock_minutes = 0", False),
]


@pytest.mark.parametrize(("_", "settings", "known", "needed"), GUESSES, ids=[row[0] for row in GUESSES])
def test_each_guess_that_the_server_contradicts_is_told_with_what_to_set(
    _: str, settings: dict[str, Any], known: str, *, needed: bool
) -> None:
    by_email, by_code = (probed(place, **settings) for place in (BY_EMAIL, BY_CODE))
    for found in (by_email, by_code):
        assert contradicted(found)
        assert any(known in remark for remark in contradicted(found))
    assert isinstance(by_code.outcome, Delivered), "orders of a known customer are listed by that customer"
    assert isinstance(by_email.outcome, Suspend if needed else Delivered)
    assert ("lost" in getattr(by_email.outcome, "reason", "")) is needed


def test_a_contradicted_figure_is_told_with_those_that_are_there() -> None:
    [remark] = contradicted(probed(BY_CODE, renamed={"freeStock": "available"}))
    assert remark.startswith("GET inventory/ITEM-000007/stocktotal has no figure freeStock, only ")
    assert "unitsInStock, unitsAllocated, unitsOnOrder, available" in remark


MENDED = [
    ("route_header", "so/{code}", {"moved_routes": {"salesorder/{code}": "so/{code}"}}),
    ("route_inventory", "items", {"moved_routes": {"inventory": "items"}}),
    ("route_stock", "stock/{code}", {"moved_routes": {"inventory/{code}/stocktotal": "stock/{code}"}}),
    ("stock_free", "available", {"renamed": {"freeStock": "available"}}),
]


@pytest.mark.parametrize(("name", "value", "settings"), MENDED, ids=[row[0] for row in MENDED])
def test_what_a_remark_says_to_set_mends_it(name: str, value: str, settings: dict[str, Any]) -> None:
    assert contradicted(probed(BY_EMAIL, **settings))
    found = probed(destination(customer="email", names={name: value}), **settings)
    assert isinstance(found.outcome, Delivered)
    assert contradicted(found) == []


def test_every_name_of_the_table_is_tried_or_said_to_be_untried() -> None:
    tried = {name for name, _, _ in MENDED}
    [unseen] = probed(BY_EMAIL).remarks
    untried = {name for name in NAMES if name in unseen or f"{name.split('_', maxsplit=1)[0]}_*" in unseen}
    assert tried | untried == set(NAMES)


@pytest.mark.parametrize(
    ("place", "settings"),
    [
        (QUIET, {"missing_routes": ["salesorder/*", "changelog/*", "inventory", "inventory/*"]}),
        (destination(stock_minutes=0), {"missing_routes": ["inventory", "inventory/*", "changelog/Inventory*"]}),
        (destination(status_minutes=0), {"missing_routes": ["salesorder/*", "changelog/Customer*"]}),
        (destination(customer="email", status_minutes=0), {"missing_routes": ["changelog/*Workflow"]}),
    ],
    ids=["nothing", "no stock", "no orders", "e-mail alone"],
)
def test_what_is_not_used_is_not_asked_for(place: IwsDestination, settings: dict[str, Any]) -> None:
    assert contradicted(probed(place, **settings)) == []


def test_the_header_is_asked_for_with_a_code_of_the_changelog() -> None:
    wire = Wire({"customers": {CUSTOMER: ""}})
    asyncio.run(wire.post(poCode="77"))
    found = asked(BY_EMAIL, wire)
    assert contradicted(found) == []
    assert "salesorder/SO-000001" in [call.path for call in wire.calls]


def test_a_header_of_another_order_is_a_contradiction() -> None:
    wire = Wire({"customers": {CUSTOMER: ""}})
    asyncio.run(wire.post(poCode="77"))
    found = asked(destination(customer="email", names={"route_header": "salesorder/{code}/detail"}), wire)
    assert isinstance(found.outcome, Suspend)
    assert "does not answer with that sales order" in contradicted(found)[0]


@pytest.mark.parametrize(
    ("settings", "untried"),
    [({"stock": {}}, "stock_free: none of the items"), ({"items": {}, "stock": {}}, "route_stock and stock_free")],
    ids=["no stock", "no items"],
)
def test_what_cannot_be_tried_is_said(settings: dict[str, Any], untried: str) -> None:
    found = probed(BY_CODE, **settings)
    assert contradicted(found) == []
    assert any(untried in remark for remark in found.remarks)


@pytest.mark.parametrize(("place", "kind"), [(BY_EMAIL, Retry), (BY_CODE, Delivered)], ids=["by e-mail", "by code"])
def test_a_read_without_an_answer_is_no_contradiction(place: IwsDestination, kind: type[object]) -> None:
    wire = Wire({"customers": {CUSTOMER: ""}, **STOCKED}, trouble={2: "unavailable"})
    found = asked(place, wire)
    assert isinstance(found.outcome, kind)
    assert contradicted(found) == []
    assert found.remarks[0].startswith("not tried: GET changelog/CustomerSalesOrder")
    assert "answers 503" in found.remarks[0]


def test_a_wrong_key_is_told_before_anything_else() -> None:
    wire = Wire()
    wire.iws.credentials = {"key": "another"}
    found = asked(BY_EMAIL, wire)
    assert isinstance(found.outcome, Suspend)
    assert (found.outcome.code, found.remarks, len(wire.calls)) == ("unauthorized", (), 1)
