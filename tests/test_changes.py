"""Orders change: whatever changes, and whenever, each destination ends with the newest version, or says why not."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count, permutations
from typing import Any

import httpx
import pytest

from sandbox.shops import Delivery
from tests.changing import CHANGES, ESUITE, ONGOING, PLACES, WAREHOUSE, Change, Place, There, changed, placed
from tests.house import House
from tests.servers import wait_until

pytestmark = pytest.mark.long

_numbers = count(8001)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """How one order has ended. ``before`` and ``after``: all that the stand-in had of it, in words."""

    order: dict[str, Any]
    there: There | None
    before: str
    after: str


class Stage:
    """A house with one destination. Each moment is played once, with an order for every change."""

    def __init__(self, house: House, place: Place) -> None:
        self.house, self.place = house, place
        self._played: dict[str, dict[str, Cell]] = {}

    def at(self, moment: str) -> dict[str, Cell]:
        """How the changes have ended that came at this moment, by their names."""
        if moment not in self._played:
            numbers = {change.name: str(next(_numbers)) for change in CHANGES}
            before: dict[str, str] = self._play(moment, numbers)
            self._played[moment] = {name: self._cell(number, before) for name, number in numbers.items()}
        return self._played[moment]

    def _cell(self, number: str, before: dict[str, str]) -> Cell:
        return Cell(
            order=self.house.order(number),
            there=self.place.there(self.house, number),
            before=before[number],
            after=self.all_of(number),
        )

    def _play(self, moment: str, numbers: dict[str, str]) -> dict[str, str]:
        place_orders = [placed(number) for number in numbers.values()]
        changes = [changed(numbers[change.name], change) for change in CHANGES]
        before: dict[str, str] = MOMENTS[moment](self, list(numbers.values()), place_orders, changes)
        self.stand_still(numbers.values())
        return before

    # ------------------------------------------------------------------ what the moments are made of

    def post(self, deliveries: Sequence[Delivery]) -> None:
        assert self.house.post(deliveries) == {"accepted": len(deliveries)}

    def all_of(self, number: str) -> str:
        """All that the stand-in has of an order."""
        return json.dumps(self.place.objects(self.house, number))

    def suspend(self) -> None:
        httpx.post(f"{self.house.url}/api/destinations/{self.place.name}/suspend").raise_for_status()

    def resume(self) -> None:
        httpx.post(f"{self.house.url}/api/destinations/{self.place.name}/resume").raise_for_status()

    def fault(self, call: tuple[str, str], fault: dict[str, Any]) -> None:
        method, path = call
        rules = {"method": method} if method else {}
        self.house.fault(self.place.system, fault, path=path, times=None, **rules)

    def states(self, numbers: Sequence[str]) -> list[str]:
        """The states of these orders' deliveries; what was cancelled before it was routed has none."""
        found = {one["number"]: one["deliveries"] for one in self.house.orders()}
        return [found[number][0]["status"] if found[number] else "cancelled" for number in numbers]

    def stand_still(self, numbers: Any, *, states: Sequence[str] = ("delivered", "held", "dead", "cancelled")) -> None:
        wait_until(
            lambda: all(state in states for state in self.states(list(numbers))),
            seconds=40,
            what=f"the orders at {self.place.name} are {' or '.join(states)}",
        )

    def deliver(self, numbers: Sequence[str], orders: Sequence[Delivery]) -> dict[str, str]:
        self.post(orders)
        self.stand_still(numbers, states=("delivered",))
        return {number: self.all_of(number) for number in numbers}


def _before(stage: Stage, numbers: Sequence[str], orders: Sequence[Delivery], changes: Sequence[Delivery]) -> Any:
    stage.suspend()
    stage.post(orders)
    stage.post(changes)
    stage.resume()
    return dict.fromkeys(numbers, "[]")


def _in_flight(stage: Stage, numbers: Sequence[str], orders: Sequence[Delivery], changes: Sequence[Delivery]) -> Any:
    stage.fault(stage.place.creates[0], {"kind": "slow", "seconds": 0.7})
    stage.post(orders)
    stage.stand_still(numbers, states=("delivering",))
    stage.post(changes)
    stage.house.clear_faults()
    return dict.fromkeys(numbers, "[]")


