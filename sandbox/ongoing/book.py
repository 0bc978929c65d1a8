"""What one Ongoing instance holds, and the changes it can go through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from time import monotonic
from typing import Any

from sandbox.ongoing.data import CANCELLED, SENT
from sandbox.ongoing.orders import Order, key

FIRST_ORDER_ID = 219_001
FIRST_LINE_ID = 880_001
FIRST_CUSTOMER_ID = 21_628
FIRST_ARTICLE_ID = 5_001


class Book:
    """Orders by id; articles, and codes by kind, by their number or code as :func:`key` makes it.

    ``declared``: articles that were put or asked for, and not only accepted on an order.
    """

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.articles: dict[str, dict[str, Any]] = {}
        self.declared: set[str] = set()
        self.codes: dict[str, dict[str, dict[str, Any]]] = {}
        self._ids: dict[str, int] = {}
        self._customers: dict[str, int] = {}
        self._lagging: dict[int, tuple[float, Order | None]] = {}
        self._last_line_id = FIRST_LINE_ID - 1

    # ------------------------------------------------------------------ reading

    def find(self, number: str) -> Order | None:
        """The order of that number, None if there is none."""
        return self.orders.get(self._ids.get(key(number), 0))

    def of(self, number: str) -> Order:
        """The order of that number. Raises KeyError if there is none."""
        return self.orders[self._ids[key(number)]]

    def seen(self, order: Order) -> Order | None:
        """The version that a GET sees: for a while after a write the one before, None if there was none."""
        until, before = self._lagging.get(order.order_id, (0.0, None))
        if monotonic() < until:
            return before
        self._lagging.pop(order.order_id, None)
        return order

    def knows_customer(self, number: str) -> bool:
        """Whether an order brought that customer number before."""
        return key(number) in self._customers

    def article_id(self, number: str) -> int:
        """articleSystemId."""
        return int(self.articles[key(number)]["articleSystemId"])

    def booked(self, number: str) -> float:
        """Items of an article on orders that have not left; creating an order lowers what can be sold (1.5)."""
        return sum(
            line.get("numberOfItems") or 0.0
            for order in self.orders.values()
            if order.status < SENT
            for line in order.lines
            if key(line["articleNumber"]) == key(number)
        )

    # ------------------------------------------------------------------ changing

    def apply(self, entry: Mapping[str, Any], *, read_lag_s: float) -> None:
        """Carry out ``order``, ``status``, ``tracking``, ``article`` or ``code``; GET sees it ``read_lag_s`` later."""
        match entry["op"]:
            case "order":
                self._put_order(entry, read_lag_s)
            case "status":
                self._set_status(entry, read_lag_s)
            case "tracking":
                before = self.orders[entry["id"]]
                self._keep(replace(before, tracking=(*before.tracking, entry["row"])), before, read_lag_s)
            case "article":
                number = entry["body"]["articleNumber"]
                self._article(number).update(entry["body"])
                self.declared.add(key(number))
            case "code":
                self._put_code(entry["kind"], entry)

    def _put_order(self, entry: Mapping[str, Any], read_lag_s: float) -> None:
        body, at = entry["body"], entry["at"]
        before = self.orders.get(entry["id"] or 0)
        lines, customer = self._line_ids(body, before), self._customer(body)
        self._register(body)
        if before is None:
            order_id = FIRST_ORDER_ID + len(self.orders)
            order = Order(order_id, body, entry["status"], at, at, at, customer, lines)
        else:
            self._ids.pop(key(before.number), None)  # over SOAP a number may be two orders
            order = replace(
                before, body=body, updated=at, customer_id=customer, line_ids=lines, writes=before.writes + 1
            )
        self._ids[key(order.number)] = order.order_id
        self._keep(order, before, read_lag_s)

    def _set_status(self, entry: Mapping[str, Any], read_lag_s: float) -> None:
        before, status, at = self.orders[entry["id"]], entry["status"], entry["at"]
        shipped = before.shipped or (at if SENT <= status < CANCELLED else None)
        order = replace(before, status=status, updated=at, status_changed=at, shipped=shipped)
        self._keep(order, before, read_lag_s)

    def _keep(self, order: Order, before: Order | None, read_lag_s: float) -> None:
        self.orders[order.order_id] = order
        if read_lag_s:
            self._lagging[order.order_id] = (monotonic() + read_lag_s, before)

    def _line_ids(self, body: Mapping[str, Any], before: Order | None) -> dict[str, int]:
        """A line keeps its id for as long as its rowNumber stays."""
        ids: dict[str, int] = {}
        for line in body.get("orderLines") or []:
            row = line["rowNumber"]
            known = before.line_ids.get(row) if before else None
            if known is None:
                self._last_line_id += 1
            ids[row] = known or self._last_line_id
        return ids

    def _customer(self, body: Mapping[str, Any]) -> int:
        """Every order writes the customer register; without a number it is a new customer (6, trap 25)."""
        name = body["consignee"].get("customerNumber") or f"order {key(body['orderNumber'])}"
        return self._customers.setdefault(key(name), FIRST_CUSTOMER_ID + len(self._customers))

    def _register(self, body: Mapping[str, Any]) -> None:
        for line in body.get("orderLines") or []:
            self._article(line["articleNumber"])
        for kind in ("orderType", "wayOfDelivery"):
            self._put_code(kind, body.get(kind) or {})
        for given in body.get("classes") or []:
            self._put_code("class", given)

    def _article(self, number: str) -> dict[str, Any]:
        fresh = {"articleSystemId": FIRST_ARTICLE_ID + len(self.articles), "articleNumber": number}
        return self.articles.setdefault(key(number), fresh)

    def _put_code(self, kind: str, pair: Mapping[str, Any]) -> None:
        """REST creates a code that is missing (1.7)."""
        code = pair.get("code")
        if not code:
            return
        codes = self.codes.setdefault(kind, {})
        known = codes.setdefault(key(code), {"id": len(codes) + 1, "code": code, "name": code})
        known["name"] = pair.get("name") or known["name"]
