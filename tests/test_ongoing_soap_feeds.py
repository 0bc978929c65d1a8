"""What the warehouse tells over SOAP: orders by when they were updated, and stock; by the stand-in and by replies."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandbox.ongoing.orders import stamp
from schemas.http import Call, Reply
from schemas.ongoing_soap_reply import MAX_CHARS, opened
from tasks.ongoing import SYSTEM
from tasks.ongoing.soap_feeds import ARTICLES, LONGEST, OVERLAP, SHORTEST, read_statuses, read_stock
from tests.ongoing_soap_wire import (
    BROKEN,
    LOGIN,
    NOTHING,
    STATUSES,
    UNREADABLE,
    Script,
    Story,
    Wire,
    answer_of,
    destination,
    fault,
    operation,
    tell,
)
from worker.feeds import Batch, Checkpoint, Stock
from worker.outcomes import Delivered, Retry, Suspend

PLACE = destination()
EMPTY = answer_of("GetInventoryByQuery", "<InventoryLines />")
NO_STATUSES = answer_of("GetOrderStatuses", "<OrderStatuses />")


def _now() -> float:
    return datetime.now(UTC).timestamp()


def _read(feed: Any, http: Any, checkpoint: Checkpoint | None = None, *, now: float | None = None) -> Batch:
    kept = json.loads(json.dumps(dict(checkpoint or {})))
    batch: Batch = asyncio.run(feed(PLACE, kept, now or _now(), http))
    return batch


def _all(feed: Any, http: Any, checkpoint: Checkpoint | None = None, *, now: float | None = None) -> list[Batch]:
    """Readings until there is no more."""
    batches = [_read(feed, http, checkpoint, now=now)]
    while batches[-1].more:
        batches.append(_read(feed, http, batches[-1].checkpoint, now=now))
        assert len(batches) < 200
    return batches


def _told(batches: Sequence[Batch]) -> list[tuple[str, str, dict[str, str]]]:
    return [(one.number, one.text, dict(one.tracking)) for batch in batches for one in batch.progress]


def _delivered(wire: Wire) -> int:
    outcome = tell(Story(wire))
    assert isinstance(outcome, Delivered)
    return int(outcome.reference or 0)


def _set(wire: Wire, order_id: int, status: int) -> None:
    wire.ongoing.commit({"op": "status", "id": order_id, "status": status, "at": stamp()})


# ------------------------------------------------------------------ statuses


def test_an_order_is_told_with_its_number_its_status_and_its_tracking() -> None:
    wire = Wire()
    order_id = _delivered(wire)
    _set(wire, order_id, 450)
    row = {"waybill": "W1", "trackingUrl": "https://t.example/W1", "isReturnTracking": False}
    wire.ongoing.commit({"op": "tracking", "id": order_id, "row": row})
    batches = _all(read_statuses, wire)
    assert _told(batches)[-1] == ("1001", "sent (status 450)", {"W1": "https://t.example/W1"})
    assert batches[-1].progress[-1].reference == str(order_id)
    assert all(batch.problem is None for batch in batches)


def test_a_status_that_went_back_is_told_too() -> None:
    wire = Wire()
    order_id = _delivered(wire)
    _set(wire, order_id, 400)
    _set(wire, order_id, 200)
    assert _told(_all(read_statuses, wire))[-1][1] == "not begun (status 200)"


def _windows(calls: Sequence[Call]) -> list[tuple[datetime, datetime | None]]:
    found = []
    for call in calls:
        if call.xml is not None and operation(call) == "GetOrdersByQuery":
            since, until = (
                call.xml.partition(f"<{name}>")[2].partition("<")[0] for name in ("LastUpdatedFrom", "LastUpdatedTo")
            )
            found.append((datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None))
    return found


def test_the_first_reading_goes_a_day_back_in_windows_without_gaps() -> None:
    wire, now = Wire(), _now()
    _all(read_statuses, wire, now=now)
    windows = _windows(wire.calls)
    here = datetime.fromtimestamp(now, UTC)
    assert abs(windows[0][0] - (here - timedelta(days=1))) < timedelta(seconds=1)
    assert windows[-1][1] is None, "the last one has no end"
    assert [until for _, until in windows[:-1]] == [since for since, _ in windows[1:]]


def test_the_next_reading_begins_where_the_overlap_says_and_is_one_call() -> None:
    wire, now = Wire(), _now()
    _set(wire, _delivered(wire), 400)
    checkpoint = _all(read_statuses, wire, now=now)[-1].checkpoint
    wire.calls.clear()
    [batch] = _all(read_statuses, wire, checkpoint, now=now + 300)
    [(since, until)] = _windows(wire.calls)
    assert until is None
    assert abs(since - (datetime.fromtimestamp(now, UTC) - OVERLAP)) < timedelta(seconds=1)
    assert [one.text for one in batch.progress] == ["picked (status 400)"]


@pytest.mark.parametrize("hours", [-2, -1, 0, 1, 2])
def test_nothing_is_missed_whatever_zone_the_server_reads_times_in(hours: int) -> None:
    wire = Wire(settings={"soap_clock_h": hours})
    order_id = _delivered(wire)
    checkpoint = _all(read_statuses, wire)[-1].checkpoint
    _set(wire, order_id, 500)
    told = _told(_all(read_statuses, wire, checkpoint, now=_now() + 300))
    assert ("1001", "collected (status 500)", {}) in told


def test_an_empty_answer_is_believed_only_where_the_login_is_right() -> None:
    wire = Wire()
    [*_, last] = _all(read_statuses, wire)
    assert last.problem is None
    assert {operation(call) for call in wire.calls} == {"GetOrdersByQuery", "GetOrderStatuses"}
    wrong = Wire(settings={"soap_login": "refuse", "goods_owner_code": "OTHER"})
    batch = _read(read_statuses, wrong)
    assert isinstance(batch.problem, Suspend)
    assert (batch.problem.code, batch.more) == ("unauthorized", False)


TROUBLES: list[Any] = [
    pytest.param(["connect"], Retry, "connect", id="not reached"),
    pytest.param(["lost"], Retry, "lost", id="connection lost"),
    pytest.param([(500, BROKEN), (200, STATUSES)], Retry, "500", id="a fault of the server"),
    pytest.param([(500, BROKEN), (500, fault("Access denied."))], Suspend, "unauthorized", id="a fault of the login"),
    pytest.param([(500, UNREADABLE), (200, STATUSES)], Retry, "unreadable", id="our envelope is not read"),
    pytest.param([(401, "")], Suspend, "unauthorized", id="401"),
    pytest.param([(404, "")], Suspend, "wrong_url", id="404"),
    pytest.param([(502, "<html>")], Retry, "502", id="HTML 502"),
    pytest.param([(200, "<html>"), (200, "<html>")], Suspend, "not_ongoing", id="HTML 200"),
    pytest.param([(200, STATUSES), (200, STATUSES)], Retry, "unreadable", id="another answer"),
    pytest.param([(200, NO_STATUSES), (200, NO_STATUSES)], Suspend, "unauthorized", id="no statuses"),
]


@pytest.mark.parametrize("feed", [read_statuses, read_stock])
@pytest.mark.parametrize(("replies", "kind", "code"), TROUBLES)
def test_what_cannot_be_read_is_told_and_nothing_is_forgotten(
    feed: Any, replies: list[Any], kind: type, code: str
) -> None:
    before = {"since": "2026-11-20T10:00:00+00:00", "next": 7, "begun": 5.0}
    batch = _read(feed, Script(*replies), before)
    assert isinstance(batch.problem, kind)
    assert batch.problem.code == code  # type: ignore[union-attr]
    assert (batch.checkpoint, batch.more, batch.whole) == (before, False, frozenset())


# ------------------------------------------------------------------ more than an answer holds


class Crowded:
    """Answers too much for every window that is longer than ``most``, and nothing for the others."""

    def __init__(self, most: timedelta, now: float) -> None:
        self._most, self._now = most, datetime.fromtimestamp(now, UTC)
        self.refused, self.read = 0, list[tuple[datetime, datetime]]()

    async def send(self, call: Call) -> Reply:
        if operation(call) == "GetOrderStatuses":
            return Reply(call=call, status=200, text=STATUSES)
        [(since, until)] = _windows([call])
        if (until or self._now) - since > self._most:
            self.refused += 1
            return Reply(call=call, status=200, text="<" * (MAX_CHARS + 1))
        self.read.append((since, until or self._now))
        return Reply(call=call, status=200, text=NOTHING)


def test_a_window_that_holds_too_much_is_halved_until_it_fits_and_none_is_left_out() -> None:
    now = _now()
    http = Crowded(timedelta(hours=2), now)
    batches = _all(read_statuses, http, now=now)
    assert http.refused > 0
    assert batches[-1].problem is None
    assert http.read[0][0] < datetime.fromtimestamp(now, UTC) - timedelta(hours=23)
    assert [until for _, until in http.read[:-1]] == [since for since, _ in http.read[1:]]


def test_a_window_that_never_fits_is_a_problem_and_not_an_endless_loop() -> None:
    now = _now()
    last = _all(read_statuses, Crowded(timedelta(0), now), now=now)[-1]
    assert isinstance(last.problem, Retry)
    assert last.checkpoint["span"] == SHORTEST.total_seconds()


def test_a_time_out_is_told_and_the_next_try_asks_for_half_of_it() -> None:
    batch = _read(read_statuses, Script("timeout"))
    assert isinstance(batch.problem, Retry)
    assert (batch.more, batch.checkpoint["span"]) == (False, LONGEST.total_seconds() / 2)
    again = _read(read_statuses, Script((200, NOTHING), (200, STATUSES)), batch.checkpoint)
    assert again.checkpoint["span"] == LONGEST.total_seconds(), "and it grows again"


# ------------------------------------------------------------------ stock


def _article(wire: Wire, number: str, **more: Any) -> None:
    wire.ongoing.commit({"op": "article", "body": {"articleNumber": number, **more}})


def test_stock_is_read_by_id_until_a_page_is_empty() -> None:
    wire, now = Wire(), _now()
    for number in range(ARTICLES + 1):
        _article(wire, f"A-{number}", articleName=f"Item {number}")
    batches = _all(read_stock, wire, now=now)
    assert [len(batch.stock) for batch in batches] == [ARTICLES, 1, 0]
    assert batches[0].stock[0] == Stock(code="A-0", quantity=Decimal(1000), name="Item 0")
    assert (set(batches[-1].whole), batches[-1].since, batches[-1].checkpoint) == ({"stock"}, now, {})
    assert [operation(call) for call in wire.calls] == ["GetInventoryByQuery"] * 3 + ["GetOrderStatuses"]


@pytest.mark.parametrize("vintage", ["sellable", "2016"])
def test_what_orders_have_booked_cannot_be_sold(vintage: str) -> None:
    wire = Wire(settings={"soap_stock": vintage})
    _delivered(wire)
    booked = {line["articleNumber"]: line["numberOfItems"] for line in wire.orders()[0]["items"]}
    told = {one.code: one.quantity for batch in _all(read_stock, wire) for one in batch.stock}
    assert booked
    assert {code: told[code] for code in booked} == {code: 1000 - Decimal(str(n)) for code, n in booked.items()}


def _line(**figures: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in figures.items())
    article = "<Article><SystemId>7</SystemId><Name>Mug</Name><ArticleNumber> MUG </ArticleNumber></Article>"
    return answer_of(
        "GetInventoryByQuery", f"<InventoryLines><InventoryLine>{article}{inner}</InventoryLine></InventoryLines>"
    )


FIGURES: list[Any] = [
    pytest.param({"SellableNumberOfItems": "2.5", "NumberOfItems": "9"}, Decimal("2.5"), id="sellable"),
    pytest.param({"SellableNumberOfItems": "-3"}, Decimal(-3), id="negative"),
    pytest.param(
        {"NumberOfItemsDecimal": "9.5", "NumberOfBookedItemsDecimal": "2", "NumberOfItems": "9"},
        Decimal("7.5"),
        id="decimals",
    ),
    pytest.param({"NumberOfItems": "9", "NumberOfBookedItems": "2"}, Decimal(7), id="2016"),
    pytest.param({"NumberOfItems": "9"}, Decimal(9), id="nothing booked"),
    pytest.param({"NumberOfItems": ""}, None, id="no figure"),
    pytest.param({}, None, id="none at all"),
]


@pytest.mark.parametrize(("figures", "quantity"), FIGURES)
def test_an_article_tells_what_can_be_sold(figures: Mapping[str, str], quantity: Decimal | None) -> None:
    batch = _read(read_stock, Script((200, _line(**figures))))
    assert batch.stock == (Stock(code="MUG", quantity=quantity, name="Mug"),)
    assert (batch.more, batch.checkpoint["next"]) == (True, 8)


def test_a_server_that_does_not_heed_the_id_is_no_endless_list() -> None:
    first = _read(read_stock, Script((200, _line())))
    again = _read(read_stock, Script((200, _line())), first.checkpoint)
    assert isinstance(again.problem, Retry)
    assert "ArticleSystemIdFrom" in again.problem.reason
    assert not again.more


def test_no_article_at_all_is_believed_only_where_the_login_is_right() -> None:
    assert _read(read_stock, Script((200, EMPTY), (200, STATUSES))).whole == {"stock"}
    batch = _read(read_stock, Script((200, EMPTY), (200, NO_STATUSES)))
    assert isinstance(batch.problem, Suspend)
    assert batch.whole == frozenset()


# ------------------------------------------------------------------ the whole


def test_a_soap_destination_has_the_feeds_of_rest_over_its_own_address() -> None:
    assert {feed.name: feed.every_s(PLACE) for feed in SYSTEM.feeds} == {"statuses": 300, "stock": 1800}
    off = destination(status_minutes=0, stock_minutes=0)
    assert [feed.every_s(off) for feed in SYSTEM.feeds] == [0, 0]
    assert (PLACE.tells_stock, off.tells_stock) == (True, False)
    wire = Wire()
    _delivered(wire)
    wire.calls.clear()
    for feed in SYSTEM.feeds:
        assert _read(feed.read, wire).problem is None
    assert {call.path for call in wire.calls} == {""}
    assert all(call.xml and LOGIN["password"] not in call.xml for call in wire.calls), "put in by the client alone"


def test_the_stand_in_shows_tracking_as_the_reply_has_it() -> None:
    wire = Wire()
    order_id = _delivered(wire)
    for name, back in (("W1", False), ("R1", True)):
        row = {"waybill": name, "trackingUrl": f"https://t.example/{name}", "isReturnTracking": back}
        wire.ongoing.commit({"op": "tracking", "id": order_id, "row": row})
    wire.calls.clear()
    _all(read_statuses, wire)
    found = [opened(asyncio.run(wire.carry_out(call))).orders or [] for call in wire.calls]
    [order] = [one for orders in found for one in orders]
    assert order["tracking"] == [{"waybill": "W1", "trackingUrl": "https://t.example/W1"}]