def _in_doubt(step: int) -> Callable[[Stage, Sequence[str], Sequence[Delivery], Sequence[Delivery]], Any]:
    def play(stage: Stage, numbers: Sequence[str], orders: Sequence[Delivery], changes: Sequence[Delivery]) -> Any:
        stage.fault(stage.place.creates[step], {"kind": "hang", "seconds": 5, "commit": "before"})
        stage.post(orders)
        stage.stand_still(numbers, states=("delivering",))
        wait_until(lambda: all(map(stage.all_of(n).__ne__, ["[]"]) for n in numbers), seconds=10, what="all are there")
        stage.suspend()  # while they hang: so that nobody looks before the change is there
        stage.stand_still(numbers, states=("held",))
        stage.house.clear_faults()
        stage.post(changes)
        stage.resume()
        return dict.fromkeys(numbers, "[]")

    return play


def _delivered(stage: Stage, numbers: Sequence[str], orders: Sequence[Delivery], changes: Sequence[Delivery]) -> Any:
    before = stage.deliver(numbers, orders)
    stage.post(changes)
    return before


def _begun(stage: Stage, numbers: Sequence[str], orders: Sequence[Delivery], changes: Sequence[Delivery]) -> Any:
    stage.deliver(numbers, orders)
    stage.place.begin(stage.house, numbers)
    before = {number: stage.all_of(number) for number in numbers}
    stage.post(changes)
    return before


MOMENTS: dict[str, Callable[[Stage, Sequence[str], Sequence[Delivery], Sequence[Delivery]], Any]] = {
    "before": _before,
    "in flight": _in_flight,
    "in doubt": _in_doubt(0),
    "in doubt, in the middle": _in_doubt(1),
    "in doubt, at the end": _in_doubt(2),
    "delivered": _delivered,
    "begun": _begun,
}

FREE_WHERE_BEGUN = {
    "esuite": ("money refunded",),
    "ongoing": ("money refunded",),
    # A shipped line may become larger, and other lines may come; the address stands in the note (section 4).
    "manex": ("money refunded", "quantity raised", "line added", "price changed", "address changed"),
}
"""What agrees all the same although work has begun."""

CELLS = [
    pytest.param(place, moment, change, id=f"{place.system}-{moment}-{change.name}")
    for place in PLACES
    for moment in MOMENTS
    for change in CHANGES
    if "," not in moment or len(place.creates) > 1
]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Place], Stage]]:
    """A house for each destination, from its first test on."""
    known: dict[str, Stage] = {}
    with ExitStack() as houses:

        def stage(place: Place) -> Stage:
            if place.name not in known:
                house = place.house(tmp_path_factory.mktemp(place.system), timeout_s=1.0)
                known[place.name] = Stage(houses.enter_context(house), place)
            return known[place.name]

        yield stage


@pytest.mark.parametrize(("place", "moment", "change"), CELLS)
def test_a_change_ends_with_the_newest_version_once_or_held_with_a_reason(
    stages: Callable[[Place], Stage], place: Place, moment: str, change: Change
) -> None:
    cell = stages(place).at(moment)[change.name]
    [delivery] = cell.order["deliveries"]
    told = [event["text"] for event in cell.order["events"] if event["kind"] == "changes"]
    assert any(change.told in text for text in told), told
    if moment == "begun" and change.name not in FREE_WHERE_BEGUN[place.system]:
        assert delivery["status"] == "held", delivery
        assert delivery["reason"]
        assert delivery["hint"]
        assert cell.after == cell.before, "what could not be changed was touched all the same"
        return
    assert delivery["status"] == ("cancelled" if change.cancels else "delivered"), delivery
    assert cell.there == place.wanted(change)
    if change.name == "money refunded" and moment in ("delivered", "begun"):
        assert cell.after == cell.before, "a refund of money alone writes nothing"
        assert delivery["attempts"] == 1
    if moment == "before":
        assert delivery["attempts"] == (0 if change.cancels else 1), "only the newest version goes out"
        assert not change.cancels or cell.after == "[]", "nothing is sent any more"


