"""The ManEx stand-in answers as contracts/manex.md says, over HTTP: addresses, errors, faults, control."""

from __future__ import annotations

import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.manex_calls import (
    LINE,
    MISSING,
    NO_CUSTOMER,
    NO_DUE_DATE,
    NO_ITEM,
    NO_ORDER,
    NO_PRICE,
    NO_PRICE_KEY,
    NOT_IN_ORDER,
    NULL_REFERENCE,
    OTHER_ORDER,
    SO,
    UNKNOWN_LINE,
    W1,
    add,
    add_line,
    broken,
    done,
    due_date,
    get,
    held,
    line_of_order,
    price,
    refused,
)
from tests.sandboxed import MANEX_KEY, Sandboxed, sandboxed

# ------------------------------------------------------------------ address, key, verbs (section 1)


@pytest.mark.parametrize("path", [f"/manex/{way}/{MANEX_KEY}" for way in ("API/SO/Add", "api/so/ADD", "Api/So/add/")])
def test_controllers_and_actions_are_known_in_any_letter_case(sandbox: Sandboxed, path: str) -> None:
    done(sandbox.http.post(path, json=W1), "Sales Order added successfully.")


NO_SO_ACTION = "No action was found on the controller 'SO' that matches the request."
URL_ERRORS = {
    "glued": ("/manex/api/SOAdd/123", "No type was found that matches the controller named 'SOAdd'."),
    "no list": (SO.format("List"), NO_SO_ACTION),
    "no delete": (SO.format("Delete"), NO_SO_ACTION),
    "no key": ("/manex/API/SO/Add", NO_SO_ACTION),
    "too deep": (SO.format("Add") + "/x", NO_SO_ACTION),
    "no action": ("/manex/API/SO", NO_SO_ACTION),
    "no api": ("/manex/SO/Add/123", "No route data was found for this request."),
    "nothing": ("/manex/", "No route data was found for this request."),
    "wrong parameter": (
        f"/manex/API/Customer/Get/{MANEX_KEY}?custNo=8",
        "No action was found on the controller 'Customer' that matches the request.",
    ),
    "key in the path": (
        f"/manex/API/ItemMaster/Get/{MANEX_KEY}?partnum=1",
        "No action was found on the controller 'ItemMaster' that matches the request.",
    ),
}


@pytest.mark.parametrize("name", URL_ERRORS)
def test_a_wrong_address_is_404_and_repeats_the_whole_uri(sandbox: Sandboxed, name: str) -> None:
    path, detail = URL_ERRORS[name]
    answer = sandbox.http.get(path)
    assert answer.status_code == 404
    message = f"No HTTP resource was found that matches the request URI '{sandbox.url}{path}'."
    assert answer.json() == {"$id": "1", "Message": message, "MessageDetail": detail}


@pytest.mark.parametrize("action", ["Add", "Get", "ItemADD", "PriceEdit", "DueDateDelete"])
def test_a_wrong_key_is_the_only_thing_that_makes_the_user_invalid(sandbox: Sandboxed, action: str) -> None:
    answer = sandbox.http.post(f"/manex/API/SO/{action}/sandbox123", json=W1)
    assert answer.status_code == 200
    assert answer.json() == {
        "$id": "1",
        "Code": 403,
        "Message": "Invalid API Key.",
        "SessionId": None,
        "IsValidUser": False,
        "ResponseObject": None,
    }
    assert sandbox.get("counts")["manex"] == {}


def test_sites_differ_in_the_http_status_of_refusals(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", bad_key_status=401, refused_status=403)
    assert sandbox.http.post("/manex/API/SO/Get/wrong").status_code == 401
    assert sandbox.manex("Get", SoNo="W1").status_code == 403
    assert sandbox.manex("Add", **W1).status_code == 200


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("POST", 200), ("PUT", 405), ("DELETE", 405)])
def test_get_and_post_are_taken_everywhere(sandbox: Sandboxed, method: str, status: int) -> None:
    for action in ("Add", "ItemGet"):
        answer = sandbox.http.request(method, SO.format(action), params=W1)
        assert answer.status_code == status
        if status == 405:
            text = f"The requested resource does not support http method '{method}'."
            assert answer.json() == {"Message": text}


