"""``customer = "NAME:ref"``: an order's customer code is the ref of the buyer's company in the copies of NAME."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.customers import code_of, customer_of, source
from schemas.destination import Unmappable
from schemas.manex import ManexDestination
from tasks.esuite import plan as esuite_plan
from tasks.manex import plan as manex_plan
from tests import esuite_fake, manex_wire
from tests.config_file import GOOD, found, line_of
from tests.esuite_desk import Desk
from tests.esuite_fake import Says
from tests.manex_wire import Story, Wire, series
from tests.wire import Shelf, tell
from worker.feeds import Copied
from worker.outcomes import Delivered, Reject, Retry
from worker.system import Job

EMAIL = "ada@example.com"
BY = "enapps-uk"


def contact(key: int, company: int | None, *, kind: str = "primary", email: str = EMAIL) -> Copied:
    return Copied(kind="contact", key=str(key), email=email, data={"partner": company, "type": kind})


def company(key: int, ref: str) -> Copied:
    return Copied(kind="partner", key=str(key), ref=ref)


def people(*rows: Copied, read: bool = True) -> Shelf:
    return Shelf("0".zfill, rows, read)


ONE, TWO, BLANK = company(1, "HARB01"), company(2, "WREN01"), company(3, "")


# ---------------------------------------------------------------- the rule


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([contact(9, 1), ONE], {"code": "HARB01"}),
        ([contact(9, 1, kind="contact"), ONE], {"code": "HARB01"}),
        ([contact(9, 1, kind="Primary"), contact(8, 2, kind="contact"), ONE, TWO], {"code": "HARB01"}),
        ([contact(9, 1), contact(8, 2, kind="contact"), ONE, TWO], {"code": "HARB01"}),
        ([contact(8, 2, kind="contact"), contact(9, 1), ONE, TWO], {"code": "HARB01"}),
        ([contact(9, 1), contact(8, 1), ONE], {"code": "HARB01"}),
        ([contact(9, 1, kind="contact"), contact(8, 1, kind="contact"), ONE], {"code": "HARB01"}),
        ([contact(9, 1), contact(8, 2), ONE, TWO], {"candidates": ["HARB01 (contact 9)", "WREN01 (contact 8)"]}),
        (
            [contact(9, 1, kind=""), contact(8, 3, kind=""), ONE, BLANK],
            {"candidates": ["HARB01 (contact 9)", "no code (contact 8)"]},
        ),
        ([contact(9, 3), BLANK], {"missing": "the company of contact 9 has no code (ref)"}),
        ([contact(9, 7), ONE], {"missing": "the company of contact 9 has no code (ref)"}),
        ([contact(9, None), ONE], {"missing": "the company of contact 9 has no code (ref)"}),
        ([contact(9, 1, email="x@y"), ONE], {"missing": "no contact has the order's e-mail address"}),
        ([], {"missing": "no contact has the order's e-mail address"}),
    ],
    ids=[
        *(
            "the contact's",
            "no primary one",
            "another spelling",
            "the primary one's",
            "in any order",
            "two of one company",
        ),
        *("two of one company, none primary", "two companies", "one without a code", "no code", "company not there"),
        *("no company", "another address", "nobody"),
    ],
)
def test_the_code_is_that_of_the_buyers_company(rows: list[Copied], told: dict[str, Any]) -> None:
    assert customer_of(EMAIL, of=BY, shelf=people(*rows)) == told


@pytest.mark.parametrize("email", [None, ""])
def test_an_order_without_an_address_has_no_customer_whatever_was_read(email: str | None) -> None:
    for read in (True, False):
        told = customer_of(email, of=BY, shelf=people(contact(9, 1, email=""), ONE, read=read))
        assert told == {"missing": "the order has no e-mail address"}


@pytest.mark.parametrize(
    "rows", [[], [contact(9, 1)], [contact(9, 1), contact(8, 2)], [contact(9, 1), ONE]], ids=["0", "1", "2", "found"]
)
def test_before_the_copies_are_complete_nobody_is_taken_for_the_buyer(rows: list[Copied]) -> None:
    assert customer_of(EMAIL, of=BY, shelf=people(*rows, read=False)) == {"unread": BY}


@pytest.mark.parametrize(
    ("told", "code", "words"),
    [
        ({"missing": "the order has no e-mail address"}, "customer_missing", "the order has no e-mail address"),
        ({}, "customer_missing", "no contact has"),
        ({"candidates": ["A (contact 1)", "B (contact 2)"]}, "customer_ambiguous", "A (contact 1), B (contact 2)"),
        ({"unread": BY}, "customer_unread", "not been copied"),
    ],
    ids=str,
)
def test_without_a_code_the_order_is_held_with_what_to_do(told: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(Unmappable) as caught:
        code_of(told, of=BY)
    assert (caught.value.code, caught.value.hold) == (code, True)
    assert words in caught.value.reason
    assert BY in caught.value.reason
    assert "replay" in caught.value.hint


@pytest.mark.parametrize(
    ("written", "named"),
    [("enapps-uk:ref", "enapps-uk"), ("0000000008", None), ("CASH:refs", None), (None, None), (":ref", "")],
)
def test_what_names_a_destination(written: str | None, named: str | None) -> None:
    assert source(written) == named


# ---------------------------------------------------------------- ManEx


def manex(*rows: Copied, **changes: Any) -> Story:
    place = manex_wire.destination(customer=f"{BY}:ref")
    return Story(Wire(), manex_wire.order(email=EMAIL, **changes), place, replace(series(), people=rows))


@pytest.mark.parametrize("ref", ["8", "0000000008"])
def test_manex_sells_to_the_company_number_of_ten_digits(ref: str) -> None:
    story = manex(contact(9, 1), company(1, ref))
    assert isinstance(tell(story.attempt), Delivered)
    assert story.wire.orders()[0]["CUSTNO"] == "0000000008"


@pytest.mark.parametrize("ref", ["HARB01", "00000000081", "8x", "\u0668"])
def test_a_code_that_is_no_manex_number_is_held_before_anything_is_sent(ref: str) -> None:
    story = manex(contact(9, 1), company(1, ref))
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, story.wire.calls) == ("customer_no_number", True, [])
    assert f"is {ref}, and ManEx knows its customers by numbers of 10 digits" in outcome.reason


def test_a_buyer_whom_nobody_knows_is_held_and_goes_on_once_he_is_copied() -> None:
    story = manex()
    outcome = tell(story.attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("customer_missing", True, False)
    story.shelf.people = (contact(9, 1), company(1, "8"))
    assert isinstance(tell(story.attempt), Delivered)


def test_a_customer_that_manex_does_not_know_is_looked_up_anew_by_a_replay() -> None:
    story = manex(contact(9, 1), company(1, "99"))
    story.wire.manex.switch({"customers": ["0000000008"]})
    refused = tell(story.attempt)
    assert isinstance(refused, Reject)
    assert refused.code == "no_customer"
    story.shelf.people = (contact(9, 1), company(1, "8"))
    assert isinstance(tell(story.attempt), Delivered)


def test_an_order_that_is_there_stays_with_its_customer() -> None:
    story = manex(contact(9, 1), company(1, "8"))
    tell(story.attempt)
    for rows in ((), (contact(9, 1), company(1, "9"))):
        story.shelf.people = rows
        story.order = manex_wire.order(3, email=EMAIL)
        assert isinstance(tell(story.attempt), Delivered)
    assert [one["CUSTNO"] for one in story.wire.orders()] == ["0000000008"]


def test_a_lost_header_is_known_to_be_ours_though_the_company_got_another_number_since() -> None:
    story = manex(contact(9, 1), company(1, "8"))
    story.wire.trouble = {1: "lose"}
    tell(story.attempt)
    story.shelf.people = (contact(9, 1), company(1, "9"))
    outcome = tell(story.to_the_end)
    assert isinstance(outcome, Delivered)
    assert len(story.wire.orders()) == 1


def test_a_cancel_of_what_was_never_sent_needs_no_customer() -> None:
    outcome = tell(manex(cancelled=True).attempt)
    assert isinstance(outcome, Delivered)
    assert outcome.reference is None


def test_a_fixed_number_may_become_a_looked_up_one_while_orders_are_there() -> None:
    story = manex(contact(9, 1), company(1, "9"))
    story.destination = manex_wire.destination()
    tell(story.attempt)
    story.destination = manex_wire.destination(customer=f"{BY}:ref")
    story.order = manex_wire.order(3, email=EMAIL)
    assert isinstance(tell(story.attempt), Delivered)


def test_manex_waits_for_the_first_copies() -> None:
    story = manex()
    story.shelf.read = False
    outcome = tell(story.attempt)
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.counts, story.wire.calls) == ("not_copied", False, [])


def test_a_plan_for_manex_says_where_the_customer_comes_from() -> None:
    place = manex_wire.destination(customer=f"{BY}:ref")
    calls = manex_plan(Job(order=manex_wire.order(), number="1", shop="s", destination=place))
    assert calls[0].body is not None
    assert calls[0].body["custNo"] == f"<ref of the buyer's company at {BY}>"


# ---------------------------------------------------------------- Esuite

FIELDS = {name: value for name, value in esuite_fake.FIELDS.items() if name != "AccountRef"}


def esuite_place(**changes: Any) -> Any:
    return esuite_fake.destination(**{"fields": FIELDS, "customer": f"{BY}:ref", **changes})


def esuite(*rows: Copied, read: bool = True, **changes: Any) -> Desk:
    return Desk(shop=esuite_fake.order(**changes), place=esuite_place(), shelf=people(*rows, read=read))


def accounts(desk: Desk) -> list[str]:
    return [row["AccountRef"] for row in desk.http.rows]


def test_esuite_books_to_the_account_of_the_company() -> None:
    desk = esuite(contact(9, 1), ONE)
    assert isinstance(desk.once(), Delivered)
    assert accounts(desk) == ["HARB01"]


def test_esuite_holds_a_buyer_of_several_companies_and_goes_on_once_one_is_left() -> None:
    desk = esuite(contact(9, 1), contact(8, 2), ONE, TWO)
    outcome = desk.once()
    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("customer_ambiguous", True, False)
    assert desk.http.calls == []
    desk.shelf.people = (contact(8, 2), TWO)
    assert isinstance(desk.once(), Delivered)
    assert accounts(desk) == ["WREN01"]


@pytest.mark.parametrize("rows", [(), (contact(9, 2), TWO)], ids=["gone", "moved"])
def test_a_booked_order_stays_where_it_is_when_it_changes(rows: Sequence[Copied]) -> None:
    desk = esuite(contact(9, 1), ONE)
    desk.once()
    desk.shelf.people = tuple(rows)
    desk.shop = esuite_fake.order(lines=[esuite_fake.line(open_quantity="1")], shipping=[])
    desk.http.planned = {"PUT": [Says(200, '{"T_Trans": {}}')]}
    desk.once()
    assert accounts(desk) == ["HARB01"]
    [change] = [call.body for call in desk.http.calls if call.method == "PUT"]
    assert change is not None
    assert "AccountRef" not in change["T_Trans"]


def test_a_lost_answer_is_looked_up_and_not_booked_to_another_account() -> None:
    desk = esuite(contact(9, 1), ONE)
    desk.http.planned = {"POST": [Says(fault="timeout", commit=True)]}
    assert isinstance(desk.once(), Retry)
    desk.shelf.people = (contact(9, 2), TWO)
    assert isinstance(desk.once(), Delivered)
    assert accounts(desk) == ["HARB01"]


def test_a_first_attempt_is_no_doubt_because_the_customer_was_looked_up() -> None:
    desk = esuite(contact(9, 1), ONE)
    desk.once()
    assert desk.http.methods == ["POST"]


def test_esuite_waits_for_the_first_copies() -> None:
    desk = esuite(read=False)
    outcome = desk.once()
    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.counts, desk.http.calls) == ("not_copied", False, [])


@pytest.mark.parametrize(
    "before",
    [people(read=False), people(), people(contact(9, 1), contact(8, 2), ONE, TWO)],
    ids=["nothing read yet", "nobody", "several"],
)
def test_a_worker_that_dies_before_the_buyer_is_known_leaves_no_order_that_never_finds_one(before: Shelf) -> None:
    desk = esuite()
    desk.shelf = before
    desk.once()
    desk.in_doubt = desk.interrupted = True
    for _ in range(3):  # it is looked for, twice, and then the buyer is missed again
        outcome = desk.once()
        assert isinstance(outcome, Retry | Reject)
        desk.now += getattr(outcome, "after", None) or 0.0
    desk.shelf = people(contact(9, 1), ONE)
    assert isinstance(desk.settled(), Delivered)
    assert accounts(desk) == ["HARB01"]


@pytest.mark.parametrize("changes", [{"cancelled": True}, {"lines": [esuite_fake.line(open_quantity="0")]}], ids=str)
def test_what_is_not_to_be_sent_needs_no_account(changes: dict[str, Any]) -> None:
    outcome = esuite(**changes).once()
    assert isinstance(outcome, Delivered)
    assert outcome.reference is None


def test_a_plan_for_esuite_says_where_the_account_comes_from() -> None:
    [call] = esuite_plan(esuite_fake.job(destination=esuite_place()))
    assert call.body is not None
    assert call.body["T_Trans"]["AccountRef"] == f"<ref of the buyer's company at {BY}>"


# ---------------------------------------------------------------- the configuration

ENAPPS = f"""
[destinations.{BY}]
system = "enapps"
base_url = "https://demo.erp.example:4095/api/v1"
auth = {{ mode = "bearer", token = "env:TOKEN" }}
shipping_sku = false

