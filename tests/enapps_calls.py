"""Calls to the Enapps stand-in, and what it holds."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandboxed import Sandboxed

API = "/enapps/api/v1/"
SECRET = "sandbox-enapps-secret"
LOGIN = {"login": "crossdock", "password": "sandbox-enapps"}
FIXED = "sandbox-enapps-token"
MINA, HARBOUR, DISCOUNTED = 953, 61239, 954
SHIPPING = {
    "first_name": "Åsa",
    "last_name": "Öberg",
    "street_address_1": "Övningsgatan 1",
    "town_city": "Malmö",
    "postcode": "211 20",
    "country": "SE",
}


def call(sandbox: Sandboxed, method: str, path: str, *, token: str = FIXED, **kwargs: Any) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", **kwargs.pop("headers", {})}
    return sandbox.http.request(method, f"{API}{path}", headers=headers, **kwargs)


def get(sandbox: Sandboxed, path: str, **params: Any) -> Any:
    answer = call(sandbox, "GET", path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def log_in(sandbox: Sandboxed, *, secret: str = SECRET, **kwargs: Any) -> httpx.Response:
    return call(sandbox, "POST", "auth", token=secret, **(kwargs or {"data": LOGIN}))


def refused(answer: httpx.Response, message: str, status: int = 400) -> None:
    assert (answer.status_code, answer.json()) == (status, {"error": {"code": status, "message": message}})


def product(sandbox: Sandboxed, sku: str = "MUG-BLUE") -> int:
    found = {one["default_code"]: one["id"] for one in get(sandbox, "products/get_basic")}
    return int(found[sku])


def body(sandbox: Sandboxed, reference: str = "SHOP-1", **changes: Any) -> dict[str, Any]:
    """A body for POST /orders; None takes a member out."""
    lines = [{"product_id": product(sandbox), "qty": 2}, {"product_id": product(sandbox, "CARRIAGE"), "qty": 1}]
    sent = {"partner_order_id": MINA, "shop_id": 1, "client_order_ref": reference, "products": lines, **changes}
    return {name: value for name, value in sent.items() if value is not None}


def order(sandbox: Sandboxed, reference: str = "SHOP-1", **changes: Any) -> int:
    answer = call(sandbox, "POST", "orders", json=body(sandbox, reference, **changes))
    assert answer.status_code == 200, answer.text
    return int(answer.json()["id"])


def held(sandbox: Sandboxed, reference: str = "SHOP-1") -> Any:
    return sandbox.get("orders")["enapps"][reference]