# ---------------------------------------------------------------- out of order

LOWERED, CANCELLED = CHANGES[0], CHANGES[-1]
ARRIVALS = list(permutations(("create", "update", "cancel")))
LAST, EARLIER = "2026-11-20T12:00:00Z", "2026-11-20T11:00:00Z"


def _webhooks(number: str, *, last: str) -> dict[str, Delivery]:
    update, cancel = (EARLIER, LAST) if last == "cancel" else (LAST, EARLIER)
    return {
        "create": placed(number),
        "update": changed(number, LOWERED, version=update),
        "cancel": changed(number, CANCELLED, version=cancel),
    }


@pytest.mark.parametrize("moment", ["at once", "in flight", "one by one"])
@pytest.mark.parametrize("last", ["cancel", "update"])
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.system)
def test_create_update_and_cancel_end_alike_in_all_six_orders_of_arrival(
    stages: Callable[[Place], Stage], place: Place, last: str, moment: str
) -> None:
    stage = stages(place)
    house = stage.house
    numbers = {arrival: str(next(_numbers)) for arrival in ARRIVALS}
    if moment == "in flight":
        stage.fault(place.creates[0], {"kind": "slow", "seconds": 0.3})
    for step in range(3):
        webhooks = [_webhooks(number, last=last)[arrival[step]] for arrival, number in numbers.items()]
        house.post(webhooks)
        if moment == "one by one":
            stage.stand_still(numbers.values())
        elif moment == "in flight":
            time.sleep(0.2)
    stage.stand_still(numbers.values())
    house.clear_faults()
    for arrival, number in numbers.items():
        order = house.order(number)
        if last == "cancel":
            assert order["status"] == "cancelled", (arrival, order["deliveries"])
            assert place.there(house, number) is None
            continue
        [delivery] = order["deliveries"]
        if delivery["status"] == "held":  # a cancelled order cannot be opened again there
            assert place.there(house, number) is None, (arrival, delivery)
            assert "cancel" in delivery["reason"], (arrival, delivery)
            assert delivery["hint"]
        else:
            assert delivery["status"] == "delivered", (arrival, delivery)
            assert place.there(house, number) == place.wanted(LOWERED), arrival


