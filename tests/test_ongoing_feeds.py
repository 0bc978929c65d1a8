"""What the warehouse tells of its own accord: read page by page from the stand-in, and from its documented shapes."""

from __future__ import annotations

import asyncio
import base64
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from sandbox.journal import Journal
from sandbox.ongoing import Ongoing
from schemas.http import Call, Fault, Reply
from schemas.ongoing import OngoingDestination
from schemas.ongoing_status import Hint, of_order, of_webhook
from tasks.ongoing import SYSTEM, ask
from tasks.ongoing.feeds import ARTICLES, FEEDS, ORDERS, OVERLAP, read_statuses, read_stock
from tests import wire
from tests.ongoing_fake import Script, destination
from tests.ongoing_soap_wire import answer_of
from worker.feeds import Batch, Checkpoint
from worker.outcomes import Retry, Suspend

NOW = time.time()
PLACE = destination()
LOGIN = "Basic " + base64.b64encode(b"WSI-sandbox:sandbox-ongoing").decode()


class Wire(wire.Wire):
    """The stand-in as a feed sees it."""

    def __init__(self) -> None:
        super().__init__()
        self.ongoing = Ongoing(Journal(None))

    async def handle(self, call: Call) -> Reply:
        return await wire.ask(self.ongoing, call, f"/api/v1/{call.path}", headers={"authorization": LOGIN})

    @property
    def queries(self) -> list[dict[str, str]]:
        """Those that it got."""
        return [dict(call.params) for call in self.calls]

    def write(self, method: str, path: str, body: dict[str, Any]) -> Any:
        reply = asyncio.run(self.handle(Call(method, path, body=body)))
        assert reply.ok, reply.text
        return reply.json()

    def order(self, number: str, *, status: int | None = None, article: str = "MUG") -> int:
        """Place an order, and set its status; returns its orderId."""
        row = {"rowNumber": "1", "articleNumber": article, "numberOfItems": 3}
        body = {
            "goodsOwnerId": 159,
            "orderNumber": number,
            "deliveryDate": "2026-11-21",
            "consignee": {"name": "Ada"},
            "orderLines": [row],
        }
        order_id = int(self.write("PUT", "orders", body)["orderId"])
        if status is not None:
            self.write("PATCH", f"orders/{order_id}/orderStatus", {"orderStatusNumber": status})
        return order_id


def _read(feed: Any, http: Any, checkpoint: Checkpoint | None = None, *, now: float = NOW) -> Batch:
    batch: Batch = asyncio.run(feed(PLACE, checkpoint or {}, now, http))
    return batch


def _all(feed: Any, http: Any, checkpoint: Checkpoint | None = None, *, now: float = NOW) -> list[Batch]:
    """Readings until there is no more."""
    batches = [_read(feed, http, checkpoint, now=now)]
    while batches[-1].more:
        batches.append(_read(feed, http, batches[-1].checkpoint, now=now + len(batches)))
        assert len(batches) < 20
    return batches


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


# ------------------------------------------------------------------ statuses


def test_statuses_are_read_by_id_until_a_page_is_empty() -> None:
    wire = Wire()
    ids = [wire.order(f"A{number}", status=450) for number in range(2 * ORDERS + 1)]
    batches = _all(read_statuses, wire)
    assert [len(batch.progress) for batch in batches] == [ORDERS, ORDERS, 1, 0]
    assert [one.reference for batch in batches for one in batch.progress] == [str(order_id) for order_id in ids]
    assert [query.get("orderIdFrom") for query in wire.queries] == [
        None,
        str(ids[ORDERS - 1] + 1),
        str(ids[2 * ORDERS - 1] + 1),
        str(ids[-1] + 1),
    ]
    assert all(query["goodsOwnerId"] == "159" and int(query["maxOrdersToGet"]) == ORDERS for query in wire.queries)


def test_an_order_is_told_with_its_number_its_id_and_its_status() -> None:
    wire = Wire()
    order_id = wire.order("A1", status=450)
    wire.write(
        "PUT",
        f"orders/{order_id}/orderTracking",
        {"waybill": "W1", "trackingUrl": "https://t.example/W1", "isReturnTracking": False},
    )
    wire.write(
        "PUT",
        f"orders/{order_id}/orderTracking",
        {"waybill": "R1", "trackingUrl": "https://t.example/R1", "isReturnTracking": True},
    )
    wire.order("A2")
    told, open_one = _read(read_statuses, wire).progress
    assert (open_one.number, open_one.state, open_one.text) == ("A2", "", "not begun (status 200)")
    assert (told.number, told.reference, told.state) == ("A1", str(order_id), "sent")
    assert told.text == "sent (status 450)"
    assert told.tracking == {"W1": "https://t.example/W1"}


