"""What a webhook does to the ledger: known or new, newer or older, held, cancelled, and what follows for deliveries."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from schemas.webhook import CREATED, UPDATED, Webhook
from tests.ledgers import DELIVERED, REFUSED, T0, TIMEOUT, UNKNOWN_SKU, World, config, removal, unreadable, webhook
from worker.ledger import tables as t


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url) as world:
        yield world


# ------------------------------------------------------------ duplicates


def test_a_new_order_is_stored_with_its_deliveries_and_the_first_is_rung_for(world: World) -> None:
    [answer] = world.take(webhook("1", key="id:1"))
    assert (answer.outcome, answer.number) == ("accepted", "1")
    assert [(d.destination, d.state) for d in answer.ready] == [("a", "ready")]
    assert world.states("1") == "ready waiting"
    assert world.order("1").status == "received"


def test_a_known_key_is_a_duplicate_with_the_first_ones_order(world: World) -> None:
    [first] = world.take(webhook("1", key="id:1"))
    [again] = world.take(webhook("1", key="id:1", minute=5))
    assert (again.outcome, again.order_id, again.ready) == ("duplicate", first.order_id, ())
    assert world.count(t.receipts) == 1


def test_equal_webhooks_in_one_transaction_are_one_order(world: World) -> None:
    answers = world.take(*(webhook("1", key="id:1") for _ in range(64)))
    assert [a.outcome for a in answers] == ["accepted"] + ["duplicate"] * 63
    assert {a.order_id for a in answers} == {world.order("1").id}
    assert sum(len(a.ready) for a in answers) == 1


def test_one_key_in_two_shops_is_two_webhooks(world: World) -> None:
    assert world.take(webhook("1", key="id:1"))[0].outcome == "accepted"
    assert world.take(webhook("2", key="id:1"), shop="mugs")[0].outcome == "accepted"


def test_any_of_its_keys_makes_a_webhook_a_duplicate(world: World) -> None:
    world.take(replace(webhook("1"), keys=("id:1", "event:7")))
    assert world.take(webhook("1", key="event:7", minute=1))[0].outcome == "duplicate"
    assert world.take(webhook("1", key="id:1", minute=1))[0].outcome == "duplicate"


def test_an_equal_body_under_a_new_key_is_a_duplicate_too(world: World) -> None:
    world.take(webhook("1", key="id:1"))
    assert world.take(webhook("1", key="id:2"))[0].outcome == "duplicate"
    assert world.count(t.receipts) == 2


def test_an_idempotency_key_answers_as_before_and_refuses_another_body(world: World) -> None:
    [first] = world.take(webhook("1", key="k"), body=b"one", exact=True)
    [again] = world.take(webhook("1", key="k"), body=b"one", exact=True)
    [other] = world.take(webhook("1", key="k", minute=1), body=b"two", exact=True)
    assert (again.outcome, again.order_id) == ("accepted", first.order_id)
    assert other.outcome == "conflict"
    assert world.count(t.receipts) == 1


def test_a_webhook_nobody_needs_has_a_receipt_and_no_order(world: World) -> None:
    ping = Webhook(topic="ping", kind="ignored", keys=("id:1",), reason="nothing to do")
    [answer] = world.take(ping)
    assert (answer.outcome, answer.order_id) == ("ignored", None)
    assert (world.count(t.receipts), world.count(t.orders)) == (1, 0)


# ------------------------------------------------------------ versions


def test_an_older_version_is_stale_and_changes_nothing(world: World) -> None:
    world.place("1", minute=5, note="new")
    [answer] = world.take(webhook("1", minute=1, note="old"))
    assert answer.outcome == "stale"
    assert '"note":"new"' in world.order("1").shop_version


def test_a_newer_version_before_work_began_is_what_is_sent(world: World) -> None:
    world.place("1")
    world.place("1", minute=5, note="new")
    assert world.claimed("a").jobs[0].order.note == "new"


_EQUAL = [
    pytest.param({"tie": "A"}, {"tie": "B"}, id="the later trigger time"),
    pytest.param({"tie": "B", "rank": CREATED}, {"tie": "B", "rank": UPDATED}, id="an update, at equal trigger times"),
    pytest.param({"rank": CREATED}, {"rank": UPDATED}, id="an update over a creation"),
    pytest.param({"rank": UPDATED}, {"cancelled": True, "rank": UPDATED}, id="a cancellation over an update"),
    pytest.param({"payment_state": "pending"}, {"payment_state": "paid"}, id="paid over pending"),
    pytest.param({"payment_state": "paid"}, {"payment_state": "refunded"}, id="refunded over paid"),
]


@pytest.mark.parametrize(("lesser", "greater"), _EQUAL)
def test_of_two_bodies_with_one_version_the_same_one_wins_in_either_order(
    world: World, lesser: dict[str, str], greater: dict[str, str]
) -> None:
    for number, bodies in (("1", (lesser, greater)), ("2", (greater, lesser))):
        outcomes = [world.place(number, note=f"n{bodies.index(body)}", **body).outcome for body in bodies]
        assert ("stale" in outcomes) is (number == "2")
    assert world.order("1").shop_version.count("n1") == 1
    assert world.order("2").shop_version.count("n0") == 1


def test_of_two_bodies_that_nothing_tells_apart_the_later_arrival_wins_and_the_timeline_says_so(world: World) -> None:
    world.place("1", note="first")
    world.place("1", note="second")
    assert '"note":"second"' in world.order("1").shop_version
    assert "two bodies with one version" in world.events("1", "settled")[0]


@pytest.mark.parametrize("equal", [False, True], ids=["own versions", "one version"])
@pytest.mark.parametrize("steps", list(itertools.permutations(("create", "update", "cancel"))), ids=" ".join)
def test_create_update_and_cancel_end_alike_in_every_order(
    world: World, steps: tuple[str, ...], *, equal: bool
) -> None:
    made = {
        "create": webhook("1", rank=CREATED, note="one"),
        "update": webhook("1", minute=0 if equal else 1, note="two"),
        "cancel": webhook("1", minute=0 if equal else 2, note="three", cancelled=True),
    }
    for step in steps:
        world.take(made[step])
    row = world.order("1")
    assert (row.status, row.cancelled, row.number) == ("cancelled", True, "1")
    assert '"note":"three"' in row.shop_version
    assert {d.state for d in world.deliveries("1")} <= {"cancelled"}


_AFTER, _AT_ONCE, _BEFORE = 60.0, 0.0, -60.0


@pytest.mark.parametrize("first", ["create", "update"], ids=["create, update", "update, create"])
@pytest.mark.parametrize(
    ("place", "clock"),
    [
        pytest.param(0, _AFTER, id="removed first"),
        pytest.param(1, _AFTER, id="removed between"),
        pytest.param(2, _AFTER, id="removed last"),
        pytest.param(0, _AT_ONCE, id="removed first, one version"),
        pytest.param(1, _AT_ONCE, id="removed between, one version"),
        pytest.param(2, _AT_ONCE, id="removed last, one version"),
        pytest.param(2, _BEFORE, id="removed last, the shop's clock ahead of ours"),
    ],
)
def test_create_update_and_removed_end_cancelled_in_every_order(
    world: World, first: str, place: int, clock: float
) -> None:
    # A removal tells no version: its arrival, by our clock, stands for it (contracts/webhooks.md section 3).
    steps = [webhook("1", rank=CREATED), webhook("1", minute=1, note="two")]
    newest = steps[1].order
    assert newest is not None
    if first == "update":
        steps.reverse()
    steps.insert(place, removal("1"))
    for step in steps:
        world.take(step, received_at=newest.version.timestamp() + clock)
    row = world.order("1")
    assert (row.status, row.cancelled) == ("cancelled", True)
    assert {d.state for d in world.deliveries("1")} <= {"cancelled"}


def test_a_cancelled_order_is_revived_by_a_newer_version_only(world: World) -> None:
    world.place("1")
    world.place("1", minute=5, cancelled=True)
    assert world.place("1", minute=3, note="late").outcome == "stale"
    assert world.states("1") == "cancelled cancelled"
    assert world.place("1", minute=7).outcome == "accepted"
    assert world.states("1") == "ready waiting"


def test_an_order_that_is_cancelled_and_revived_while_one_delivery_stands_reaches_both(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.place("1", minute=1, cancelled=True)
    assert world.states("1") == "ready cancelled"
    world.place("1", minute=2)
    assert world.states("1") == "ready waiting"
    for name in ("a", "b"):
        world.try_once("1", name, DELIVERED)
    assert world.states("1") == "delivered delivered"


def test_a_removed_order_stays_removed_when_an_operator_edits_its_note(world: World) -> None:
    world.place("1")
    world.take(removal("1"))
    world.replay("1", edit={"note": "why?"})
    assert world.order("1").status == "cancelled"
    assert world.states("1") == "cancelled cancelled"


def test_a_removal_that_arrives_first_keeps_a_later_creation_out(world: World) -> None:
    [answer] = world.take(removal("1"))
    assert answer.outcome == "accepted"
    assert world.order("1").status == "cancelled"
    assert world.place("1").outcome == "stale"
    assert world.deliveries("1") == []


def test_a_removed_order_that_was_delivered_is_taken_back_there(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.take(removal("1"))
    assert world.states("1") == "ready cancelled"
    assert world.claimed("a").jobs[0].order.cancelled


def test_a_newer_version_without_a_visible_change_lets_a_dead_letter_and_a_back_off_be(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.place("2")
    world.try_once("2", "a", REFUSED)
    before = world.delivery("2", "a")
    world.now += 0.01
    for number in ("1", "2"):
        assert world.place(number, minute=5).outcome == "accepted"
    assert world.states("1") == "dead waiting"
    after = world.delivery("2", "a")
    assert (after.state, after.due_at, after.failures) == ("retrying", before.due_at, 1)


def test_a_newer_version_with_a_change_tries_a_dead_letter_again(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.place("1", minute=5, note="mended")
    assert world.states("1") == "ready waiting"


# ------------------------------------------------------------ held by the order itself


def test_an_unpaid_order_is_held_until_its_update_says_paid(world: World) -> None:
    answer = world.place("1", payment_state="pending")
    assert (answer.outcome, answer.ready) == ("held", ())
    assert world.order("1").status == "held"
    assert world.place("1", minute=1, payment_state="paid").outcome == "accepted"
    assert world.states("1") == "ready waiting"


def test_a_paid_order_that_is_voided_waits_and_goes_on_when_it_is_paid_again(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.place("1", minute=1, payment_state="voided")
    assert world.states("1") == "delivered held"
    assert world.claim("b") is None
    world.place("1", minute=2, payment_state="paid")
    assert world.states("1") == "delivered ready"


def test_a_dead_letter_that_changed_while_its_order_was_on_hold_is_tried_when_the_hold_is_lifted(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", UNKNOWN_SKU)
    world.place("1", minute=1, payment_state="voided", note="mended")
    assert world.order("1").status == "held"
    world.place("1", minute=2, payment_state="paid", note="mended")
    assert world.states("1") == "ready waiting"


def test_what_was_delivered_and_changed_during_a_hold_is_amended_when_it_is_lifted(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", DELIVERED)
    world.place("1", minute=1, payment_state="voided", note="changed")
    world.place("1", minute=2, payment_state="paid", note="changed")
    assert world.states("1") == "ready waiting"


def test_an_order_without_a_route_is_held_with_the_reason(database_url: str) -> None:
    routes = [{"name": "eu", "when": {"currency": ["EUR"]}, "deliver": ["a"]}]
    with World(database_url, config(routes=routes)) as world:
        answer = world.place("1")
        assert answer.outcome == "held"
        assert "currency AUD" in world.order("1").hold


def test_a_test_order_is_ignored_with_a_receipt(world: World) -> None:
    assert world.place("1", test=True).outcome == "ignored"
    assert (world.order("1").status, world.deliveries("1")) == ("ignored", [])
    assert world.count(t.receipts) == 1


def test_an_order_that_turns_out_to_be_a_test_goes_no_further(world: World) -> None:
    world.place("1")
    world.place("1", minute=1, test=True)
    assert world.claim("a") is None
    assert world.order("1").status == "ignored"


# ------------------------------------------------------------ not understood


def test_an_unreadable_webhook_is_stored_and_held_and_a_readable_one_lets_it_go(world: World) -> None:
    [answer] = world.take(unreadable("1"))
    assert answer.outcome == "held"
    assert "not understood" in world.order("1").hold
    assert world.place("1").outcome == "accepted"
    assert world.order("1").hold is None
    assert world.states("1") == "ready waiting"


def test_an_unreadable_update_stops_what_is_on_its_way_until_a_person_has_looked(world: World) -> None:
    world.place("1")
    world.take(unreadable("1"))
    assert world.states("1") == "held held"
    assert world.claim("a") is None
    assert world.take(webhook("1"))[0].outcome == "duplicate"
    assert world.order("1").status == "held", "an older version says nothing of what was not understood"
    world.replay("1", edit={"note": "looked at"})
    assert world.states("1") == "ready waiting"


def test_the_same_unreadable_body_twice_is_one_held_order(world: World) -> None:
    for _ in range(2):
        [answer] = world.take(unreadable(None), body=b"what is this")
        assert answer.outcome == "held"
    assert (world.count(t.orders), world.count(t.receipts)) == (1, 2)


# ------------------------------------------------------------ numbers


@pytest.mark.parametrize("second", ["A-1", "a-1"], ids=["equal", "in another case"])
def test_a_number_that_another_order_holds_at_a_destination_is_not_sent_again(world: World, second: str) -> None:
    world.take(webhook("A-1"))
    [answer] = world.take(webhook(second, shop_order_id="id-other"))
    assert answer.outcome == "held"
    assert "belongs to another order" in answer.reason
    assert world.states("other") == "held held"
    assert {d.held_by for d in world.deliveries("other")} == {"number"}


def test_two_orders_with_one_number_in_one_transaction_are_kept_apart(world: World) -> None:
    one, two = world.take(webhook("1"), webhook("1", shop_order_id="id-other"))
    assert (one.outcome, two.outcome) == ("accepted", "held")


def test_an_edited_number_lets_a_held_order_go(world: World) -> None:
    world.take(webhook("1"))
    world.take(webhook("1", shop_order_id="id-other"))
    world.replay("other", edit={"number": "1-b"})
    assert world.states("other") == "ready waiting"


def test_a_number_that_grows_when_its_case_is_folded_can_be_stored(world: World) -> None:
    assert world.take(webhook("ß" * 200, shop_order_id="id-1"))[0].outcome == "accepted"


# ------------------------------------------------------------ edits


def test_an_edit_outlives_a_newer_version_that_leaves_its_field_alone(world: World) -> None:
    world.place("1", note="shop")
    world.replay("1", edit={"email": "ops@example.com"})
    world.place("1", minute=1, note="changed")
    job = world.claimed("a").jobs[0]
    assert (job.order.email, job.order.note) == ("ops@example.com", "changed")
    assert "stays" in world.events("1", "edit")[-1]


def test_an_edit_gives_way_where_the_shop_changed_the_same_field(world: World) -> None:
    world.place("1", note="shop")
    world.replay("1", edit={"note": "ours", "email": "ops@example.com"})
    world.place("1", minute=1, note="theirs")
    job = world.claimed("a").jobs[0]
    assert (job.order.email, job.order.note) == ("ops@example.com", "theirs")
    assert any("replaces the edit" in text for text in world.events("1", "edit"))


# ------------------------------------------------------------ routes


@pytest.mark.parametrize(
    ("routes", "states"),
    [
        pytest.param(["b"], {"a": "cancelled", "b": "ready"}, id="without the first"),
        pytest.param(["a", "c"], {"a": "ready", "b": "cancelled", "c": "waiting"}, id="another second"),
        pytest.param(["b", "a"], {"a": "waiting", "b": "ready"}, id="the other way round"),
        pytest.param(["c", "a", "b"], {"a": "waiting", "b": "waiting", "c": "ready"}, id="one more before"),
    ],
)
@pytest.mark.parametrize("changed", [False, True], ids=["order as it was", "order changed"])
def test_a_route_that_changes_before_work_began_is_the_one_that_is_taken(
    world: World, routes: list[str], states: dict[str, str], *, changed: bool
) -> None:
    world.place("1")
    world.configure(config(routes=[{"name": "new", "deliver": routes}]))
    world.place("1", minute=1, note="changed" if changed else None)
    assert {d.destination: d.state for d in world.deliveries("1")} == states
    assert world.order("1").route == "new"


def test_a_route_that_changes_after_work_began_stays_and_the_timeline_says_so(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", TIMEOUT)
    world.configure(config(routes=[{"name": "new", "deliver": ["c"]}]))
    world.place("1", minute=1, note="changed")
    assert world.states("1") == "ready waiting"
    assert "stays on all" in world.events("1", "note")[-1]


def test_a_destination_that_left_its_route_is_not_started_by_a_newer_version(world: World) -> None:
    world.place("1")
    world.configure(config(deliver=["b", "c"], routes=[{"name": "new", "deliver": ["b", "c"]}]))
    world.place("1", minute=1)
    world.try_once("1", "b", DELIVERED)
    world.place("1", minute=2, note="changed")
    assert world.delivery("1", "a").state == "cancelled"


def test_a_destination_that_left_the_configuration_holds_its_deliveries_until_it_is_back(world: World) -> None:
    world.place("1")
    whole = world.config
    world.configure(whole.model_copy(update={"destinations": {"b": whole.destinations["b"]}}))
    row = world.delivery("1", "a")
    assert (row.state, row.held_by) == ("held", "person")
    assert "not in the configuration" in row.reason
    world.configure(whole)
    assert world.states("1") == "ready waiting"


def test_a_shop_that_left_the_configuration_holds_its_order(world: World) -> None:
    world.place("1", payment_state="pending")
    world.config = world.config.model_copy(update={"shops": {}})
    world.replay("1")
    assert "shop tea is not in the configuration" in world.order("1").hold


# ------------------------------------------------------------ what an older version stored


def test_an_edit_that_no_longer_fits_gives_way_to_the_newer_version(world: World) -> None:
    world.place("1")
    row = world.order("1")
    spoilt = '{"note": {"not": "a text"}}'
    world.ledger.write(lambda c: c.execute(update(t.orders).where(t.orders.c.id == row.id).values(edit=spoilt)))
    assert world.place("1", minute=1).outcome == "accepted"
    assert world.order("1").edit is None


def test_every_receipt_keeps_body_headers_and_outcome(world: World) -> None:
    world.take(webhook("1", key="id:1"), body=b'{"raw": "\x00bytes"}')
    with world.ledger.read() as c:
        row = c.execute(select(t.receipts)).one()
    assert (row.body, row.outcome, row.order_id) == (b'{"raw": "\x00bytes"}', "accepted", world.order("1").id)
    assert row.received_at == T0