@pytest.mark.parametrize(
    ("method", "action", "status"),
    [
        *((method, read, status) for read in ("Get", "ItemGet", "PriceGet", "DueDateGet")
          for method, status in (("GET", 200), ("POST", 405))),
        *((method, write, status) for write in ("Add", "ItemEdit", "PriceDelete", "DueDateAdd")
          for method, status in (("GET", 405), ("POST", 200))),
    ],
)  # fmt: skip
def test_a_strict_site_takes_get_for_reads_and_post_for_writes(
    sandbox: Sandboxed, method: str, action: str, status: int
) -> None:
    sandbox.switch("manex", verbs="strict")
    assert sandbox.http.request(method, SO.format(action)).status_code == status


# ------------------------------------------------------------------ how parameters come in (sections 1, 9, 11)

SAME = ["W0000789", "7", "5001"]
WAYS: dict[str, dict[str, Any]] = {
    "query": {"params": {"SoNo": "W0000789", "custNo": "7", "PoNo": "5001"}},
    "json": {"json": {"SoNo": "W0000789", "custNo": "7", "PoNo": "5001"}},
    "numbers": {"json": {"SoNo": "W0000789", "custNo": 7, "PoNo": 5001}},
    "other case": {"json": {"SONO": "w0000789", "CUSTNO": "7", "pono": "5001"}},
    "blanks": {"json": {"SONO": " W0000789  ", "CUSTNO": "7  ", "pono": "5001  "}},
    "single quotes": {"content": b"{'SoNo':'W0000789', 'custNo':'7', \"PoNo\":\"5001\",}"},
    "form": {"data": {"SoNo": "W0000789", "custNo": "7", "PoNo": "5001"}},
    "half and half": {"params": {"SoNo": "W0000789", "custNo": "9"}, "json": {"custNo": "7", "PoNo": "5001"}},
    "unknown members": {"json": {"SoNo": "W0000789", "custNo": "7", "PoNo": "5001", "lines": [{"x": 1}], "y": None}},
}


@pytest.mark.parametrize("way", WAYS)
def test_parameters_are_bound_from_query_and_body_in_any_letter_case(sandbox: Sandboxed, way: str) -> None:
    kwargs = {**WAYS[way]}
    if "content" in kwargs:
        kwargs["headers"] = {"content-type": "application/json; charset=utf-8"}
    done(sandbox.http.post(SO.format("Add"), **kwargs), "Sales Order added successfully.")
    (order,) = held(sandbox, "5001")
    assert (order["SONO"], order["CUSTNO"], order["PONO"]) == ("W0000789", "0000000007", "5001")


def test_single_quotes_may_hold_quotes_of_both_kinds(sandbox: Sandboxed) -> None:
    body = b"""{'SoNo':'W1','custNo':'8','PoNo':'1001','SONote':'Anna\\'s "tea"'}"""
    sandbox.http.post(SO.format("Add"), content=body, headers={"content-type": "application/json"})
    assert held(sandbox)[0]["note"] == 'Anna\'s "tea"'


def test_question_marks_as_in_the_printed_samples_do_not_separate(sandbox: Sandboxed) -> None:
    add(sandbox)
    answer = sandbox.http.get(f"{SO.format('Get')}?SoNo=W1?custNo=8")
    refused(answer, "Sales Order does not exists.")
    answer = sandbox.http.get(f"{SO.format('Add')}?SoNo=W2?custNo=8")
    refused(answer, "Sales Order add failed.Customer does not exists.")