def test_the_first_reading_looks_a_day_back_and_the_next_one_from_the_begin_of_the_last_with_an_overlap() -> None:
    wire = Wire()
    wire.order("A1", status=400)
    batches = _all(read_statuses, wire)
    assert {query["orderStatusChangedTimeFrom"] for query in wire.queries} == {
        _iso(NOW - 86_400).replace("+00:00", "Z")
    }, "every page asks for the same time"
    done = batches[-1].checkpoint
    assert done == {"since": _iso(NOW - OVERLAP.total_seconds())}, "from when the first page was read, not the last"
    wire.calls.clear()
    _all(read_statuses, wire, done, now=NOW + 300)
    assert wire.queries[0]["orderStatusChangedTimeFrom"] == str(done["since"]).replace("+00:00", "Z")
    assert "orderIdFrom" not in wire.queries[0]


def test_a_reading_that_was_broken_off_goes_on_at_its_page_and_keeps_its_times() -> None:
    wire = Wire()
    ids = [wire.order(f"A{number}", status=450) for number in range(ORDERS + 1)]
    begun = _read(read_statuses, wire)
    later = _all(read_statuses, wire, begun.checkpoint, now=NOW + 7200)
    assert [one.reference for one in later[0].progress] == [str(ids[-1])]
    assert later[-1].checkpoint == {"since": _iso(NOW - OVERLAP.total_seconds())}


def test_what_changed_within_the_overlap_is_read_again() -> None:
    wire = Wire()
    wire.order("A1", status=400)
    done = _all(read_statuses, wire)[-1].checkpoint
    assert len(_all(read_statuses, wire, done)[0].progress) == 1


# ------------------------------------------------------------------ stock


def test_articles_are_read_by_id_until_a_page_is_empty_and_then_they_are_whole() -> None:
    wire = Wire()
    for number in range(ARTICLES + 1):
        wire.write("PUT", "articles", {"goodsOwnerId": 159, "articleNumber": f"A{number}", "articleName": "Thing"})
    wire.order("X1", article="A0")
    batches = _all(read_stock, wire)
    assert [len(batch.stock) for batch in batches] == [ARTICLES, 1, 0]
    assert [batch.whole for batch in batches] == [frozenset(), frozenset(), frozenset({"stock"})]
    assert (batches[-1].since, batches[-1].checkpoint) == (NOW, {})
    first = batches[0].stock[0]
    assert (first.code, first.name, first.quantity) == ("A0", "Thing", Decimal(997)), (
        "what can be sold, not what is there"
    )


def test_an_article_without_a_figure_is_known_all_the_same() -> None:
    entries = [
        {"articleSystemId": 1, "articleNumber": "A", "articleName": None, "inventoryInfo": None},
        {"articleSystemId": 2, "articleNumber": "B", "inventoryInfo": {"sellableNumberOfItems": "many"}},
        {"articleSystemId": 3, "articleNumber": "C", "inventoryInfo": {"sellableNumberOfItems": "2.5"}},
        {"articleSystemId": 4, "articleNumber": None},
        None,
    ]
    batch = _read(read_stock, Script((200, entries)))
    assert [(one.code, one.quantity) for one in batch.stock] == [("A", None), ("B", None), ("C", Decimal("2.5"))]


# ------------------------------------------------------------------ what goes wrong

TROUBLES: list[Any] = [
    pytest.param((401, {"Message": "denied"}), Suspend, "unauthorized", id="login refused"),
    pytest.param((404, "no"), Suspend, "wrong_url", id="wrong address"),
    pytest.param((500, {"Message": "An error has occurred."}), Retry, "500", id="server fault"),
    pytest.param((429, ""), Retry, "429", id="too many requests"),
    pytest.param((400, {"Message": "You do not have access"}), Retry, "unreadable", id="refused"),
    pytest.param((200, "<html>maintenance</html>"), Retry, "unreadable", id="a page that is no JSON"),
    pytest.param((200, {"orders": []}), Retry, "unreadable", id="no list"),
    pytest.param((200, ""), Retry, "unreadable", id="empty"),
    pytest.param((200, [{"orderInfo": None}]), Retry, "unreadable", id="entries without an id"),
    pytest.param("timeout", Retry, "timeout", id="no answer"),
    pytest.param("lost", Retry, "lost", id="connection lost"),
    pytest.param("connect", Retry, "connect", id="no connection"),
]


