"""Ongoing over SOAP against its stand-in: which calls go out, and that each trouble at a call ends as one order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tasks.ongoing import LAG_S, plan, probe
from tests.ongoing_fake import LINE, SENT, run
from tests.ongoing_soap_wire import (
    NOTHING,
    REFUSED,
    STATUSES,
    Script,
    Story,
    What,
    Wire,
    answer_of,
    destination,
    fault,
    job,
    processed,
    tell,
)
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

TROUBLES: tuple[What, ...] = ("lose", "late", "html", "error", "fault", "unreadable", "refuse", "cut")
WRITE, REMOVE = "ProcessOrder CreateOrUpdate", "ProcessOrder Remove"
LOOK, CHECK = "GetOrdersByQuery", "GetOrderStatuses"
OTHER: dict[str, Any] = {"shop_order_id": "7002"}


def order_info(**info: Any) -> str:
    """One order as GetOrdersByQuery shows it, and nothing more of it."""
    head = {"OrderId": 501, "GoodsOwnerOrderNumber": "1001", "GoodsOwnerOrderId": "7001", "OrderStatusNumber": 200}
    told = "".join(f"<{name}>{value}</{name}>" for name, value in (head | info).items())
    return f"<Order><OrderInfo>{told}</OrderInfo></Order>"


def found(*orders: str) -> tuple[int, str]:
    return 200, answer_of("GetOrdersByQuery", f"<Orders>{''.join(orders)}</Orders>")


# ---------------------------------------------------------------- one order, whatever happens


def test_the_first_attempt_writes_without_looking_and_as_planned() -> None:
    wire = Wire()
    decided = run(job(), wire)
    assert isinstance(decided, Delivered)
    [there] = wire.orders()
    assert (decided.reference, there["goodsOwnerOrderId"]) == (str(there["orderId"]), "7001")
    assert wire.said == [WRITE]
    assert wire.calls == list(plan(job()))


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("what", TROUBLES)
def test_each_trouble_at_each_call_of_a_new_order_ends_as_one_order(what: What, at: int) -> None:
    wire = Wire(trouble={1: "lose", at: what})  # the first answer is lost, so that a look-up follows
    decided = tell(Story(wire))
    assert isinstance(decided, Delivered)
    [there] = wire.orders()
    assert (decided.reference, there["cancelled"]) == (str(there["orderId"]), False)
    assert [item["numberOfItems"] for item in there["items"]] == [2.0]


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("what", TROUBLES)
@pytest.mark.parametrize("change", ["amend", "cancel", "refund"])
def test_each_trouble_at_each_call_of_a_change_ends_as_the_shop_wants_it(change: str, what: What, at: int) -> None:
    kinds: dict[str, dict[str, Any]] = {
        "amend": {"lines": [LINE | {"open_quantity": "1"}, LINE | {"id": "12"}]},
        "cancel": {"cancelled": True},
        "refund": {"lines": [LINE | {"open_quantity": "0"}]},
    }
    changes = kinds[change]
    wire = Wire()
    story = Story(wire)
    assert isinstance(tell(story), Delivered)
    wire.calls.clear()
    wire.trouble = {1: "lose", at: what}
    assert isinstance(tell(story.changed(**changes)), Delivered)
    [there] = wire.orders()
    assert there["cancelled"] is (change != "amend")
    if change == "amend":
        assert [item["numberOfItems"] for item in there["items"]] == [1.0, 2.0]


@pytest.mark.parametrize("what", ["lose", "cut", "html"])
def test_in_doubt_an_equal_order_is_adopted_without_a_second_write(what: What) -> None:
    wire = Wire(trouble={1: what})
    decided = tell(Story(wire))
    assert isinstance(decided, Delivered)
    assert "found" in decided.note
    assert wire.said == [WRITE, LOOK]
    assert wire.orders()[0]["writes"] == 1


def test_every_text_that_was_sent_is_found_equal() -> None:
    order: dict[str, Any] = {
        "note": "Ring <twice> & wait\nplease",
        "shipping": [{"code": "x", "name": "X", "total_incl": "5", "tax": "1"}],
        "lines": [LINE | {"options": {"Engraving": "A & B"}}, LINE | {"id": "12", "quantity": "0.5"}],
        "phone": "+46 1",
    }
    section: dict[str, Any] = {
        "ways_of_delivery": {"*": {"code": "STD", "name": "Standard"}},
        "shipping_sku": "FREIGHT",
        "fields": {"DeliveryInstruction": "slowly"},
    }
    wire = Wire(trouble={1: "lose"})
    story = Story(wire, destination=destination(**section))
    decided = tell(story.changed(**order))
    assert isinstance(decided, Delivered)
    assert wire.said == [WRITE, LOOK]
    assert len(wire.orders()[0]["items"]) == 3


def test_in_doubt_an_older_version_is_written_over() -> None:
    wire = Wire()
    story = Story(wire)
    tell(story)
    story.in_doubt = True
    assert isinstance(tell(story.changed(note="Ring")), Delivered)
    assert wire.said == [WRITE, LOOK, WRITE]


def test_an_order_that_does_not_show_yet_after_a_success_without_its_id_is_looked_for_and_not_written_again() -> None:
    taken = 200, processed("<OrderId>0</OrderId><Success>true</Success>")
    first = run(job(now=100.0), http := Script(taken, (200, NOTHING), (200, STATUSES)))
    assert isinstance(first, Retry)
    assert (first.code, first.counts, first.in_doubt) == ("looking", False, True)
    assert http.said == [WRITE, LOOK, CHECK]

    again = run(job(in_doubt=True, memo=first.memo, now=110.0), http := Script((200, NOTHING), (200, STATUSES)))
    assert isinstance(again, Retry)
    assert (again.counts, again.memo, http.said) == (False, first.memo, [LOOK, CHECK])


# ---------------------------------------------------------------- whose order it is


def test_a_number_of_another_order_is_never_written_over_nor_cancelled() -> None:
    wire = Wire()
    run(job(**OTHER), wire)
    for cancelled in (False, True):
        decided = run(job(in_doubt=True, cancelled=cancelled), wire)
        assert isinstance(decided, Reject | Retry)
        assert decided.code in ("number_taken", "looking")
    [there] = wire.orders()
    assert (there["goodsOwnerOrderId"], there["writes"], there["cancelled"]) == ("7002", 1, False)


def test_the_same_order_twice_is_held_since_soap_does_not_keep_numbers_apart() -> None:
    twice = found(order_info(), order_info(OrderId=502))
    decided = run(job(in_doubt=True), Script(twice))
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold) == ("duplicates", True)


def test_of_two_of_which_one_is_cancelled_the_other_is_meant() -> None:
    http = Script(
        found(order_info(OrderStatusNumber=1000), order_info(OrderId=502)),
        (200, processed("<OrderId>502</OrderId><Success>true</Success>")),
    )
    decided = run(job(in_doubt=True, cancelled=True), http)
    assert isinstance(decided, Delivered)
    assert (decided.reference, http.said) == ("502", [LOOK, REMOVE])


# ---------------------------------------------------------------- refused


def test_a_refused_order_is_a_dead_letter_once_the_login_was_seen_to_work() -> None:
    wire = Wire()
    decided = run(job(lines=[LINE | {"sku": "UNKNOWN-1"}]), wire)
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold) == ("refused", False)
    assert "Article number 'UNKNOWN-1' does not exist." in decided.reason
    assert wire.said == [WRITE, CHECK]


@pytest.mark.parametrize(
    ("changes", "calls"),
    [
        pytest.param({"note": "Ring"}, [WRITE, CHECK, LOOK], id="a change"),
        pytest.param({"cancelled": True}, [REMOVE, LOOK, CHECK], id="a cancel"),
    ],
)
def test_what_comes_after_work_has_begun_is_held(changes: dict[str, Any], calls: list[str]) -> None:
    wire = Wire()
    story = Story(wire)
    tell(story)
    order_id = wire.orders()[0]["orderId"]
    wire.ongoing.commit({"op": "status", "id": order_id, "at": "2026-11-20T10:00:00Z", "status": 400})
    wire.calls.clear()
    decided = asyncio.run(story.changed(**changes).attempt())
    assert isinstance(decided, Reject)
    assert (decided.code, decided.hold, decided.in_doubt) == ("begun", True, True)
    assert "(status 400 Picked)" in decided.reason
    assert "the warehouse has started working on it" in decided.reason
    assert wire.said == calls


@pytest.mark.parametrize("way", ["fault", "refuse"])
@pytest.mark.parametrize(
    ("memo", "changes", "in_doubt"),
    [
        pytest.param({}, {}, False, id="a new order"),
        pytest.param({}, {}, True, id="in doubt"),
        pytest.param(SENT, {"note": "Ring"}, False, id="a change"),
        pytest.param(SENT, {"cancelled": True}, False, id="a cancel"),
        pytest.param({}, {"cancelled": True}, True, id="a cancel in doubt"),
    ],
)
@pytest.mark.parametrize("wrong", ["login", "goods owner"])
def test_a_wrong_login_suspends_the_destination_and_kills_no_order(
    wrong: str, way: str, memo: dict[str, Any], changes: dict[str, Any], in_doubt: bool
) -> None:
    wire = Wire(settings={"soap_login": way, **({"goods_owner_code": "OTHER"} if wrong == "goods owner" else {})})
    if wrong == "login":
        wire.ongoing.credentials = {**wire.ongoing.credentials, "username": "WSI-other", "password": "other"}
    decided = run(job(memo=memo, in_doubt=in_doubt, **changes), wire)
    assert isinstance(decided, Suspend)
    assert decided.code == "unauthorized"
    assert "goods_owner_code in [destinations.ongoing-se]" in decided.hint
    assert wire.orders() == []


def test_a_check_of_the_login_that_gets_no_answer_is_no_dead_letter() -> None:
    decided = run(job(), Script((200, REFUSED), "timeout"))
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt) == ("timeout", False)


def test_a_fault_of_the_server_is_tried_again_where_the_login_works() -> None:
    decided = run(job(), http := Script((500, fault("An error has occurred.")), (200, STATUSES)))
    assert isinstance(decided, Retry)
    assert (decided.code, decided.in_doubt, decided.tries) == ("500", True, 12)
    assert http.said == [WRITE, CHECK]


# ---------------------------------------------------------------- cancelled


def test_a_cancel_that_finds_nothing_is_believed_after_two_looks_apart() -> None:
    replies = [(200, REFUSED), (200, NOTHING), (200, STATUSES)]
    first = run(job(cancelled=True, memo=SENT, now=100.0), http := Script(*replies))
    assert isinstance(first, Retry)
    assert (first.counts, first.in_doubt, http.said) == (False, True, [REMOVE, LOOK, CHECK])

    later = job(cancelled=True, memo=first.memo, in_doubt=True, now=100.0 + LAG_S)
    second = run(later, Script((200, NOTHING), (200, STATUSES), *replies))
    assert isinstance(second, Delivered)
    assert second.note == "nothing is there to cancel any more"


def test_a_refused_cancel_of_what_is_cancelled_is_done_whatever_the_words() -> None:
    http = Script((200, REFUSED), found(order_info(OrderStatusNumber=1000)), (200, STATUSES))
    decided = run(job(cancelled=True, memo=SENT), http)
    assert isinstance(decided, Delivered)
    assert decided.memo["cancelled"]


def test_a_cancel_whose_look_up_fails_is_looked_up_later() -> None:
    decided = run(job(cancelled=True, memo=SENT), Script((200, REFUSED), "timeout"))
    assert isinstance(decided, Retry)
    assert decided.in_doubt


# ---------------------------------------------------------------- the probe, and what is not read


@pytest.mark.parametrize(
    ("replies", "kind", "code"),
    [
        pytest.param([(200, STATUSES), (200, NOTHING), (200, STATUSES), (404, "")], Delivered, "", id="all is well"),
        pytest.param([(500, fault("Access denied.")), (404, "")], Suspend, "unauthorized", id="a fault"),
        pytest.param(
            [(200, answer_of("GetOrderStatuses", "<OrderStatuses />")), (404, "")],
            Suspend,
            "unauthorized",
            id="no statuses",
        ),
        pytest.param([(200, "<html></html>")], Suspend, "not_ongoing", id="another server"),
        pytest.param([(404, "")], Suspend, "wrong_url", id="a wrong address"),
        pytest.param([(503, "")], Retry, "503", id="busy"),
        pytest.param(["timeout"], Retry, "timeout", id="no answer"),
        pytest.param([(200, STATUSES), (200, "<html></html>")], Retry, "unreadable", id="a look-up that fails"),
    ],
)
def test_the_probe_reads_and_tells(replies: list[Any], kind: type[Outcome], code: str) -> None:
    http = Script(*replies)
    decided = asyncio.run(probe(destination(), http)).outcome
    assert isinstance(decided, kind)
    assert getattr(decided, "code", "") == code
    assert set(http.said) <= {LOOK, CHECK, "GetGoodsOwnersByQuery"}


def test_the_probe_of_the_stand_in_passes() -> None:
    assert isinstance(asyncio.run(probe(destination(), Wire())).outcome, Delivered)
