"""The IWS stand-in answers as contracts/iws.md says, over HTTP: addresses, key, lists, faults, control."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import httpx
import pytest

from tests.iws_calls import (
    BASE,
    CODE,
    KEY,
    LINE,
    NEW,
    ORDER,
    SHIP,
    advance,
    attributes,
    call,
    held,
    order,
    pages,
    read,
    refused,
)
from tests.sandboxed import Sandboxed, sandboxed

# ------------------------------------------------------------------ address and key (sections 1 and 2)


@pytest.mark.parametrize(
    "path",
    [
        "/iws/Interprise.Web.Services/SalesOrder",
        "/iws/interprise.web.services/salesorder",
        "/iws/salesorder",
        "/iws/SALESORDER/",
    ],
)
def test_routes_are_known_in_any_letter_case_with_and_without_the_virtual_directory(
    sandbox: Sandboxed, path: str
) -> None:
    assert sandbox.http.post(path, auth=KEY, json=ORDER).status_code == 200


@pytest.mark.parametrize(
    "auth",
    [None, ("sandbox-iws", "x"), ("other", ""), ("SANDBOX-IWS", "")],
    ids=["none", "with password", "wrong", "letter case"],
)
def test_a_missing_or_wrong_key_is_401_with_a_challenge(sandbox: Sandboxed, auth: tuple[str, str] | None) -> None:
    given = httpx.BasicAuth(*auth) if auth else httpx.USE_CLIENT_DEFAULT
    answer = sandbox.http.post(f"{BASE}/salesorder", json=ORDER, auth=given)
    refused(answer, "The API key is missing or invalid.", 401)
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert sandbox.get("counts")["iws"] == {}


@pytest.mark.parametrize("value", ["Basic c2FuZGJveC1pd3M=", "Basic ?", "Basic", "Bearer sandbox-iws"])
def test_a_key_without_its_colon_is_no_key(sandbox: Sandboxed, value: str) -> None:
    answer = sandbox.http.get(f"{BASE}/customer", headers={"authorization": value})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nowhere", 404),
        ("GET", "", 404),
        ("GET", "salesorder/SO-000001/lines", 404),
        ("POST", "invoice", 404),
        ("GET", "salesorder", 405),
        ("DELETE", "salesorder/SO-000001", 405),
        ("POST", "inventory", 405),
    ],
)
def test_a_wrong_address_or_method_has_no_errors_body(sandbox: Sandboxed, method: str, path: str, status: int) -> None:
    answer = call(sandbox, method, path)
    assert answer.status_code == status
    assert list(answer.json()) == ["Message"]


def test_a_build_may_lack_a_route_that_we_only_guess(sandbox: Sandboxed) -> None:
    order(sandbox)
    sandbox.switch("iws", missing_routes=["salesorder/so-*", "SalesOrder/Advance"])
    assert list(call(sandbox, "GET", "salesorder/SO-000001").json()) == ["Message"]
    assert call(sandbox, "POST", "salesorder/advance", json=ORDER).status_code == 404
    assert call(sandbox, "POST", "salesorder", json=ORDER).status_code == 200


# ------------------------------------------------------------------ paging and sorting (section 4)


def test_a_list_is_followed_by_next_until_it_is_missing(sandbox: Sandboxed) -> None:
    for _ in range(23):
        order(sandbox)
    url = f"{sandbox.url}{BASE}/customer/salesorder?customercode={CODE}"
    found = pages(sandbox, url)
    assert [len(page["data"]) for page in found] == [10, 10, 3]
    assert found[0]["links"] == {"self": url, "next": f"{url}&page[number]=2"}
    assert found[1]["links"]["next"] == f"{url}&page[number]=3"
    assert list(found[2]["links"]) == ["self"]
    assert len({row["id"] for page in found for row in page["data"]}) == 23
    assert [len(page["data"]) for page in pages(sandbox, f"{url}&page[size]=9")] == [9, 9, 5]
    assert len(read(sandbox, "customer/salesorder", **{"customercode": CODE, "page[size]": "2000"})["data"]) == 23
    refused(
        call(sandbox, "GET", f"{url[len(sandbox.url + BASE) + 1 :]}&page[number]=4"), "Sales orders not found.", 404
    )


def test_brackets_in_next_are_raw_however_they_were_sent(sandbox: Sandboxed) -> None:
    for _ in range(3):
        order(sandbox)
    sent = f"{BASE}/customer/salesorder?customercode={CODE}&page%5Bsize%5D=1&page%5Bnumber%5D=2"
    links = sandbox.http.get(sent, auth=KEY).json()["links"]
    base = f"{sandbox.url}{BASE}/customer/salesorder?customercode={CODE}"
    assert links == {"self": f"{sandbox.url}{sent}", "next": f"{base}&page[size]=1&page[number]=3"}


def test_a_server_may_answer_a_next_that_goes_nowhere(sandbox: Sandboxed) -> None:
    sandbox.switch("iws", stuck_next=True)
    order(sandbox)
    links = read(sandbox, "inventory")["links"]
    assert links["next"] == links["self"]


@pytest.mark.parametrize(
    ("sort", "codes"),
    [
        ("total", ["SO-000002", "SO-000003", "SO-000001"]),
        ("-Total", ["SO-000001", "SO-000003", "SO-000002"]),
        ("salesOrderCode", ["SO-000001", "SO-000002", "SO-000003"]),
        ("poCode", ["SO-000002", "SO-000003", "SO-000001"]),
        ("", ["SO-000003", "SO-000002", "SO-000001"]),
    ],
)
def test_a_list_is_sorted_by_any_attribute(sandbox: Sandboxed, sort: str, codes: list[str]) -> None:
    for po_code, freight in (("C", 30), ("A", 9), ("B", 10)):
        order(sandbox, poCode=po_code, freightAmount=freight)
    found = attributes(sandbox, "customer/salesorder", customercode=CODE, sort=sort)
    assert [row["salesOrderCode"] for row in found] == codes


# ------------------------------------------------------------------ customers (section 7)


def test_a_customer_is_made_once_if_it_brings_its_code(sandbox: Sandboxed) -> None:
    made = call(sandbox, "POST", "customer", json=NEW).raise_for_status().json()
    assert (made["data"]["type"], made["data"]["id"]) == ("customer", "WEB-88112")
    shown = made["data"]["attributes"]
    assert (shown["customerName"], shown["city"], shown["isActive"]) == ("Mina Okafor", "Bath", True)
    refused(call(sandbox, "POST", "customer", json=NEW), "Customer 'WEB-88112' already exists.")
    assert advance(sandbox)["billToCode"] == "WEB-88112"
    assert attributes(sandbox, "customer/shipto", customercode="web-88112")[0]["city"] == "Bristol"
    assert attributes(sandbox, "customer", onlyActive="true") == [shown]


@pytest.mark.parametrize(
    ("missing", "title"),
    [
        ("contact_Lastname", "Customer name is required."),
        ("billingAddress", "BillingAddress is required."),
        ("shippingAddress", "ShippingAddress is required."),
    ],
)
def test_a_customer_needs_a_name_and_two_addresses(sandbox: Sandboxed, missing: str, title: str) -> None:
    refused(call(sandbox, "POST", "customer", json={**NEW, missing: None}), title)


def test_inactive_customers_are_left_out_on_request(sandbox: Sandboxed) -> None:
    call(sandbox, "POST", "customer", json={**NEW, "isActive": False}).raise_for_status()
    assert len(attributes(sandbox, "customer")) == 1
    assert call(sandbox, "GET", "customer?onlyActive=true").status_code == 404


def test_one_customer_is_an_object_and_its_contact_brings_a_password(sandbox: Sandboxed) -> None:
    advance(sandbox)
    single = read(sandbox, "customer", customercode="CUST-000001")
    assert (single["data"]["id"], single["links"]) == ("CUST-000001", {})
    (row,) = read(sandbox, "customer/contact", customercode="CUST-000001")["data"]
    assert (row["type"], row["id"]) == ("crmcontactview", "1")
    assert row["attributes"]["contactCode"] == single["data"]["attributes"]["defaultContact"] == "CCTC-000001"
    assert row["attributes"]["email1"] == "mina@example.test"
    assert all(row["attributes"][name] for name in ("password", "passwordIV", "passwordSalt"))
    (ship_to,) = read(sandbox, "customer/shipto", customercode="CUST-000001")["data"]
    assert (ship_to["type"], ship_to["id"]) == ("customershipto", "SHIP-000001")


# ------------------------------------------------------------------ items and stock (section 8)


def test_stock_is_read_per_warehouse_by_item_code(sandbox: Sandboxed) -> None:
    sandbox.switch(
        "iws",
        warehouses=["MAIN", "SHOP"],
        items={"MUG": "ITEM-000615"},
        stock={"mug": {"MAIN": "12.5", "SHOP": 1}, "TEE": 0},
        allocated={"MUG": 3},
    )
    body = read(sandbox, "inventory/item-000615/StockTotal")["data"]
    assert {row["type"] for row in body} == {"inventorystocktotal"}
    figures = [
        tuple(row["attributes"][name] for name in ("warehouseCode", "unitsInStock", "freeStock")) for row in body
    ]
    assert figures == [("MAIN", 12.5, 9.5), ("SHOP", 1, 1)]
    items = {row["itemName"]: row["itemCode"] for row in attributes(sandbox, "inventory")}
    assert items.keys() == {"MUG", "TEE"}
    (tee,) = attributes(sandbox, f"inventory/{items['TEE']}/stocktotal")
    assert (tee["unitsInStock"], tee["itemCode"]) == (0, items["TEE"])


def test_an_item_code_follows_from_the_name_alone(sandbox: Sandboxed) -> None:
    codes = []
    for names in (("MUG", "TEE"), ("TEE", "mug")):
        sandbox.reset()
        order(sandbox, items=[{**LINE, "itemName": name} for name in names])
        codes.append({row["itemName"].upper(): row["itemCode"] for row in attributes(sandbox, "inventory")})
    assert codes[0] == codes[1]
    assert len(set(codes[0].values())) == 2


def test_an_item_without_stock_has_an_empty_list(sandbox: Sandboxed) -> None:
    order(sandbox)
    (item,) = attributes(sandbox, "inventory")
    refused(call(sandbox, "GET", f"inventory/{item['itemCode']}/stocktotal"), "Stock totals not found.", 404)
    sandbox.switch("iws", unknown_items=["mug-*"])
    refused(call(sandbox, "GET", f"inventory/{item['itemCode']}"), "Item not found.", 404)


# ------------------------------------------------------------------ faults and the control API


SECTION_5 = {
    *("400_invalid_request", "400_item_does_not_exist", "400_customer_does_not_exist", "400_credit_hold"),
    *("401_unauthorized", "404_change_log_not_found", "404_not_found", "404_empty_body", "404_html"),
    *(f"{status}_server_execution_failed" for status in range(500, 505)),
    *("500_item_does_not_exist", "500_html", "502_html", "503_unavailable", "504_gateway_timeout"),
}


@pytest.mark.parametrize("row", sorted(SECTION_5))
def test_the_catalogue_has_every_status_and_a_fault_answers_it(sandbox: Sandboxed, row: str) -> None:
    reply = sandbox.get("replies")[f"iws.{row}"]
    sandbox.fail("iws", {"kind": "documented", "name": f"iws.{row}"})
    answer = call(sandbox, "POST", "salesorder", json=ORDER)
    assert answer.status_code == reply["status"]
    if isinstance(reply["body"], dict):
        assert answer.json() == reply["body"]
    else:
        assert answer.text == (reply["body"] or "")
    assert sandbox.get("counts")["iws"] == {}


def test_every_title_but_one_is_marked_as_ours(sandbox: Sandboxed) -> None:
    bodies = [r["body"] for name, r in sandbox.get("replies").items() if name.startswith("iws.")]
    titles = {body["errors"][0]["title"] for body in bodies if isinstance(body, dict) and "errors" in body}
    assert {title for title in titles if not title.endswith(" [sandbox]")} == {"Change log not found."}


@pytest.mark.parametrize("commit", [True, False])
def test_an_order_may_be_lost_before_or_after_it_is_made(sandbox: Sandboxed, commit: bool) -> None:
    sandbox.fail("iws", {"kind": "drop", "commit": commit}, path="(?i)/salesorder", match="SHOP-10045")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        call(sandbox, "POST", "salesorder", json=ORDER)
    assert sandbox.get("counts")["iws"] == ({"SHOP-10045": 1} if commit else {})


def test_writes_are_counted_for_their_po_and_reads_are_not(sandbox: Sandboxed) -> None:
    order(sandbox)
    advance(sandbox, poCode="SHOP-2")
    call(sandbox, "POST", "customer", json=NEW)
    call(sandbox, "POST", "salesorder", content=b"{", headers={"content-type": "application/json"})
    read(sandbox, "customer")
    lanes = sandbox.get("calls")["writes_in_flight"]["iws"]
    assert lanes == {name: {"now": 0, "most": 1} for name in ("SHOP-10045", "SHOP-2", "WEB-88112")}


def test_an_order_is_shown_whole(sandbox: Sandboxed) -> None:
    advance(sandbox, notes="Leave at the door", items=[LINE])
    (kept,) = held(sandbox)
    wanted = {
        "code": "SO-000001",
        "type": "Sales Order",
        "via": "advance",
        "customer": "CUST-000001",
        "email": "mina@example.test",
        "status": "Open",
        "voided": False,
        "invoice": "",
        "poCode": "SHOP-10045",
        "salesRepOrderCode": "router-7f3a",
        "notes": "Leave at the door",
        "warehouseCode": "MAIN",
        "freight": "4.95",
        "total": "28.74",
        "billToAddress": {},
    }
    assert kept.items() >= wanted.items()
    assert kept["shipAddress"] == {**{k: v for k, v in SHIP.items() if k != "shipToName"}, "name": "Mina Okafor"}
    (line,) = kept["lines"]
    shown = {"itemName": "MUG-11OZ-BLU", "quantity": "2", "unitPrice": "9.5", "extPrice": "19.00"}
    assert line.items() >= shown.items()


def test_a_wrong_switch_is_refused_and_changes_nothing(sandbox: Sandboxed) -> None:
    for wrong in ({"time_zone": "Mars/Base"}, {"clock": "2026-01-01T00:00:00"}, {"empty_404": "html"}, {"colour": 1}):
        answer = sandbox.http.post("/_sandbox/settings", json={"system": "iws", **wrong})
        assert answer.status_code == 400, wrong
    assert sandbox.get("settings")["iws"]["time_zone"] == "Europe/London"


# ------------------------------------------------------------------ restarts


def state(sandbox: Sandboxed) -> str:
    paths = ["customer", "inventory", f"customer/salesorder?customercode={CODE}"]
    logs = [read(sandbox, f"changelog/{name}?from=2020-01-01") for name in ("CustomerSalesOrder", "InventoryItem")]
    shown = [{k: v for k, v in read(sandbox, path).items() if k != "links"} for path in paths]
    rows = [log["data"] for log in logs]
    return json.dumps([*(sandbox.get(name)["iws"] for name in ("orders", "counts", "settings")), shown, rows])


def test_everything_is_there_again_after_sigkill(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "sandbox.jsonl"), "--set", 'iws.customers={"CUST-000101": "ada@example.test"}')
    first = Sandboxed(*data)
    order(first)
    advance(first)
    first.switch("iws", invoiced={"SO-000001": "INV-000001"}, voided=["SO-000002"], stock={"MUG": 3})
    first.switch("iws", touched={"SO-000001": 2}, voided=[])
    before = state(first)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with sandboxed(*data) as second:
        assert state(second) == before
        assert advance(second)["salesOrderCode"] == "SO-000003"


def test_the_key_may_be_another_one() -> None:
    with sandboxed("--credential", "iws.key=other", "--set", "iws.empty_404=200") as running:
        assert call(running, "GET", "customer").status_code == 401
        assert call(running, "GET", "customer", auth=("other", "")).json()["data"] == []