@pytest.mark.parametrize(("reply", "kind", "code"), TROUBLES)
@pytest.mark.parametrize("feed", [read_statuses, read_stock])
def test_whatever_goes_wrong_the_next_reading_goes_on_where_this_one_began(
    feed: Any, reply: tuple[int, Any] | Fault, kind: type, code: str
) -> None:
    checkpoint = {"since": "2026-11-20T10:00:00+00:00", "next": 7, "begun": 5.0 if feed is read_stock else _iso(NOW)}
    batch = _read(feed, Script(reply), checkpoint)
    assert isinstance(batch.problem, kind)
    assert batch.problem is not None
    assert batch.problem.code == code
    assert "looks first" not in batch.problem.reason, "nothing was written"
    assert (batch.checkpoint, batch.more, batch.whole) == (checkpoint, False, frozenset())


def test_a_server_that_gives_the_same_page_again_is_not_read_for_ever() -> None:
    page = [{"orderInfo": {"orderId": 7, "orderNumber": "A", "orderStatus": {"number": 450}}}]
    begun = _read(read_statuses, Script((200, page)))
    again = _read(read_statuses, Script((200, page)), begun.checkpoint)
    assert isinstance(again.problem, Retry)
    assert "orderIdFrom" in again.problem.reason
    assert not again.more


@pytest.mark.parametrize("changes", [{"status_minutes": 0, "stock_minutes": 0}])
def test_feeds_that_are_switched_off_are_not_read(changes: dict[str, Any]) -> None:
    assert [feed.every_s(destination(**changes)) for feed in FEEDS] == [0, 0]
    assert [feed.every_s(destination()) for feed in FEEDS] == [300, 1800]
    assert destination().tells_stock
    assert not destination(**changes).tells_stock


# ------------------------------------------------------------------ what a status means


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (150, "not begun (status 150)"),
        (200, "not begun (status 200)"),
        (320, "not begun (status 320)"),
        (399, "not begun (status 399)"),
        (400, "picked (status 400)"),
        (425, "picked (status 425)"),
        (450, "sent (status 450)"),
        (475, "sent (status 475)"),
        (500, "collected (status 500)"),
        (800, "returned (status 800)"),
        (1000, "cancelled (status 1000)"),
        (1001, None),
        ("450", "sent (status 450)"),
        (450.0, "sent (status 450)"),
        (None, None),
        ("sent", None),
    ],
)
def test_a_status_says_the_word_of_the_highest_step_that_it_has_reached(number: object, says: str | None) -> None:
    assert _says(PLACE, number) == says


def test_sites_number_their_statuses_themselves() -> None:
    own = destination(statuses={"10": "at the dock", "20": "gone"}, cancelled_status=15)
    assert [_says(own, number) for number in (9, 10, 14, 15, 16, 20)] == [
        "not begun (status 9)",
        "at the dock (status 10)",
        "at the dock (status 14)",
        "cancelled (status 15)",
        None,
        None,
    ]


def _says(place: OngoingDestination, number: object) -> str | None:
    entry = {"orderInfo": {"orderId": 1, "orderNumber": "A", "orderStatus": {"number": number, "text": "Skickad"}}}
    status = of_order(entry, place)
    return status.text if status is not None else None


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"orderInfo": {"wayBill": " W1 "}}, {"W1": ""}),
        ({"tracking": [{"waybill": "W1", "trackingUrl": "https://t/1"}]}, {"W1": "https://t/1"}),
        ({"parcels": [{"parcelNumber": "P1", "tracking": {"trackingUrl": "https://t/p"}}]}, {"P1": "https://t/p"}),
        ({"parcels": [{"parcelNumber": "P1", "tracking": {"waybill": "W1"}}]}, {"W1": ""}),
        (
            {
                "orderInfo": {"wayBill": "W1", "returnWayBill": "R0"},
                "tracking": [{"waybill": "W1", "trackingUrl": "https://t/1"}, {"waybill": "W2", "trackingUrl": None}],
                "parcels": [{"parcelNumber": "W1", "tracking": None}, {"parcelNumber": None, "tracking": None}],
            },
            {"W1": "https://t/1", "W2": ""},
        ),
        ({"tracking": [{"waybill": "R", "isReturn": True}]}, {}),
        ({"parcels": [{"parcelNumber": "R", "isReturnParcel": True}]}, {}),
        ({"tracking": None, "parcels": None, "orderInfo": {"wayBill": None}}, {}),
        ({"tracking": 7, "parcels": "W1", "orderInfo": {"wayBill": ""}}, {}),
        ({"tracking": [None, "W1", {"waybill": ""}], "parcels": [[]]}, {}),
        ({"tracking": [{"waybill": "W", "trackingUrl": "javascript:alert(1)"}]}, {"W": ""}),
        ({"tracking": [{"waybill": "W", "trackingUrl": {"a": 1}}]}, {"W": ""}),
    ],
    ids=[
        "way bill of the order",
        "tracking",
        "parcel number",
        "parcel's own waybill",
        "all of them",
        "return",
        "return parcel",
        "null arrays",
        "no arrays",
        "odd entries",
        "no link that runs",
        "no text",
    ],
)
def test_tracking_is_found_in_all_four_places(entry: dict[str, Any], found: dict[str, str]) -> None:
    info = {"orderNumber": "A", "orderStatus": {"number": 450}, **entry.get("orderInfo", {})}
    status = of_order({**entry, "orderInfo": info}, PLACE)
    assert status is not None
    assert status.tracking == found


