"""The stand-in of one Ongoing WMS instance, goods owner REST API (contracts/ongoing.md section 1).

``/ongoing/api/v1/...``, and on the same orders SOAP at ``/ongoing/acme/Service.asmx`` (:mod:`sandbox.ongoing.soap`).
One goods owner; orders, articles and ways of delivery are kept, the rest is constant.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
from collections import Counter
from collections.abc import Callable, Mapping
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from sandbox.journal import Journal
from sandbox.ongoing import automation
from sandbox.ongoing.book import Book
from sandbox.ongoing.data import (
    ARTICLE,
    CANCELLED,
    ORDER,
    ORDER_STATUS,
    REPLIES,
    SENT,
    TRACKING,
    WAREHOUSES,
    WAY_OF_DELIVERY,
    OngoingSettings,
)
from sandbox.ongoing.orders import Order, created, key, stamp, view
from sandbox.ongoing.query import Params, RefusalError, select, select_articles, whole
from sandbox.ongoing.shape import Findings, Read
from sandbox.ongoing.soap import SoapDesk, serves, writes
from sandbox.ongoing.soap_data import SOAP_REPLIES
from sandbox.system import WRITES, Answer, Documented, Entry, Request, Settings, System, make_answer

STOCK = 1000.0

Handler = Callable[[Request, int], Answer]


class Ongoing(System):
    """One instance with one goods owner."""

    name: ClassVar[str] = "ongoing"
    settings_type: ClassVar[type[Settings]] = OngoingSettings
    credentials_default: ClassVar[Mapping[str, str]] = {
        "username": "WSI-sandbox",
        "password": "sandbox-ongoing",
        "automation_username": "lift",
        "automation_password": "sandbox-automation",
    }
    replies: ClassVar[Mapping[str, Documented]] = {**REPLIES, **SOAP_REPLIES}
    server_error: ClassVar[str] = "500"
    settings: OngoingSettings

    def __init__(
        self,
        journal: Journal,
        *,
        credentials: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(journal, credentials=credentials, settings=settings)
        self._turn = asyncio.Lock()
        self._soap = SoapDesk(self)
        self._routes: dict[tuple[str, ...], dict[str, Handler]] = {
            ("orders",): {"GET": self._get_orders, "PUT": self._put_order, "DELETE": self._delete_by_number},
            ("orders", "{id}"): {"GET": self._get_order, "PUT": self._put_order, "DELETE": self._delete_by_id},
            ("orders", "{id}", "orderstatus"): {"PATCH": self._patch_status},
            ("orders", "{id}", "ordertracking"): {"PUT": self._put_tracking},
            ("orders", "statuses"): {"GET": self._get_statuses},
            ("orders", "types"): {"GET": self._lookup("orderType", "orderTypes")},
            ("orders", "classes"): {"GET": self._lookup("class", "orderClasses")},
            ("orders", "wayofdeliverytypes"): {
                "GET": self._lookup("wayOfDelivery", "wayOfDeliveryTypes"),
                "PUT": self._put_way,
            },
            ("articles",): {"GET": self._get_articles, "PUT": self._put_article},
            ("articles", "{id}"): {"GET": self._get_article},
            ("warehouses",): {"GET": lambda *_: make_answer(200, WAREHOUSES)},
            ("transportercontracts",): {"GET": self._get_contracts},
        }

    def clear(self) -> None:
        """Forget every order, article, customer and code."""
        self.book = Book()

    def lane(self, request: Request) -> str | None:
        """Writes queue behind each other per goods owner (1.8)."""
        return str(self.settings.goods_owner_id) if _writes(request) else None

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Orders by order number."""
        held: dict[str, list[dict[str, Any]]] = {}
        for order in self.book.orders.values():
            held.setdefault(order.number, []).append(order.summary())
        return held

    def counts(self) -> dict[str, int]:
        """Orders that are not cancelled, by order number."""
        live: Counter[str] = Counter()
        for order in self.book.orders.values():
            live[order.number] += order.status != CANCELLED
        return dict(live)

    def documented(self, name: str) -> Answer:
        """The catalogue's reply, spelled as ``error_key`` says."""
        reply = self.replies[name]
        if isinstance(reply.body, dict) and reply.body.keys() == {"message"} and reply.status >= 400:
            return self._refusal(reply.status, reply.body["message"])
        return reply.answer()

    # ------------------------------------------------------------------ requests

    async def handle(self, request: Request) -> Answer:
        """Answer one request. Writes run one at a time, as at the server (1.8)."""
        if automation.serves(request):
            return automation.answer(request, self.credentials, self.settings)
        if not serves(request) and not self._authorized(request):
            return self.documented("401")
        if not _writes(request):
            return self._answer(request)
        if not self.settings.serialise_writes:
            return await self._write(request)
        async with self._turn:
            return await self._write(request)

    async def _write(self, request: Request) -> Answer:
        if self.settings.write_s:
            await asyncio.sleep(self.settings.write_s)
        return self._answer(request)

    def _authorized(self, request: Request) -> bool:
        scheme, _, sent = request.headers.get("authorization", "").partition(" ")
        try:
            user, _, password = base64.b64decode(sent, validate=True).partition(b":")
        except ValueError:
            return False
        known = hmac.compare_digest(user, self.credentials["username"].encode())
        right = hmac.compare_digest(password, self.credentials["password"].encode()) or self.settings.any_password
        return scheme == "Basic" and ((known and right) or self.lets_automation_in(user, password))

    def lets_automation_in(self, user: bytes, password: bytes) -> bool:
        """Whether it is the automation user's login, and as good here as a goods owner's."""
        return self.settings.automation_everywhere and automation.is_user(self.credentials, user, password)

    def _answer(self, request: Request) -> Answer:
        if serves(request):
            return self._soap.answer(request)
        parts = request.path.strip("/").lower().split("/")
        number = next((int(part) for part in parts if part.isdecimal()), 0)
        path = tuple("{id}" if part.isdecimal() else part for part in parts[2:])
        methods = self._routes.get(path) if parts[:2] == ["api", "v1"] else None
        if methods is None:
            return self.documented("404_no_resource")
        handler = methods.get(request.method)
        if handler is None:
            return self.documented("405")
        try:
            return handler(request, number)
        except RefusalError as refused:
            return refused.answer or self._refusal(refused.status, str(refused))

    def _refusal(self, status: int, text: str) -> Answer:
        return make_answer(status, {self.settings.error_key: text})

    def _read(self, request: Request, read: Read, name: str = "order") -> dict[str, Any]:
        """The body in its shape, for our goods owner."""
        findings = Findings(strict=self.settings.strict_members, limits=self.settings.long_texts == "refuse")
        try:
            body = read(request.json() if request.body else None, name, findings)
        except (ValueError, RecursionError):
            findings.add(name, "An error has occurred while reading the body.")
        if findings.problems:
            raise RefusalError.model_state(findings.problems)
        self._check_owner(body.get("goodsOwnerId", self.settings.goods_owner_id))
        return dict(body)

    def _check_owner(self, owner: int) -> None:
        if owner != self.settings.goods_owner_id:
            raise RefusalError(f"You do not have access to goods owner with ID '{owner}'.")

    def _params(self, request: Request) -> Params:
        """The query by name, for our goods owner, which is required."""
        params: Params = {}
        for name, value in request.params():
            params.setdefault(name, []).append(value)
        owner = whole(params, "goodsOwnerId")
        if owner is None:
            raise RefusalError.model_state({"goodsOwnerId": ["The GoodsOwnerId field is required."]})
        self._check_owner(owner)
        return params

    # ------------------------------------------------------------------ orders: write

    def _put_order(self, request: Request, order_id: int) -> Answer:
        """Create or update by number, or update by id: PUT replaces the whole order (1.5)."""
        body = self._read(request, ORDER)
        holder = self.book.find(body["orderNumber"])
        target = self._order(order_id) if order_id else holder
        if holder is not None and holder is not target:
            raise RefusalError(f"Order number {holder.number} is already used by another order.")
        if target is not None:
            self.check_open(target)
        self.check_lines(body.get("orderLines") or [])
        self.check_transporter(body.get("transporter") or {})
        entry: Entry = {"op": "order", "id": target.order_id if target else None, "at": stamp(), "body": body}
        self.commit(entry if target else {**entry, "status": self.settings.start_status})
        order = self.book.of(body["orderNumber"])
        status = 200 if target else self.settings.create_status
        return make_answer(status, {"orderId": order.order_id, "message": created(order)})

    def check_open(self, order: Order) -> None:
        """Raises RefusalError for an order that the warehouse works on, or that is cancelled."""
        if order.status == CANCELLED:
            raise RefusalError(f"Order number {order.number} is cancelled and cannot be changed.")
        if order.status >= self.settings.locked_from:
            raise RefusalError(
                f"Order number {order.number} cannot be changed: the warehouse has started working on it."
            )

    def check_lines(self, lines: list[dict[str, Any]]) -> None:
        """Raises RefusalError for a row number that stands twice, and for an unknown article."""
        seen: set[str] = set()
        for line in lines:
            if key(line["rowNumber"]) in seen:
                raise RefusalError(f"Row number '{line['rowNumber']}' occurs more than once.")
            seen.add(key(line["rowNumber"]))
            if self.settings.unknown_article == "refuse" and not self._has_article(line["articleNumber"]):
                raise RefusalError(f"Article number '{line['articleNumber']}' does not exist.")

    def check_transporter(self, sent: dict[str, Any]) -> None:
        """Raises RefusalError for a pair of codes that no contract has."""
        code, service = sent.get("transporterCode") or "", sent.get("transporterServiceCode") or ""
        known = not (code or service) or f"{code}/{service}" in self.settings.transporters
        if not known and self.settings.unknown_transporter == "refuse":
            raise RefusalError(f"There is no transporter contract with code '{code}' and service code '{service}'.")

    def _delete_by_number(self, request: Request, _: int) -> Answer:
        number = self._params(request).get("orderNumber", [""])[-1]
        order = self.book.find(number)
        if order is None:
            raise RefusalError(f"There is no order with order number '{number}'.", status=404)
        return self.cancel(order)

    def _delete_by_id(self, request: Request, order_id: int) -> Answer:
        return self.cancel(self._order(order_id))

    def cancel(self, order: Order) -> Answer:
        """Cancel, or raise RefusalError."""
        if order.status == CANCELLED:
            text = f"Order number {order.number} is already cancelled."
            if self.settings.already_cancelled == "refuse":
                raise RefusalError(text)
            return make_answer(200, {"orderId": order.order_id, "message": text})
        if order.status >= SENT:
            raise RefusalError(f"Order number {order.number} is already shipped and cannot be cancelled.")
        if order.status >= self.settings.locked_from:
            raise RefusalError(
                f"Order number {order.number} cannot be cancelled: the warehouse has started working on it."
            )
        self.commit({"op": "status", "id": order.order_id, "at": stamp(), "status": CANCELLED})
        return make_answer(200, {"orderId": order.order_id, "message": f"Order number {order.number} cancelled."})

    def _patch_status(self, request: Request, order_id: int) -> Answer:
        status = self._read(request, ORDER_STATUS)["orderStatusNumber"]
        order = self._order(order_id)
        if status not in self.settings.statuses:
            raise RefusalError(f"There is no order status with number {status}.")
        if status == CANCELLED:  # The SOAP twin must not be used to cancel (1.7).
            raise RefusalError("An order cannot be cancelled by setting its status.")
        self.commit({"op": "status", "id": order.order_id, "at": stamp(), "status": status})
        return make_answer(200, {"orderId": order.order_id, "message": f"Order status set to {status}."})

    def _put_tracking(self, request: Request, order_id: int) -> Answer:
        order = self._order(order_id)
        self.commit({"op": "tracking", "id": order.order_id, "row": self._read(request, TRACKING, "tracking")})
        return make_answer(200, {"orderId": order.order_id, "message": "Tracking added."})

    def _order(self, order_id: int) -> Order:
        order = self.book.orders.get(order_id)
        if order is None:
            raise RefusalError(f"There is no order with ID '{order_id}'.", status=404)
        return order

    # ------------------------------------------------------------------ orders: read

    def _get_order(self, request: Request, order_id: int) -> Answer:
        order = self.book.seen(self._order(order_id))
        if order is None:
            raise RefusalError(f"There is no order with ID '{order_id}'.", status=404)
        return make_answer(200, view(order, self.settings, self.book.article_id))

    def _get_orders(self, request: Request, _: int) -> Answer:
        params = self._params(request)
        seen = (self.book.seen(order) for order in self._candidates(params))
        found = select([order for order in seen if order is not None], params)
        return make_answer(200, [view(order, self.settings, self.book.article_id) for order in found])

    def _candidates(self, params: Params) -> list[Order]:
        """All orders, or the one of a number: a look-up by number is what retries do."""
        if "orderNumber" not in params:
            return list(self.book.orders.values())
        order = self.book.find(params["orderNumber"][-1])
        return [] if order is None else [order]

    def _get_statuses(self, request: Request, _: int) -> Answer:
        statuses = [{"number": n, "text": text} for n, text in sorted(self.settings.statuses.items())]
        return make_answer(200, {"orderStatuses": statuses})

    # ------------------------------------------------------------------ lookups and articles

    def _lookup(self, kind: str, plural: str) -> Handler:
        def answer(request: Request, _: int) -> Answer:
            self._params(request)
            return make_answer(200, {plural: list(self.book.codes.get(kind, {}).values())})

        return answer

    def _put_way(self, request: Request, _: int) -> Answer:
        body = self._read(request, WAY_OF_DELIVERY, "wayOfDeliveryType")
        self.commit({"op": "code", "kind": "wayOfDelivery", "code": body["code"], "name": body["name"]})
        way = self.book.codes["wayOfDelivery"][key(body["code"])]
        message = f"Way of delivery type {way['code']} created/updated"
        return make_answer(200, {"wayOfDeliveryTypeId": way["id"], "success": True, "message": message})

    def _get_contracts(self, request: Request, _: int) -> Answer:
        self._params(request)
        pairs = [pair.partition("/") for pair in self.settings.transporters]
        contracts = [
            {
                "ediCode": code,
                "transporterName": code,
                "transporterCode": code,
                "transporterServiceCode": service,
                "transporterServices": [{"transporterServiceName": service, "transporterServiceCode": service}],
            }
            for code, _, service in pairs
        ]
        return make_answer(200, contracts)

    def _has_article(self, number: str) -> bool:
        if key(number) in self.book.declared:
            return True
        if self.settings.articles is not None:
            return key(number) in map(key, self.settings.articles)
        return not any(fnmatchcase(number.upper(), known.upper()) for known in self.settings.unknown_articles)

    def _put_article(self, request: Request, _: int) -> Answer:
        body = self._read(request, ARTICLE, "article")
        data = {name: value for name, value in body.items() if name != "goodsOwnerId"}
        self.commit({"op": "article", "body": data})
        article = self.book.articles[key(body["articleNumber"])]
        message = f"Article number {body['articleNumber']} created/updated"
        return make_answer(200, {"articleSystemId": article["articleSystemId"], "message": message})

    def _get_articles(self, request: Request, _: int) -> Answer:
        params = self._params(request)
        for number in [*params.get("articleNumber", []), *params.get("articleNumbers", [])]:
            if key(number) not in self.book.declared and self._has_article(number):
                self.commit({"op": "article", "body": {"articleNumber": number}})
        found = select_articles(list(self.book.articles.values()), params)
        return make_answer(200, [self.article_view(article) for article in found])

    def _get_article(self, request: Request, article_id: int) -> Answer:
        for article in self.book.articles.values():
            if article["articleSystemId"] == article_id:
                return make_answer(200, self.article_view(article))
        raise RefusalError(f"There is no article with ID '{article_id}'.", status=404)

    def article_view(self, article: dict[str, Any]) -> dict[str, Any]:
        """GetArticleModel (1.9)."""
        booked = self.book.booked(article["articleNumber"])
        return {
            "goodsOwner": {"id": self.settings.goods_owner_id, "name": "Sandbox Goods Owner"},
            **article,
            "inventoryInfo": {
                "numberOfItems": STOCK,
                "numberOfBookedItems": booked,
                # May go negative: lack of stock does not refuse an order (1.5).
                "sellableNumberOfItems": STOCK - booked,
            },
        }

    def apply(self, entry: Entry) -> None:
        """Carry out ``order``, ``status``, ``tracking``, ``article`` or ``code``."""
        self.book.apply(entry, read_lag_s=self.settings.read_lag_s)


def _writes(request: Request) -> bool:
    if automation.serves(request):
        return False
    return writes(request) if serves(request) else request.method in WRITES
