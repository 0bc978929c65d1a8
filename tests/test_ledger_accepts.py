"""A person leaves an order at a destination as it is there: the other way out, beside replay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from sandbox.shops import new_secret
from tests.commands import Cli
from tests.house import new_number
from tests.ledgers import DELIVERED, KEY_REFUSED, TIMEOUT, UNKNOWN_SKU, World, config, removal
from tests.test_ledger_cancels import GONE, NO_CONNECTION, NOTHING_TO_SHIP, PICKED
from tests.web_door import Door, shop_order
from worker.ledger import accepts, views
from worker.ledger import tables as t
from worker.ledger.accepts import AcceptRefusedError, NoDeliveryError
from worker.outcomes import Outcome, Reject

KEPT = Reject(
    code="change_refused", reason="The warehouse keeps it as it was.", hint="decide", hold=True, in_doubt=True
)
GAVE_UP = Reject(code="gave_up", reason="gave up after 24 h: no answer", in_doubt=True)


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    with World(database_url, config(deliver=("a", "b", "c"))) as world:
        yield world


def _accept(world: World, name: str, number: str = "1") -> list[str]:
    """The destinations that are rung for."""
    order_id = world.order(number).id
    wake = world.ledger.write(
        lambda c: accepts.accept(c, order_id, destination=name, now=world.now, by="test"),
    )
    world.check()
    return [destination for _, destination, _, _ in wake]


def _deliver(world: World, *names: str) -> None:
    world.place("1")
    for name in names:
        world.try_once("1", name, DELIVERED)


def _held_change(world: World) -> None:
    """Delivered at a and b; a took the change, b keeps the order as it was; c waits."""
    _deliver(world, "a", "b")
    world.place("1", minute=1, note="changed")
    world.try_once("1", "a", DELIVERED)
    world.try_once("1", "b", KEPT)
    assert world.states("1") == "delivered held waiting"


def _held_cancel(world: World) -> None:
    """Delivered at all three; c let it go, b has begun, a waits."""
    _deliver(world, "a", "b", "c")
    world.place("1", minute=1, cancelled=True)
    world.try_once("1", "c", GONE)
    world.try_once("1", "b", PICKED)
    assert world.states("1") == "waiting held cancelled"


# ------------------------------------------------------------ what it refuses


@pytest.mark.parametrize(
    ("outcome", "state", "says"),
    [
        pytest.param(None, "ready", "is ready: it does not wait for a decision", id="not tried yet"),
        pytest.param(DELIVERED, "delivered", "is delivered: it does not wait", id="delivered"),
        pytest.param(TIMEOUT, "retrying", "is retrying: it does not wait", id="tried again"),
        pytest.param(KEY_REFUSED, "held", "is held: it does not wait", id="its destination is suspended"),
        pytest.param(UNKNOWN_SKU, "dead", "nothing of the order is at a, so there is nothing", id="nothing there"),
        pytest.param(
            Reject(code="decide", reason="somebody has to decide", hold=True),
            "held",
            "nothing of the order is at a, so there is nothing",
            id="held, and nothing there",
        ),
    ],
)
def test_what_does_not_wait_for_a_person_or_has_nothing_there_is_refused(
    world: World, outcome: Outcome | None, state: str, says: str
) -> None:
    world.place("1")
    if outcome is not None:
        world.try_once("1", "a", outcome)
    before = (world.order("1"), world.deliveries("1"), world.events("1"))
    with pytest.raises(AcceptRefusedError, match=says):
        _accept(world, "a")
    assert (world.order("1"), world.deliveries("1"), world.events("1")) == before
    assert world.delivery("1", "a").state == state


def test_what_waits_for_its_turn_is_refused(world: World) -> None:
    _held_cancel(world)
    with pytest.raises(AcceptRefusedError, match="the delivery at a is waiting"):
        _accept(world, "a")


def test_what_is_in_a_workers_hands_is_refused(world: World) -> None:
    world.place("1")
    claim = world.claimed("a")
    with pytest.raises(AcceptRefusedError, match="the delivery at a is delivering"):
        _accept(world, "a")
    world.end(claim, DELIVERED)


def test_what_waits_with_its_order_is_refused(world: World) -> None:
    _deliver(world, "a")
    world.place("1", minute=1, payment_state="voided", note="x")
    with pytest.raises(AcceptRefusedError, match="the delivery at b is held: it does not wait for a decision"):
        _accept(world, "b")


def test_a_destination_where_the_order_does_not_go_is_refused_with_those_where_it_does(world: World) -> None:
    world.place("1")
    with pytest.raises(NoDeliveryError, match="no delivery at nowhere; those that it has: a, b, c"):
        _accept(world, "nowhere")


def test_what_was_cancelled_there_and_could_not_be_made_again_is_refused(world: World) -> None:
    _deliver(world, "a")
    world.place("1", minute=1, cancelled=True)
    world.try_once("1", "a", GONE)
    world.place("1", minute=2)
    world.try_once("1", "a", UNKNOWN_SKU)
    assert world.delivery("1", "a").reference == "R-1"
    with pytest.raises(AcceptRefusedError, match="nothing of the order is at a"):
        _accept(world, "a")


# ------------------------------------------------------------ what it settles


def test_a_refused_change_is_settled_and_the_rest_of_the_route_goes_on(world: World) -> None:
    _held_change(world)
    assert _accept(world, "b") == ["c"]
    assert world.states("1") == "delivered delivered ready"
    row = world.delivery("1", "b")
    assert (row.reference, row.content_done, row.held_by) == ("R-1", world.order("1").content, None)
    assert row.reason == "accepted as it is there (test)"
    world.try_once("1", "c", DELIVERED)
    assert world.order("1").status == "delivered"


def test_a_dead_letter_that_may_be_there_is_settled(world: World) -> None:
    world.place("1")
    world.try_once("1", "a", GAVE_UP)
    assert _accept(world, "a") == ["b"]
    assert world.states("1") == "delivered ready waiting"


def test_an_earlier_destination_that_is_accepted_lets_the_next_one_go(world: World) -> None:
    _deliver(world, "a", "b", "c")
    world.place("1", minute=1, note="changed")
    world.try_once("1", "a", KEPT)
    assert world.states("1") == "held waiting waiting"
    assert _accept(world, "a") == ["b"]
    world.try_once("1", "b", DELIVERED)
    assert world.states("1") == "delivered delivered ready"


def test_it_is_on_the_timeline_with_who_did_it_and_what_was_left(world: World) -> None:
    _held_change(world)
    world.now += 60
    _accept(world, "b")
    assert world.events("1", "accepted") == ["accepted as it is there (test)"]
    assert world.order("1").updated_at == world.now
    with world.ledger.read() as connection:
        found = views.order(connection, world.order("1").id)
    assert found is not None
    last = found["events"][-1]
    assert (last["kind"], last["destination"]) == ("accepted", "b")
    assert last["data"] == {"waited_for": "The warehouse keeps it as it was.", "code": "change_refused"}


def test_nothing_is_sent_there_any_more(world: World) -> None:
    _held_change(world)
    _accept(world, "b")
    world.now += 100_000
    assert world.ring("b", older_than=world.now) == []
    assert world.claim("b") is None
    assert world.matching() == []


def test_it_cannot_be_accepted_twice(world: World) -> None:
    _held_change(world)
    _accept(world, "b")
    with pytest.raises(AcceptRefusedError, match="the delivery at b is delivered"):
        _accept(world, "b")
    assert len(world.events("1", "accepted")) == 1


def test_one_of_many_orders_is_meant(world: World) -> None:
    _held_change(world)
    world.place("2")
    world.try_once("2", "a", GAVE_UP)
    _accept(world, "b")
    assert world.states("2") == "dead waiting waiting"


# ------------------------------------------------------------ of a cancelled order


def test_a_cancelled_order_that_goes_its_way_is_kept_by_those_that_waited_for_it(world: World) -> None:
    _held_cancel(world)
    assert _accept(world, "b") == []
    assert world.states("1") == "delivered delivered cancelled"
    assert world.order("1").status == "delivered"
    assert world.delivery("1", "a").reason == "the order stays here too, since it goes its way at b"
    assert world.events("1", "accepted") == [
        "accepted as it is there (test)",
        "the order stays here too, since it goes its way at b",
    ]


def test_where_the_cancel_goes_forward_the_later_ones_keep_the_order(database_url: str) -> None:
    route = {"name": "all", "deliver": ["a", "b"], "cancel": "forward"}
    with World(database_url, config(routes=[route])) as world:
        _deliver(world, "a", "b")
        world.place("1", minute=1, cancelled=True)
        world.try_once("1", "a", PICKED)
        _accept(world, "a")
        assert world.states("1") == "delivered delivered"
        with world.ledger.read() as connection:
            [told], _ = views.orders(connection, views.Filter(), cursor=None, limit=10)
        assert (told["status"], told["reason"]) == (
            "delivered",
            "the shop cancelled it, and what is there was accepted as it is",
        )


def test_where_the_cancel_goes_everywhere_at_once_the_others_go_on_with_it(database_url: str) -> None:
    route = {"name": "all", "deliver": ["a", "b"], "cancel": "at once"}
    with World(database_url, config(routes=[route])) as world:
        _deliver(world, "a", "b")
        world.place("1", minute=1, cancelled=True)
        world.try_once("1", "b", PICKED)
        _accept(world, "b")
        assert world.states("1") == "ready delivered"
        world.try_once("1", "a", GONE)
        assert (world.states("1"), world.order("1").status) == ("cancelled delivered", "delivered")


def test_what_was_dropped_before_it_was_sent_stays_dropped(world: World) -> None:
    _deliver(world, "a", "b")
    world.place("1", minute=1, cancelled=True)
    world.try_once("1", "b", PICKED)
    _accept(world, "b")
    assert world.states("1") == "delivered delivered cancelled"


def test_an_accepted_cancel_is_tried_again_by_a_replay_in_its_sequence(world: World) -> None:
    _held_cancel(world)
    _accept(world, "b")
    done = world.replay("1")
    world.check()
    assert [destination for _, destination, _, _ in done.wake] == ["b"]
    assert world.states("1") == "waiting ready cancelled"
    for name in "ba":
        world.try_once("1", name, GONE)
    assert world.order("1").status == "cancelled"


# ------------------------------------------------------------ and then the order changes


def test_a_newer_version_converges_there_again_and_looks_first(world: World) -> None:
    _held_change(world)
    _accept(world, "b")
    world.place("1", minute=2, note="changed once more")
    world.check()
    world.try_once("1", "a", DELIVERED)
    claim = world.claimed("b")
    assert claim.jobs[0].in_doubt, "nobody has compared what is there"
    world.end(claim, DELIVERED)
    row = world.delivery("1", "b")
    assert (row.state, row.in_doubt, row.content_done) == ("delivered", False, world.order("1").content)


def test_a_newer_version_without_another_content_leaves_it_as_it_is(world: World) -> None:
    _held_change(world)
    _accept(world, "b")
    world.place("1", minute=2, note="changed", tags=["vip"])
    assert world.states("1") == "delivered delivered ready"


def test_a_revived_order_converges_everywhere_again(world: World) -> None:
    _held_cancel(world)
    _accept(world, "b")
    world.place("1", minute=2)
    world.check()
    assert world.states("1") == "ready waiting waiting"
    for name in "abc":
        world.try_once("1", name, DELIVERED)
        world.check()
    assert world.order("1").status == "delivered"
    assert {row.content_done for row in world.deliveries("1")} == {world.order("1").content}


@pytest.mark.parametrize("removed", [False, True], ids=["cancelled", "deleted"])
def test_what_was_accepted_without_a_reference_is_looked_for_when_the_shop_cancels(world: World, removed: bool) -> None:
    world.place("1")
    world.try_once("1", "a", GAVE_UP)
    _accept(world, "a")
    if removed:
        world.take(removal("1"))
    else:
        world.place("1", minute=1, cancelled=True)
    world.check()
    assert world.states("1") == "ready cancelled cancelled"
    assert world.claimed("a").jobs[0].in_doubt


@pytest.mark.parametrize(
    ("outcome", "there"),
    [
        pytest.param(PICKED, True, id="held, and there"),
        pytest.param(GAVE_UP, True, id="dead, and perhaps there"),
        pytest.param(UNKNOWN_SKU, False, id="dead, and nothing there"),
        pytest.param(NO_CONNECTION, False, id="nothing was sent"),
        pytest.param(NOTHING_TO_SHIP, True, id="nothing was needed"),
    ],
)
def test_what_is_shown_knows_whether_something_is_there(world: World, outcome: Outcome, there: bool) -> None:
    world.place("1")
    world.try_once("1", "a", outcome)
    with world.ledger.read() as connection:
        found = views.order(connection, world.order("1").id)
    assert found is not None
    assert found["deliveries"][0]["there"] is there


# ------------------------------------------------------------ over the API


def _held_at_the_door(door: Door, **values: Any) -> int:
    """An order that esuite-au holds as a worker's rejection would have left it, and that waits for ongoing-se."""
    number = new_number()
    assert door.told(shop_order("tea", number)) == "accepted"
    order_id = int(door.number(number)["id"])
    d = t.deliveries.c
    held = {"state": "held", "held_by": "person", "reason": "Esuite keeps PSIN-1.", "in_doubt": True, "attempts": 1}
    with door.ledger.engine.begin() as connection:
        row = update(t.deliveries).where(d.order_id == order_id, d.destination == "esuite-au")
        connection.execute(row.values({**held, **values}))
        connection.execute(update(t.orders).where(t.orders.c.id == order_id).values(status="held"))
    return order_id