@pytest.mark.parametrize("entry", [{}, {"orderInfo": None}, {"orderInfo": {"orderNumber": "A", "orderStatus": 450}}])
def test_an_entry_without_a_status_says_nothing(entry: dict[str, Any]) -> None:
    assert of_order(entry, PLACE) is None


def test_a_webhook_says_which_order_it_is_about_and_is_for_one_goods_owner() -> None:
    body = {"goodsOwnerId": 159, "orderId": 7, "orderNumber": " A ", "orderStatus": {"number": 450}}
    assert of_webhook(body, PLACE) == Hint(order_number="A", order_id=7)
    assert of_webhook({"orderNumber": "A"}, PLACE) == Hint(order_number="A", order_id=None)
    with pytest.raises(ValueError, match="goods owner 160"):
        of_webhook({**body, "goodsOwnerId": 160}, PLACE)
    names: list[Any] = [None, "", "  ", 7, ["A"], {}]
    others: list[Any] = [None, [], 7, {}, *({**body, "orderNumber": name} for name in names)]
    for other in others:
        assert of_webhook(other, PLACE) is None


# ------------------------------------------------------------------ orders that webhooks spoke of


def _asked(http: Any, *numbers: str, **changes: Any) -> Batch:
    batch: Batch = asyncio.run(ask(destination(**changes), numbers, NOW, http))
    return batch


def test_orders_that_webhooks_spoke_of_are_read_by_their_numbers() -> None:
    wire = Wire()
    wire.order("A1", status=450)
    wire.order("A2")
    gone = Call("DELETE", "orders", params=(("goodsOwnerId", "159"), ("orderNumber", "A2")))
    assert asyncio.run(wire.handle(gone)).status == 200
    batch = _asked(wire, "A1", "A2", "NEVER")
    assert [(one.number, one.text) for one in batch.progress] == [
        ("A1", "sent (status 450)"),
        ("A2", "cancelled (status 1000)"),
    ]
    assert [query["orderNumber"] for query in wire.queries] == ["A1", "A2", "NEVER"]
    assert batch.problem is None


@pytest.mark.parametrize(("reply", "kind"), [("timeout", Retry), ((401, ""), Suspend), ((400, "no"), Retry)])
def test_what_keeps_them_from_being_read_is_told(reply: tuple[int, Any] | Fault, kind: type) -> None:
    batch = _asked(Script(reply), "A1")
    assert isinstance(batch.problem, kind)
    assert batch.progress == ()


def test_over_soap_too_an_order_is_read_before_anything_follows_from_a_webhook() -> None:
    assert [feed.name for feed in SYSTEM.feeds if feed.ask is not None] == ["statuses"]
    told = {"OrderId": 7, "GoodsOwnerOrderNumber": "A1", "OrderStatusNumber": 450, "WayBill": "W1"}
    info = "".join(f"<{name}>{value}</{name}>" for name, value in told.items())
    soap = {"api": "soap", "goods_owner_code": "ACME", "base_url": "https://api.ongoingsystems.se/acme/Service.asmx"}
    found = answer_of("GetOrdersByQuery", f"<Orders><Order><OrderInfo>{info}</OrderInfo></Order></Orders>")
    batch = _asked(Script((200, found)), "A1", **soap)
    assert [(one.number, one.reference, one.text) for one in batch.progress] == [("A1", "7", "sent (status 450)")]
    assert batch.progress[0].tracking == {"W1": ""}
    assert isinstance(_asked(Script("timeout"), "A1", **soap).problem, Retry)
