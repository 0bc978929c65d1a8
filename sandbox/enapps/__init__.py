"""The stand-in of one Enapps ERP server (contracts/enapps.md).

``/enapps/api/v1/...``. Customers, contacts and goods are switches; sale orders are kept, what becomes of them is
switches again. Much of the documentation is not to be had: what the contract marks [SIM] is answered as it says.
"""

from __future__ import annotations

import hmac
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar

from sandbox.enapps import lists, tokens
from sandbox.enapps.book import Book, Order
from sandbox.enapps.data import (
    BAD_LOGIN,
    BAD_TOKEN,
    NO_METHOD,
    NOT_FOUND,
    PAGE_SIZES,
    REPLIES,
    ApiError,
    EnappsSettings,
    laid_over,
)
from sandbox.enapps.fields import now, read_body
from sandbox.enapps.lists import Call, Row
from sandbox.enapps.orders import drafted
from sandbox.enapps.site import Site
from sandbox.system import Answer, Documented, Entry, Request, Settings, System, make_answer

LISTS: dict[str, tuple[str, Callable[[Call], Iterable[Row]]]] = {
    "partners": ("partners", lists.partners),
    "contacts": ("contacts", lists.contacts),
    "addresses": ("addresses", lists.addresses),
    "products/get_basic": ("products", lists.get_basic),
    "products/get_full": ("products", lists.get_full),
    "orders": ("orders", lists.orders),
    "order_lines": ("order_lines", lists.order_lines),
    "stock_pickings": ("stock_pickings", lists.stock_pickings),
    "stock_moves": ("stock_moves", lists.stock_moves),
    "invoices": ("invoices", lists.invoices),
}
"""By path: the name that its switches go by, and its rows. ``/product/`` is the same as ``/products/`` (section 5)."""
DETAIL, FIELDS, AUTH, ORDERS = "products/get_detail", "additional_fields", "auth", "orders"
RECORDS = ("partners", "contacts", "addresses", "products")
EMPTY = {"false": False, "null": None}


