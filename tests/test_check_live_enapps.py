"""``check --live`` at Enapps: one guess of contracts/enapps.md that a server contradicts, one row."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sandbox.enapps.data import product_id
from schemas.enapps import NAMES
from schemas.http import Call
from tasks.enapps.feeds import FEEDS
from tasks.enapps.probe import probe
from tests.enapps_wire import Copies, What, Wire, destination
from worker.outcomes import Delivered, Reject, Retry, Suspend
from worker.system import Probed

SET = "set {} in [destinations.enapps-uk.names]"
UNSEEN = "not tried, since only an order shows it: "
REFERENCE = "client_order_ref"


def wired(**settings: Any) -> Wire:
    """A site with one order."""
    wire = Wire(settings)
    sku, mug = "MUG-BLUE", wire.enapps.settings.products["MUG-BLUE"]
    assert mug is not None
    lines = [{"product_id": product_id(sku, mug), "qty": 1}]
    body = {"partner_order_id": 953, "shop_id": 1, REFERENCE: "77", "products": lines}
    assert asyncio.run(wire.carry_out(Call("POST", "orders", body=body))).ok
    return wire


def probed(wire: Wire, **changes: Any) -> Probed:
    found = asyncio.run(probe(destination(**changes), wire))
    assert wire.writes() == 0, "reads alone"
    return found


def contradicted(found: Probed) -> list[str]:
    return [remark for remark in found.remarks if not remark.startswith("not tried")]


@pytest.mark.parametrize("first_page", [0, 1])
@pytest.mark.parametrize("past_end", ["empty", "last"])
@pytest.mark.parametrize("sizes", [{}, {"products": 1}], ids=["one page", "several"])
def test_whichever_page_is_the_first_nothing_is_contradicted(
    first_page: int, past_end: str, sizes: dict[str, int]
) -> None:
    found = probed(wired(first_page=first_page, past_end=past_end, page_sizes=sizes))
    assert isinstance(found.outcome, Delivered)
    [remark] = found.remarks
    assert remark.startswith(UNSEEN)


@pytest.mark.parametrize("envelope", ["plain", "data", "results"])
@pytest.mark.parametrize("empty", ["false", "null"])
def test_what_the_contract_accepts_is_no_contradiction(envelope: str, empty: str) -> None:
    assert contradicted(probed(wired(envelope=envelope, empty=empty))) == []


SEVERAL = {"page_sizes": {"products": 1}}
GUESSES = [
    ("list", {"envelope": "items"}, SET.format("list"), Retry),
    ("no page, nothing", {"unnumbered": "none"}, "without a page begins neither", Suspend),
    ("no page, the last", {"unnumbered": "last", **SEVERAL}, "without a page begins neither", Suspend),
    ("e-mail", {"renamed": {"email": "mail"}}, SET.format("contact_email"), Delivered),
    ("SKU", {"renamed": {"default_code": "sku"}}, SET.format("product_code"), Delivered),
    ("reference", {"renamed": {REFERENCE: "po"}}, f"have {REFERENCE} shown to the API user", Suspend),
]


@pytest.mark.parametrize(("_", "settings", "known", "kind"), GUESSES, ids=[row[0] for row in GUESSES])
def test_each_guess_that_the_server_contradicts_is_told_with_what_to_do(
    _: str, settings: dict[str, Any], known: str, kind: type[object]
) -> None:
    found = probed(wired(**settings))
    [remark] = contradicted(found)
    assert known in remark
    assert isinstance(found.outcome, kind)


def test_a_remark_names_members_and_nothing_that_they_hold() -> None:
    [remark] = contradicted(probed(wired(renamed={"email": "mail"})))
    assert "first_name" in remark
    assert ", mail," in remark
    assert "@" not in remark
    assert "Mina" not in remark


MENDED = [
    ("list", "items", {"envelope": "items"}),
    ("contact_email", "mail", {"renamed": {"email": "mail"}}),
    ("product_code", "sku", {"renamed": {"default_code": "sku"}}),
]


@pytest.mark.parametrize(("name", "value", "settings"), MENDED, ids=[row[0] for row in MENDED])
def test_what_a_remark_says_to_set_mends_it_and_the_copies(name: str, value: str, settings: dict[str, Any]) -> None:
    wire = wired(**settings)
    assert contradicted(probed(wire))
    place = {"names": {name: value}}
    found = probed(wire, **place)
    assert isinstance(found.outcome, Delivered)
    assert contradicted(found) == []
    copies = Copies()
    assert asyncio.run(copies.read(wire, destination(**place))) == []
    assert copies.whole == {"partner", "contact", "address", "product", "stock"}
    assert copies.copies("", "contact", email="mina@example.test")
    assert copies.copies("", "product", ref="MUG-BLUE")
    assert len(FEEDS) == 4


def test_every_name_of_the_table_is_tried_or_said_to_be_untried() -> None:
    [unseen] = probed(wired()).remarks
    untried = set(unseen.removeprefix(UNSEEN).partition(" in [")[0].split(", "))
    assert {name for name, _, _ in MENDED} | untried == set(NAMES)


def test_a_site_without_orders_and_products_says_what_was_not_tried() -> None:
    found = probed(Wire())
    assert isinstance(found.outcome, Delivered)
    assert f"not tried: whether orders show {REFERENCE}" in found.remarks[0]


@pytest.mark.parametrize(
    ("call", "what", "contact", "kind"),
    [
        (1, "html", "email", Retry),
        (1, "refuse", "email", Reject),
        (2, "html", "email", Delivered),
        (4, "html", "email", Retry),
        (4, "html", 953, Delivered),
        (5, "lose", "email", Retry),
    ],
    ids=["products", "refused", "a page", "contacts", "contacts that are not needed", "orders"],
)
def test_a_list_that_is_not_answered_fails_the_probe_where_it_is_needed(
    call: int, what: What, contact: str | int, kind: type[object]
) -> None:
    wire = wired()
    wire.trouble = {call: what}
    found = probed(wire, contact=contact)
    assert isinstance(found.outcome, kind)
    assert contradicted(found) == []


def test_a_wrong_token_is_told_before_anything_else() -> None:
    wire = Wire({"fixed_token": False})
    found = probed(wire)
    assert isinstance(found.outcome, Suspend)
    assert (found.outcome.code, found.remarks, len(wire.calls)) == ("unauthorized", (), 1)
