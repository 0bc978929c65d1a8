"""Whatever is lost on the way, the warehouse ends up as the shop wants it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.http import Call, Reply
from tasks.ongoing import converge
from tests.ongoing_fake import LINE, job
from worker.outcomes import Delivered, Retry
from worker.system import Job


class Warehouse:
    """An Ongoing that keeps orders by number, and fails before or after it did what was asked, as it is told."""

    def __init__(self, troubles: Sequence[str]) -> None:
        self.orders: dict[str, dict[str, Any]] = {}
        self.clock = 0.0
        self._troubles = list(troubles)
        self._hidden_until = 0.0

    async def send(self, call: Call) -> Reply:
        trouble = self._troubles.pop(0) if self._troubles else ""
        if trouble == "connect":
            return Reply(call=call, fault="connect")
        if trouble == "busy":
            return Reply(call=call, status=503)
        body = self._handle(call, lag=trouble == "lag")
        if trouble == "lost":
            return Reply(call=call, fault="lost")
        return Reply(call=call, status=200, text=json.dumps({} if trouble in ("no id", "lag") else body))

    def _handle(self, call: Call, *, lag: bool) -> Any:
        if call.method == "GET":
            visible = self.clock >= self._hidden_until
            return [order for order in self.orders.values() if visible]
        if call.method == "DELETE":
            self.orders["1001"]["orderInfo"]["orderStatus"] = {"number": 1000}
            return {"orderId": 501}
        if lag:
            self._hidden_until = self.clock + 20
        body = dict(call.body or {})
        info = {name: value for name, value in body.items() if name not in ("goodsOwnerId", "consignee", "orderLines")}
        self.orders[info["orderNumber"]] = {
            "orderInfo": info | {"orderId": 501, "orderStatus": {"number": 200}},
            "consignee": body["consignee"],
            "orderLines": [
                row | {"article": {"articleNumber": row["articleNumber"]}, "orderedNumberOfItems": row["numberOfItems"]}
                for row in body["orderLines"]
            ],
        }
        return {"orderId": 501}


def settle(warehouse: Warehouse, a_job: Callable[..., Job[Any]], *, in_doubt: bool, memo: Mapping[str, Any]) -> Any:
    """Try until it is decided, as the ledger would: a doubt stays until something is delivered."""
    for _ in range(40):
        decided = asyncio.run(converge(a_job(in_doubt=in_doubt, memo=memo, now=warehouse.clock), warehouse))
        if not isinstance(decided, Retry):
            return decided
        in_doubt = in_doubt or decided.in_doubt
        memo = decided.memo if decided.memo is not None else memo
        warehouse.clock += max(decided.after or 0.0, 1.0)
    raise AssertionError("it never settles")


troubles = st.lists(st.sampled_from(["", "connect", "busy", "lost", "no id", "lag"]), max_size=8)


@settings(deadline=None)
@given(first=troubles, second=troubles, cancelled=st.booleans())
def test_whatever_is_lost_on_the_way_the_warehouse_ends_up_as_the_shop_wants(
    first: list[str], second: list[str], cancelled: bool
) -> None:
    warehouse = Warehouse(first)
    delivered = settle(warehouse, job, in_doubt=False, memo={})
    assert isinstance(delivered, Delivered)
    assert (delivered.reference, list(warehouse.orders)) == ("501", ["1001"])

    warehouse._troubles = list(second)

    def changed(**state: Any) -> Job[Any]:
        return job(**state, lines=[LINE | {"open_quantity": "1"}], cancelled=cancelled)

    again = settle(warehouse, changed, in_doubt=False, memo=delivered.memo)
    assert isinstance(again, Delivered)
    there = warehouse.orders["1001"]
    assert (there["orderInfo"]["orderStatus"]["number"] == 1000) is cancelled
    assert there["orderLines"][0]["orderedNumberOfItems"] == (2 if cancelled else 1)
    assert list(warehouse.orders) == ["1001"]