BAD_BODIES = {
    "no JSON": b"{'a",
    "an array": b"[1]",
    "a text": b'"x"',
    "not UTF-8": b'{"SoNo":"\xff"}',
    "half a surrogate pair": b'{"SoNo":"W1","custNo":"8","SONote":"\\ud83d"}',
    "deep": b'{"SoNo":' + b"[" * 100_000,
    "an object for a text": b'{"SoNo":{"a":1},"custNo":"8"}',
    "an array for a text": b'{"SoNo":["W1"],"custNo":"8"}',
    "a word for a number": b'{"SoNo":"W1","custNo":"8","SOAMTDSCT":"much"}',
    "not a number": b'{"SoNo":"W1","custNo":"8","SOAMTDSCT":NaN}',
    "a huge number": b'{"SoNo":"W1","custNo":"8","SOAMTDSCT":1e99}',
    "endless digits": b'{"SoNo":"W1","custNo":"8","SOAMTDSCT":' + b"9" * 10_000 + b"}",
    "a word for a bit": b'{"SoNo":"W1","custNo":"8","POAck":"maybe"}',
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_cannot_be_read_is_the_sites_own_500_and_nothing_is_kept(sandbox: Sandboxed, name: str) -> None:
    headers = {"content-type": "application/json"}
    broken(sandbox.http.post(SO.format("Add"), content=BAD_BODIES[name], headers=headers))
    assert sandbox.get("counts")["manex"] == {}


@pytest.mark.parametrize(
    ("headers", "shown"),
    [({"content-type": "text/plain"}, "text/plain"), ({}, "application/octet-stream")],
    ids=["text", "none"],
)
def test_a_body_in_another_format_is_415(sandbox: Sandboxed, headers: dict[str, str], shown: str) -> None:
    answer = sandbox.http.post(SO.format("Add"), content=b'{"SoNo":"W1"}', headers=headers)
    assert answer.status_code == 415
    text = f"The request entity's media type '{shown}' is not supported for this resource."
    assert answer.json() == {"Message": text}


# ------------------------------------------------------------------ documented errors (section 8)

TABLE: list[tuple[str, str, dict[str, str], str]] = [
    ("Add, unknown customer", "Add", {"SoNo": "W2", "custNo": "ACME"}, NO_CUSTOMER),
    ("Add, no customer", "Add", {"SoNo": "W2"}, NO_CUSTOMER),
    ("Edit, unknown order", "Edit", {"SoNo": "W2"}, NULL_REFERENCE),
    ("Edit, no order", "Edit", {}, NULL_REFERENCE),
    ("Get, unknown order", "Get", {"SoNo": "800"}, NO_ORDER),
    ("Get, no order", "Get", {}, NO_ORDER),
    ("ItemADD, unknown order", "ItemADD", {"SoNo": "W2", "part_no": "A"}, NO_ORDER),
    ("ItemEdit, unknown order", "ItemEdit", {"SoNo": "W2", "UNIQUELN": "{line}"}, NO_ORDER),
    ("ItemEdit, unknown line", "ItemEdit", {"SoNo": "W1", "line_no": "9"}, NO_ITEM),
    ("ItemGet, unknown line", "ItemGet", {"UNIQUELN": MISSING}, NO_ITEM),
    ("ItemGet, no line", "ItemGet", {"SoNo": "W1", "line_no": "1"}, NO_ITEM),
    ("ItemDelete, no line", "ItemDelete", {"SoNo": "W1", "line_no": "1"}, "UniqLn not provided."),
    ("ItemDelete, unknown line", "ItemDelete", {"SoNo": "W1", "uniqueln": MISSING}, NO_ITEM),
    ("ItemDelete, other order", "ItemDelete", {"SoNo": "W2", "uniqueln": "{line}"}, NO_ITEM),
    ("PriceAdd, no line", "PriceAdd", {"SoNo": "799", "price": "1"}, NOT_IN_ORDER.format("", "0000000799")),
    ("PriceAdd, a line_no", "PriceAdd", {"SoNo": "W1", "uniqueLn": "1"}, NOT_IN_ORDER.format("1", "W1")),
    ("PriceAdd, other order", "PriceAdd", {"SoNo": "785", "uniqueLn": "{line}"}, OTHER_ORDER),
    ("PriceEdit, unknown line", "PriceEdit", {"SoNo": "W1", "uniqueLn": MISSING}, UNKNOWN_LINE),
    ("PriceEdit, no price key", "PriceEdit", LINE, NO_PRICE_KEY),
    ("PriceEdit, as the tables spell it", "PriceEdit", LINE | {"plpricelink": MISSING}, NO_PRICE_KEY),
    ("PriceEdit, unknown price", "PriceEdit", LINE | {"PLPRICELNK": MISSING}, NO_PRICE),
    ("PriceGet, no price", "PriceGet", {"UNIQUELN": "{line}"}, NO_PRICE),
    ("PriceGet, unknown line", "PriceGet", {"UNIQUELN": MISSING}, NO_PRICE),
    ("PriceDelete, no price key", "PriceDelete", LINE, NO_PRICE_KEY),
    ("PriceDelete, unknown price", "PriceDelete", LINE | {"PLPRICELNK": MISSING}, NO_PRICE),
    ("DueDateAdd, no line", "DueDateAdd", {"SoNo": "799"}, NOT_IN_ORDER.format("", "0000000799")),
    ("DueDateEdit, unknown line", "DueDateEdit", {"SoNo": "W1", "uniqueLn": MISSING}, UNKNOWN_LINE),
    ("DueDateEdit, no row, a copy error", "DueDateEdit", LINE, NO_PRICE_KEY),
    ("DueDateEdit, unknown row", "DueDateEdit", LINE | {"dueDt_Uniq": MISSING}, NO_DUE_DATE),
    ("DueDateGet, unknown row", "DueDateGet", {"DueDateUniq": MISSING}, NO_DUE_DATE),
    ("DueDateGet, the other name", "DueDateGet", {"DueDt_Uniq": MISSING}, NO_DUE_DATE),
    ("DueDateDelete, no row", "DueDateDelete", {}, "DueDt_Uniq not provided."),
    ("DueDateDelete, unknown row", "DueDateDelete", {"DueDt_Uniq": MISSING}, "DueDt_Uniq not provided."),
]  # fmt: skip


@pytest.mark.parametrize(("action", "fields", "text"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_documented_error_has_its_text(sandbox: Sandboxed, action: str, fields: dict[str, str], text: str) -> None:
    line = line_of_order(sandbox)
    before = sandbox.get("orders")
    sent = {name: value.replace("{line}", line) for name, value in fields.items()}
    refused(sandbox.manex(action, **sent), text.replace("{line}", line))
    assert sandbox.get("orders") == before


def test_the_newer_edition_corrects_one_text(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", edition="F")
    refused(sandbox.manex("DueDateGet", DueDateUniq=MISSING), "$$Sales Order Due Date does not exist.")


SECTION_8 = {
    *("403_invalid_api_key", "404_no_controller", "404_no_action", "403_customer_does_not_exist", "403_add_failed"),
    *("403_edit_failed", "403_order_does_not_exist", "403_item_does_not_exist", "403_uniqln_not_provided"),
    *("403_item_not_in_order", "403_plpricelnk_not_provided", "403_price_does_not_exist"),
    *("403_due_date_does_not_exist", "403_due_date_does_not_exist_f", "403_duedt_uniq_not_provided"),
    *("403_price_edited", "403_other", "405_method_not_supported", "415_media_type_not_supported"),
    *("500_error_has_occurred", "502_html", "503_unavailable", "504_gateway_timeout"),
}


@pytest.mark.parametrize("row", sorted(SECTION_8))
def test_the_catalogue_has_every_row_of_the_contract_and_a_fault_answers_it(sandbox: Sandboxed, row: str) -> None:
    reply = sandbox.get("replies")[f"manex.{row}"]
    sandbox.fail("manex", {"kind": "documented", "name": f"manex.{row}"})
    answer = sandbox.manex("Add", **W1)
    assert answer.status_code == reply["status"]
    assert answer.text == reply["body"] if isinstance(reply["body"], str) else answer.json() == reply["body"]
    assert sandbox.get("counts")["manex"] == {}


def test_documented_replies_follow_the_switches_of_the_site(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", refused_status=400, bad_key_status=401, dollar_signs=False)
    texts = {}
    for row in ("403_due_date_does_not_exist", "403_invalid_api_key"):
        sandbox.fail("manex", {"kind": "documented", "name": f"manex.{row}"})
        answer = sandbox.manex("Add", **W1)
        texts[answer.status_code] = answer.json()["Message"]
    assert texts == {400: "Sales Order Due Date does not exists.", 401: "Invalid API Key."}


# ------------------------------------------------------------------ what the control API shows


def test_an_order_is_shown_whole_and_its_lines_by_number(sandbox: Sandboxed) -> None:
    add(sandbox, PoNo=" 1001 ", SONote="leave it", orderDate="2026-01-02", ShipVia="UPS-RED")
    second, first = add_line(sandbox, line_no="2"), add_line(sandbox, line_no="1", part_no="TEA-2")
    done(
        sandbox.manex("PriceAdd", SoNo="W1", uniqueLn=first, price="1.50", saleTypeID="SYSTEM"),
        "Sales Order Price added successfully.",
    )
    due_date(sandbox, first)
    (order,) = held(sandbox)
    lines = order.pop("lines")
    assert order == {
        "SONO": "W1",
        "CUSTNO": "0000000008",
        "PONO": "1001",
        "ORDERDATE": "2026-01-02T00:00:00",
        "note": "leave it",
        "SHIPVIA": "UPS-RED",
    }
    assert [line["UNIQUELN"] for line in lines] == [first, second]
    shown = {
        "LINE_NO": "0000001",
        "part_no": "TEA-2",
        "revision": "A",
        "ORD_QTY": "2",
        "STATUS": "STANDARD",
        "BALANCE": "2",
        "desc": "Tea",
        "UNIQUELN": first,
        "prices": [{"price": "1.5", "flat": False, "taxable": False, "saleTypeID": "SYSTEM", "extended": "3.00"}],
        "due_dates": [{"DUE_DTS1": "2026-01-06T00:00:00", "SHIP_DTS": "2026-01-05T00:00:00", "QTY": "1"}],
    }
    assert lines[0].items() >= shown.items()


def test_an_order_counts_until_all_its_lines_are_cancelled(sandbox: Sandboxed) -> None:
    counted = []
    add(sandbox)
    counted.append(sandbox.get("counts")["manex"])
    lines = [add_line(sandbox), add_line(sandbox)]
    for line in lines:
        sandbox.manex("ItemEdit", SoNo="W1", UNIQUELN=line, status="Cancel")
        counted.append(sandbox.get("counts")["manex"])
    add(sandbox, SoNo="W2")
    counted.append(sandbox.get("counts")["manex"])
    assert counted == [{"1001": 1}, {"1001": 1}, {"1001": 0}, {"1001": 1}]
    assert len(held(sandbox)) == 2


def test_writes_are_counted_for_their_order_and_reads_are_not(sandbox: Sandboxed) -> None:
    line = line_of_order(sandbox)
    key = due_date(sandbox, line)
    sandbox.manex("Get", SoNo="W9")
    sandbox.manex("PriceAdd", SoNo="799", uniqueLn=line)
    sandbox.manex("DueDateDelete", DueDt_Uniq=key)
    sandbox.manex("Add", custNo="8")
    sandbox.http.post(SO.format("Add"), content=b"{")
    sandbox.http.post("/manex/nowhere", json=W1)
    lanes = sandbox.get("calls")["writes_in_flight"]["manex"]
    assert lanes == {name: {"now": 0, "most": 1} for name in ("W1", "0000000799", "no SoNo")}


def test_two_writes_at_once_to_one_order_are_seen(sandbox: Sandboxed) -> None:
    sandbox.switch("manex", latency_s=0.3)
    threads = [threading.Thread(target=sandbox.manex, args=("Edit",), kwargs={"SoNo": "w1"}) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sandbox.get("calls")["writes_in_flight"]["manex"] == {"W1": {"now": 0, "most": 2}}


# ------------------------------------------------------------------ faults


@pytest.mark.parametrize("commit", [True, False])
def test_an_add_may_be_lost_before_or_after_it_is_carried_out(sandbox: Sandboxed, commit: bool) -> None:
    sandbox.fail("manex", {"kind": "drop", "commit": commit}, path="(?i)/SO/Add/", match='"W1"')
    add(sandbox, SoNo="W2", PoNo="2")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        sandbox.manex("Add", **W1)
    assert sandbox.get("counts")["manex"] == ({"2": 1, "1001": 1} if commit else {"2": 1})


@pytest.mark.parametrize(("commit", "kept"), [("before", True), ("after", True), ("never", False)])
def test_an_add_may_hang_past_the_clients_patience(sandbox: Sandboxed, commit: str, kept: bool) -> None:
    sandbox.fail("manex", {"kind": "hang", "seconds": 0.4, "commit": commit}, method="POST")
    with pytest.raises(httpx.ReadTimeout):
        sandbox.http.post(SO.format("Add"), json=W1, timeout=0.1)
    time.sleep(0.6)
    assert sandbox.get("counts")["manex"] == ({"1001": 1} if kept else {})


def test_a_rule_finds_a_number_in_a_body_and_in_a_query(sandbox: Sandboxed) -> None:
    sandbox.fail("manex", {"kind": "error500"}, match="W1", times=None)
    broken(sandbox.manex("Get", SoNo="W1"))
    broken(sandbox.http.get(SO.format("Get"), params={"SoNo": "W1"}))
    refused(sandbox.http.get(SO.format("Get"), params={"SoNo": "W2"}), "Sales Order does not exists.")


def test_a_gateways_page_may_come_instead_of_json(sandbox: Sandboxed) -> None:
    sandbox.fail("manex", {"kind": "html502", "commit": True})
    answer = sandbox.manex("Add", **W1)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert sandbox.get("counts")["manex"] == {"1001": 1}


# ------------------------------------------------------------------ restarts


def test_everything_is_there_again_after_sigkill(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "sandbox.jsonl"), "--credential", f"manex.key={MANEX_KEY}")
    first = Sandboxed(*data)
    line = line_of_order(first)
    gone = add_line(first)
    due_date(first, line)
    first.manex("PriceAdd", SoNo="W1", uniqueLn=line, price="1")
    key = price(first, line)["PLPRICELNK"]
    first.manex("PriceEdit", SoNo="W1", uniqueLn=line, PLPRICELNK=key, price="2.5")
    first.manex("ItemDelete", SoNo="W1", uniqueln=gone)
    first.manex("Edit", SoNo="W1", SONote="later")
    first.switch("manex", shipped={"W1/0000001": 1}, holidays=["2026-01-01"], validate=False)
    before = state(first, line)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with sandboxed(*data) as second:
        assert state(second, line) == before
        assert add_line(second) not in (line, gone)


def state(sandbox: Sandboxed, line: str) -> str:
    names = ("orders", "counts", "settings")
    return json.dumps([*map(sandbox.get, names), get(sandbox), price(sandbox, line)])


def test_the_key_may_be_another_one() -> None:
    with sandboxed("--credential", "manex.key=0123456789", "--set", "manex.validate=false") as running:
        assert running.manex("Get").json()["Message"] == "Invalid API Key."
        assert running.http.get("/manex/API/SO/Get/0123456789").json()["IsValidUser"] is True
        assert running.get("settings")["manex"]["validate"] is False