def _ask(door: Door, order_id: object, body: Any) -> httpx.Response:
    return door.http.post(f"/api/orders/{order_id}/accept", json=body)


def test_the_api_accepts_and_the_rest_of_the_route_goes_on(door: Door) -> None:
    order_id = _held_at_the_door(door)
    answer = _ask(door, order_id, {"destination": "esuite-au"})
    assert (answer.status_code, answer.json()) == (202, {"count": 1, "orders": [order_id], "deliveries": 1})
    order = door.order(order_id)
    assert [d["status"] for d in order["deliveries"]] == ["delivered", "ready"]
    [event] = [one for one in order["events"] if one["kind"] == "accepted"]
    assert (event["destination"], event["text"]) == ("esuite-au", "accepted as it is there (api)")


@pytest.mark.parametrize(
    ("values", "destination", "status", "says"),
    [
        pytest.param({}, "ongoing-se", 409, "ongoing-se is waiting", id="it does not wait for a person"),
        pytest.param({"in_doubt": False}, "esuite-au", 409, "nothing of the order is at esuite-au", id="nothing there"),
        pytest.param({}, "nowhere", 404, "those that it has: esuite-au, ongoing-se", id="no such destination"),
    ],
)
def test_the_api_refuses_with_the_reason(
    door: Door, values: dict[str, Any], destination: str, status: int, says: str
) -> None:
    order_id = _held_at_the_door(door, **values)
    before = door.order(order_id)
    answer = _ask(door, order_id, {"destination": destination})
    assert answer.status_code == status
    assert says in answer.json()["error"]
    assert door.order(order_id) == before


