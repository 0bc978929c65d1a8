"""What Esuite has in stock: read page by page from the stand-in, and what plans, pages and routes make of it."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from sandbox.esuite import Esuite
from sandbox.esuite.stock import ARTICLES
from sandbox.journal import Journal
from schemas.esuite.stock import read_articles
from schemas.http import Call, Fault, Reply
from schemas.order import Order
from schemas.routing import NoRoute, route
from tasks.esuite.feeds import FEEDS, PAGE, read_stock
from tests import wire
from tests.commands import Cli
from tests.config_file import ENV, GOOD, found, write
from tests.esuite_fake import destination
from tests.house import parts_order
from tests.ledgers import World, webhook
from worker.config import load
from worker.feeds import Batch, Checkpoint, Stock
from worker.ledger import feeds, views
from worker.ledger.stock import catalogue
from worker.outcomes import Retry, Suspend
from worker.web.remarks import remarks

PLACE = destination()
NOW = time.time()
HOURS = 3600.0


class Wire(wire.Wire):
    """The stand-in as a feed sees it."""

    def __init__(self, settings: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.esuite = Esuite(Journal(None), settings=settings)

    async def handle(self, call: Call) -> Reply:
        path = f"/api/{call.path}" if call.path.startswith("stock/") else f"/api/v2/{call.path}"
        return await wire.ask(self.esuite, call, path, headers={"authorization": "Bearer sandbox-esuite"})

    @property
    def queries(self) -> list[dict[str, str]]:
        """Those that it got."""
        return [dict(call.params) for call in self.calls]

    def get(self, path: str = "stock", **params: str) -> Reply:
        return asyncio.run(self.handle(Call("GET", path, params=tuple(params.items()))))

    def codes(self, **params: str) -> list[str]:
        reply = self.get(**params)
        return [] if reply.status == 204 else [row["StockCode"] for row in _rows(reply)]

    def sell(self, code: str, quantity: int) -> None:
        head = {"BatchType": "SAR", "TransType": "SOR", "TransLedger": "S", "AccountRef": "CASH01"}
        body = {"T_Trans": head, "T_TrnDet": [{"StockCode": code, "LineQty": quantity, "LineUnitPrice": "1"}]}
        assert asyncio.run(self.handle(Call("POST", "trans", body=body))).status == 200


@dataclass
class Says:
    """Gives these answers one after the other, the last one for ever."""

    replies: Sequence[tuple[int, str] | Fault]

    def __post_init__(self) -> None:
        self.calls: list[Call] = []

    async def send(self, call: Call) -> Reply:
        self.calls.append(call)
        told = self.replies[min(len(self.calls), len(self.replies)) - 1]
        return Reply(call=call, fault=told) if isinstance(told, str) else Reply(call=call, status=told[0], text=told[1])


def _rows(reply: Reply) -> list[dict[str, Any]]:
    body = reply.json()
    assert isinstance(body, dict)
    return list(body["Stk"])


def _read(http: Any, checkpoint: Checkpoint | None = None, *, now: float = NOW) -> Batch:
    return asyncio.run(read_stock(PLACE, checkpoint or {}, now, http))


def _all(http: Any, checkpoint: Checkpoint | None = None, *, now: float = NOW) -> list[Batch]:
    """Readings until there is no more, each with its checkpoint through JSON, as the ledger keeps it."""
    batches = [_read(http, checkpoint, now=now)]
    while batches[-1].more:
        batches.append(_read(http, json.loads(json.dumps(batches[-1].checkpoint)), now=now + len(batches)))
        assert len(batches) < 20
    return batches


def _told(batches: Sequence[Batch]) -> dict[str, Decimal | None]:
    return {one.code: one.quantity for batch in batches for one in batch.stock}


# ------------------------------------------------------------------ what a row says

ROW = {"StockCode": "A", "StockDesc": "Item A"}
ROWS = [
    pytest.param({"StockQty": 129, "StockSalesOrderQty": 39, "StockOnHandQty": 90}, Decimal(90), id="bare numbers"),
    pytest.param({"StockOnHandQty": "129"}, Decimal(129), id="text, as V1 has it"),
    pytest.param({"StockOnHandQty": 2.5}, Decimal("2.5"), id="a fraction"),
    pytest.param({"StockOnHandQty": -4}, Decimal(-4), id="more sold than there is"),
    pytest.param({"StockQty": "10", "StockSalesOrderQty": "3"}, Decimal(7), id="no figure on hand"),
    pytest.param({"StockQty": 10}, Decimal(10), id="nothing on sales orders"),
    pytest.param({"StockOnHandQty": ""}, None, id="empty"),
    pytest.param({}, None, id="no figure at all"),
    pytest.param({"StockOnHandQty": 5, "LineType": "S"}, Decimal(5), id="stock"),
    pytest.param({"StockOnHandQty": 5, "LineType": "G"}, Decimal(5), id="gift card"),
    pytest.param({"StockOnHandQty": 0, "LineType": "F"}, None, id="freight"),
    pytest.param({"StockOnHandQty": 0, "LineType": "D"}, None, id="description"),
    pytest.param({"StockOnHandQty": 0, "LineType": "H"}, None, id="header"),
]


@pytest.mark.parametrize(("row", "figure"), ROWS)
def test_a_row_tells_what_sales_orders_have_left(row: dict[str, Any], figure: Decimal | None) -> None:
    told = read_articles({"Stk": [{**ROW, **row}]})
    assert told is not None
    assert [(one.code, one.name, one.free) for one in told] == [("A", "Item A", figure)]


BODIES = [
    pytest.param({"Stk": [{"StockCode": " A "}]}, ["A"], id="Stk"),
    pytest.param({"Stock": [{"StockCode": "A"}]}, ["A"], id="Stock, as V1 has it"),
    pytest.param({"Stk": {"StockCode": "A"}}, ["A"], id="one object"),
    pytest.param({"Stk": []}, [], id="none"),
    pytest.param({"Stk": [{"StockCode": 35310}, None, "B"]}, ["35310"], id="a bare code, and odd entries"),
    pytest.param({"Stk": None}, None, id="null"),
    pytest.param({"Trans": []}, None, id="something else"),
    pytest.param([{"StockCode": "A"}], None, id="no object"),
    pytest.param(None, None, id="no JSON"),
]


@pytest.mark.parametrize(("body", "codes"), BODIES)
def test_a_reply_is_a_list_of_articles_or_unreadable(body: Any, codes: list[str] | None) -> None:
    told = read_articles(body)
    assert (told if told is None else [one.code for one in told]) == codes


@pytest.mark.parametrize("flag", ["True", "true", "1", True, 1])
def test_discontinued_articles_are_left_out_though_a_site_shows_them(flag: object) -> None:
    rows = [{"StockCode": "OLD", "Discontinued": flag}, {"StockCode": "NEW", "Discontinued": "False"}, {"StockNo": 7}]
    batch = _read(Says([(200, json.dumps({"Stk": rows}))]))
    assert [one.code for one in batch.stock] == ["NEW"]


# ------------------------------------------------------------------ all of it


def _many(count: int) -> dict[str, int]:
    return {f"ITEM-{number:04}": number for number in range(count)}


def test_all_articles_are_read_page_by_page_until_204() -> None:
    wire = Wire({"stock": (), "levels": _many(2 * PAGE + 1), "unknown_stock": ()})
    wire.esuite.switch({"stock": list(_many(2 * PAGE + 1))})
    batches = _all(wire)
    assert [len(batch.stock) for batch in batches] == [PAGE, PAGE, 1, 0]
    assert _told(batches)["ITEM-0007"] == 7
    assert wire.queries == [{"PageNo": str(page), "PageSize": str(PAGE)} for page in (1, 2, 3, 4)]
    assert [batch.whole for batch in batches[:-1]] == [frozenset()] * 3
    assert (batches[-1].whole, batches[-1].since) == (frozenset({"stock"}), NOW)


def test_an_article_is_told_with_its_name_and_what_orders_have_left() -> None:
    wire = Wire()
    wire.sell("TEA-EARL", 7)
    told = {one.code: one for batch in _all(wire) for one in batch.stock}
    assert told["TEA-EARL"] == Stock(code="TEA-EARL", quantity=Decimal(253), name="Earl Grey, 100 g")
    assert told["FREIGHT"].quantity is None
    assert told.keys().isdisjoint({"LAMP-OIL", "TEA"}), "discontinued, and a header"


def _page(*codes: str) -> tuple[int, str]:
    return 200, json.dumps({"Stk": [{"StockCode": code} for code in codes]})


FULL = _page(*_many(PAGE))
ENDS = [
    pytest.param([_page("A"), (204, "")], 2, id="204"),
    pytest.param([_page("A"), (200, '{"Stk": []}')], 2, id="an empty list"),
    pytest.param([_page("A", "B")], 2, id="all of it again: paging is ignored"),
    pytest.param([_page(*_many(PAGE + 1))], 2, id="more than a page, again and again"),
    pytest.param([_page("A"), _page("B"), (204, "")], 3, id="pages of the site's own size"),
]


@pytest.mark.parametrize(("replies", "calls"), ENDS)
def test_a_list_ends_where_nothing_new_comes(replies: list[tuple[int, str]], calls: int) -> None:
    http = Says(replies)
    last = _all(http)[-1]
    assert (len(http.calls), last.problem, set(last.whole)) == (calls, None, {"stock"})


def test_a_site_that_cuts_pages_and_shows_the_first_one_for_ever_is_no_whole_reading() -> None:
    last = _all(Wire({"stock": tuple(_many(PAGE + 1)), "stock_pages": "ignore"}))[-1]
    assert isinstance(last.problem, Retry)
    assert "PageNo" in last.problem.reason
    assert last.whole == frozenset()
    assert last.checkpoint == {}, "it begins anew"


TROUBLES: list[Any] = [
    pytest.param("connect", Retry, "connect", id="not reached"),
    pytest.param("timeout", Retry, "timeout", id="time-out"),
    pytest.param((204, ""), Retry, "no_stock", id="nothing at all"),
    pytest.param((400, '{"StatusCode": "400", "Description": "QtyModified"}'), Retry, "refused", id="400"),
    pytest.param((403, '{"StatusCode": "403", "Description": "Not Authorized"}'), Suspend, "not_authorized", id="403"),
    pytest.param((404, ""), Suspend, "wrong_url", id="404"),
    pytest.param((406, '{"Description": "Missing Parameters - Too much data"}'), Retry, "bad_query", id="406"),
    pytest.param((500, ""), Retry, "500", id="500"),
    pytest.param((502, "<html>"), Retry, "502", id="HTML 502"),
    pytest.param((200, "<html>"), Retry, "unreadable", id="HTML 200"),
    pytest.param((200, '{"Trans": []}'), Retry, "unreadable", id="something else"),
]


@pytest.mark.parametrize(("reply", "kind", "code"), TROUBLES)
def test_what_cannot_be_read_is_told_and_nothing_is_forgotten(reply: Any, kind: type, code: str) -> None:
    batch = _read(Says([reply]))
    assert isinstance(batch.problem, kind)
    assert batch.problem.code == code  # type: ignore[union-attr]
    assert (batch.stock, batch.whole, batch.more) == ((), frozenset(), False)


def test_a_refused_question_is_not_repeated_before_its_time() -> None:
    batch = _read(Wire({"stock_pages": "refuse"}))
    assert isinstance(batch.problem, Retry)
    assert "Too much data" in batch.problem.reason
    assert batch.problem.after == PLACE.stock_minutes * 60


def test_a_page_that_failed_is_asked_for_again() -> None:
    first = _read(Says([FULL]))
    failed = _read(Says([(500, "")]), first.checkpoint)
    again = Says([(204, "")])
    last = _read(again, failed.checkpoint, now=NOW + 60)
    assert dict(again.calls[0].params)["PageNo"] == "2"
    assert (set(last.whole), last.since) == ({"stock"}, NOW)


# ------------------------------------------------------------------ what changed since


def test_between_two_whole_readings_only_changes_and_new_articles_are_read() -> None:
    wire = Wire()
    whole = _all(wire)[-1].checkpoint
    wire.sell("TEA-EARL", 10)
    wire.sell("LATER-1", 1)
    wire.calls.clear()
    batches = _all(wire, whole, now=NOW + 5 * HOURS)
    assert _told(batches) == {"TEA-EARL": 250, "LATER-1": 99}
    asked = [sorted(query.keys() - {"PageNo", "PageSize"}) for query in wire.queries]
    assert asked == [["QtyModified"], ["QtyModified"], ["InfoCreated"], ["InfoCreated"]]
    assert all("PageSize" in query for query in wire.queries)
    day = time.strftime("%Y-%m-%d", time.gmtime(NOW - 24 * HOURS))
    assert {query.get("QtyModified", query.get("InfoCreated")) for query in wire.queries} == {day}
    assert [batch.whole for batch in batches] == [frozenset()] * len(batches), "a list of changes forgets nothing"


def test_nothing_changed_is_no_problem() -> None:
    wire = Wire()
    whole = _all(wire)[-1].checkpoint
    wire.calls.clear()
    [changed, new] = _all(wire, whole, now=NOW + HOURS)
    assert (changed.problem, new.problem, new.stock) == (None, None, ())
    assert len(wire.queries) == 2
    assert new.checkpoint["whole_at"] == NOW


def test_all_is_read_again_after_six_hours_and_what_is_gone_is_seen() -> None:
    wire = Wire()
    checkpoint = _all(wire)[-1].checkpoint
    wire.esuite.switch({"discontinued": ["MUG-BLUE"]})
    assert "stock" not in _all(wire, checkpoint, now=NOW + 5 * HOURS)[-1].whole
    later = _all(wire, checkpoint, now=NOW + 6 * HOURS)
    assert later[-1].whole == {"stock"}
    assert "MUG-BLUE" not in _told(later)


def test_a_site_that_ignores_the_filters_is_read_to_its_end_all_the_same() -> None:
    wire = Wire({"stock_filter": "ignore"})
    batches = _all(wire, _all(wire)[-1].checkpoint, now=NOW + HOURS)
    assert batches[-1].problem is None
    assert "TEA-EARL" in _told(batches)


def test_stock_minutes_is_how_often_stock_is_read_and_zero_is_never() -> None:
    [feed] = FEEDS
    assert (feed.name, feed.every_s(PLACE), PLACE.tells_stock) == ("stock", 1800, True)
    off = destination(stock_minutes=0)
    assert (feed.every_s(off), off.tells_stock) == (0, False)


# ------------------------------------------------------------------ the stand-in


def test_the_stand_in_lists_articles_with_numbers_bare_and_the_rest_as_text() -> None:
    [row] = _rows(Wire().get(StockCode="TEA-EARL"))
    assert (row["StockQty"], row["StockOnHandQty"], row["StockSalesOrderQty"]) == (260, 260, 0)
    assert (row["Discontinued"], row["RecRetailPrice"], row["LineType"]) == ("False", "9.95", "S")
    assert (row["StockCreated"], row["StockQtyModified"]) == ("03/11/2025", "03/11/2025 09:15:00 AM")


def test_the_stand_in_leaves_out_headers_and_discontinued_articles_unless_asked() -> None:
    wire = Wire()
    every = {one.code for one in ARTICLES}
    assert set(wire.codes(Limit="500")) == every - {"TEA", "LAMP-OIL"}
    assert set(wire.codes(Limit="500", InclHeaders="1", InclDiscontinued="True")) == every
    assert wire.codes(StockCode="LAMP-OIL") == []


def test_the_stand_in_pages_from_one_and_answers_204_behind_the_end() -> None:
    wire = Wire()
    first, second = wire.codes(PageNo="1", PageSize="4"), wire.codes(PageNo="2", PageSize="4")
    assert (len(first), len(second), set(first) & set(second)) == (4, 4, set())
    reply = wire.get(PageNo="99", PageSize="4")
    assert (reply.status, reply.text) == (204, "")
    assert wire.get().status == 406


def test_the_stand_in_shows_a_single_key_in_v1_with_all_values_as_text() -> None:
    body = Wire().get("stock/TEA-EARL").json()
    assert isinstance(body, dict)
    assert [(row["StockCode"], row["StockOnHandQty"]) for row in body["Stock"]] == [("TEA-EARL", "260")]


def test_a_counted_level_and_a_deleted_order_change_what_the_stand_in_has() -> None:
    wire = Wire({"levels": {"TEA-EARL": 5, "OWN": 2}})
    wire.sell("TEA-EARL", 2)
    wire.sell("BOOK-KNOTS", 3)
    assert [(row["StockCode"], row["StockOnHandQty"]) for row in _rows(wire.get(StockCode="TEA-EARL,OWN"))] == [
        ("TEA-EARL", 3),
        ("OWN", 2),
    ]
    body = {"T_Trans": {"CompanyNo": 36015, "TransNo": 1464547, "BatchType": "SAR"}}
    assert asyncio.run(wire.handle(Call("DELETE", "trans", body=body))).status == 200
    assert _rows(wire.get(StockCode="TEA-EARL"))[0]["StockOnHandQty"] == 5
    assert set(wire.codes(QtyModified="2026-01-01", Limit="50")) == {"TEA-EARL", "OWN", "BOOK-KNOTS"}
    assert wire.codes(InfoCreated="2026-01-01", Limit="50") == ["OWN"]


# ------------------------------------------------------------------ what it is good for

TO_BOOKS = """
[[routes]]
name = "now"
when = { tag = ["now"], in_stock = true }
deliver = ["books"]

