"""Feeds in the ledger: whose turn it is, what a reading brought, and what is told of it; on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Row, select

from tests.ledgers import DELIVERED, KEY_REFUSED, T0, TIMEOUT, World, destination
from worker.feeds import Batch, Copied, Progress, Stock
from worker.ledger import feeds, hints, views
from worker.ledger import stock as kept
from worker.ledger import tables as t
from worker.ledger.accepts import accept
from worker.ledger.feeds import Turn
from worker.ledger.progress import Told, known, tell
from worker.outcomes import Delivered, Retry

SENT = Progress(number="1001", state="sent", text="sent (status 450)", tracking={"W1": "https://t.example/W1"})
PICKED = Progress(number="1001", state="picked", text="picked (status 400)")
OPEN = Progress(number="1001", state="", text="not begun (status 200)")
CANCELLED = Progress(number="1001", state="cancelled", text="cancelled (status 1000)")
LINE = {"id": "1", "sku": "BOLT", "quantity": "1", "total_incl": "9.00", "tax": "1.00"}
DOWN = Retry(code="timeout", reason="The warehouse did not answer in time.")


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


def _due(world: World, *wanted: tuple[str, str]) -> list[tuple[str, str]]:
    with world.ledger.read() as c:
        return feeds.due(c, wanted or [("a", "stock")], now=world.now)


def _take(world: World, name: str = "stock", *, at: str = "a", lease_s: float = 60) -> Turn | None:
    return world.ledger.write(lambda c: feeds.take(c, at, name, lease_s=lease_s, now=world.now))


def _turn(world: World, name: str = "stock", *, at: str = "a") -> Turn:
    turn = _take(world, name, at=at)
    assert turn is not None
    return turn


def _save(world: World, turn: Turn, *, every_s: float = 300, checkpoint: Any = None, **brought: Any) -> bool:
    batch = Batch(checkpoint=checkpoint or {}, **brought)
    return world.ledger.write(lambda c: feeds.save(c, turn, batch, every_s=every_s, now=world.now))


def _read(world: World, **brought: Any) -> None:
    """One reading, an instant after the one before."""
    world.now += 1000
    assert _save(world, _turn(world), **brought)


def _tell(world: World, *progress: Progress, at: str = "a") -> Told:
    return world.ledger.write(lambda c: tell(c, at, progress, now=world.now))


def _rows(world: World, table: Any) -> list[Row[Any]]:
    with world.ledger.read() as c:
        return list(c.execute(select(table)))


def _delivered(world: World, number: str = "1001", *, reference: str = "501") -> None:
    world.place(number)
    world.try_once(number, "a", Delivered(reference=reference))


# ------------------------------------------------------------------ turns


def test_a_feed_is_due_at_once_and_then_after_its_own_time(world: World) -> None:
    assert _due(world) == [("a", "stock")]
    assert _save(world, _turn(world), every_s=300)
    assert _due(world) == []
    world.now += 299
    assert _due(world) == []
    world.now += 1
    assert _due(world, ("a", "stock"), ("b", "statuses")) == [("a", "stock"), ("b", "statuses")]


def test_nobody_asks_for_feeds_where_none_is_wanted(world: World) -> None:
    with world.ledger.read() as c:
        assert feeds.due(c, [], now=world.now) == []


def test_one_at_a_time_reads_a_feed(world: World) -> None:
    turn = _turn(world)
    assert (turn.checkpoint, turn.until) == ({}, T0 + 60)
    assert _take(world) is None
    assert _due(world) == []
    assert _take(world, at="b") is not None
    assert _take(world, "statuses") is not None


def test_a_turn_that_is_over_passes_to_the_next_and_stores_nothing(world: World) -> None:
    lost = _turn(world)
    world.now += 60
    assert _due(world) == [("a", "stock")]
    new = _turn(world)
    assert not _save(world, lost, checkpoint={"next": 7}, stock=[Stock(code="A")])
    assert world.count(t.stock) == 0
    assert _save(world, new, checkpoint={"next": 9})
    world.now += 300
    assert _turn(world).checkpoint == {"next": 9}


def test_a_slow_reader_may_store_what_nobody_else_has_begun_to_read(world: World) -> None:
    turn = _turn(world)
    world.now += 90
    assert _save(world, turn, checkpoint={"next": 7})


def test_what_has_more_is_due_at_once(world: World) -> None:
    assert _save(world, _turn(world), checkpoint={"next": 7}, more=True)
    assert _due(world) == [("a", "stock")]
    assert _turn(world).checkpoint == {"next": 7}


def test_a_problem_waits_even_where_there_is_more_and_is_shown_until_a_reading_goes_well(world: World) -> None:
    assert _save(world, _turn(world), checkpoint={"next": 7}, more=True, problem=DOWN, every_s=60)
    assert _due(world) == []
    [shown] = _shown(world)
    assert shown == {"name": "stock", "read_at": None, "problem": DOWN.reason}
    world.now += 60
    assert _save(world, _turn(world))
    [shown] = _shown(world)
    assert shown["read_at"] == views.stamp(world.now)
    assert shown["problem"] is None


def _shown(world: World) -> Any:
    with world.ledger.read() as c:
        [found] = [one for one in views.destinations(c) if one["name"] == "a"]
    return found["feeds"]


def test_a_lock_is_nobodys_feed(world: World) -> None:
    turn = _turn(world, "login")
    assert _shown(world) == []
    world.ledger.write(lambda c: feeds.release(c, turn))
    assert _take(world, "login") is not None


def test_a_destination_that_refuses_us_or_asks_us_to_wait_is_left_in_peace(world: World) -> None:
    world.place("1001")
    world.try_once("1001", "a", KEY_REFUSED)
    assert _due(world, ("a", "stock"), ("b", "stock")) == [("b", "stock")]
    world.resume("a")
    assert _due(world) == [("a", "stock")]
    world.try_once("1001", "a", Retry(code="429", reason="too many", after=30, everyone=True))
    assert _due(world) == []
    world.now += 31
    assert _due(world) == [("a", "stock")]


def test_a_destination_that_a_person_suspended_may_tell_all_the_same(world: World) -> None:
    world.suspend("a")
    assert _due(world) == [("a", "stock")]


# ------------------------------------------------------------------ what a reading brings


def test_what_was_read_and_where_it_goes_on_are_stored_together_or_not_at_all(world: World) -> None:
    turn = _turn(world)
    batch = Batch(checkpoint={"next": 7}, stock=(Stock(code="A"),), copies=(Copied(kind="partner", key="1"),))

    def save(c: Any) -> None:
        feeds.save(c, turn, batch, every_s=300, now=world.now)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        world.ledger.write(save)
    assert (world.count(t.stock), world.count(t.copies)) == (0, 0)
    world.now += 60
    assert _turn(world).checkpoint == {}


def test_stock_is_kept_by_its_code_in_folded_case_as_it_was_told_last(world: World) -> None:
    _read(world, stock=[Stock(code="Mug-Red", quantity=Decimal("3.50"), name="Mug"), Stock(code="TEE")])
    _read(world, stock=[Stock(code="MUG-RED", quantity=Decimal("-2"))])
    found = {row.code: (row.shown, row.name, row.quantity) for row in _rows(world, t.stock)}
    assert found == {"mug-red": ("MUG-RED", "Mug", "-2"), "tee": ("TEE", "", None)}


def test_a_figure_stays_where_another_feed_tells_no_more_than_the_name(world: World) -> None:
    _read(world, stock=[Stock(code="MUG", quantity=Decimal(3))])
    _read(world, stock=[Stock(code="MUG", name="Mug, red")])
    [row] = _rows(world, t.stock)
    assert (row.quantity, row.name) == ("3", "Mug, red")


@pytest.mark.parametrize("figure", ["1E+99999", "1E-99999", "NaN", "Infinity", "1." + "3" * 60])
def test_a_figure_that_no_warehouse_has_is_none(world: World, figure: str) -> None:
    _read(world, stock=[Stock(code="MUG", quantity=Decimal(figure))])
    [row] = _rows(world, t.stock)
    assert row.quantity is None


def test_texts_that_no_database_takes_are_made_ones_that_it_does(world: World) -> None:
    _read(
        world,
        stock=[Stock(code="M\0G", name="\ud800"), Stock(code="X" * 256), Stock(code=" "), Stock(code="\0")],
        copies=[Copied(kind="partner", key="1", ref="R" * 300, email="\0@x", name="a\0", data={"a": "\ud800\0"})],
        problem=Retry(code="x", reason="no\0thing"),
    )
    assert [(row.shown, row.name) for row in _rows(world, t.stock)] == [("MG", "?")]
    [copy] = _rows(world, t.copies)
    assert (len(copy.shown), copy.email, copy.name) == (255, "@x", "a")


def test_what_a_whole_reading_has_not_seen_is_forgotten(world: World) -> None:
    other = _turn(world, at="b")
    assert _save(world, other, stock=[Stock(code="OLD")], copies=[Copied(kind="partner", key="9")])
    _read(world, stock=[Stock(code="OLD"), Stock(code="KEPT")], copies=[Copied(kind="partner", key="1")])
    begun = world.now = world.now + 1000
    _read(world, stock=[Stock(code="KEPT")], more=True)
    assert world.count(t.stock) == 3, "a reading that is not at its end forgets nothing"
    _read(world, stock=[Stock(code="NEW")], whole=frozenset({"stock"}), since=begun)
    found = sorted((row.destination, row.shown) for row in _rows(world, t.stock))
    assert found == [("a", "KEPT"), ("a", "NEW"), ("b", "OLD")]
    assert world.count(t.copies) == 2, "a whole reading of the stock says nothing of partners"


def test_a_whole_reading_forgets_copies_of_its_own_kind(world: World) -> None:
    both = [Copied(kind="partner", key="1"), Copied(kind="contact", key="1")]
    _read(world, copies=both)
    _read(world, copies=[Copied(kind="partner", key="2")], whole=frozenset({"partner"}))
    assert sorted((row.kind, row.key) for row in _rows(world, t.copies)) == [("contact", "1"), ("partner", "2")]


def test_a_copy_is_found_by_what_it_is_called_in_any_case_and_keeps_its_own(world: World) -> None:
    ada = Copied(kind="partner", key="7", ref="CASH01", email="Ada@Example.com", name="Ada", data={"n": 1})
    _read(world, copies=[ada, Copied(kind="contact", key="7", ref="CASH01")])
    with world.ledger.read() as c:
        for wanted in ({"ref": "cash01"}, {"email": "ADA@example.com"}, {"key": "7"}):
            [found] = feeds.copies(c, "a", "partner", **wanted)
            assert (found.ref, found.name, found.data) == ("CASH01", "Ada", {"n": 1})
        assert feeds.copies(c, "a", "partner", ref="CASH02") == []
        assert feeds.copies(c, "b", "partner", ref="CASH01") == []


# ------------------------------------------------------------------ how orders get on


def test_how_an_order_gets_on_stands_at_its_delivery_and_on_its_timeline(world: World) -> None:
    _delivered(world)
    world.now += 60
    assert _save(world, _turn(world), progress=(SENT,))
    row = world.delivery("1001", "a")
    assert (row.progress, row.progress_at) == ("sent (status 450)", world.now)
    assert json.loads(row.tracking) == {"W1": "https://t.example/W1"}
    assert world.events("1001", "progress") == ["sent (status 450), tracking W1"]
    with world.ledger.read() as c:
        shown = views.order(c, world.order("1001").id)
    assert shown is not None
    assert shown["deliveries"][0]["tracking"] == {"W1": "https://t.example/W1"}


def test_a_second_reading_of_the_same_news_adds_no_line(world: World) -> None:
    _delivered(world)
    for _ in range(3):
        _read(world, progress=(SENT,))
    assert len(world.events("1001", "progress")) == 1
    assert _tell(world, SENT) == Told(ours=1, news=0)


def test_a_waybill_that_comes_later_is_news_and_the_one_before_stays(world: World) -> None:
    _delivered(world)
    _tell(world, SENT)
    more = Progress(number="1001", state="sent", text=SENT.text, tracking={"W2": "", "W1": ""})
    assert _tell(world, more).news == 1
    assert json.loads(world.delivery("1001", "a").tracking) == {"W1": "https://t.example/W1", "W2": ""}
    assert _tell(world, SENT, more).news == 0


def test_a_reading_says_how_things_are_now_even_where_they_went_back(world: World) -> None:
    _delivered(world)
    assert [_tell(world, one).news for one in (SENT, PICKED, OPEN, OPEN)] == [1, 1, 1, 0]
    assert world.delivery("1001", "a").progress == "not begun (status 200)"
    assert world.events("1001", "progress")[-1] == "not begun (status 200)"


def test_that_work_has_not_begun_is_no_news_of_an_order_that_had_come_no_farther(world: World) -> None:
    _delivered(world)
    assert _tell(world, OPEN) == Told(ours=1, news=0)
    assert world.delivery("1001", "a").progress is None


# ------------------------------------------------------------------ what a destination cancels by itself


def test_an_order_that_was_cancelled_there_alone_waits_in_plain_sight(world: World) -> None:
    _delivered(world)
    world.try_once("1001", "b", DELIVERED)
    assert world.order("1001").status == "delivered"
    world.now += 60
    assert _tell(world, CANCELLED).news == 1
    row = world.delivery("1001", "a")
    assert (row.state, row.held_by, row.changed_at) == ("held", "person", world.now)
    assert row.reason == "The order was cancelled there, and the shop has not cancelled it."
    assert "cancel it in the shop too, or accept it as it is" in row.hint
    assert (world.order("1001").status, world.order("1001").updated_at) == ("held", world.now)
    assert world.events("1001", "held") == [row.reason]
    assert _tell(world, CANCELLED).news == 0
    assert len(world.events("1001", "held")) == 1


def test_what_comes_after_it_on_the_route_waits_too(world: World) -> None:
    _delivered(world)
    assert world.states("1001") == "delivered ready"
    _tell(world, CANCELLED)
    assert world.states("1001") == "held waiting"
    _tell(world, OPEN)
    assert world.states("1001") == "delivered ready", "it is alive there again"


def test_accepted_as_it_is_there_it_is_not_held_a_second_time(world: World) -> None:
    _delivered(world)
    _tell(world, CANCELLED)
    world.ledger.write(lambda c: accept(c, world.order("1001").id, destination="a", now=world.now, by="api"))
    assert _tell(world, CANCELLED).news == 0
    assert world.states("1001") == "delivered ready"


def test_a_cancel_in_the_shop_settles_what_was_cancelled_there(world: World) -> None:
    _delivered(world)
    _tell(world, CANCELLED)
    world.place("1001", minute=5, cancelled=True)
    assert world.states("1001") == "ready cancelled"


@pytest.mark.parametrize(
    "changes",
    [{"cancelled": True}, {"lines": [{**LINE, "open_quantity": "0"}]}],
    ids=["cancelled in the shop", "every line refunded"],
)
def test_what_we_cancelled_there_ourselves_is_no_surprise(world: World, changes: Any) -> None:
    _delivered(world)
    world.place("1001", minute=5, **changes)
    world.try_once("1001", "a", DELIVERED)
    before = world.delivery("1001", "a").state
    assert _tell(world, CANCELLED).news == 1
    assert world.delivery("1001", "a").state == before
    assert world.events("1001", "held") == []


@pytest.mark.parametrize("told", [SENT, OPEN], ids=["shipped all the same", "open again"])
def test_what_goes_on_there_after_our_cancel_waits_in_plain_sight(world: World, told: Progress) -> None:
    _delivered(world)
    world.place("1001", minute=5, cancelled=True)
    world.try_once("1001", "a", Delivered(reference="501"))
    _tell(world, CANCELLED)
    assert world.states("1001") == "cancelled cancelled"
    _tell(world, told)
    row = world.delivery("1001", "a")
    assert (row.state, row.held_by, row.code, row.in_doubt) == ("held", "person", "alive_there", True)
    assert row.reason == f"The order was cancelled there, and it goes on all the same: {told.text}."
    assert "replay" in row.hint
    assert world.order("1001").status == "held"
    _tell(world, CANCELLED)
    assert world.states("1001") == "cancelled cancelled", "it is cancelled there after all"


def test_an_order_that_goes_on_there_is_cancelled_once_more_by_a_replay_or_accepted(world: World) -> None:
    for number in ("1001", "1002"):
        _delivered(world, number)
        world.place(number, minute=5, cancelled=True)
        world.try_once(number, "a", Delivered(reference="501"))
        _tell(world, replace(SENT, number=number))
    world.replay("1001")
    assert world.states("1001") == "ready cancelled"
    world.ledger.write(lambda c: accept(c, world.order("1002").id, destination="a", now=world.now, by="api"))
    _tell(world, Progress(number="1002", state="collected", text="collected (status 500)"))
    assert world.states("1002") == "delivered cancelled", "once is enough"


def test_a_delivery_that_is_in_somebodys_hands_is_left_to_them(world: World) -> None:
    _delivered(world)
    world.place("1001", minute=5, note="Leave at the gate")
    world.claim("a")
    assert _tell(world, CANCELLED).news == 1
    assert world.delivery("1001", "a").state == "delivering"


# ------------------------------------------------------------------ whose order it is


@pytest.mark.parametrize("number", ["ab-1001", "AB-1001", "Ab-1001"])
def test_an_order_is_found_by_its_number_in_any_case(world: World, number: str) -> None:
    world.place("aB-1001")
    world.try_once("aB-1001", "a", DELIVERED)
    found = Progress(number=number, state="sent", text="sent")
    assert _tell(world, found) == Told(ours=1, news=1)


def test_an_order_is_found_by_its_reference(world: World) -> None:
    _delivered(world, "1001", reference="501")
    _delivered(world, "1002", reference="502")
    assert _tell(world, Progress(reference="502", state="sent", text="sent")) == Told(1, 1)
    assert (world.events("1001", "progress"), world.events("1002", "progress")) == ([], ["sent"])


def test_orders_that_are_not_ours_are_left_out(world: World) -> None:
    _delivered(world)
    strange = [
        Progress(number="9999", state="sent", text="sent"),
        Progress(reference="9999", state="sent", text="sent"),
        Progress(number="1001", reference="777", state="sent", text="sent"),
        Progress(number="\0\ud800", reference="\0", state="sent", text="sent"),
        Progress(state="sent", text="sent"),
    ]
    assert _tell(world, *strange) == Told(0, 0)
    assert _tell(world, SENT, at="c") == Told(0, 0)
    assert _tell(world, *strange, Progress(number="1001", reference="501", state="sent", text="sent")) == Told(1, 1)


def test_a_number_that_we_have_not_sent_yet_is_somebody_elses_there(world: World) -> None:
    world.place("1001")
    assert _tell(world, SENT) == Told(0, 0)
    assert world.events("1001", "progress") == []


def test_what_may_have_got_through_is_told_of(world: World) -> None:
    world.place("1001")
    world.try_once("1001", "a", TIMEOUT)
    assert _tell(world, Progress(number="1001", reference="501", state="sent", text="sent")) == Told(1, 1)


def test_texts_of_the_other_side_are_stored_whatever_is_in_them(world: World) -> None:
    _delivered(world)
    odd = Progress(number="1001", state="sent", text="se\0nt \ud800", tracking={"W\0\ud800": "https://\ud800"})
    assert [_tell(world, odd).news for _ in range(2)] == [1, 0]
    assert world.delivery("1001", "a").progress == "sent ?"


def test_many_entries_are_told_in_one_go(world: World) -> None:
    for number in range(1001, 1006):
        _delivered(world, str(number))
    many = [Progress(number=str(number), state="sent", text="sent") for number in range(1, 2000)]
    assert _tell(world, *many) == Told(ours=5, news=5)


# ------------------------------------------------------------------ looking at stock and partners


def _listed(world: World, **wanted: Any) -> kept.Page:
    with world.ledger.read() as c:
        return kept.listed(c, world.config, **{"limit": 100, **wanted})


def _with_skus(world: World) -> None:
    section = {"skus": {"OURS": "THEIRS", "ALSO": "theirs"}}
    world.configure(
        world.config.model_copy(
            update={"destinations": {**world.config.destinations, "a": destination("a", **section)}},
        )
    )


def test_stock_is_listed_by_destination_and_code_page_by_page(world: World) -> None:
    _with_skus(world)
    _read(world, stock=[Stock(code="Theirs", quantity=Decimal("1000.0"), name="T"), Stock(code="ZED")])
    assert _save(world, _turn(world, at="b"), stock=[Stock(code="theirs")])
    page, seen = _listed(world, limit=1), []
    while True:
        seen += page.items
        if page.following is None:
            break
        page = _listed(world, limit=1, cursor=page.following)
    assert [(one["destination"], one["code"], one["skus"], one["quantity"]) for one in seen] == [
        ("a", "Theirs", ["OURS", "ALSO"], "1000"),
        ("a", "ZED", ["ZED"], None),
        ("b", "theirs", ["theirs"], None),
    ]
    assert [one["code"] for one in _listed(world, destination="a").items] == ["Theirs", "ZED"]


def test_a_code_is_only_called_ours_where_it_is_what_we_send(world: World) -> None:
    _with_skus(world)
    _read(world, stock=[Stock(code="OURS"), Stock(code="also"), Stock(code="THEIRS"), Stock(code="SAME")])
    found = {one["code"]: one["skus"] for one in _listed(world).items}
    assert found == {"OURS": [], "also": ["also"], "THEIRS": ["OURS", "ALSO"], "SAME": ["SAME"]}, (
        "our OURS goes there as THEIRS; also is no SKU of the map, in this case"
    )


def test_a_sku_is_asked_for_in_each_destinations_own_word(world: World) -> None:
    _with_skus(world)
    _read(world, stock=[Stock(code="THEIRS", quantity=Decimal(3))], whole=frozenset({"stock"}))
    assert _save(world, _turn(world, at="b"), stock=[Stock(code="X")], whole=frozenset({"stock"}))
    assert _save(world, _turn(world, at="c"), stock=[Stock(code="X")])
    found = [
        (one["destination"], one["code"], one["known"], one["quantity"]) for one in _listed(world, sku="OURS").items
    ]
    assert found == [("a", "THEIRS", True, "3"), ("b", "OURS", False, None)], "c was not read to its end"


def test_partners_and_contacts_are_listed_and_searched(world: World) -> None:
    _read(
        world,
        copies=[
            Copied(kind="contact", key="2", email="ada@x.example", name="Ada", data={"partner": 1}),
            Copied(kind="partner", key="1", ref="CASH_01", name="Cash"),
            Copied(kind="address", key="3", name="Cash"),
        ],
    )
    with world.ledger.read() as c:
        found = kept.partners(c, "a", limit=10)
        assert [(one["kind"], one["ref"], one["email"]) for one in found.items] == [
            ("partner", "CASH_01", None),
            ("contact", None, "ada@x.example"),
        ]
        for q, names in (("cash_", ["Cash"]), ("ADA@", ["Ada"]), ("%", []), ("nobody", [])):
            assert [one["name"] for one in kept.partners(c, "a", q=q, limit=10).items] == names
        assert kept.partners(c, "a", limit=1).following is not None
        assert kept.partners(c, "b", limit=1).items == []


def test_codes_count_as_read_to_their_end_from_the_first_whole_reading_on(world: World) -> None:
    _read(world, stock=[Stock(code="X")])
    with world.ledger.read() as c:
        assert kept.read_whole(c, ["a"]) == {}
    _read(world, whole=frozenset({"stock"}), since=world.now)
    _read(world, stock=[Stock(code="Y")], more=True)
    with world.ledger.read() as c:
        assert set(kept.read_whole(c, ["a", "b"])) == {"a"}


# ------------------------------------------------------------------ hints of webhooks


def _note(world: World, number: str = "1001", *, at: str = "a") -> None:
    world.ledger.write(lambda c: hints.note(c, at, number, now=world.now))


def _waiting(world: World, *able: tuple[str, str]) -> list[tuple[str, str]]:
    with world.ledger.read() as c:
        return hints.waiting(c, able or [("a", "statuses")], now=world.now)


def _hinted(world: World, at: str = "a") -> list[str]:
    with world.ledger.read() as c:
        return hints.due(c, at, limit=20, now=world.now)


def _early(world: World) -> Turn:
    turn = world.ledger.write(lambda c: feeds.take(c, "a", "statuses", lease_s=60, now=world.now, early=True))
    assert turn is not None
    return turn


def _answer(world: World, turn: Turn, *numbers: str, asked_at: float | None = None, **brought: Any) -> bool:
    batch, at = Batch(checkpoint={}, **brought), world.now if asked_at is None else asked_at
    return world.ledger.write(lambda c: hints.save(c, turn, numbers, batch, asked_at=at, again_s=60, now=world.now))


def test_an_order_that_a_webhook_spoke_of_is_read_once_and_early(world: World) -> None:
    _delivered(world)
    assert _save(world, _turn(world, "statuses"), every_s=300, checkpoint={"next": 7})
    assert _waiting(world) == []
    _note(world)
    _note(world)
    assert (_waiting(world), _hinted(world)) == ([("a", "statuses")], ["1001"])
    assert _answer(world, _early(world), "1001", progress=(SENT,))
    assert (_waiting(world), _hinted(world)) == ([], [])
    assert world.delivery("1001", "a").progress == SENT.text
    world.now += 300
    assert _turn(world, "statuses").checkpoint == {"next": 7}, "the feed itself goes on where it was"


def test_one_at_a_time_reads_so_that_an_older_answer_is_never_stored_after_a_newer_one(world: World) -> None:
    turn = _turn(world, "statuses")
    _note(world)
    assert _waiting(world) == []
    assert world.ledger.write(lambda c: feeds.take(c, "a", "statuses", lease_s=60, now=world.now, early=True)) is None
    world.now += 60
    assert _waiting(world) == [("a", "statuses")]
    new = _early(world)
    assert not _save(world, turn, progress=(SENT,))
    assert _answer(world, new, "1001")
    assert not _answer(world, new, "1001"), "the turn is over"


def test_what_is_told_while_one_reads_is_read_again(world: World) -> None:
    _note(world)
    turn, asked_at = _early(world), world.now
    world.now += 2
    _note(world)
    assert _answer(world, turn, "1001", asked_at=asked_at)
    assert _hinted(world) == ["1001"]


def test_what_could_not_be_read_is_tried_again_later_and_said(world: World) -> None:
    _note(world)
    assert _answer(world, _early(world), "1001", problem=DOWN)
    assert _hinted(world) == []
    assert _shown(world)[0]["problem"] == DOWN.reason
    world.now += 60
    assert _hinted(world) == ["1001"]
    assert world.ledger.write(lambda c: hints.forget(c, before=world.now - 60)) == 0
    assert world.ledger.write(lambda c: hints.forget(c, before=world.now)) == 1


def test_a_destination_that_refuses_us_is_not_asked_about_orders(world: World) -> None:
    world.place("1001")
    world.try_once("1001", "a", KEY_REFUSED)
    _note(world)
    assert _waiting(world) == []
    world.resume("a")
    assert _waiting(world) == [("a", "statuses")]
    assert _waiting(world, ("b", "statuses")) == []


@pytest.mark.parametrize(
    ("one", "ours"),
    [
        (SENT, True),
        (Progress(number="1001", reference="501", state="", text=""), True),
        (Progress(number="1001", reference="777", state="", text=""), False),
        (Progress(number="9999", state="", text=""), False),
        (Progress(number="x" * 5000, state="", text=""), False),
        (Progress(number="\0\ud800", state="", text=""), False),
    ],
)
def test_it_is_known_whether_an_order_is_ours(world: World, one: Progress, ours: bool) -> None:
    _delivered(world)
    with world.ledger.read() as c:
        assert known(c, "a", one) is ours
        assert not known(c, "c", one)


# ------------------------------------------------------------------ what nobody reads any more


def _tidy(world: World, *wanted: tuple[str, str]) -> int:
    return world.ledger.write(lambda c: feeds.forget_unwanted(c, wanted))


def test_what_a_feed_that_is_not_read_any_more_told_is_forgotten_with_it(world: World) -> None:
    _read(world, stock=[Stock(code="OLD")], whole=frozenset({"stock"}), since=world.now)
    assert _save(
        world, _turn(world, "contacts"), copies=[Copied(kind="contact", key="1")], whole=frozenset({"contact"})
    )
    assert _save(world, _turn(world, at="b"), stock=[Stock(code="KEPT")], whole=frozenset({"stock"}))
    _turn(world, "login")
    everything = [("a", "stock"), ("a", "contacts"), ("b", "stock")]
    assert _tidy(world, *everything) == 0
    assert (world.count(t.stock), world.count(t.copies), world.count(t.feeds)) == (2, 1, 4)
    assert _tidy(world, ("a", "contacts"), ("b", "stock")) == 1
    assert [row.shown for row in _rows(world, t.stock)] == ["KEPT"]
    assert world.count(t.copies) == 1
    assert _tidy(world, ("b", "stock")) == 1
    assert world.count(t.copies) == 0, "customers' data does not outlive its feed"
    assert {(row.destination, row.name) for row in _rows(world, t.feeds)} == {("b", "stock"), ("a", "login")}


def test_a_reading_that_was_not_at_its_end_is_forgotten_too_with_a_destination_that_is_gone(world: World) -> None:
    _read(world, stock=[Stock(code="HALF")], more=True)
    assert _save(world, _turn(world, "contacts"), copies=[Copied(kind="contact", key="1")], more=True)
    _note(world)
    assert _tidy(world) == 2
    assert (world.count(t.stock), world.count(t.copies), world.count(t.hints)) == (0, 0, 0)