@pytest.mark.parametrize(
    ("order_id", "body", "status"),
    [
        pytest.param(987654321, {"destination": "esuite-au"}, 404, id="no such order"),
        pytest.param(2**63, {"destination": "esuite-au"}, 422, id="no id"),
        pytest.param(1, {}, 422, id="no destination"),
        pytest.param(1, None, 422, id="nothing said"),
        pytest.param(1, {"destination": None}, 422, id="null"),
        pytest.param(1, {"destination": "esuite-au", "edit": {}}, 422, id="a key too many"),
        pytest.param(1, ["esuite-au"], 422, id="no object"),
    ],
)
def test_the_api_says_what_is_wrong_with_the_question(door: Door, order_id: int, body: Any, status: int) -> None:
    answer = _ask(door, order_id, body)
    assert answer.status_code == status
    assert answer.json()["error"]


@pytest.mark.parametrize(
    ("values", "destination", "says"),
    [
        pytest.param({"in_doubt": False}, "esuite-au", "Not accepted: nothing of the order is at", id="nothing there"),
        pytest.param({}, "", "Not accepted: the order has no delivery at", id="nothing said"),
    ],
)
def test_the_console_refuses_on_the_orders_own_page(
    door: Door, values: dict[str, Any], destination: str, says: str
) -> None:
    order_id = _held_at_the_door(door, **values)
    answer = door.http.post(f"/orders/{order_id}/accept", data={"destination": destination})
    assert answer.status_code == 409
    assert says in answer.text


