"""What `crossdock demo` says of an end that is not as it should be, and whom it waits for on the way there."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import httpx
import pytest

from sandbox.demo.folder import Setup
from sandbox.demo.orders import Api, Leg, Row, Sent
from sandbox.demo.sales_orders import judge_lines
from sandbox.demo.sender import Sender
from sandbox.demo.verdict import Names, judge
from sandbox.demo.warehouse import Warehouse
from sandbox.shops import SAMPLES, Answer, Delivery, load_samples
from tests.servers import wait_until

# ------------------------------------------------------------------ the verdict

NAMES = Names(
    {
        "shops": {"tea": {"number_prefix": "T-"}},
        "destinations": {
            "erp": {"system": "esuite", "reference_prefix": "WEB-"},
            "warehouse": {"system": "ongoing"},
        },
    }
)


def _leg(destination: str, status: str = "delivered", **more: Any) -> Leg:
    fields = {"attempts": 1, "reference": "1", "reason": "", "changed_at": 10.0, **more}
    return Leg(destination=destination, status=status, **fields)


def _row(status: str = "delivered", *legs: Leg, reason: str = "") -> Row:
    both = legs or (_leg("erp"), _leg("warehouse"))
    return Row(id=1, shop="tea", number="#7", status=status, reason=reason, legs=both, sent_at=9.0)


def _sent(**more: Any) -> Sent:
    delivery = replace(
        load_samples(SAMPLES)[0], name="file", expect="accepted", ends="delivered", at=("erp", "warehouse")
    )
    return Sent(replace(delivery, **more), Answer(status=200, outcome="accepted", order="1"), 9.0)


BOTH = {"esuite": {"WEB-T-7": 1}, "ongoing": {"T-7": 1}}
NOWHERE: dict[str, dict[str, int]] = {"esuite": {}, "ongoing": {}}


def test_an_order_that_is_where_it_belongs_is_no_failure() -> None:
    assert judge([_row()], [_sent()], BOTH, NAMES) == []


@pytest.mark.parametrize(
    ("row", "sent", "held", "told"),
    [
        (_row(), _sent(), {**BOTH, "ongoing": {}}, "order #7 of tea is called delivered at warehouse, and is not"),
        (_row(), _sent(), {**BOTH, "esuite": {"WEB-T-7": 2}}, "esuite holds WEB-T-7 2 times"),
        (_row(), _sent(), {**BOTH, "esuite": {"WEB-T-7": 1, "X": 1}}, "esuite holds X, and no order was to go there"),
        (_row(), _sent(at=("erp",)), BOTH, "order #7 of tea is at ongoing, expected not"),
        (_row(), _sent(ends="held"), BOTH, "order #7 of tea is delivered, expected held"),
        (_row(), _sent(expect="held"), BOTH, "file: the webhook was answered accepted, expected held"),
        (_row("held"), _sent(ends=None, at=None), BOTH, "order #7 of tea is held without a reason"),
        (
            _row("delivering", _leg("erp", "retrying"), reason="erp: 503"),
            _sent(ends=None, at=None),
            NOWHERE,
            "order #7 of tea is still delivering (erp: 503)",
        ),
        (
            _row("delivered", _leg("erp"), _leg("warehouse", reference=None)),
            _sent(ends=None, at=None),
            BOTH,
            "order #7 of tea had nothing to send to warehouse, and is there",
        ),
    ],
    ids=[
        "lost",
        "twice",
        "unasked",
        "at too many",
        "other status",
        "other outcome",
        "no reason",
        "moving",
        "no object",
    ],
)
def test_the_verdict_names_what_is_wrong(row: Row, sent: Sent, held: dict[str, dict[str, int]], told: str) -> None:
    assert any(sentence.startswith(told) for sentence in judge([row], [sent], held, NAMES))


@pytest.mark.parametrize(("status", "got"), [(401, "HTTP 401"), (0, "nothing in 3 tries")], ids=["refused", "silence"])
def test_a_webhook_without_a_good_answer_is_a_failure(status: int, got: str) -> None:
    sent = replace(_sent(ends=None, at=None), answer=Answer(status=status, tries=3))
    assert judge([], [sent], NOWHERE, NAMES) == [f"file: the webhook was answered {got}"]


def test_nothing_to_ship_needs_no_object_at_the_warehouse() -> None:
    row = _row("delivered", _leg("erp"), _leg("warehouse", reference=None, reason="nothing to ship"))
    held = {"esuite": {"WEB-T-7": 1}, "ongoing": {}}
    assert judge([row], [_sent(at=("erp",))], held, NAMES) == []


# ------------------------------------------------------------------ what the warehouse sent

SENT_OUT = replace(_sent(), delivery=replace(_sent().delivery, waybill="W-1"))


def _on_its_way(progress: str, *waybills: str) -> Row:
    return _row("delivered", _leg("erp"), _leg("warehouse", progress=progress, waybills=waybills))


def test_an_order_that_is_told_to_be_on_its_way_is_no_failure() -> None:
    assert judge([_on_its_way("sent (status 450)", "W-1")], [SENT_OUT], BOTH, NAMES) == []


@pytest.mark.parametrize(
    "row",
    [_on_its_way(""), _on_its_way("picked (status 400)", "W-1"), _on_its_way("sent (status 450)", "W-2")],
    ids=["nothing told", "not sent", "another parcel"],
)
def test_what_was_sent_and_is_not_told_is_a_failure(row: Row) -> None:
    assert judge([row], [SENT_OUT], BOTH, NAMES) == [
        "order #7 of tea is to be sent as W-1, and Crossdock does not tell that it was"
    ]


class _Doors:
    """The stand-in and Crossdock as the warehouse's people see them."""

    def __init__(self, *, web_is_away: int = 0) -> None:
        self.web_is_away = web_is_away
        self.done: list[str] = []

    def send_out(self, order_id: str, waybill: str, address: str, *, login: tuple[str, str]) -> None:
        self.done.append(f"{order_id} as {waybill} by {login[0]}, {address}")

    def report(self, destination: str, body: dict[str, Any], *, token: str) -> None:
        self.web_is_away -= 1
        if self.web_is_away >= 0:
            raise httpx.ConnectError("away")
        self.done.append(f"{destination} {token}: {body['orderNumber']} {body['orderStatus']['number']}")


