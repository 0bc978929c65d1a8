"""What becomes of sales orders in IWS, and its stock, by the changelog (contracts/iws.md sections 6.6, 8 and 9)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from tasks.iws.feeds import read_orders, read_stock
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


def test_an_open_order_is_no_news(wire: Wire) -> None:
    _delivered(wire)
    assert _read(read_orders, wire).progress == ()


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
    assert len(wire.calls) - calls == 2  # the two lists of changes, and no header
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
    assert len(wire.calls) - calls == 4 * 2
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
