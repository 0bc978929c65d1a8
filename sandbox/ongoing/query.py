"""What Ongoing's query parameters mean (contracts/ongoing.md 1.2, 1.6, 1.9), and how it refuses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from sandbox.ongoing.orders import Order, instant, key
from sandbox.system import Answer, make_answer

T = TypeVar("T")
Params = dict[str, list[str]]
"""The query by name; a repeated key is an array, a comma-joined value is one value that matches nothing."""


class RefusalError(Exception):
    """A refusal with this text, or with this answer as it stands."""

    def __init__(self, text: str, *, status: int = 400, answer: Answer | None = None) -> None:
        super().__init__(text)
        self.status, self.answer = status, answer

    @classmethod
    def model_state(cls, problems: Mapping[str, list[str]]) -> RefusalError:
        """Web API's answer to a body or query that does not fit (1.8)."""
        body = {"Message": "The request is invalid.", "ModelState": problems}
        return cls("the request is invalid", answer=make_answer(400, body))


def whole(params: Params, name: str) -> int | None:
    """A number of the query, None where it is not given."""
    if name not in params:
        return None
    try:
        return int(params[name][-1])
    except ValueError:
        raise _bad(name, params) from None


def _time(params: Params, name: str) -> datetime | None:
    if name not in params:
        return None
    try:
        return instant(params[name][-1])
    except ValueError:
        raise _bad(name, params) from None


def _bad(name: str, params: Params) -> RefusalError:
    return RefusalError.model_state({name: [f"The value '{params[name][-1]}' is not valid."]})


_TIMES: dict[str, Callable[[Order, datetime], bool]] = {
    "orderStatusChangedTimeFrom": lambda order, time: instant(order.status_changed) >= time,
    "orderCreatedTimeFrom": lambda order, time: instant(order.created) >= time,
    "orderCreatedTimeTo": lambda order, time: instant(order.created) <= time,
    "orderUpdatedTimeFrom": lambda order, time: instant(order.updated) >= time,
    "shippedTimeFrom": lambda order, time: order.shipped is not None and instant(order.shipped) >= time,
    "shippedTimeTo": lambda order, time: order.shipped is not None and instant(order.shipped) <= time,
}
_NUMBERS: dict[str, Callable[[Order, int], bool]] = {
    "orderStatusFrom": lambda order, number: order.status >= number,
    "orderStatusTo": lambda order, number: order.status <= number,
    "orderIdFrom": lambda order, number: order.order_id >= number,
}
_TEXTS: dict[str, Callable[[Order, list[str]], bool]] = {
    "orderNumber": lambda order, values: key(order.number) == key(values[-1]),
    "orderNumbers": lambda order, values: key(order.number) in map(key, values),
    "marketPlace": lambda order, values: (order.body.get("marketPlace") or {}).get("marketPlace") in values,
    "articleNumbers": lambda order, values: any(line["articleNumber"] in values for line in order.lines),
}
_NEVER = frozenset(
    {"lastReturnedFrom", "shipmentId", "parcelNumber", "serial", "backOrderForOrderId", "onlyIfTransportPrinted"}
    | {"onlyOrdersWithOrderLinesToReport", "onlyOrdersWithOrderLinesToReportReturned"}
)
"""Documented filters for what never happens here: nothing is shipped, returned or reported."""


def select(orders: list[Order], params: Params) -> list[Order]:
    """The orders that pass every filter, ascending by id. Unknown parameters are ignored."""
    updated = _time(params, "orderUpdatedTimeFrom")
    if updated is not None and updated < datetime.now(UTC) - timedelta(days=2):
        raise RefusalError("orderUpdatedTimeFrom must be within 2 days of the current time.")
    if any(params[name][-1].lower() not in ("", "false") for name in _NEVER & params.keys()):
        return []
    if params.get("pickable", [""])[-1] == "NotPickable":
        return []
    tests = [
        *_tests(_TIMES, params, _time),
        *_tests(_NUMBERS, params, whole),
        *_tests(_TEXTS, params, dict.get),
    ]
    found = [order for order in orders if all(test(order) for test in tests)]
    found.sort(key=lambda order: order.order_id)
    return found[: whole(params, "maxOrdersToGet")]


def _tests(
    table: Mapping[str, Callable[[Order, T], bool]], params: Params, read: Callable[[Params, str], T | None]
) -> Iterator[Callable[[Order], bool]]:
    for name, passes in table.items():
        value = read(params, name)
        if value is not None:
            yield partial(_run, passes, value)


def _run(passes: Callable[[Order, T], bool], value: T, order: Order) -> bool:
    return passes(order, value)


def select_articles(articles: list[dict[str, Any]], params: Params) -> list[dict[str, Any]]:
    """The articles that pass every filter, ascending by id."""
    changed = _time(params, "stockInfoChangedFrom")
    if changed is not None and changed < datetime.now(UTC) - timedelta(hours=24):
        raise RefusalError("stockInfoChangedFrom must be within 24 hours of the current time.")
    wanted = {key(n) for name in ("articleNumber", "articleNumbers") for n in params.get(name, [])}
    first = whole(params, "articleSystemIdFrom") or 0
    found = [
        article
        for article in articles
        if article["articleSystemId"] >= first and (not wanted or key(article["articleNumber"]) in wanted)
    ]
    found.sort(key=lambda article: int(article["articleSystemId"]))
    return found[: whole(params, "maxArticlesToGet")]
