"""Each trouble at each call of an IWS delivery ends as one sales order, or waits with a reason."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from decimal import Decimal
from typing import Any, get_args
from urllib.parse import urlencode

import pytest

from schemas.http import Call, Reply
from schemas.iws import IwsDestination
from schemas.iws.sales_order import reference
from schemas.order import Order
from tasks.iws.paging import PAGE
from tasks.iws.probe import probe
from tests.iws_wire import CUSTOMER, Story, What, Wire, destination, line, order
from worker.outcomes import Delivered, Outcome, Reject, Retry

BY_EMAIL = destination(customer="email")
WAYS = pytest.mark.parametrize("where", [destination(), BY_EMAIL], ids=["by customer", "by e-mail"])
TROUBLES = get_args(What)


def tell(story: Story, *, attempts: int = 12) -> Outcome:
    return asyncio.run(story.to_the_end(attempts=attempts))


def delivered(story: Story) -> Delivered:
    outcome = tell(story)
    assert isinstance(outcome, Delivered), outcome
    return outcome


def rejected(story: Story) -> Reject:
    outcome = tell(story)
    assert isinstance(outcome, Reject), outcome
    return outcome


def again(story: Story, changed: Order | None = None) -> Story:
    """The next version of a delivered order, or a replay."""
    return replace(story, order=changed or story.order, interrupted=False, now=story.now + 60)


@WAYS
def test_an_order_without_trouble_is_one_call(where: IwsDestination) -> None:
    story = Story(Wire(), order(), where)
    outcome = delivered(story)

    assert outcome.reference == "SO-000001"
    assert outcome.warnings == ()
    assert len(story.wire.calls) == 1
    assert story.wire.live() == 1


@WAYS
@pytest.mark.parametrize("what", TROUBLES)
def test_each_trouble_of_the_write_ends_as_one_sales_order(where: IwsDestination, what: What) -> None:
    story = Story(Wire(trouble={1: what}), order(), where)
    outcome = delivered(story)

    assert outcome.reference == "SO-000001"
    assert story.wire.live() == 1


@WAYS
@pytest.mark.parametrize("first", ["lose", "late", "unavailable"])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("call", range(2, 9))
def test_each_trouble_at_each_later_call_ends_as_one_sales_order(
    where: IwsDestination, first: What, what: What, call: int
) -> None:
    story = Story(Wire(trouble={1: first, call: what}), order(), where)
    outcome = delivered(story)

    assert outcome.reference == "SO-000001"
    assert story.wire.live() == 1


@WAYS
@pytest.mark.parametrize("reply", ["both", "id", "attribute", "neither"])
def test_the_code_is_taken_from_wherever_it_is_and_looked_up_where_it_is_nowhere(
    where: IwsDestination, reply: str
) -> None:
    story = Story(Wire({"order_reply": reply}), order(), where)
    outcome = delivered(story)

    assert outcome.reference == "SO-000001"
    assert story.wire.live() == 1


@WAYS
@pytest.mark.parametrize(
    "settings",
    [
        {"data": "object"},
        {"bounds": "exclusive"},
        {"empty_404": "200"},
        {"stuck_next": True},
        {"time_zone": "America/Los_Angeles"},
        {"time_zone": "Pacific/Auckland"},
    ],
    ids=str,
)
@pytest.mark.parametrize("what", ["lose", "unavailable"])
def test_what_the_documentation_leaves_open_makes_no_second_order(
    where: IwsDestination, settings: dict[str, Any], what: What
) -> None:
    story = Story(Wire(settings, {1: what}), order(), where)

    assert delivered(story).reference == "SO-000001"
    assert story.wire.live() == 1


def test_two_empty_looks_apart_in_time_come_before_a_second_post() -> None:
    wire = Wire(trouble={1: "unavailable"})
    story = Story(wire, order())

    assert isinstance(asyncio.run(story.attempt()), Retry)
    first = asyncio.run(story.attempt())
    assert isinstance(first, Retry)
    assert (first.code, first.counts, first.after) == ("looking", False, 20)
    assert wire.writes() == 1

    story.now -= 15  # too early
    early = asyncio.run(story.attempt())
    assert isinstance(early, Retry)
    assert early.after == pytest.approx(15)
    assert isinstance(asyncio.run(story.attempt()), Delivered)
    assert wire.writes() == 2
    assert wire.live() == 1


def test_where_the_changelog_is_asked_the_second_look_waits_for_its_minute() -> None:
    story = Story(Wire(trouble={1: "unavailable"}), order(), BY_EMAIL)
    asyncio.run(story.attempt())
    looked = asyncio.run(story.attempt())

    assert isinstance(looked, Retry)
    assert looked.after == 60


def test_an_empty_list_without_an_errors_body_is_asked_again_and_then_reported() -> None:
    story = Story(Wire({"empty_404": "empty-body"}, {1: "unavailable"}), order())
    asyncio.run(story.attempt())
    looked = asyncio.run(story.attempt())

    assert isinstance(looked, Retry)
    assert (looked.code, looked.tries, looked.in_doubt) == ("404", 2, True)
    assert story.wire.writes() == 1


def test_by_email_a_header_route_that_is_missing_is_reported_and_nothing_is_sent_twice() -> None:
    story = Story(Wire({"missing_routes": ["salesorder/so-*"]}, {1: "lose"}), order(), BY_EMAIL)
    asyncio.run(story.attempt())
    looked = asyncio.run(story.attempt())

    assert isinstance(looked, Retry)
    assert (looked.code, looked.tries) == ("404", 2)
    assert story.wire.writes() == 1


def test_an_order_among_hundreds_of_its_customer_is_found_page_by_page() -> None:
    wire = Wire(trouble={1: "lose"})
    story = Story(wire, order())

    async def told() -> Outcome:
        await story.attempt()
        for number in range(2 * PAGE):
            await wire.post(poCode=f"OTHER-{number}")
        return await story.to_the_end()

    outcome = asyncio.run(told())

    assert isinstance(outcome, Delivered)
    assert outcome.reference == "SO-000001"
    assert wire.live() == 1
    assert ("page[number]", "3") in [param for call in wire.calls for param in call.params]


def test_sales_orders_of_long_ago_are_not_paged_through() -> None:
    wire = Wire({"clock": "2026-01-05T10:00:00Z"}, {1: "unavailable"})

    async def told() -> Outcome:
        for number in range(3 * PAGE):
            await wire.post(poCode=f"OLD-{number}")
        return await Story(wire, order()).to_the_end()

    wire.trouble = {1: "unavailable"}
    assert isinstance(asyncio.run(told()), Delivered)
    lists = [call for call in wire.calls if call.path == "customer/salesorder"]
    assert len(lists) == 2  # one for each look


def test_our_reference_finds_the_order_where_staff_changed_nothing_and_the_number_where_they_wrote_over_it() -> None:
    wire = Wire(trouble={1: "lose"})
    story = Story(wire, order())

    async def told() -> Outcome:
        await story.attempt()
        wire.iws.switch({"rep_codes": {"SO-000001": "rang the customer, ok"}})
        return await story.to_the_end()

    assert isinstance(asyncio.run(told()), Delivered)
    assert wire.writes() == 1


def test_another_order_with_that_number_and_other_lines_is_a_conflict() -> None:
    wire = Wire(trouble={1: "unavailable"})
    story = Story(wire, order())

    async def told() -> Outcome:
        await wire.post(poCode="1001")
        return await story.to_the_end()

    outcome = asyncio.run(told())

    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("conflict", True)
    assert "SO-000001" in outcome.reason
    assert "ITEM-1: IWS has 0 for 0.00, the shop has 2 for 20.00" in outcome.reason
    assert wire.live() == 1


def test_what_the_erp_rounds_off_a_price_is_no_conflict_after_a_lost_answer() -> None:
    thirds = line(quantity="300", total_excl="1000.00", total_incl="1200.00", tax="200.00")
    story = Story(Wire({"price_decimals": 2}, {1: "lose"}), order(lines=[thirds]))
    outcome = delivered(story)

    assert outcome.reference == "SO-000001"
    assert any("the total of SO-000001 comes to" in said for said in outcome.warnings)


def test_a_price_that_staff_changed_is_one() -> None:
    wire = Wire(trouble={1: "unavailable"})
    story = Story(wire, order(1))
    key = reference(order(1), shop="acme-uk", destination=story.destination)
    item = {"itemName": "ITEM-1", "itemQuantity": 2, "itemUnitPrice": 9.98}

    async def told() -> Outcome:
        await story.attempt()
        await wire.post(poCode="1001", salesRepOrderCode=key, freightAmount=5, items=[item])
        return await story.to_the_end()

    outcome = asyncio.run(told())
    assert isinstance(outcome, Reject)
    assert "ITEM-1: IWS has 2 for 19.96, the shop has 2 for 20.00" in outcome.reason


def test_another_currency_is_told_the_same_whether_the_answer_came_or_not() -> None:
    outcome = delivered(Story(Wire(trouble={1: "lose"}), order(currency="EUR")))

    assert outcome.warnings == ("SO-000001 is in GBP, the currency of its customer, and the order is in EUR",)


class Copied(Wire):
    """Staff copied SO-000001 into SO-000002, which names it as its source, and voided it."""

    async def carry_out(self, call: Call) -> Reply:
        reply = await super().carry_out(call)
        body = reply.json()
        for row in body.get("data", []) if isinstance(body.get("data"), list) else []:
            if row["id"] == "SO-000002":
                row["attributes"] |= {"sourceSalesOrderCode": "SO-000001", "rootDocumentCode": "SO-000001"}
        return Reply(call, reply.status, text=json.dumps(body))


@pytest.mark.parametrize("cancelled", [False, True])
def test_a_copy_that_staff_made_before_they_voided_the_order_counts(cancelled: bool) -> None:
    wire = Copied()
    story = Story(wire, order())
    delivered(story)
    body = wire.calls[0].body or {}
    asyncio.run(wire.post(**body))
    wire.iws.switch({"voided": ["SO-000001"]})
    outcome = tell(again(story, order(cancelled=cancelled)))

    if cancelled:
        assert isinstance(outcome, Reject)
        assert (outcome.code, "SO-000002" in outcome.hint) == ("cancel_by_hand", True)
    else:
        assert isinstance(outcome, Delivered)
        assert outcome.reference == "SO-000002"
    assert wire.writes() == 1


def test_an_order_of_another_shop_of_ours_with_that_number_is_not_taken_for_this_one() -> None:
    wire = Wire(trouble={1: "unavailable"})
    story = Story(wire, order())

    async def told() -> Outcome:
        await wire.post(poCode="1001", salesRepOrderCode="CD-0123456789ab")
        return await story.to_the_end()

    outcome = asyncio.run(told())

    assert isinstance(outcome, Delivered)
    assert outcome.reference == "SO-000002"


def test_two_of_them_are_told_and_not_made_three() -> None:
    wire = Wire()
    story = Story(wire, order())
    delivered(story)
    reference = wire.calls[0].body["salesRepOrderCode"] if wire.calls[0].body else ""
    asyncio.run(wire.post(poCode="1001", salesRepOrderCode=reference))

    outcome = rejected(again(story))

    assert outcome.code == "duplicates"
    assert "SO-000001" in outcome.reason
    assert "SO-000002" in outcome.reason
    assert outcome.in_doubt


@WAYS
def test_a_replay_of_a_delivered_order_sends_nothing(where: IwsDestination) -> None:
    story = Story(Wire(), order(), where)
    delivered(story)
    outcome = delivered(again(story))

    assert "nothing was sent" in outcome.note
    assert story.wire.writes() == 1


@WAYS
@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"lines": [line(1), line(2, quantity="3", total_incl="36.00", tax="6.00")]},
            "ITEM-2: IWS has 2 for 20.00, the shop has 3 for 30.00",
        ),
        ({"lines": [line(1)]}, "ITEM-2: IWS has 2 for 20.00, the shop has 0 for 0.00"),
        ({"lines": [line(1), line(2), line(3)]}, "ITEM-3: IWS has 0 for 0.00, the shop has 2 for 20.00"),
        ({"shipping": []}, "freight: IWS has 5.00, the shop has 0"),
        ({"number": "#1002"}, "poCode: IWS has 1001"),
        ({"ship_to": {"name": "Ada Lovelace", "address1": "2 Other Rd", "country": "GB"}}, "ship-to address (street)"),
    ],
    ids=["quantity", "line removed", "line added", "shipping", "number", "address"],
)
def test_a_change_after_delivery_is_held_with_what_differs(
    where: IwsDestination, changes: dict[str, Any], said: str
) -> None:
    story = Story(Wire(), order(), where)
    delivered(story)
    outcome = rejected(again(story, order(version="2026-11-21T10:15:00Z", **changes)))

    assert (outcome.code, outcome.hold) == ("change_by_hand", True)
    assert "SO-000001 (Open)" in outcome.reason
    assert said in outcome.reason
    assert "replay" in outcome.hint
    assert "Other Rd" not in outcome.reason + outcome.hint
    assert story.wire.writes() == 1


def test_a_change_of_what_cannot_be_compared_is_told() -> None:
    story = Story(Wire(), order())
    delivered(story)
    outcome = delivered(again(story, order(note="Ring twice")))

    assert any("notes of SO-000001 were not compared" in said for said in outcome.warnings)


@WAYS
def test_a_cancel_waits_for_a_person_and_is_settled_once_it_is_voided(where: IwsDestination) -> None:
    story = Story(Wire(), order(), where)
    delivered(story)
    cancelled = again(story, order(cancelled=True))
    held = rejected(cancelled)
    assert (held.code, held.hold) == ("cancel_by_hand", True)
    assert "Void SO-000001" in held.hint

    story.wire.iws.switch({"voided": ["SO-000001"]})
    outcome = delivered(again(cancelled, order(cancelled=True)))
    assert "voided" in outcome.note
    assert story.wire.live() == 0


def test_a_cancel_of_what_was_never_sent_needs_no_call() -> None:
    wire = Wire()
    outcome = delivered(Story(wire, order(cancelled=True)))

    assert outcome.reference is None
    assert wire.calls == []


@pytest.mark.parametrize("what", ["late", "cut", "unavailable"])
def test_a_cancel_of_what_may_have_been_sent_looks_first(what: What) -> None:
    story = Story(Wire(trouble={1: what}), order())
    asyncio.run(story.attempt())
    story.order = order(cancelled=True)
    outcome = tell(story)

    if what == "unavailable":
        assert isinstance(outcome, Delivered)
        assert outcome.reference is None
    else:
        assert isinstance(outcome, Reject)
        assert outcome.code == "cancel_by_hand"
    assert story.wire.writes() == 1


@WAYS
def test_a_voided_sales_order_is_held_and_sent_again_only_under_a_new_number(where: IwsDestination) -> None:
    story = Story(Wire(), order(), where)
    delivered(story)
    story.wire.iws.switch({"voided": ["SO-000001"]})
    replayed = again(story)
    outcome = rejected(replayed)
    assert (outcome.code, outcome.hold) == ("voided", True)
    assert story.wire.writes() == 1

    renumbered = again(replayed, order(number="#1001-2"))
    assert delivered(renumbered).reference == "SO-000002"
    assert story.wire.live("1001-2") == 1


@WAYS
def test_a_new_number_whose_answer_is_lost_is_found_again(where: IwsDestination) -> None:
    story = Story(Wire(), order(), where)
    delivered(story)
    story.wire.iws.switch({"voided": ["SO-000001"]})
    renumbered = again(story, order(number="#1001-2"))

    async def told() -> Outcome:
        while story.wire.writes() < 2:
            # Two looks find nothing; then the POST, whichever call it is, is carried out and not answered.
            story.wire.lose_writes = True
            await renumbered.attempt()
        story.wire.lose_writes = False
        return await renumbered.to_the_end()

    assert isinstance(asyncio.run(told()), Delivered)
    assert story.wire.writes() == 2
    assert story.wire.live("1001-2") == 1


def test_an_order_that_is_gone_is_not_sent_again_by_itself() -> None:
    story = Story(Wire(), order())
    delivered(story)
    story.wire.iws.reset()
    outcome = rejected(again(story))

    assert (outcome.code, outcome.hold) == ("missing", True)
    assert story.wire.writes() == 1


def test_an_order_without_an_email_is_held_where_customers_are_found_by_it() -> None:
    story = Story(Wire(), order(email=None), BY_EMAIL)
    outcome = rejected(story)

    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("no_email", True, False)
    assert story.wire.calls == []


def test_an_unknown_item_is_a_dead_letter_with_the_title() -> None:
    outcome = rejected(Story(Wire(), order(lines=[line(sku="UNKNOWN-1")])))

    assert outcome.code == "refused"
    assert "UNKNOWN-1" in outcome.reason
    assert not outcome.in_doubt


def test_a_refusal_that_comes_as_500_ends_at_a_person_after_a_few_tries() -> None:
    story = Story(Wire({"refused_status": 500}), order(lines=[line(sku="UNKNOWN-1")]))
    outcome = asyncio.run(story.attempt())

    assert isinstance(outcome, Retry)
    assert (outcome.code, outcome.tries, outcome.in_doubt) == ("500", 4, True)
    assert "UNKNOWN-1" in outcome.reason


def test_a_customer_on_credit_hold_is_refused_unless_the_switch_permits_it() -> None:
    wire = Wire({"credit_hold": [CUSTOMER]})
    assert "credit hold" in rejected(Story(wire, order())).reason
    assert delivered(Story(wire, order(), destination(credit_hold=True))).reference == "SO-000001"


def test_a_total_that_deviates_is_told() -> None:
    outcome = delivered(Story(Wire({"tax_rate": Decimal("0.1")}), order()))

    assert outcome.warnings == ("the total of SO-000001 comes to 49.50 GBP, in the shop to 54.00",)


def test_a_sales_order_in_another_currency_is_told() -> None:
    outcome = delivered(Story(Wire(), order(currency="EUR")))

    assert outcome.warnings == ("SO-000001 is in GBP, the currency of its customer, and the order is in EUR",)


def test_nothing_is_sent_where_nothing_is_left_to_deliver() -> None:
    wire = Wire()
    outcome = delivered(Story(wire, order(lines=[line(open_quantity="0")])))

    assert outcome.reference is None
    assert wire.calls == []


@WAYS
@pytest.mark.parametrize("settings", [{}, {"customers": {}}], ids=["some customers", "no customer yet"])
def test_the_probe_reads_and_writes_nothing(where: IwsDestination, settings: dict[str, Any]) -> None:
    wire = Wire(settings)
    found = asyncio.run(probe(where, wire))

    assert isinstance(found.outcome, Delivered)
    assert found.outcome.note == ""
    assert wire.writes() == 0


def test_the_probe_of_a_wrong_address_is_no_success() -> None:
    found = asyncio.run(probe(destination(), Wire({"missing_routes": ["*"]})))

    assert not isinstance(found.outcome, Delivered)


@pytest.mark.parametrize("links", ["itself", "elsewhere"])
def test_a_list_that_cannot_be_read_to_its_end_is_held_for_a_person(links: str) -> None:
    wire = Stuck(trouble={1: "unavailable"})
    wire.elsewhere = links == "elsewhere"
    outcome = rejected(Story(wire, order()))

    assert (outcome.code, outcome.hold, outcome.in_doubt) == ("cannot_look", True, True)
    assert "PO 1001" in outcome.hint
    assert wire.writes() == 1
    assert len(wire.calls) == 2


class Stuck(Wire):
    """A list's full page says that the next one is itself, or a page of another list."""

    elsewhere = False

    async def carry_out(self, call: Call) -> Reply:
        if call.path != "customer/salesorder":
            return await super().carry_out(call)
        rows = [{"type": "customersalesorder", "id": f"SO-{at}", "attributes": {}} for at in range(PAGE)]
        query = urlencode(call.params)
        path = "customer" if self.elsewhere else call.path
        links = {"next": f"http://erp.internal/Interprise.Web.Services/{path}?{query}"}
        return Reply(call, 200, text=json.dumps({"data": rows, "links": links}))