def _warehouse(doors: _Doors) -> Warehouse:
    destinations = {"erp": {"system": "esuite"}, "warehouse": {"system": "ongoing", "goods_owner_id": 159}}
    environment = {"DEMO_ONGOING_USER": "WSI", "DEMO_ONGOING_PASSWORD": "secret"}
    config = {"shops": {"tea": {"number_prefix": "T-"}}, "destinations": destinations}
    setup = Setup(config=config, secrets={}, tokens={"warehouse": "token"}, environment=environment)
    return Warehouse(cast("Api", doors), setup)


def test_the_warehouse_sends_an_order_once_and_reports_it_until_it_is_heard() -> None:
    doors = _Doors(web_is_away=1)
    warehouse = _warehouse(doors)
    waiting = _row("delivering", _leg("erp"), _leg("warehouse", "ready", reference=None))
    assert warehouse.look([waiting], [SENT_OUT]) is False
    assert doors.done == []
    ready = _row("delivered", _leg("erp", reference="PSOR-1"), _leg("warehouse", reference="219001"))
    assert [warehouse.look([ready], [SENT_OUT]) for _ in range(3)] == [True, True, True]
    assert doors.done == ["219001 as W-1 by WSI, https://track.example.com/W-1", "warehouse token: T-7 450"]
    assert warehouse.look([_on_its_way("sent (status 450)", "W-1")], [SENT_OUT]) is False


def test_the_warehouse_sends_nothing_that_no_sample_asks_for() -> None:
    doors = _Doors()
    assert _warehouse(doors).look([_row()], [_sent()]) is False
    assert doors.done == []


# ------------------------------------------------------------------ the sales orders of ERPs

CHAIN_NAMES = Names({"shops": {"tea": {"number_prefix": "T-"}}, "destinations": {"erp": {"system": "manex"}}})


def _line(number: int = 1, **changes: Any) -> dict[str, Any]:
    price = {"price": "20", "extended": "40.00"}
    due = {"DUE_DTS1": "2026-11-27T00:00:00", "QTY": "2"}
    named = {"LINE_NO": f"000000{number}", "part_no": f"PART-{number}", "revision": "", "STATUS": "STANDARD"}
    return {**named, "ORD_QTY": "2", "prices": [price], "due_dates": [due], **changes}


def _judged(
    lines: list[dict[str, Any]], *, status: str = "delivered", written: tuple[str, ...] | None = None
) -> list[str]:
    row = _row(status, _leg("erp", status))
    return judge_lines([row], [_sent(written=written)], {"manex": {"T-7": [{"lines": lines}]}}, CHAIN_NAMES)