@pytest.mark.parametrize("order_id", [987654321, 2**63])
def test_the_console_knows_no_order_that_is_not_there(door: Door, order_id: int) -> None:
    answer = door.http.post(f"/orders/{order_id}/accept", data={"destination": "esuite-au"})
    assert answer.status_code == 404
    assert "There is no order with this id." in answer.text


# ------------------------------------------------------------ from the command line

TOML = """
[shops.tea]
platform = "standard"
secrets = ["env:TEA_SECRET"]
"""
DESTINATION = """
[destinations.{name}]
system = "esuite"
base_url = "http://127.0.0.1:1/api/v2"
auth = {{ mode = "bearer", token = "env:ESUITE_TOKEN" }}
shipping_sku = "FREIGHT"
fields = {{ AccountRef = "CASH01", BatchType = "SAR", TransType = "SOR", TransLedger = "S" }}
"""


def _toml(*names: str) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    route = f'\n[[routes]]\nname = "all"\ndeliver = [{listed}]\n'
    return TOML + "".join(DESTINATION.format(name=name) for name in names) + route


@pytest.fixture
def crossdock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    found = Cli(monkeypatch, tmp_path)
    (tmp_path / "crossdock.toml").write_text(_toml("a", "b", "c"))
    found.set(
        CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"),
        CROSSDOCK_HOME=str(tmp_path / "home"),
        TEA_SECRET=new_secret("standard"),
        ESUITE_TOKEN="sandbox-esuite",
    )
    return found