# ---------------------------------------------------------------- a cancel goes through the route


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house whose orders go to the ERP, and then to the warehouse."""
    with House(tmp_path_factory.mktemp("both"), timeout_s=1.0) as house:
        yield house


@pytest.fixture
def number(both: House) -> Iterator[str]:
    """An order that both have."""
    found = str(next(_numbers))
    both.post([placed(found)])
    both.wait_for(found, "delivered", "delivered")
    yield found
    both.clear_faults()
    for place in (ESUITE, ONGOING):
        httpx.post(f"{both.url}/api/destinations/{place.name}/resume")


def _cancel(house: House, number: str) -> None:
    house.post([changed(number, CANCELLED)])


def _act(house: House, number: str, what: str, **body: Any) -> None:
    order_id = house.order(number)["id"]
    httpx.post(f"{house.url}/api/orders/{order_id}/{what}", json=body).raise_for_status()


def _live(house: House, number: str) -> tuple[int, int]:
    return ESUITE.live(house, number), ONGOING.live(house, number)


def test_a_cancel_goes_to_the_warehouse_first_and_then_to_the_erp(both: House, number: str) -> None:
    both.fault("ongoing", {"kind": "slow", "seconds": 0.8}, method="DELETE", times=1)
    _cancel(both, number)
    states = [one["status"] for one in both.order(number)["deliveries"]]
    assert states[0] == "waiting"
    assert _live(both, number) == (1, 1)
    both.wait_for(number, "cancelled", "cancelled")
    assert _live(both, number) == (0, 0)
    assert both.order(number)["status"] == "cancelled"


def test_where_the_warehouse_has_begun_the_erp_keeps_the_order(both: House, number: str) -> None:
    ONGOING.begin(both, [number])
    before = (ESUITE.there(both, number), ONGOING.there(both, number))
    _cancel(both, number)
    order = both.wait_for(number, "waiting", "held")
    assert "was not cancelled there" in order["deliveries"][1]["reason"]
    assert order["status"] == "held"
    assert (ESUITE.there(both, number), ONGOING.there(both, number)) == before


def test_accepted_as_it_is_the_order_stays_at_the_erp_and_counts_as_delivered(both: House, number: str) -> None:
    ONGOING.begin(both, [number])
    _cancel(both, number)
    both.wait_for(number, "waiting", "held")
    _act(both, number, "accept", destination=ONGOING.name)
    order = both.wait_for(number, "delivered", "delivered")
    assert order["status"] == "delivered"
    assert _live(both, number) == (1, 1)
    texts = [event["text"] for event in order["events"] if event["kind"] == "accepted"]
    assert any("accepted as it is there (api)" in text for text in texts)
    time.sleep(1.5)  # a sweep and more: nobody takes it up again
    assert _live(both, number) == (1, 1)
    assert both.order(number)["status"] == "delivered"


def test_cancelled_by_hand_at_the_warehouse_and_replayed_the_order_is_gone_at_both(both: House, number: str) -> None:
    ONGOING.begin(both, [number])
    _cancel(both, number)
    both.wait_for(number, "waiting", "held")
    ONGOING.set_status(both, number, 200)  # the warehouse puts the goods back,
    params = {"goodsOwnerId": "159", "orderNumber": ONGOING.reference(number)}
    url = f"{both.sandbox_url}/ongoing/api/v1/orders"
    httpx.delete(url, params=params, auth=WAREHOUSE).raise_for_status()  # and cancels the order
    _act(both, number, "replay")
    order = both.wait_for(number, "cancelled", "cancelled")
    assert order["status"] == "cancelled"
    assert _live(both, number) == (0, 0)


@pytest.mark.parametrize("place", [ESUITE, ONGOING], ids=lambda place: place.system)
def test_a_cancel_waits_for_a_suspended_destination_in_its_turn(both: House, number: str, place: Place) -> None:
    httpx.post(f"{both.url}/api/destinations/{place.name}/suspend").raise_for_status()
    _cancel(both, number)
    if place is ONGOING:
        both.wait_for(number, "waiting", "held")
        assert _live(both, number) == (1, 1)
    else:
        both.wait_for(number, "held", "cancelled")
        assert _live(both, number) == (1, 0)
    httpx.post(f"{both.url}/api/destinations/{place.name}/resume").raise_for_status()
    both.wait_for(number, "cancelled", "cancelled")
    assert _live(both, number) == (0, 0)


def test_a_cancel_while_the_erp_is_in_doubt_leaves_nothing_anywhere(both: House) -> None:
    number = str(next(_numbers))
    both.fault("esuite", {"kind": "hang", "seconds": 3, "commit": "before"}, method="POST", match=number)
    both.post([placed(number)])
    wait_until(lambda: ESUITE.live(both, number), seconds=10, what="Esuite has it, and does not say so")
    _cancel(both, number)
    both.wait_for(number, "cancelled", "cancelled")
    assert _live(both, number) == (0, 0)
    assert not ONGOING.objects(both, number)


def test_a_change_that_the_warehouse_refuses_is_at_the_erp_and_can_be_accepted(both: House, number: str) -> None:
    ONGOING.begin(both, [number])
    before = ONGOING.there(both, number)
    both.post([changed(number, LOWERED)])
    order = both.wait_for(number, "delivered", "held")
    assert order["deliveries"][1]["reason"]
    assert ESUITE.there(both, number) == ESUITE.wanted(LOWERED)
    assert ONGOING.there(both, number) == before
    _act(both, number, "accept", destination=ONGOING.name)
    assert both.wait_for(number, "delivered", "delivered")["status"] == "delivered"
    assert ONGOING.there(both, number) == before