def test_a_sales_order_with_everything_once_is_no_failure() -> None:
    lines = [_line(1), _line(2, STATUS="CANCEL"), _line(3, part_no="P", revision="B")]
    written = ("2 x PART-1, 40.00, due 2026-11-27", "2 x P revision B, 40.00, due 2026-11-27")
    assert _judged(lines, written=written) == []


def test_a_chain_that_stopped_half_way_may_lack_what_it_did_not_write() -> None:
    assert _judged([_line(prices=[], due_dates=[])], status="dead") == []


@pytest.mark.parametrize(
    ("lines", "status", "told"),
    [
        ([_line(1), _line(1)], "delivered", "line 0000001 is there 2 times"),
        ([_line(prices=_line()["prices"] * 2)], "delivered", "line 0000001 has 2 prices"),
        ([_line(prices=_line()["prices"] * 2)], "dead", "line 0000001 has 2 prices"),
        ([_line(prices=[])], "delivered", "line 0000001 has 0 prices"),
        ([_line(due_dates=[])], "delivered", "line 0000001 has 0 due dates"),
        ([_line(due_dates=_line()["due_dates"] * 2)], "delivered", "line 0000001 has due dates for 4 of 2"),
        ([_line(ORD_QTY="3")], "delivered", "line 0000001 has due dates for 2 of 3"),
        ([], "delivered", "it has no line"),
    ],
    ids=[
        "line twice",
        "price twice",
        "price twice, dead letter",
        "no price",
        "no due date",
        "due date twice",
        "less due than ordered",
        "header alone",
    ],
)
def test_the_verdict_names_what_is_wrong_in_a_sales_order(lines: list[dict[str, Any]], status: str, told: str) -> None:
    assert f"order #7 of tea at erp: {told}" in _judged(lines, status=status)


def test_a_sales_order_that_says_something_else_than_its_sample_is_a_failure() -> None:
    (told,) = _judged([_line(ORD_QTY="2")], written=("3 x PART-1, 60.00, due 2026-11-27",))
    assert "it says 2 x PART-1, 40.00, due 2026-11-27, expected 3 x PART-1, 60.00, due 2026-11-27" in told


@pytest.mark.parametrize(
    ("system", "found", "said"),
    [
        (
            "iws",
            {"lines": [{"quantity": "7", "itemName": "MUG", "extPrice": "46.59"}], "freight": "4.00"},
            ("7 x MUG, 46.59", "freight, 4.00"),
        ),
        (
            "iws",
            {"lines": [{"quantity": "7", "itemName": "MUG", "extPrice": "46.59"}], "freight": "0.00"},
            ("7 x MUG, 46.59",),
        ),
        ("enapps", {"lines": [{"qty": 4, "default_code": "INK", "subtotal": "75.60"}]}, ("4 x INK, 75.60",)),
    ],
    ids=["iws", "iws without freight", "enapps"],
)
def test_a_sales_order_at_iws_or_enapps_is_read_line_by_line(
    system: str, found: dict[str, Any], said: tuple[str, ...]
) -> None:
    names = Names({"shops": {"tea": {"number_prefix": "T-"}}, "destinations": {"erp": {"system": system}}})
    row, there = _row("delivered", _leg("erp")), {system: {"T-7": [found]}}
    assert judge_lines([row], [_sent(written=said)], there, names) == []
    (told,) = judge_lines([row], [_sent(written=("1 x TIN, 2.00",))], there, names)
    assert told.endswith(f"it says {'; '.join(said)}, expected 1 x TIN, 2.00")


# ------------------------------------------------------------------ samples that wait


def test_a_sample_that_waits_is_sent_when_its_order_is_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    went: list[str] = []

    async def send(deliveries: Sequence[Delivery], **_: object) -> None:
        went.extend(delivery.name for delivery in deliveries)

    monkeypatch.setattr("sandbox.demo.sender.send_all", send)
    first = replace(_sent().delivery, shop="tea", number="#7", name="first")
    others = replace(first, number="#8", name="other"), replace(first, name="change", waits=True)
    sender = Sender([first, *others], url="", secrets={})
    sender.look([replace(_row(), number="#8")])
    sender.start()
    wait_until(lambda: went == ["first", "other"], seconds=5, what="what does not wait is sent")
    sender.look([_row("delivering", _leg("erp", "retrying"))])
    time.sleep(0.2)
    assert went == ["first", "other"]
    assert not sender.done
    sender.look([_row()])
    wait_until(lambda: sender.done, seconds=5, what="the change is sent")
    assert went == ["first", "other", "change"]
