"""Each reply of the stand-in's catalogue, answered where the chain can get it, leads to the outcome of its row."""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import pytest

from sandbox.manex.data import REPLIES
from schemas.http import Call, Reply
from schemas.order import Order
from tests.manex_wire import Story, Wire, destination, line, order
from tests.wire import tell
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

ADDING = ("Add", "ItemADD", "Get", "PriceAdd", "DueDateAdd")
CHANGING = ("Edit", "ItemEdit", "PriceGet", "PriceEdit", "DueDateEdit")
CALLED = (*ADDING, *CHANGING, "ItemMaster/Get")
BOUND = ("PriceAdd", "PriceEdit", "DueDateAdd", "DueDateEdit")

ROWS: dict[str, tuple[tuple[str, ...], type[Outcome], str]] = {
    "403_invalid_api_key": (CALLED, Suspend, "bad_key"),
    "404_no_controller": (CALLED, Suspend, "wrong_url"),
    "404_no_action": (CALLED, Suspend, "wrong_url"),
    "403_customer_does_not_exist": (("Add",), Reject, "no_customer"),
    "403_add_failed": (("Add",), Reject, "add_failed"),
    "403_edit_failed": (("Edit",), Reject, "edit_failed"),
    "403_order_does_not_exist": (("ItemADD", "ItemEdit"), Retry, "no_order"),
    "403_item_does_not_exist": (("ItemEdit",), Retry, "no_line"),
    "403_uniqln_not_provided": (("ItemEdit",), Reject, "refused"),
    "403_item_not_in_order": (BOUND, Retry, "no_line"),
    "403_plpricelnk_not_provided": (("PriceEdit", "DueDateEdit"), Reject, "no_key"),
    "403_price_does_not_exist": (("PriceEdit",), Reject, "refused"),
    "403_due_date_does_not_exist": (("DueDateEdit",), Reject, "refused"),
    "403_due_date_does_not_exist_f": (("DueDateEdit",), Reject, "refused"),
    "403_duedt_uniq_not_provided": (("DueDateEdit",), Reject, "refused"),
    "403_price_edited": (("PriceEdit",), Delivered, ""),
    "403_other": (tuple(a for a in CALLED if not a.startswith("ItemM")), Reject, "refused"),
    "405_method_not_supported": (CALLED, Suspend, "wrong_verb"),
    "415_media_type_not_supported": (CALLED, Suspend, "wrong_verb"),
    "500_error_has_occurred": (CALLED, Retry, "500"),
    "200_not_json": (CALLED, Retry, "unreadable"),
    "408_request_timeout": (CALLED, Retry, "408"),
    "429_too_many_requests": (CALLED, Retry, "429"),
    "502_html": (CALLED, Retry, "502"),
    "503_unavailable": (CALLED, Retry, "503"),
    "504_gateway_timeout": (CALLED, Retry, "504"),
}


class Answering(Wire):
    """The stand-in, with one reply in the place of its own wherever ``action`` is called; it carries out nothing."""

    action = reply = ""

    async def carry_out(self, call: Call) -> Reply:
        if _action(call) != self.action:
            return await super().carry_out(call)
        answer = self.manex.documented(self.reply)
        headers = {name.decode(): value.decode() for name, value in answer.headers}
        return Reply(call=call, status=answer.status, headers=headers, text=answer.body.decode())


def _action(call: Call) -> str:
    return call.path.removeprefix("API/").removeprefix("SO/")


_SKUS = count(1)


def _story(action: str) -> Story:
    """A delivery whose next attempt calls ``action``."""
    story = Story(Answering(), order(1), destination(item_master=action == "ItemMaster/Get"))
    if action == "ItemMaster/Get":
        # Parts that were found are remembered in the process.
        story.order = order(1, lines=[line(1, sku=f"CATALOGUE-{next(_SKUS)}")])
    if action in CHANGING:
        assert isinstance(tell(story.attempt), Delivered)
        story.order, story.in_doubt = _edited(), True
    return story


def _edited() -> Order:
    """Another number, quantity and price."""
    return order(1, number="#1002", lines=[line(1, quantity="3", total_incl="90.00", tax="9.00")])


def _answer(story: Story, action: str, reply: str) -> Outcome:
    assert isinstance(story.wire, Answering)
    story.wire.action, story.wire.reply = action, reply
    outcome = tell(story.attempt)
    story.wire.action = ""
    assert isinstance(outcome, Delivered | Retry | Reject | Suspend)
    return outcome


cases = pytest.mark.parametrize(
    ("name", "action", "kind", "code"),
    [
        pytest.param(name, action, kind, code, id=f"{name} to {action}")
        for name, (actions, kind, code) in ROWS.items()
        for action in actions
    ],
)


def test_every_reply_of_the_catalogue_has_its_row() -> None:
    assert ROWS.keys() == REPLIES.keys()


@cases
def test_a_reply_of_the_catalogue_leads_to_the_outcome_of_its_row(
    name: str, action: str, kind: type[Outcome], code: str
) -> None:
    story = _story(action)

    outcome = _answer(story, action, name)

    assert (type(outcome), getattr(outcome, "code", "")) == (kind, code)
    assert action in map(_action, story.wire.calls)
    if not isinstance(outcome, Delivered):
        # Nothing of the order can be there only where the header never was.
        written = action not in ("Add", "ItemMaster/Get")
        assert outcome.in_doubt is (written or (action == "Add" and kind is Retry))


@cases
def test_after_it_the_order_is_there_once_and_complete(name: str, action: str, kind: type[Outcome], code: str) -> None:
    story = _story(action)
    _answer(story, action, name)

    outcome = tell(story.to_the_end)

    assert isinstance(outcome, Delivered)
    number = story.order.number.removeprefix("#")
    assert story.wire.manex.counts() == {number: 1}
    [there] = story.wire.orders(number)
    [row] = there["lines"]
    [price], [due] = row["prices"], row["due_dates"]
    quantity, unit = ("3", "30.00") if action in CHANGING else ("2", "39.95")
    assert (row["ORD_QTY"], due["QTY"]) == (quantity, quantity)
    assert Decimal(price["price"]) == Decimal(unit)


def test_retry_after_is_taken_from_whatever_call_is_answered_so() -> None:
    outcome = _answer(_story("PriceAdd"), "PriceAdd", "429_too_many_requests")

    assert isinstance(outcome, Retry)
    assert (outcome.after, outcome.everyone) == (1.0, True)


def test_an_order_that_is_not_found_where_it_was_written_is_not_written_twice() -> None:
    story = _story("Edit")
    story.order = order(1)  # as it was delivered

    outcome = _answer(story, "Get", "403_order_does_not_exist")

    assert isinstance(outcome, Reject)
    assert (outcome.code, outcome.hold) == ("missing", True)
    assert "accept it as it is there" in outcome.hint
    assert story.wire.written().count("Add") == 1


def test_a_price_that_is_not_found_is_added() -> None:
    story = _story("PriceGet")

    outcome = _answer(story, "PriceGet", "403_price_does_not_exist")

    assert isinstance(outcome, Delivered)
    assert (story.wire.written().count("PriceAdd"), "PriceEdit" in story.wire.written()) == (2, False)
