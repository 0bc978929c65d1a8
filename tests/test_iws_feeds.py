"""What becomes of sales orders in IWS, and its stock, by the changelog (contracts/iws.md sections 6.6, 8 and 9)."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from schemas.http import Call, Reply
from tasks.iws.changes import PART
from tasks.iws.feeds import read_orders, read_stock
from tasks.iws.paging import PAGE
from tests.iws_wire import Story, Wire, destination, line, order
from worker.feeds import Batch, Progress, Stock
from worker.outcomes import Delivered


def _read(read: Any, wire: Wire, checkpoint: Mapping[str, Any] | None = None, *, later: float = 0.0) -> Batch:
    """One feed, as far as it goes."""
    progress: list[Progress] = []
    stock: list[Stock] = []
    checkpoint = checkpoint or {}
    while True:
        batch: Batch = asyncio.run(read(destination(), checkpoint, time.time() + later, wire))
        progress += batch.progress
        stock += batch.stock
        checkpoint = batch.checkpoint
        if not batch.more or batch.problem is not None:
            return Batch(checkpoint=checkpoint, progress=tuple(progress), stock=tuple(stock), problem=batch.problem)


def _delivered(wire: Wire, **changes: Any) -> str:
    outcome = asyncio.run(Story(wire, order(**changes)).to_the_end())
    assert isinstance(outcome, Delivered)
    assert outcome.reference is not None
    return outcome.reference


@pytest.fixture
def wire() -> Wire:
    return Wire()


def test_an_empty_window_is_no_news(wire: Wire) -> None:
    batch = _read(read_orders, wire)
    assert (batch.progress, batch.problem) == ((), None)
    assert batch.checkpoint["since"]


def test_an_open_order_is_news_only_where_it_had_come_farther(wire: Wire) -> None:
    code = _delivered(wire)
    assert _read(read_orders, wire).progress == (Progress(reference=code, number="1001", state="", text="open"),)


@pytest.mark.parametrize("names", ["source", "root"])
def test_an_invoiced_order_is_told_with_its_invoice(names: str) -> None:
    wire = Wire(settings={"invoice_names": names})
    code = _delivered(wire)
    wire.iws.switch({"invoiced": {code: "INV-000007"}})
    [told] = _read(read_orders, wire).progress
    assert told.reference == code
    assert told.text.startswith("invoiced as INV-000007")


def test_a_voided_order_is_told_although_its_status_stays(wire: Wire) -> None:
    code = _delivered(wire)
    wire.iws.switch({"voided": [code]})
    [told] = _read(read_orders, wire).progress
    assert (told.reference, told.state, told.text) == (code, "cancelled", "voided")


def test_an_order_on_hold_is_told(wire: Wire) -> None:
    code = _delivered(wire)
    wire.iws.switch({"on_hold": [code]})
    [told] = _read(read_orders, wire).progress
    assert (told.reference, told.state) == (code, "on_hold")


def test_a_row_is_read_once_however_the_windows_overlap(wire: Wire) -> None:
    code = _delivered(wire)
    wire.iws.switch({"completed": [code]})
    first = _read(read_orders, wire)
    assert [one.reference for one in first.progress] == [code]
    calls = len(wire.calls)
    second = _read(read_orders, wire, first.checkpoint, later=60)
    assert second.progress == ()
    assert len(wire.calls) - calls == 3  # the three lists of changes, and no header
    wire.iws.switch({"invoiced": {code: "INV-000009"}})
    assert [one.reference for one in _read(read_orders, wire, second.checkpoint, later=60).progress] == [code]


@pytest.mark.parametrize("settings", [{"data": "object"}, {"empty_404": "200"}], ids=str)
def test_the_changelog_is_read_in_each_of_its_shapes(settings: dict[str, Any]) -> None:
    wire = Wire(settings=settings)
    code = _delivered(wire)
    wire.iws.switch({"completed": [code]})
    batch = _read(read_orders, wire)
    assert [one.reference for one in batch.progress] == [code]


def test_broken_codes_are_passed_over(wire: Wire) -> None:
    wire.iws.switch({"broken_codes": {"CustomerSalesOrder": "SO-", "InventoryStockTotal": "ITEM-"}})
    assert _read(read_orders, wire).problem is None
    assert _read(read_stock, wire).problem is None


def test_after_an_outage_one_window_follows_the_other(wire: Wire) -> None:
    first = _read(read_orders, wire)
    calls = len(wire.calls)
    later = _read(read_orders, wire, first.checkpoint, later=40 * 3600)
    assert later.problem is None
    assert len(wire.calls) - calls == 4 * 3
    assert later.checkpoint["since"] > first.checkpoint["since"]


@pytest.mark.parametrize("what", ["html", "error", "lose", "not json"])
def test_a_reading_that_fails_keeps_the_checkpoint(wire: Wire, what: Any) -> None:
    first = _read(read_orders, wire)
    wire.trouble = {len(wire.calls) + 2: what}
    batch = _read(read_orders, wire, first.checkpoint)
    assert batch.problem is not None
    assert batch.checkpoint == first.checkpoint


def test_stock_is_listed_whole_and_then_by_what_changed(wire: Wire) -> None:
    _delivered(wire, lines=[line(1, sku="MUG-BLUE"), line(2, sku="TEE-M")])
    wire.iws.switch({"stock": {"MUG-11OZ-BLU": 12, "TEE-M": {"MAIN": 3, "SHOP": 4}}})
    first = _read(read_stock, wire)
    figures = {one.code: one.quantity for one in first.stock}
    assert figures["MUG-11OZ-BLU"] == Decimal(12)
    assert figures["TEE-M"] == Decimal(7)
    wire.iws.switch({"stock": {"MUG-11OZ-BLU": 5, "TEE-M": {"MAIN": 3, "SHOP": 4}}})
    second = _read(read_stock, wire, first.checkpoint, later=60)
    assert {one.code: one.quantity for one in second.stock} == {"MUG-11OZ-BLU": Decimal(5)}


# ---------------------------------------------------------------- invoices, and what is taken back


def _told(wire: Wire, checkpoint: Mapping[str, Any] | None = None, *, later: float = 0.0) -> tuple[list[str], Batch]:
    batch = _read(read_orders, wire, checkpoint, later=later)
    assert batch.problem is None
    return [one.text for one in batch.progress], batch


@pytest.mark.parametrize("data", ["string", "object"])
def test_goods_that_leave_after_the_invoice_are_told_by_the_invoices_own_change(data: str) -> None:
    wire = Wire(settings={"data": data})
    code = _delivered(wire)
    wire.iws.switch({"invoiced": {code: "INV-000007"}, "undispatched": ["INV-000007"]})
    told, first = _told(wire)
    assert told == ["invoiced as INV-000007"]
    wire.iws.switch({"undispatched": []})
    told, second = _told(wire, first.checkpoint, later=60)
    assert told == ["invoiced as INV-000007, shipped"]
    assert second.progress[0].reference == code


def test_a_voided_invoice_is_none() -> None:
    wire = Wire()
    code = _delivered(wire)
    wire.iws.switch({"invoiced": {code: "INV-000007"}})
    _, first = _told(wire)
    wire.iws.switch({"voided": ["INV-000007"]})
    assert _told(wire, first.checkpoint, later=60)[0] == ["completed"]


def test_an_invoice_that_is_not_of_an_order_we_saw_is_passed_over(wire: Wire) -> None:
    wire.iws.switch({"touched": {"INV-000099": 3}})
    assert _told(wire)[0] == []
    assert {call.path.partition("/")[0] for call in wire.calls} == {"changelog"}


def test_a_hold_that_ends_is_told_as_open_again(wire: Wire) -> None:
    code = _delivered(wire)
    wire.iws.switch({"on_hold": [code]})
    _, first = _told(wire)
    wire.iws.switch({"on_hold": []})
    [told] = _read(read_orders, wire, first.checkpoint, later=60).progress
    assert (told.state, told.text) == ("", "open")


def test_a_completed_order_that_still_has_the_flag_of_a_hold_is_completed(wire: Wire) -> None:
    code = _delivered(wire)
    wire.iws.switch({"on_hold": [code], "completed": [code]})
    assert _told(wire)[0] == ["completed"]


@pytest.mark.parametrize("data", ["string", "object"])
def test_a_deleted_order_is_told(data: str) -> None:
    wire = Wire(settings={"data": data})
    code = _delivered(wire)
    wire.iws.switch({"deleted": [code]})
    [told] = _read(read_orders, wire).progress
    assert (told.reference, told.state, told.text) == (code, "cancelled", "deleted")


def test_an_order_that_is_not_there_without_a_word_of_its_deletion_is_no_news(wire: Wire) -> None:
    wire.iws.switch({"touched": {"SO-000404": 1}})
    assert _told(wire)[0] == []


def test_a_quote_that_became_an_order_was_not_cancelled() -> None:
    wire, quotes = Wire(), destination(fields={"isQuote": True})
    asyncio.run(Story(wire, order(), quotes).to_the_end())
    wire.iws.switch({"deleted": ["QU-000001"]})
    batch = asyncio.run(read_orders(quotes, {}, time.time(), wire))
    assert (batch.progress, batch.problem) == ((), None)


# ---------------------------------------------------------------- much of it


async def _many(wire: Wire, count: int) -> None:
    for number in range(count):
        await wire.post(poCode=f"OTHER-{number}")


def test_many_changes_are_worked_off_in_parts_and_none_is_lost(wire: Wire) -> None:
    asyncio.run(_many(wire, 2 * PART + 3))
    checkpoint: Mapping[str, Any] = {}
    sizes, told = list[int](), set[str]()
    while True:
        before = len(wire.calls)
        batch = asyncio.run(read_orders(destination(), json.loads(json.dumps(checkpoint)), time.time(), wire))
        sizes.append(len(wire.calls) - before)
        told |= {one.number for one in batch.progress}
        checkpoint = batch.checkpoint
        if not batch.more:
            break
    assert told == {f"OTHER-{number}" for number in range(2 * PART + 3)}
    assert max(sizes) <= PART + 6  # the headers, the invoices of the one customer, and the pages of the window


def test_the_invoices_of_a_customer_with_all_orders_are_read_no_further_back_than_the_order() -> None:
    wire = Wire({"clock": "2026-01-05T10:00:00Z"})
    asyncio.run(_many(wire, 3 * PAGE))
    wire.iws.switch({"invoiced": {f"SO-{number:06}": f"INV-{number:06}" for number in range(1, 3 * PAGE + 1)}})
    wire.iws.switch({"clock": None})
    code = _delivered(wire)
    wire.iws.switch({"touched": {code: 1}})
    before = len(wire.calls)
    [told] = _read(read_orders, wire).progress
    assert (told.reference, told.state) == (code, "")
    assert [call.path for call in wire.calls[before:]].count("customer/invoice") == 1


def test_a_window_with_more_rows_than_a_look_up_may_read_is_read_to_its_end(wire: Wire) -> None:
    code = _delivered(wire)
    first = _read(read_orders, wire)
    wire.iws.switch({"touched": {code: 5_000}})
    wire.iws.switch({"completed": [code]})
    assert _told(wire, first.checkpoint, later=60)[0] == ["completed"]


def test_what_is_remembered_of_the_changelog_is_only_what_the_next_window_may_have(wire: Wire) -> None:
    _delivered(wire)
    first = _read(read_orders, wire)
    assert first.checkpoint["seen"]
    second = _read(read_orders, wire, first.checkpoint, later=5 * 3600)
    third = _read(read_orders, wire, second.checkpoint, later=10 * 3600)
    assert third.checkpoint["seen"] == []
    assert (second.progress, third.progress) == ((), ())


def test_the_listing_of_the_items_goes_page_by_page_and_on_where_it_stopped(wire: Wire) -> None:
    wire.iws.switch({"stock": {f"ITEM-{number}": number for number in range(2 * PART + 1)}})
    first = asyncio.run(read_stock(destination(), {}, time.time(), wire))
    assert (len(first.stock), first.more) == (PART, True)
    assert len(wire.calls) == PART + 1
    rest = _read(read_stock, wire, json.loads(json.dumps(first.checkpoint)))
    figures = {one.code: one.quantity for one in (*first.stock, *rest.stock)}
    assert figures == {f"ITEM-{number}": Decimal(number) for number in range(2 * PART + 1)}


# ---------------------------------------------------------------- a server that has its ways


def test_a_quiet_night_at_a_server_whose_404_says_nothing_does_not_stop_the_feed() -> None:
    wire = Wire()
    _delivered(wire)
    first = _read(read_orders, wire)
    wire.iws.switch({"empty_404": "empty-body"})
    later = _read(read_orders, wire, first.checkpoint, later=5 * 3600)
    assert later.problem is None
    assert later.checkpoint["since"] > first.checkpoint["since"]


def test_a_404_that_says_nothing_is_a_problem_where_no_change_was_ever_read() -> None:
    batch = _read(read_orders, Wire({"empty_404": "empty-body"}))
    assert batch.problem is not None
    assert batch.problem.code == "404"


class Broken(Wire):
    """One sales order cannot be read, whoever asks."""

    status = 500

    async def carry_out(self, call: Call) -> Reply:
        if call.path == "salesorder/SO-000001":
            return Reply(call, self.status, text='{"errors":[{"status":"500","title":"Server execution failed."}]}')
        return await super().carry_out(call)


@pytest.mark.parametrize(("status", "readings"), [(400, 1), (500, 4)])
def test_an_order_that_cannot_be_read_keeps_no_others_news_back_for_ever(status: int, readings: int) -> None:
    wire = Broken()
    wire.status = status
    asyncio.run(_many(wire, 2))
    checkpoint: Mapping[str, Any] = {}
    for _ in range(readings):
        batch = _read(read_orders, wire, checkpoint)
        checkpoint = batch.checkpoint
    assert batch.problem is None
    assert [one.reference for one in batch.progress] == ["SO-000002"]


def test_an_unavailable_server_passes_nothing_over() -> None:
    wire = Broken()
    wire.status = 503
    asyncio.run(_many(wire, 2))
    checkpoint: Mapping[str, Any] = {}
    for _ in range(6):
        batch = _read(read_orders, wire, checkpoint)
        checkpoint = batch.checkpoint
        assert batch.problem is not None
    wire.status = 200
    assert "SO-000001" in batch.checkpoint["pending"]


@pytest.mark.parametrize("at", ["2026-10-25T00:50:00Z", "2026-10-25T01:10:00Z"], ids=["before", "after"])
def test_what_changes_in_the_hour_that_is_repeated_in_autumn_is_told_once(at: str) -> None:
    changed = datetime.fromisoformat(at)
    wire = Wire({"clock": at})
    code = _delivered(wire)
    wire.iws.switch({"completed": [code]})
    checkpoint: Mapping[str, Any] = {}
    told = []
    for minutes in range(-60, 240, 5):
        wire.iws.switch({"clock": (changed + timedelta(minutes=minutes)).isoformat()})
        now = (changed + timedelta(minutes=minutes)).timestamp()
        batch = asyncio.run(read_orders(destination(), checkpoint, now, wire))
        checkpoint = batch.checkpoint
        assert batch.problem is None
        told += [one.text for one in batch.progress]
    assert told == ["completed"]
