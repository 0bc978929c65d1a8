"""Section 10 of the Esuite contract: an order reaches Esuite once, whatever happens on the way."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest

from schemas.destination import Unmappable
from schemas.esuite import EsuiteDestination
from schemas.esuite.trans import transaction
from schemas.http import Call
from schemas.order import Order
from tasks.esuite import SYSTEM
from tests.esuite_fake import FakeEsuite, Says, destination, job, line, order
from tests.wire import Shelf
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend
from worker.system import Job

KEY = "WEB-1001"
FAILED = Says(500, '{"StatusCode": "500", "Description": "Web Request Failed"}')
LOOK = Call(
    "GET",
    "trans",
    (("TransYourRef", KEY), ("TransLedger", "S"), ("InclDetails", "1"), ("Limit", "50")),
)


def converge(one: Job[EsuiteDestination], http: FakeEsuite) -> Outcome:
    return finish(SYSTEM.converge(one, http))


def probe(http: FakeEsuite) -> Outcome:
    return asyncio.run(_probed(http))


async def _probed(http: FakeEsuite) -> Outcome:
    return (await SYSTEM.probe(destination(), http)).outcome


def finish(work: Awaitable[Outcome]) -> Outcome:
    async def wait() -> Outcome:
        return await work

    return asyncio.run(wait())


def there(http: FakeEsuite, shop: Order | None = None, **section: Any) -> dict[str, Any]:
    """Let Esuite hold the order already."""
    return http.create(sent(shop or order(), **section))


def sent(shop: Order, **section: Any) -> dict[str, Any]:
    body = transaction(shop, number="1001", destination=destination(**section))
    result: dict[str, Any] = json.loads(json.dumps(body))
    return result


def ids(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("CompanyNo", "TransNo", "TransRefCode", "TransYourRef")}


def run(http: FakeEsuite, *, attempts: int, seconds: float = 20.0, **changes: Any) -> list[Outcome]:
    """Attempts one after the other, carrying doubt and memo along as the ledger does."""
    outcomes: list[Outcome] = []
    one = job(**changes)
    for _ in range(attempts):
        answer = converge(one, http)
        outcomes.append(answer)
        doubt, memo = one.in_doubt, one.memo
        if isinstance(answer, Delivered):
            doubt, memo = False, answer.memo or memo
        elif isinstance(answer, Retry):
            doubt, memo = doubt or answer.in_doubt, memo if answer.memo is None else answer.memo
        one = job(**{**changes, "in_doubt": doubt, "memo": memo, "now": one.now + seconds})
    return outcomes


# ---------------------------------------------------------------- a first attempt


def test_a_first_attempt_writes_without_looking() -> None:
    http = FakeEsuite()

    answer = converge(job(), http)

    assert http.calls == [Call("POST", "trans", body=sent(order()))]
    assert answer == Delivered(
        reference="PSOR-1464547",
        memo={
            "CompanyNo": "36015",
            "TransNo": "1464547",
            "TransRefCode": "PSOR-1464547",
            "TransYourRef": KEY,
        },
    )


def test_warnings_of_the_mapping_come_with_the_delivery() -> None:
    answer = converge(job(destination=destination(shipping_sku=False)), FakeEsuite())

    assert isinstance(answer, Delivered)
    assert "was left out" in answer.warnings[0]


def test_an_order_with_nothing_open_is_delivered_without_a_call() -> None:
    http = FakeEsuite()

    answer = converge(job(order=order(lines=[line(open_quantity="0")])), http)

    assert http.calls == []
    assert answer == Delivered(
        reference=None, note="nothing left to deliver: no line of the order has an open quantity"
    )


def test_an_order_that_cannot_be_mapped_is_rejected_without_a_call() -> None:
    http = FakeEsuite()

    answer = converge(job(order=order(lines=[line(sku=None)])), http)

    assert http.calls == []
    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold, answer.in_doubt) == ("no_sku", True, False)


def test_a_refusal_leaves_no_doubt() -> None:
    http = FakeEsuite(planned={"POST": [Says(400, '{"Description": "AccountRef CASH01 does not exist"}')]})

    answer = converge(job(), http)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold, answer.in_doubt) == ("refused", False, False)


def test_a_wrong_token_suspends() -> None:
    assert isinstance(converge(job(), FakeEsuite(planned={"POST": [Says(403)]})), Suspend)


def test_after_a_failed_connect_the_next_attempt_writes_at_once() -> None:
    http = FakeEsuite(planned={"POST": [Says(fault="connect")]})

    first, second = run(http, attempts=2)

    assert isinstance(first, Retry)
    assert (first.in_doubt, first.memo) == (False, None)
    assert isinstance(second, Delivered)
    assert http.methods == ["POST", "POST"]


# ---------------------------------------------------------------- in doubt

DOUBTS = {
    "time-out after commit": Says(fault="timeout", commit=True),
    "connection lost after commit": Says(fault="lost", commit=True),
    "500 after commit": Says(500, FAILED.text, commit=True),
    "HTML 502 after commit": Says(502, "<html>Bad Gateway</html>", commit=True),
    "200 without T_Trans after commit": Says(200, "{}", commit=True),
    "204 after commit": Says(204, commit=True),
}


@pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
def test_what_got_through_without_an_answer_is_adopted_and_never_written_twice(doubt: Says) -> None:
    http = FakeEsuite(planned={"POST": [doubt]})

    first, second = run(http, attempts=2)

    assert isinstance(first, Retry)
    assert first.in_doubt
    (row,) = http.rows
    assert isinstance(second, Delivered)
    assert (second.reference, second.memo) == (row["TransRefCode"], ids(row))
    assert "nothing was sent" in second.note
    assert http.calls[1:] == [LOOK]


NOT_MADE = {
    "time-out": Says(fault="timeout"),
    "connection lost": Says(fault="lost"),
    "500": FAILED,
    "HTML 502": Says(502, "<html>Bad Gateway</html>"),
    "200 without T_Trans": Says(200, "{}"),
}


@pytest.mark.parametrize("doubt", NOT_MADE.values(), ids=NOT_MADE)
def test_what_did_not_get_through_is_written_again_after_two_empty_looks(doubt: Says) -> None:
    http = FakeEsuite(planned={"POST": [doubt]})

    first, second, third = run(http, attempts=3)

    assert isinstance(first, Retry)
    assert isinstance(second, Retry)
    assert (second.code, second.counts, second.in_doubt, second.after) == ("looking", False, True, 20)
    assert second.memo is not None
    assert (second.memo["looked_for"], second.memo["looked_at"]) == (KEY, 1_000_020.0)
    assert isinstance(third, Delivered)
    assert http.methods == ["POST", "GET", "GET", "GET", "GET", "POST"]
    assert len(http.rows) == 1


def test_each_empty_look_also_asks_for_deleted_ones() -> None:
    http = FakeEsuite()

    converge(job(in_doubt=True), http)

    assert http.calls[0] == LOOK
    assert dict(http.calls[1].params)["ShowDeleted"] == "1"
    assert dict(http.calls[1].params)["TransYourRef"] == KEY


def test_a_second_look_too_early_does_not_lead_to_a_write() -> None:
    http = FakeEsuite(planned={"POST": [Says(fault="timeout")]})

    outcomes = run(http, attempts=4, seconds=15)

    early = outcomes[2]
    assert isinstance(early, Retry)
    assert (early.code, early.after, early.memo) == ("looking", 5, None)
    assert isinstance(outcomes[3], Delivered)
    assert http.posted == 2


def test_after_a_second_doubtful_write_the_looks_are_counted_anew() -> None:
    http = FakeEsuite(planned={"POST": [Says(fault="timeout"), Says(fault="timeout")]})

    outcomes = run(http, attempts=5)

    assert [getattr(outcome, "code", "") for outcome in outcomes] == [
        "timeout",
        "looking",
        "timeout",
        "looking",
        "",
    ]
    assert http.posted == 3
    assert len(http.rows) == 1


def test_a_second_write_that_cannot_connect_stays_in_doubt() -> None:
    http = FakeEsuite(planned={"POST": [Says(fault="timeout"), Says(fault="connect")]})

    third = run(http, attempts=3)[2]

    assert isinstance(third, Retry)
    assert (third.code, third.in_doubt, third.memo) == ("connect", True, {"TransYourRef": KEY})


def test_a_look_from_before_an_interruption_does_not_count() -> None:
    http = FakeEsuite()
    looked = {"looked_for": KEY, "looked_at": 1.0}

    interrupted = converge(job(in_doubt=True, memo=looked, interrupted=True), http)

    assert isinstance(interrupted, Retry)
    assert interrupted.memo is not None
    assert interrupted.memo["looked_at"] == 1_000_000.0
    assert http.posted == 0


@pytest.mark.parametrize(
    "says",
    [Says(fault="connect"), Says(fault="timeout"), FAILED, Says(200, "<html>"), Says(200, '{"Rows": []}')],
    ids=["connect", "timeout", "500", "HTML", "no Trans"],
)
def test_a_look_that_fails_stays_in_doubt_and_writes_nothing(says: Says) -> None:
    http = FakeEsuite(planned={"GET": [says]})

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Retry)
    assert answer.in_doubt
    assert http.posted == 0


def test_a_look_for_deleted_ones_that_fails_writes_nothing() -> None:
    looked = {"looked_for": KEY, "looked_at": 1.0}
    http = FakeEsuite(planned={"GET": [Says(204), FAILED]})

    answer = converge(job(in_doubt=True, memo=looked), http)

    assert isinstance(answer, Retry)
    assert answer.code == "500"
    assert http.posted == 0


def test_a_look_that_is_refused_suspends() -> None:
    assert isinstance(converge(job(in_doubt=True), FakeEsuite(planned={"GET": [Says(403)]})), Suspend)


def test_a_rejected_look_keeps_the_doubt_for_a_replay() -> None:
    answer = converge(job(in_doubt=True), FakeEsuite(planned={"GET": [Says(406, "No parameters provided")]}))

    assert isinstance(answer, Reject)
    assert answer.in_doubt


def test_an_order_in_doubt_that_can_no_longer_be_mapped_keeps_the_doubt() -> None:
    http = FakeEsuite()
    there(http)

    answer = converge(job(in_doubt=True, order=order(lines=[line(sku=None)])), http)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.in_doubt) == ("no_sku", True)


def test_a_memo_alone_is_reason_to_look() -> None:
    http = FakeEsuite()
    there(http)

    assert isinstance(converge(job(memo={"TransYourRef": KEY}), http), Delivered)
    assert http.posted == 0


def test_in_doubt_with_nothing_open_is_delivered_once_nothing_was_found_twice() -> None:
    http = FakeEsuite()

    first, second = run(http, attempts=2, in_doubt=True, order=order(lines=[line(open_quantity="0")]))

    assert isinstance(first, Retry)
    assert isinstance(second, Delivered)
    assert "nothing left to deliver" in second.note
    assert http.posted == 0


# ---------------------------------------------------------------- what a look finds


def test_a_key_is_compared_without_its_blanks() -> None:
    http = FakeEsuite(filters=False)
    there(http)["TransYourRef"] = f" {KEY}  "

    assert isinstance(converge(job(in_doubt=True), http), Delivered)


@pytest.mark.parametrize(
    "changes",
    [{"TransYourRef": KEY + "0"}, {"TransYourRef": "web-1001"}, {"TransYourRef": ""}, {"TransLedger": "P"}],
    ids=["longer", "other case", "empty", "purchase ledger"],
)
def test_another_transaction_is_not_taken_for_ours(changes: dict[str, str]) -> None:
    http = FakeEsuite(filters=False)
    there(http).update(changes)

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Retry)
    assert answer.code == "looking"


def test_other_figures_are_a_conflict_that_names_both() -> None:
    http = FakeEsuite()
    there(http, order(lines=[line(quantity="1", total_incl="39.95", tax="3.63")]))

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold, answer.in_doubt) == ("conflict", False, True)
    assert "PSOR-1464547" in answer.reason
    assert "000250a: Esuite has 1 for 39.95, the shop has 2 for 79.90" in answer.reason
    assert "total: Esuite has 49.95, the shop has 101.90" in answer.reason
    assert http.posted == 0


def test_two_transactions_with_our_key_are_rejected_by_name() -> None:
    http = FakeEsuite()
    there(http)
    there(http)

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold, answer.in_doubt) == ("duplicates", False, True)
    assert "PSOR-1464547, PSOR-1464548" in answer.reason


def test_once_a_person_deleted_the_second_one_the_first_is_adopted() -> None:
    http = FakeEsuite()
    there(http)
    there(http)
    http.deleted.append(http.rows.pop())

    assert isinstance(converge(job(in_doubt=True), http), Delivered)


def test_the_invoice_that_esuite_made_of_our_order_is_no_second_order() -> None:
    http = FakeEsuite()
    first = there(http)
    there(http)["SourceTransRefCode"] = first["TransRefCode"]

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Delivered)
    assert answer.reference == first["TransRefCode"]


@pytest.mark.parametrize("only", [True, False], ids=["only deleted ones", "deleted ones too"])
def test_a_deleted_transaction_is_held_and_not_made_again(only: bool) -> None:
    http = FakeEsuite(deleted_only=only)
    there(http)
    http.deleted.append(http.rows.pop())

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Reject)
    assert (answer.code, answer.hold) == ("deleted", True)
    assert "accept it as it is there" in answer.hint
    assert "PSOR-1464547" in answer.reason
    assert http.posted == 0


def test_a_commit_between_the_two_looks_is_not_taken_for_deleted() -> None:
    http = FakeEsuite(deleted_only=False, planned={"GET": [Says(204)]})
    there(http)

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Delivered)
    assert http.methods == ["GET", "GET", "GET"]


# ---------------------------------------------------------------- a filter that does not filter


def strangers(http: FakeEsuite, count: int) -> None:
    for number in range(count):
        there(http)["TransYourRef"] = f"POS-{number}"


def test_our_transaction_is_found_on_a_later_page() -> None:
    http = FakeEsuite(filters=False)
    strangers(http, 70)
    mine = there(http)

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Delivered)
    assert answer.reference == mine["TransRefCode"]
    assert dict(http.calls[1].params)["PageNo"] == "2"
    assert dict(http.calls[1].params)["PageSize"] == "50"


def test_the_search_ends_with_the_page_that_has_our_transaction() -> None:
    http = FakeEsuite(filters=False)
    there(http)
    strangers(http, 600)

    assert isinstance(converge(job(in_doubt=True), http), Delivered)
    assert len(http.calls) == 1


@pytest.mark.parametrize("pages", [True, False], ids=["pages without end", "pages that repeat"])
def test_an_ignored_filter_suspends_and_never_writes(pages: bool) -> None:
    http = FakeEsuite(filters=False, pages=pages)
    strangers(http, 600)
    looked = {"looked_for": KEY, "looked_at": 1.0}

    answer = converge(job(in_doubt=True, memo=looked), http)

    assert isinstance(answer, Suspend)
    assert answer.code == "filter_ignored"
    assert "esuite-au" in answer.hint
    assert http.posted == 0
    assert len(http.calls) == (10 if pages else 2)


def test_a_short_page_of_strangers_means_absent() -> None:
    http = FakeEsuite(filters=False)
    strangers(http, 49)

    answer = converge(job(in_doubt=True), http)

    assert isinstance(answer, Retry)
    assert answer.code == "looking"


# ---------------------------------------------------------------- delivered before


def test_a_replay_of_a_delivered_order_writes_nothing() -> None:
    http = FakeEsuite()
    row = there(http)

    answer = converge(job(memo=ids(row)), http)

    assert isinstance(answer, Delivered)
    assert (answer.reference, answer.memo) == (row["TransRefCode"], ids(row))
    assert http.methods == ["GET"]


def test_a_newer_version_with_other_figures_changes_the_transaction() -> None:
    http = FakeEsuite()
    row = there(http)

    answer = converge(job(memo=ids(row), order=order(lines=[line(open_quantity="1")])), http)

    assert isinstance(answer, Delivered)
    assert answer.note == "PSOR-1464547 was changed in Esuite"
    assert http.methods == ["GET", "PUT", "GET"]
    assert row["TransTotalIncGST"] == "49.95"


def test_a_delivered_order_that_esuite_no_longer_shows_is_held() -> None:
    http = FakeEsuite()
    memo = ids(there(FakeEsuite()))

    for outcome in run(http, attempts=3, memo=memo):
        assert isinstance(outcome, Reject)
        assert (outcome.code, outcome.hold) == ("missing", True)
        assert "accept it as it is" in outcome.hint
    assert http.posted == 0


def test_after_its_number_changed_an_order_is_not_sent_again_while_it_is_there() -> None:
    http = FakeEsuite()
    row = there(http)

    outcomes = run(http, attempts=3, memo=ids(row), number="1001-B")

    for outcome in outcomes:
        assert isinstance(outcome, Reject)
        assert (outcome.code, outcome.hold) == ("renumbered", True)
        assert "PSOR-1464547" in outcome.reason
    assert http.posted == 0


@pytest.mark.parametrize(
    ("known", "shop"),
    [(True, order(lines=[line(quantity="5")])), (False, order())],
    ids=["known by its id, though it differs", "known by its figures"],
)
def test_an_order_is_recognised_under_its_earlier_number(known: bool, shop: Order) -> None:
    http = FakeEsuite()
    row = there(http)
    memo = ids(row) if known else {"TransYourRef": KEY}

    answer = converge(job(in_doubt=True, memo=memo, number="1001-B", order=shop), http)

    assert isinstance(answer, Reject)
    assert answer.code == "renumbered"


def test_a_deleted_order_goes_out_once_more_under_a_new_number() -> None:
    http = FakeEsuite()
    memo = ids(there(http))
    http.deleted.append(http.rows.pop())

    first, second = run(http, attempts=2, memo=memo, number="1001-B")

    assert isinstance(first, Retry)
    assert isinstance(second, Delivered)
    assert second.memo["TransYourRef"] == "WEB-1001-B"
    assert [row["TransYourRef"] for row in http.rows] == ["WEB-1001-B"]


def test_a_new_number_gets_past_a_transaction_that_is_another_orders() -> None:
    http = FakeEsuite()
    there(http, order(lines=[line(sku="HAT")]))

    outcomes = run(http, attempts=2, in_doubt=True, memo={"TransYourRef": KEY}, number="1001-B")

    assert isinstance(outcomes[1], Delivered)
    assert [row["TransYourRef"] for row in http.rows] == [KEY, "WEB-1001-B"]


# ---------------------------------------------------------------- cancelled


def test_a_cancelled_order_that_never_went_out_needs_no_call() -> None:
    http = FakeEsuite()

    answer = converge(job(order=order(cancelled=True)), http)

    assert answer == Delivered(reference=None, note="cancelled before anything reached Esuite")
    assert http.calls == []


def test_a_cancelled_order_in_doubt_is_settled_once_nothing_was_found_twice() -> None:
    http = FakeEsuite()

    first, second = run(http, attempts=2, in_doubt=True, order=order(cancelled=True))

    assert isinstance(first, Retry)
    assert first.code == "looking"
    assert second == Delivered(reference=None, note="cancelled before anything reached Esuite")
    assert http.posted == 0


@pytest.mark.parametrize("how", ["in doubt", "delivered"])
def test_a_cancelled_order_that_esuite_holds_is_deleted_there(how: str) -> None:
    http = FakeEsuite()
    row = there(http)
    state: dict[str, Any] = {"memo": ids(row)}
    if how == "in doubt":
        tried = SYSTEM.prepare(order(), {}, destination(), Shelf(str)) if SYSTEM.prepare else {}
        state = {"in_doubt": True, "memo": tried}

    answer = converge(job(order=order(cancelled=True), **state), http)

    assert isinstance(answer, Delivered)
    assert (answer.reference, answer.note) == ("PSOR-1464547", "PSOR-1464547 was deleted in Esuite")
    assert http.methods == ["GET", "DELETE"]
    assert (http.rows, http.deleted) == ([], [row])


def test_a_cancelled_order_that_was_deleted_in_esuite_is_settled() -> None:
    http = FakeEsuite()
    row = there(http)
    http.deleted.append(http.rows.pop())

    answer = converge(job(order=order(cancelled=True), memo=ids(row)), http)

    assert isinstance(answer, Delivered)
    assert answer.reference == "PSOR-1464547"
    assert "deleted in Esuite" in answer.note
    assert http.methods == ["GET", "GET", "GET"], "nothing is deleted twice"


# ---------------------------------------------------------------- plan and probe


def test_the_plan_is_the_call_of_the_first_attempt() -> None:
    http = FakeEsuite()
    converge(job(), http)

    assert list(SYSTEM.plan(job())) == http.calls


@pytest.mark.parametrize(
    "shop", [order(cancelled=True), order(lines=[line(open_quantity="0")])], ids=["cancelled", "nothing open"]
)
def test_the_plan_is_empty_where_nothing_would_be_sent(shop: Order) -> None:
    assert list(SYSTEM.plan(job(order=shop))) == []


def test_the_plan_says_what_cannot_be_mapped() -> None:
    with pytest.raises(Unmappable):
        SYSTEM.plan(job(order=order(lines=[line(sku=None)])))


def test_a_probe_reads_the_companies_and_tries_the_filter() -> None:
    http = FakeEsuite()
    there(http)

    assert isinstance(probe(http), Delivered)
    assert [(call.method, call.path) for call in http.calls] == [("GET", "company"), ("GET", "trans")]


def test_a_probe_finds_an_ignored_filter() -> None:
    http = FakeEsuite(filters=False)
    there(http)

    answer = probe(http)

    assert isinstance(answer, Suspend)
    assert answer.code == "filter_ignored"


@pytest.mark.parametrize(
    ("says", "kind"),
    [(Says(403), Suspend), (Says(404), Suspend), (Says(503), Retry), (Says(fault="connect"), Retry)],
    ids=["403", "404", "503", "connect"],
)
def test_a_probe_fails_as_the_table_says(says: Says, kind: type[Outcome]) -> None:
    http = FakeEsuite(planned={"GET": [says]})

    assert isinstance(probe(http), kind)
    assert len(http.calls) == 1
