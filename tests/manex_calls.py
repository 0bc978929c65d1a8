"""What tests of the ManEx stand-in say to it, and what it must answer."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.sandboxed import MANEX_KEY, Sandboxed

KEY = re.compile(r"[A-Z0-9_]{10}")
W1 = {"SoNo": "W1", "custNo": "8", "PoNo": "1001"}
SO = f"/manex/API/SO/{{}}/{MANEX_KEY}"

MISSING = "ABCDEFGHIJ"
LINE = {"SoNo": "W1", "uniqueLn": "{line}"}
NO_CUSTOMER = "Sales Order add failed.Customer does not exists."
NULL_REFERENCE = "Sales Order edit failed.Object reference not set to an instance of an object."
NO_ORDER = "Sales Order does not exists."
NO_ITEM = "Sales Order Item does not exists."
NOT_IN_ORDER = "Sales Order item with uniqueLn:'{}' does not exits in SO:'{}'."
OTHER_ORDER = NOT_IN_ORDER.format("{line}", "0000000785")
UNKNOWN_LINE = NOT_IN_ORDER.format("ABCDEFGHIJ", "W1")
NO_PRICE = "Sales Order Price does not exists."
NO_PRICE_KEY = "PlPriceLnk not provided."
NO_DUE_DATE = "$$Sales Order Due Date does not exists."


def done(answer: httpx.Response, message: str, *, code: int = 200) -> Any:
    """The ResponseObject of a success."""
    body = answer.json()
    assert answer.status_code == 200
    assert (body["Message"], body["Code"], body["IsValidUser"]) == (message, code, True)
    return body["ResponseObject"]


def refused(answer: httpx.Response, message: str) -> None:
    body = answer.json()
    assert answer.status_code == 200
    assert body.keys() == {"$id", "Code", "Message", "SessionId", "IsValidUser", "ResponseObject"}
    assert (body["Code"], body["Message"], body["IsValidUser"]) == (403, message, True)
    assert body["ResponseObject"] is None


def made_up(answer: httpx.Response, message: str) -> None:
    refused(answer, f"{message} [sandbox]")


def broken(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.json()) == (500, {"Message": "An error has occurred."})


def add(sandbox: Sandboxed, **fields: object) -> str:
    """An order, its SoNo."""
    sent = {**W1, **fields}
    assert done(sandbox.manex("Add", **sent), "Sales Order added successfully.") is None
    return str(sent["SoNo"])


def add_line(sandbox: Sandboxed, **fields: object) -> str:
    """A line of two pieces in W1, its UNIQUELN."""
    sent = {"SoNo": "W1", "part_no": "TEA-1", "revision": "A", "ord_qty": "2", "soDet_Desc": "Tea", **fields}
    done(sandbox.manex("ItemADD", **sent), "Sales Order Item added successfully.")
    return str(get(sandbox)["SODETAILList"][0]["UNIQUELN"])


def line_of_order(sandbox: Sandboxed, **fields: object) -> str:
    add(sandbox)
    return add_line(sandbox, **fields)


def get(sandbox: Sandboxed, sono: str = "W1") -> dict[str, Any]:
    found: dict[str, Any] = done(sandbox.manex("Get", SoNo=sono), "Sales Order details:")
    return found


def item(sandbox: Sandboxed, line: str) -> dict[str, Any]:
    found: dict[str, Any] = done(sandbox.manex("ItemGet", UNIQUELN=line), "Sales Order Item details:")
    return found


def price(sandbox: Sandboxed, line: str) -> dict[str, Any]:
    found: dict[str, Any] = done(sandbox.manex("PriceGet", UNIQUELN=line), "Sales Order Price details:")
    return found


def held(sandbox: Sandboxed, reference: str = "1001") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sandbox.get("orders")["manex"][reference]
    return found


def due_date(sandbox: Sandboxed, line: str, **fields: str) -> str:
    """A due date of one piece on a Tuesday, its DUEDT_UNIQ."""
    sent = {"SoNo": "W1", "uniqueLn": line, "Due_DTS1": "2026-01-06", "Qty": "1", **fields}
    done(sandbox.manex("DueDateAdd", **sent), "$$Sales Order Due Date added successfully.")
    return str(item(sandbox, line)["DueDateList"][-1]["DUEDT_UNIQ"])