@pytest.fixture
def found_by_it(crossdock: Cli, tmp_path: Path) -> Iterator[World]:
    """A ledger where the command line looks for it."""
    (tmp_path / "home").mkdir()
    with World(f"sqlite:///{tmp_path}/home/crossdock.db", config(deliver=("a", "b", "c"))) as world:
        yield world


def test_the_command_line_accepts_and_says_what_goes_on(crossdock: Cli, found_by_it: World) -> None:
    _held_change(found_by_it)
    told = crossdock("accept", "1", "--destination", "b")
    assert told.strip() == "1 of tea (id 1) stays as it is at b, 1 delivery on the way"
    assert found_by_it.states("1") == "delivered delivered ready"
    assert found_by_it.events("1", "accepted") == ["accepted as it is there (command line)"]


def test_the_command_line_says_where_a_cancelled_order_stands_then(crossdock: Cli, found_by_it: World) -> None:
    _held_cancel(found_by_it)
    shown = crossdock("show", "1")
    assert "left as it is until somebody settles the cancel at b" in shown
    told = crossdock("accept", "1", "--destination", "b")
    assert told.strip() == "1 of tea (id 1) stays as it is at b, and is delivered"
    assert "the order stays here too, since it goes its way at b" in crossdock("show", "1")


def test_the_command_line_answers_a_script(crossdock: Cli, found_by_it: World) -> None:
    _held_change(found_by_it)
    assert crossdock.json("accept", "1", "--destination", "b") == {"order": 1, "destination": "b", "deliveries": 1}


def test_what_is_at_a_destination_that_has_left_the_configuration_can_be_accepted(
    crossdock: Cli, found_by_it: World, tmp_path: Path
) -> None:
    _held_change(found_by_it)
    (tmp_path / "crossdock.toml").write_text(_toml("a", "c"))
    crossdock("accept", "1", "--destination", "b")
    assert found_by_it.states("1") == "delivered delivered ready"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["1", "--destination", "a"], 1, "Error: not accepted: the delivery at a is delivered"),
        (["1", "--destination", "nowhere"], 1, "Error: not accepted: the order has no delivery at nowhere"),
        (["4711", "--destination", "a"], 1, "Error: no order is called 4711"),
        (["1"], 2, "Missing option '--destination'"),
    ],
)
def test_the_command_line_says_why_not(
    crossdock: Cli, found_by_it: World, arguments: list[str], code: int, says: str
) -> None:
    _held_change(found_by_it)
    assert says in crossdock("accept", *arguments, code=code)
    assert found_by_it.states("1") == "delivered held waiting"
