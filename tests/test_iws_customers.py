"""Whose order it is in IWS: a code, the buyer's e-mail, or the ref of his company; and that it is found whoever has it.

``customer`` may change while a doubt lasts, and sales orders are listed by customer alone (contracts/iws.md 6.6).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection

from schemas.destination import Unmappable
from schemas.iws import IwsDestination
from tasks.iws import plan
from tasks.iws.memo import prepare
from tests.config_file import GOOD, found, line_of
from tests.iws_wire import CUSTOMER, Story, Wire, destination, order
from tests.ledgers import T0, World, webhook
from tests.wire import Shelf
from worker.feeds import Batch, Copied
from worker.ledger import claims, feeds
from worker.ledger.claims import Claim
from worker.outcomes import Delivered, Outcome, Reject, Retry
from worker.system import Job

EMAIL = "ada@example.com"
BY = "enapps-uk"
OTHER = "CUST-000202"
DAY = 86_400


def contact(key: int, company: int, *, kind: str = "primary", email: str = EMAIL) -> Copied:
    return Copied(kind="contact", key=str(key), email=email, data={"partner": company, "type": kind})


def company(key: int, ref: str) -> Copied:
    return Copied(kind="partner", key=str(key), ref=ref)


ADA = (contact(9, 1), company(1, CUSTOMER))
MOVED = (contact(9, 2), company(2, OTHER))
LOOKED_UP = destination(customer=f"{BY}:ref")


def story(*rows: Copied, where: IwsDestination = LOOKED_UP, read: bool = True, **trouble: Any) -> Story:
    return Story(Wire(**trouble), order(), where, shelf=people(*rows, read=read))


def people(*rows: Copied, read: bool = True) -> Shelf:
    return Shelf("0".zfill, rows, read)


def attempt(one: Story) -> Outcome | None:
    return asyncio.run(one.attempt())


def tell(one: Story) -> Outcome:
    return asyncio.run(one.to_the_end())


def owners(wire: Wire, number: str = "1001") -> list[str]:
    return [row["customer"] for row in wire.iws.orders().get(number, [])]


# ---------------------------------------------------------------- wherever it went, it is found


@pytest.mark.parametrize("what", ["cut", "lose"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (destination(), destination(customer=OTHER)),
        (destination(), destination(customer="email")),
        (destination(customer="email"), destination(customer=OTHER)),
        (destination(customer={"acme-uk": CUSTOMER, "*": "email"}), destination(customer={"acme-uk": OTHER})),
        (destination(), LOOKED_UP),
        (LOOKED_UP, destination(customer="email")),
    ],
    ids=["other code", "code to e-mail", "e-mail to code", "a shop's code", "code to ref", "ref to e-mail"],
)
def test_an_order_that_may_have_gone_to_the_customer_of_before_is_found_there(
    before: IwsDestination, after: IwsDestination, what: str
) -> None:
    one = story(*ADA, where=before, trouble={1: what})
    attempt(one)
    one.destination, one.shelf = after, people(*MOVED)

    assert isinstance(tell(one), Delivered)
    assert one.wire.live() == 1
    assert one.wire.writes() == 1


def test_a_shop_that_has_no_customer_any_more_can_still_cancel_what_is_there() -> None:
    one = story(where=destination(customer={"acme-uk": CUSTOMER}), trouble={1: "lose"})
    attempt(one)
    one.destination, one.order = destination(customer={"other": OTHER}), order(cancelled=True)
    outcome = tell(one)

    assert isinstance(outcome, Reject)
    assert outcome.code == "cancel_by_hand"


def test_the_list_of_another_shops_customer_is_not_looked_through() -> None:
    one = story(where=destination(customer={"acme-uk": CUSTOMER, "other": OTHER}), trouble={1: "lose"})
    attempt(one)
    tell(one)

    asked = {value for call in one.wire.calls for name, value in call.params if name == "customercode"}
    assert asked == {CUSTOMER}


@pytest.mark.parametrize("where", [destination(), destination(customer="email")], ids=["by customer", "by e-mail"])
def test_a_sales_order_that_staff_moved_to_another_customer_is_found_by_its_code(where: IwsDestination) -> None:
    one = Story(Wire(), order(), where)
    assert isinstance(tell(one), Delivered)
    one.memo = {**one.memo, "customer": OTHER}  # as if it had been that one's when it was made

    outcome = tell(one)
    assert isinstance(outcome, Delivered)
    assert outcome.reference == "SO-000001"
    one.order, one.memo = order(number="#1002"), {**one.memo, "customer": OTHER}
    held = tell(one)
    assert isinstance(held, Reject)
    assert held.code == "change_by_hand"
    assert one.wire.writes() == 1


def test_where_a_sales_order_cannot_be_read_by_its_code_its_customers_list_decides() -> None:
    one = Story(Wire({"missing_routes": ["salesorder/so-*"]}), order())
    tell(one)
    one.memo = {**one.memo, "customer": OTHER}
    outcome = tell(one)

    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("missing", True)


def test_by_email_an_order_in_doubt_is_found_days_later_under_another_number_and_address() -> None:
    one = Story(Wire(trouble={1: "lose"}), order(), destination(customer="email"))
    attempt(one)
    past = {"first": one.now - 5 * DAY, "since": one.now - 5 * DAY}
    one.memo, one.now = {**one.memo, **past}, one.now
    one.wire.iws.switch({"clock": None})
    one.order = order(number="#1002", email="ada@other.example")
    outcome = tell(one)

    assert one.memo["since"] == past["since"]
    assert isinstance(outcome, Reject)
    assert outcome.code == "conflict"
    assert "poCode: IWS has 1001" in outcome.reason
    assert one.wire.writes() == 1


# ---------------------------------------------------------------- customer = "NAME:ref"


def test_the_order_goes_to_the_company_of_the_buyer() -> None:
    one = story(*ADA)

    assert isinstance(attempt(one), Delivered)
    assert owners(one.wire) == [CUSTOMER]
    [call] = one.wire.calls
    assert (call.path, call.body and call.body["customerCode"]) == ("salesorder", CUSTOMER)


def test_each_shop_may_have_it_looked_up_or_not() -> None:
    where = destination(customer={"acme-uk": f"{BY}:ref", "*": "email"})
    one = story(*ADA, where=where)
    tell(one)
    assert owners(one.wire) == [CUSTOMER]

    other = Story(Wire(), order(), where, shelf=Shelf("0".zfill, ADA, shop="other"))
    tell(other)
    assert other.wire.calls[0].path == "salesorder/advance"


@pytest.mark.parametrize(
    ("rows", "code"),
    [((), "customer_missing"), ((*ADA, contact(8, 2), company(2, OTHER)), "customer_ambiguous")],
    ids=["nobody", "two companies"],
)
def test_a_buyer_whose_company_is_not_known_is_held_and_goes_on_once_it_is(rows: Sequence[Copied], code: str) -> None:
    one = story(*rows)
    outcome = attempt(one)

    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold, outcome.in_doubt, one.wire.calls) == (code, True, False, [])
    one.shelf = people(*ADA)
    assert isinstance(attempt(one), Delivered)
    assert [call.method for call in one.wire.calls] == ["POST"]


def test_the_first_copies_are_waited_for() -> None:
    one = story(read=False)
    outcome = attempt(one)

    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.counts, one.wire.calls) == ("not_copied", False, [])
    one.shelf = people(*ADA)
    assert isinstance(attempt(one), Delivered)


def test_a_customer_that_iws_does_not_know_is_looked_up_anew_by_a_replay() -> None:
    one = story(contact(9, 1), company(1, "HARB01"))
    refused = attempt(one)
    assert isinstance(refused, Reject)
    assert not refused.in_doubt
    one.shelf = people(*ADA)
    assert isinstance(tell(one), Delivered)
    assert owners(one.wire) == [CUSTOMER]


@pytest.mark.parametrize("rows", [(), MOVED], ids=["gone", "moved"])
@pytest.mark.parametrize("what", ["lose", "late", "cut"])
def test_a_lost_answer_is_looked_up_and_not_sent_to_another_company(what: str, rows: Sequence[Copied]) -> None:
    one = story(*ADA, trouble={1: what})
    attempt(one)
    one.shelf = people(*rows)

    assert isinstance(tell(one), Delivered)
    assert owners(one.wire) == [CUSTOMER]


@pytest.mark.parametrize("rows", [(), MOVED], ids=["gone", "moved"])
def test_a_sales_order_stays_where_it_is_when_its_buyer_moves(rows: Sequence[Copied]) -> None:
    one = story(*ADA)
    attempt(one)
    one.shelf, one.order = people(*rows), order(note="Ring twice")

    assert isinstance(tell(one), Delivered)
    assert owners(one.wire) == [CUSTOMER]
    one.order = order(1)
    changed = tell(one)
    assert isinstance(changed, Reject)
    assert changed.code == "change_by_hand"


def test_another_email_address_of_the_same_buyer_makes_no_second_order() -> None:
    one = story(*ADA, trouble={1: "cut"})
    attempt(one)
    one.order = order(email="ada@other.example")
    one.shelf = people(*ADA, contact(7, 2, email="ada@other.example"), company(2, OTHER))

    assert isinstance(tell(one), Delivered)
    assert owners(one.wire) == [CUSTOMER]


def test_what_was_certainly_not_carried_out_goes_to_the_company_that_he_is_of_now() -> None:
    one = story(*ADA, trouble={1: "unavailable"})
    attempt(one)
    one.shelf = people(*MOVED)

    assert isinstance(tell(one), Delivered)
    assert owners(one.wire) == [OTHER]


@pytest.mark.parametrize("changes", [{"cancelled": True}, {"lines": []}], ids=str)
def test_what_is_not_to_be_sent_needs_no_customer(changes: dict[str, Any]) -> None:
    one = Story(Wire(), order(**changes), LOOKED_UP)
    outcome = attempt(one)

    assert isinstance(outcome, Delivered)
    assert (outcome.reference, one.wire.calls) == (None, [])


def test_the_memo_has_no_address_of_the_buyer() -> None:
    one = story(*ADA)
    attempt(one)
    assert EMAIL not in str(one.memo)


def test_a_plan_says_where_the_customer_comes_from() -> None:
    [call] = plan(Job(order=order(), number="1001", shop="acme-uk", destination=LOOKED_UP))

    assert call.path == "salesorder"
    assert call.body is not None
    assert call.body["customerCode"] == f"<ref of the buyer's company at {BY}>"


def test_a_shop_without_a_customer_is_told_by_the_plan() -> None:
    where = destination(customer={"other": f"{BY}:ref"})
    with pytest.raises(Unmappable, match="no customer for orders of the shop acme-uk"):
        plan(Job(order=order(), number="1001", shop="acme-uk", destination=where))


@pytest.mark.parametrize("customer", [":ref", {"acme-uk": ":ref"}], ids=str)
def test_a_name_that_is_missing_is_refused(customer: object) -> None:
    with pytest.raises(ValidationError, match='"NAME:ref"'):
        destination(customer=customer)


def test_the_ledger_tells_whose_shop_it_is_and_keeps_what_was_looked_up(tmp_path: Path) -> None:
    place = destination(name="a", customer={"tea": f"{BY}:ref", "mugs": OTHER})
    rows = (*ADA, contact(8, 3, email="bob@example.com"), company(3, "CUST-000303"))
    with World(f"sqlite:///{tmp_path / 'ledger.db'}") as world:
        world.take(webhook("1", email=EMAIL.upper()), webhook("2", email="bob@example.com"), shop="tea")
        world.take(webhook("3", email=EMAIL), shop="mugs")

        def work(connection: Connection) -> Claim | None:
            taken = feeds.take(connection, BY, "people", lease_s=60, now=T0)
            assert taken is not None
            batch = Batch(checkpoint={}, copies=rows, whole=frozenset({"contact", "partner"}), since=T0)
            assert feeds.save(connection, taken, batch, every_s=60, now=T0)
            ids = [row.id for row in world.deliveries(destination="a")]
            return claims.claim(connection, place, ids, worker="w", lease_s=20, probe_s=60, now=T0, prepare=prepare)

        claim = world.ledger.write(work)
        assert claim is not None
        memos = {job.number: job.memo for job in claim.jobs}
        assert {number: memo["asked"] for number, memo in memos.items()} == {
            "1": [CUSTOMER],
            "2": ["CUST-000303"],
            "3": [OTHER],
        }
        assert "buyer" not in memos["3"]


# ---------------------------------------------------------------- crossdock check

IWS = """
[destinations.uk]
system = "iws"
base_url = "http://iws.example:82/Interprise.Web.Services"
auth = {{ mode = "basic", username = "env:TOKEN", password = "" }}
customer = {customer}