[destinations.wms]"""
LOOKED_UP = GOOD.replace('AccountRef = "CASH01"\n', "").replace(
    "\n[destinations.books.fields]", f'customer = "{BY}:ref"\n\n[destinations.books.fields]'
)


def test_a_destination_that_is_only_copied_needs_no_route(tmp_path: Path) -> None:
    assert found(tmp_path, LOOKED_UP.replace("\n[destinations.wms]", ENAPPS)) == []
    [warning] = found(tmp_path, GOOD.replace("\n[destinations.wms]", ENAPPS))
    assert "no route delivers" in warning.message


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (LOOKED_UP, f'"{BY}" is no destination', 'Add a destination with system = "enapps"'),
        (LOOKED_UP.replace(f"{BY}:ref", "wms:ref"), '"wms" is no Enapps destination', "Add a destination"),
        (
            LOOKED_UP.replace(f"{BY}:ref", "enaps-uk:ref").replace("\n[destinations.wms]", ENAPPS),
            '"enaps-uk" is no destination',
            f'Did you mean "{BY}"?',
        ),
    ],
    ids=["none", "another system", "misspelt"],
)
def test_a_name_that_is_not_copied_is_an_error_on_its_line(tmp_path: Path, text: str, message: str, hint: str) -> None:
    problems = [one for one in found(tmp_path, text) if one.severity == "error"]
    [problem] = problems
    assert (problem.key, problem.line) == ("destinations.books.customer", line_of(text, "customer ="))
    assert problem.message == message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("customer", "fields", "words"),
    [
        ("CASH01", FIELDS, 'must be "NAME:ref"'),
        (":ref", FIELDS, 'must be "NAME:ref"'),
        (f"{BY}:ref", esuite_fake.FIELDS, "AccountRef is looked up for each order"),
        (f"{BY}:ref", {**FIELDS, "AccountNo": 7}, "AccountNo is looked up for each order"),
        (None, FIELDS, "the account is missing"),
    ],
)
def test_esuite_takes_one_account_or_a_name(customer: str | None, fields: Mapping[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        esuite_fake.destination(customer=customer, fields=fields)
    assert words in str(caught.value)


def test_manex_takes_a_number_or_a_name() -> None:
    assert manex_wire.destination(customer=8).customer_from is None
    assert manex_wire.destination(customer="enapps-uk:ref").customer_from == "enapps-uk"
    for wrong in (":ref", "ref", "8:re"):
        with pytest.raises(ValidationError) as caught:
            manex_wire.destination(customer=wrong)
        assert '"NAME:ref"' in str(caught.value)
    assert isinstance(manex_wire.destination(customer="a:ref"), ManexDestination)