[[routes]]
name = "rest"
deliver = ["books"]
"""
SKUS = 'shipping_sku = "FREIGHT"\nskus = { "OUR-EARL" = "TEA-EARL" }\n'
PAID = '[destinations.books.payments]\n"*" = { PaymentType = "WEB" }\n\n[destinations.wms]'
PLACES = GOOD[: GOOD.index("\n[[routes]]")].replace("[destinations.wms]", PAID)
TEXT = PLACES.replace('shipping_sku = "FREIGHT"\n', SKUS) + TO_BOOKS


@pytest.fixture
def crossdock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    cli = Cli(monkeypatch, tmp_path)
    path = write(tmp_path, TEXT)
    cli.set(**ENV, CROSSDOCK_CONFIG=str(path), CROSSDOCK_HOME=str(tmp_path / "home"))
    return cli


@pytest.fixture
def world(crossdock: Cli, tmp_path: Path) -> Iterator[World]:
    """A ledger at the place where the command line looks."""
    (tmp_path / "home").mkdir()
    with World(f"sqlite:///{tmp_path}/home/crossdock.db") as world:
        world.configure(load(tmp_path / "crossdock.toml", {**os.environ}))
        yield world


def _copy(world: World, wire: Wire) -> None:
    """The feed, as far as it goes, each page saved as :mod:`tasks.feeds` saves it."""
    more = True
    while more:
        turn = world.ledger.write(lambda c: feeds.take(c, "books", "stock", lease_s=60, now=world.now))
        assert turn is not None
        batch = asyncio.run(read_stock(PLACE, turn.checkpoint, world.now, wire))
        assert batch.problem is None
        assert world.ledger.write(_saving(turn, batch, world.now))
        more = batch.more
    world.now += 1800


def _saving(turn: feeds.Turn, batch: Batch, now: float) -> Callable[[Any], bool]:
    return lambda c: feeds.save(c, turn, batch, every_s=1800, now=now)


def _lines(*wanted: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"id": str(number), "sku": sku, "quantity": quantity, "total_incl": "1.00", "tax": "0.10"}
        for number, (sku, quantity) in enumerate(wanted, start=1)
    ]


def _planned(crossdock: Cli, folder: Path, *wanted: tuple[str, str], **changes: Any) -> dict[str, Any]:
    path = folder / "order.json"
    path.write_bytes(parts_order("1001", lines=_lines(*wanted), **changes).body)
    told: dict[str, Any] = crossdock.json("plan", str(path), "--shop", "b2b")
    return told


def test_a_plan_names_unknown_and_short_codes_before_a_delivery_fails(
    crossdock: Cli, world: World, tmp_path: Path
) -> None:
    assert _planned(crossdock, tmp_path, ("NEVER", "1"))["deliveries"][0]["remarks"] == [], "nobody can say yet"
    _copy(world, Wire())
    [step] = _planned(crossdock, tmp_path, ("OUR-EARL", "261"), ("NEVER", "1"), ("LAMP-OIL", "1"))["deliveries"]
    assert step["remarks"] == [
        "books has 260 of 261 TEA-EARL (our OUR-EARL)",
        "books does not know NEVER",
        "books does not know LAMP-OIL",
    ]
    assert step["requests"], "a remark is no refusal"
    [step] = _planned(crossdock, tmp_path, ("OUR-EARL", "260"))["deliveries"]
    assert step["remarks"] == [], "FREIGHT, the code of the shipping charge, is known too"


def test_the_page_of_an_order_names_unknown_codes_while_it_has_still_to_go(world: World) -> None:
    _copy(world, Wire())
    world.take(webhook("1001", lines=_lines(("NEVER", "1"))), shop="b2b")
    with world.ledger.read() as connection:
        item = views.order(connection, views.find(connection, "1001")[0])
        assert item is not None
        assert remarks(connection, item, config=world.config) == {"books": ("books does not know NEVER",)}


def test_a_route_for_stock_takes_what_esuite_has(crossdock: Cli, world: World, tmp_path: Path) -> None:
    wire = Wire()

    def chosen(*wanted: tuple[str, str]) -> str:
        return str(_planned(crossdock, tmp_path, *wanted, tags=["now"])["route"])

    assert chosen(("OUR-EARL", "1")) == "rest", "nothing is told yet"
    _copy(world, wire)
    assert chosen(("OUR-EARL", "260")) == "now"
    assert chosen(("OUR-EARL", "261")) == "rest"
    assert chosen(("LATER-1", "1")) == "rest"
    wire.esuite.switch({"levels": {"LATER-1": 1}})
    _copy(world, wire)
    assert chosen(("LATER-1", "1")) == "now", "a new article is read with the changes"


def test_an_order_without_another_route_waits_for_stock_with_the_reason(world: World) -> None:
    _copy(world, Wire())
    alone = world.config.model_copy(update={"routes": world.config.routes[:1]})
    order = Order.model_validate(json.loads(parts_order("1", lines=_lines(("NEVER", "1")), tags=["now"]).body)["data"])
    with world.ledger.read() as connection:
        told = catalogue(connection, order, world.config.destinations.values())
    chosen = route(order, shop="b2b", config=alone, stock=told)
    assert isinstance(chosen, NoRoute)
    assert "books does not know NEVER" in chosen.reason


def test_check_takes_a_route_for_stock_to_esuite_unless_its_stock_is_never_read(tmp_path: Path) -> None:
    def errors(text: str) -> list[str]:
        return [one.message for one in found(tmp_path, text) if one.severity == "error"]

    assert errors(TEXT) == []
    off = TEXT.replace(SKUS, SKUS + "stock_minutes = 0\n")
    assert errors(off) == ["can never match: no destination of this route is asked for its stock"]
    [wrong] = errors(TEXT.replace(SKUS, SKUS + "stock_minutes = -1\n"))
    assert "must be at least 0" in wrong