[destinations.wms]"""
ENAPPS = f"""
[destinations.{BY}]
system = "enapps"
base_url = "https://demo.erp.example:4095/api/v1"
auth = {{ mode = "bearer", token = "env:TOKEN" }}
shipping_sku = false

[destinations.wms]"""


@pytest.mark.parametrize("customer", [f'"{BY}:ref"', f'{{ au = "{BY}:ref", "*" = "email" }}'], ids=["one", "by shop"])
def test_a_name_that_is_not_copied_is_an_error(tmp_path: Path, customer: str) -> None:
    text = GOOD.replace("\n[destinations.wms]", IWS.format(customer=customer))
    [problem] = [one for one in found(tmp_path, text) if one.severity == "error"]
    assert problem.key.startswith("destinations.uk.customer")
    assert problem.message == f'"{BY}" is no destination'

    told = found(tmp_path, text.replace("\n[destinations.wms]", ENAPPS))
    assert [one.message for one in told if BY in one.message or one.severity == "error"] == []


def test_a_customer_of_a_shop_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    text = GOOD.replace("\n[destinations.wms]", IWS.format(customer='{ aux = "CUST-1", "*" = "email" }'))
    [problem] = [one for one in found(tmp_path, text) if one.severity == "error"]
    assert (problem.key, problem.line) == ("destinations.uk.customer.aux", line_of(text, "aux ="))
    assert (problem.message, problem.hint) == ('unknown shop "aux"', 'Did you mean "au"?')