class Enapps(System):
    """One server with one API user."""

    name: ClassVar[str] = "enapps"
    settings_type: ClassVar[type[Settings]] = EnappsSettings
    credentials_default: ClassVar[Mapping[str, str]] = {
        "secret": "sandbox-enapps-secret",
        "login": "crossdock",
        "password": "sandbox-enapps",
        "token": "sandbox-enapps-token",
    }
    replies: ClassVar[Mapping[str, Documented]] = REPLIES
    server_error: ClassVar[str] = "500_server_fault"
    settings: EnappsSettings

    def clear(self) -> None:
        """Forget every order."""
        self._book = Book()

    def apply(self, entry: Entry) -> None:
        """Take an order."""
        self._book.apply(entry)

    def switch(self, changes: Mapping[str, Any]) -> None:
        """As :meth:`System.switch`; records are laid over what is there, with the time where they have one."""
        held, laid = self.settings.model_dump(mode="json"), dict(changes)
        for name in RECORDS:
            if isinstance(changes.get(name), dict):
                stamped = {
                    key: _stamped(record, new=held[name].get(str(key)) is None)
                    if isinstance(record, dict) and name in ("partners", "contacts")
                    else record
                    for key, record in changes[name].items()
                }
                laid[name] = laid_over(held[name], stamped)
        super().switch(laid)

    def lane(self, request: Request) -> str | None:
        """Logins and orders are counted apart, so that two logins at once are seen."""
        if request.method != "POST":
            return None
        return AUTH if _route(request) == AUTH else ORDERS

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Sale orders by client_order_ref."""
        held: dict[str, list[dict[str, Any]]] = {}
        site = self._site()
        for order in self._book.orders.values():
            held.setdefault(order.client_order_ref, []).append(_summary(order, site))
        return held

    def counts(self) -> dict[str, int]:
        """Sale orders that are not cancelled, by client_order_ref."""
        live, site = Counter[str](), self._site()
        for order in self._book.orders.values():
            live[order.client_order_ref] += not site.cancelled(order)
        return dict(live)

    def documented(self, name: str) -> Answer:
        """The catalogue's reply, 200 where errors are (3.1)."""
        reply = self.replies[name]
        if self.settings.errors_in_200 and isinstance(reply.body, dict) and "error" in reply.body:
            return make_answer(200, reply.body)
        return reply.answer()

    def _site(self) -> Site:
        return Site(self._book, self.settings)

    # ------------------------------------------------------------------ requests

    async def handle(self, request: Request) -> Answer:
        """Answer one request."""
        try:
            return self._answer(request)
        except ApiError as error:
            return make_answer(200 if self.settings.errors_in_200 else error.status, error.body)

    def _answer(self, request: Request) -> Answer:
        route = _route(request)
        if route == AUTH:
            _check_method(request, "POST")
            return self._log_in(request)
        if not self._knows(_bearer(request)):
            raise ApiError(BAD_TOKEN, status=401)
        if route is None or route not in (*LISTS, DETAIL, FIELDS):
            raise ApiError(NOT_FOUND, status=404)
        _check_method(request, *(("GET", "POST") if route == ORDERS else ("GET",)))
        if request.method == "POST":
            return self._order(request)
        call = Call.of(request, self._site())
        if route == FIELDS:
            return make_answer(200, self.settings.additional_fields)
        if route == DETAIL:
            return self._detail(call)
        return self._list(call, *LISTS[route])

    # ------------------------------------------------------------------ section 2

    def _key(self) -> str:
        return f"{self.credentials['secret']}/{self.settings.token_series}"

    def _knows(self, token: str) -> bool:
        fixed = hmac.compare_digest(token.encode(), self.credentials["token"].encode())
        return (fixed and self.settings.fixed_token) or tokens.known(self._key(), token, now=time.time())

    def _log_in(self, request: Request) -> Answer:
        """The secret key stands in the header that takes the token elsewhere (section 9, trap 1)."""
        body, _ = read_body(request)
        sent = {"secret": _bearer(request)}
        for name in ("login", "password"):
            sent[name] = body.get(name) or ""
            if not isinstance(sent[name], str) or not sent[name]:
                raise ApiError(f"{name} is required")
        if not all(hmac.compare_digest(sent[name].encode(), self.credentials[name].encode()) for name in sent):
            raise ApiError(BAD_LOGIN, status=401)
        life = self.settings.token_life_s
        token = tokens.make(self._key(), login=sent["login"], now=time.time(), life_s=life)
        return make_answer(200, {self.settings.token_member: token, "expires_in": life})

    # ------------------------------------------------------------------ section 3

    def _list(self, call: Call, name: str, rows: Callable[[Call], Iterable[Row]]) -> Answer:
        settings, asked = self.settings, self._extra_fields(call, name)
        found = list(rows(call))
        number = call.params.whole("_id")
        if not found and number is not None and settings.unknown_id == "404":
            raise ApiError(f"There is no record with id {number}", status=404)
        page = self._page(found, call.params.whole("page"), settings.page_sizes.get(name, PAGE_SIZES[name]))
        shown = [self._shown(row, name, asked) for row in page]
        return make_answer(200, shown if settings.envelope == "plain" else {settings.envelope: shown})

    def _page(self, rows: list[Row], asked: int | None, size: int) -> list[Row]:
        first = self.settings.first_page
        if asked is None and self.settings.unnumbered != "first":
            return rows[-size:] if self.settings.unnumbered == "last" else []
        # A number before the first page gets the first one: who counts from 0 sees it twice.
        start = max(0, (first if asked is None else asked) - first) * size
        if start >= len(rows) and self.settings.past_end == "last":
            start = max(0, (len(rows) - 1) // size * size)
        return rows[start : start + size]

    def _extra_fields(self, call: Call, name: str) -> list[str]:
        """Raises ApiError for one that was never agreed (section 8, E10)."""
        asked = call.params.several("additional_fields")
        for one in asked:
            if one not in self.settings.additional_fields.get(name, {}):
                raise ApiError(f"additional_fields: {one} is not set up")
        return asked

    def _shown(self, row: Row, name: str, asked: list[str]) -> Row:
        """A row with what was agreed only where it is asked for, and its empty members as this server has them."""
        agreed = self.settings.additional_fields.get(name, {})
        shown = {key: value for key, value in row.items() if key not in agreed or key in asked}
        shown |= {key: None for key in asked if key not in shown}
        shown = {self.settings.renamed.get(key, key): value for key, value in shown.items()}
        empty = self.settings.empty
        if empty == "missing":
            return {key: value for key, value in shown.items() if value is not None}
        return {key: EMPTY[empty] if value is None else value for key, value in shown.items()}

    def _detail(self, call: Call) -> Answer:
        detail = lists.get_detail(call)
        if detail is not None:
            return make_answer(200, detail)
        if self.settings.unknown_id == "404":
            raise ApiError(f"There is no record with id {call.params.whole('product_id')}", status=404)
        return make_answer(200, [])

    # ------------------------------------------------------------------ section 6

    def _order(self, request: Request) -> Answer:
        self.commit(drafted(request, self._site()))
        order = next(reversed(self._book.orders.values()))
        match self.settings.reply:
            case "short":
                return make_answer(200, {"id": order.id, "name": order.name})
            case "full":
                return make_answer(200, self._shown(lists.order_row(self._site(), order), ORDERS, []))
            case "empty":
                return make_answer(200, {})
            case "blank":
                return make_answer(200)


def _route(request: Request) -> str | None:
    """The path below the API; None outside of it."""
    api, version, *rest = [*request.path.strip("/").split("/"), "", ""]
    route = "/".join(filter(None, rest))
    if (api, version) != ("api", "v1"):
        return None
    return route.replace("product/", "products/", 1) if route.startswith("product/") else route


def _check_method(request: Request, *methods: str) -> None:
    if request.method not in methods:
        raise ApiError(NO_METHOD, status=405)


def _bearer(request: Request) -> str:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    return sent.strip() if scheme.lower() == "bearer" else ""


def _stamped(record: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
    times = ("create_date", "write_date") if new else ("write_date",)
    return {**dict.fromkeys(times, now()), **record}


def _summary(order: Order, site: Site) -> dict[str, Any]:
    """What ``/_sandbox/orders`` shows; money as text."""
    shipped = site.shipped(order)
    return {
        "id": order.id,
        "name": order.name,
        "client_order_ref": order.client_order_ref,
        "state": site.state(order),
        "cancelled": site.cancelled(order),
        "contact": order.contact,
        "partner": order.partner,
        "shop": order.shop,
        "created": order.created,
        "currency": order.currency,
        "amount_untaxed": str(order.untaxed),
        "amount_tax": str(order.tax),
        "amount_total": str(order.untaxed + order.tax),
        "delivery_address": order.delivery_address,
        "shipping_details": order.shipping_details,
        "lines": [
            {
                "id": line.id,
                "product_id": line.product_id,
                "default_code": line.default_code,
                "qty": line.qty,
                "shipped": shipped[line.id],
                "price": str(line.price),
                "price_sent": line.price_sent,
                "subtotal": str(line.subtotal),
                "parameters": dict(line.parameters),
            }
            for line in order.lines
        ],
    }
