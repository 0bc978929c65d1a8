"""Calls to the IWS stand-in, for its tests."""

from __future__ import annotations

from typing import Any

import httpx

from tests.sandboxed import Sandboxed

BASE = "/iws/Interprise.Web.Services"
KEY = ("sandbox-iws", "")
CODE = "CUST-000101"
LINE = {"itemName": "MUG-11OZ-BLU", "itemQuantity": 2, "itemUnitPrice": 9.5, "unitMeasureCode": "EACH"}
SHIP = {
    "shipToName": "Mina Okafor",
    "address": "14 Quay Street",
    "city": "Bristol",
    "postalCode": "BS1 4XX",
    "country": "United Kingdom",
}
ORDER = {
    "customerCode": CODE,
    "poCode": "SHOP-10045",
    "salesRepOrderCode": "router-7f3a",
    "sourceCode": "Internet",
    "salesOrderDate": "2026-02-03T09:15:00",
    "freightAmount": 4.95,
    "warehouseCode": "MAIN",
    "shipAddress": SHIP,
    "items": [LINE],
}
NEW = {
    "customerCode": "WEB-88112",
    "contact_Firstname": "Mina",
    "contact_Lastname": "Okafor",
    "email": "mina@example.test",
    "billingAddress": {**SHIP, "city": "Bath"},
    "shippingAddress": SHIP,
}


def call(sandbox: Sandboxed, method: str, path: str, **kwargs: Any) -> httpx.Response:
    """Call a route below the virtual directory, with the key."""
    return sandbox.http.request(method, f"{BASE}/{path}", auth=kwargs.pop("auth", KEY), **kwargs)


def read(sandbox: Sandboxed, path: str, **params: str) -> Any:
    """A GET that must be well."""
    return call(sandbox, "GET", path, params=params or None).raise_for_status().json()


def attributes(sandbox: Sandboxed, path: str, **params: str) -> list[dict[str, Any]]:
    """The attributes of every row of a list's first page."""
    return [row["attributes"] for row in read(sandbox, path, **params)["data"]]


def order(sandbox: Sandboxed, **changes: Any) -> dict[str, Any]:
    """POST salesorder; the attributes that come back. None takes a member out."""
    body = {name: value for name, value in {**ORDER, **changes}.items() if value is not None}
    answer = call(sandbox, "POST", "salesorder", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["data"]["attributes"]
    return made


def advance(sandbox: Sandboxed, email: str = "mina@example.test", **changes: Any) -> dict[str, Any]:
    """POST salesorder/advance; the attributes that come back."""
    body = {**ORDER, "customerCode": None, "email": email, **changes}
    answer = call(sandbox, "POST", "salesorder/advance", json=body)
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()["data"]["attributes"]
    return made


def refused(answer: httpx.Response, title: str, status: int = 400) -> None:
    made = title if title == "Change log not found." else f"{title} [sandbox]"
    assert (answer.status_code, answer.json()) == (status, {"errors": [{"status": str(status), "title": made}]})


def changes(sandbox: Sandboxed, resource: str, **params: str) -> list[tuple[str, Any, str]]:
    """(action, data, user) of a changelog's rows, by id."""
    rows = read(sandbox, f"changelog/{resource}", **{"from": "2020-01-01", "page[size]": "2000", **params})["data"]
    rows.sort(key=lambda row: int(row["id"]))
    found = [row["attributes"] for row in rows]
    return [(row["action"], row["data"], row["userCreated"]) for row in found]


def held(sandbox: Sandboxed, reference: str = "SHOP-10045") -> list[dict[str, Any]]:
    """The orders of one PO."""
    found: list[dict[str, Any]] = sandbox.get("orders")["iws"].get(reference, [])
    return found


def pages(sandbox: Sandboxed, url: str) -> list[dict[str, Any]]:
    """Every page, by following ``next`` as it stands."""
    found = []
    while url:
        found.append(sandbox.http.get(url, auth=KEY).raise_for_status().json())
        url = found[-1]["links"].get("next", "")
    return found
