"""What all systems' tables of replies have in common."""

from __future__ import annotations

import pytest

from schemas.http import Call, Fault, Reply
from tasks.replies import Documented, Trouble, answered, later, silence, undocumented
from worker.outcomes import Reject, Retry, Suspend

NOW = 1_795_000_000.0
CALL = Call("POST", "orders", body={})


def outcome(row: Documented, *, writing: bool = True, retry_after: str | None = None) -> Trouble:
    reply = Reply(CALL, 500, headers={} if retry_after is None else {"retry-after": retry_after})
    return row.outcome(reply, reason="It said no.", writing=writing, destination="iws-uk", now=NOW)


@pytest.mark.parametrize(("kind", "row"), [(Reject, "reject"), (Suspend, "suspend")])
def test_a_row_names_the_destination_in_its_hint(kind: type[Reject | Suspend], row: str) -> None:
    documented = Documented(row, "no", "Look at {name}.")  # type: ignore[arg-type]

    assert outcome(documented) == kind(code="no", reason="It said no.", hint="Look at iws-uk.")


@pytest.mark.parametrize("writing", [False, True])
def test_a_row_to_try_again_leaves_a_write_in_doubt(writing: bool) -> None:
    row = Documented("retry", "500", tries=4)

    assert outcome(row, writing=writing) == Retry(code="500", reason="It said no.", in_doubt=writing, tries=4)


@pytest.mark.parametrize(("status", "doubt"), [(301, False), (302, True), (303, True), (307, False), (308, False)])
@pytest.mark.parametrize("writing", [False, True], ids=["reading", "writing"])
def test_a_write_that_is_sent_on_may_have_been_carried_out(status: int, *, doubt: bool, writing: bool) -> None:
    row = undocumented(status, address="Look at {name}.", mend="")
    told = row.outcome(Reply(CALL, status), reason="Found.", writing=writing, destination="iws-uk", now=NOW)

    hint = "Look at iws-uk."
    assert told == Suspend(code="redirected", reason="Found.", hint=hint, in_doubt=doubt and writing)


def test_a_wait_that_is_asked_for_holds_for_everyone() -> None:
    asked = outcome(Documented("retry", "500"), retry_after="120")

    assert isinstance(asked, Retry)
    assert (asked.after, asked.everyone) == (120.0, True)


@pytest.mark.parametrize("everyone", [False, True])
def test_a_system_may_hold_everyone_back_without_being_asked(everyone: bool) -> None:
    told = later(Reply(CALL, 429), code="429", reason="Busy.", in_doubt=False, everyone=everyone, now=NOW)

    assert (told.after, told.everyone) == (None, everyone)


@pytest.mark.parametrize(
    ("status", "row"),
    [
        (0, Documented("suspend", "redirected", "address")),
        (301, Documented("suspend", "redirected", "address")),
        (399, Documented("suspend", "redirected", "address")),
        (402, Documented("reject", "402", "mend")),
        (499, Documented("reject", "499", "mend")),
        (500, Documented("retry", "500")),
        (599, Documented("retry", "599")),
    ],
    ids=str,
)
def test_what_no_table_has_is_told_by_its_class(status: int, row: Documented) -> None:
    assert undocumented(status, address="address", mend="mend") == row


def test_the_other_sides_text_stands_in_the_reason_as_it_is() -> None:
    assert answered("IWS", 400, "Item {x} is 100% unknown") == "IWS answered 400: Item {x} is 100% unknown"
    assert answered("IWS", 400, "") == "IWS answered 400 without a text."


@pytest.mark.parametrize(
    ("fault", "writing", "perhaps", "reason"),
    [
        ("connect", True, "it may be there", "ManEx could not be reached; nothing was sent."),
        ("connect", False, "it may be there", "ManEx could not be reached."),
        ("timeout", False, "it may be there", "ManEx did not answer in time."),
        ("lost", False, "", "ManEx closed the connection without an answer."),
        ("timeout", True, "", "ManEx did not answer in time; the next attempt looks first."),
        (
            "lost",
            True,
            "it may be there",
            "ManEx closed the connection without an answer; it may be there, so the next attempt looks first.",
        ),
    ],
)
def test_no_answer_leaves_a_write_in_doubt_unless_nothing_was_sent(
    fault: Fault, writing: bool, perhaps: str, reason: str
) -> None:
    told = silence(Reply(CALL, fault=fault), who="ManEx", writing=writing, perhaps=perhaps)

    assert told == Retry(code=fault, reason=reason, in_doubt=writing and fault != "connect")
