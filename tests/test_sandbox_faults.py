"""The sandbox fails on demand: every kind of fault, and which calls it strikes."""

from __future__ import annotations

import json
import socket
import time

import httpx
import pytest

from tests.sandboxed import Sandboxed, held, post, put, transaction


def add(sandbox: Sandboxed) -> httpx.Response:
    return sandbox.manex("Add", SoNo="W1", custNo="8", PoNo="1001")


def eventually(sandbox: Sandboxed, wanted: dict[str, int], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while held(sandbox) != wanted and time.monotonic() < end:
        time.sleep(0.02)
    assert held(sandbox) == wanted


def raw(sandbox: Sandboxed, body: bytes, timeout: float = 5) -> bytes:
    """POST trans over a bare socket; every byte that comes back until the connection ends."""
    head = (
        f"POST /esuite/api/v2/trans HTTP/1.1\r\nhost: sandbox\r\nauthorization: Bearer sandbox-esuite\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", sandbox.port), timeout=timeout) as connection:
        connection.sendall(head.encode() + body)
        received = b""
        try:
            while chunk := connection.recv(65536):
                received += chunk
        except ConnectionResetError:
            pass
    return received


BODY = json.dumps(transaction()).encode()


# ------------------------------------------------------------------ dropped connections


@pytest.mark.parametrize("commit", [True, False])
def test_a_dropped_connection_ends_without_a_byte(sandbox: Sandboxed, commit: bool) -> None:
    sandbox.fail("esuite", {"kind": "drop", "commit": commit})
    assert raw(sandbox, BODY) == b""
    assert held(sandbox) == ({"WEB-1001": 1} if commit else {})


def test_a_dropped_connection_is_lost_to_httpx_and_the_next_one_works(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "drop", "commit": False})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        post(sandbox)
    assert post(sandbox).status_code == 200


def test_a_system_that_is_down_drops_every_call_until_it_is_up(sandbox: Sandboxed) -> None:
    down = sandbox.http.post("/_sandbox/down", json={"system": "esuite", "down": True})
    assert [name for name, is_down in down.json().items() if is_down] == ["esuite"]
    for _ in range(3):
        assert raw(sandbox, BODY) == b""
    assert put(sandbox).status_code == 201, "the other system is up"
    sandbox.http.post("/_sandbox/down", json={"system": "esuite", "down": False}).raise_for_status()
    assert post(sandbox).status_code == 200
    assert held(sandbox) == {"WEB-1001": 1}


# ------------------------------------------------------------------ hangs


def test_a_hang_after_the_commit_answers_late(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "hang", "seconds": 0.6, "commit": "before"})
    with pytest.raises(httpx.ReadTimeout):
        post(sandbox, timeout=0.2)
    assert held(sandbox) == {"WEB-1001": 1}
    sandbox.fail("esuite", {"kind": "hang", "seconds": 0.3, "commit": "before"})
    started = time.monotonic()
    assert post(sandbox).status_code == 200
    assert time.monotonic() - started >= 0.3


def test_a_hang_before_the_commit_carries_it_out_though_the_client_has_gone(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "hang", "seconds": 0.5, "commit": "after"})
    with pytest.raises(httpx.ReadTimeout):
        post(sandbox, timeout=0.2)
    assert held(sandbox) == {}
    eventually(sandbox, {"WEB-1001": 1})


def test_a_hang_before_the_commit_answers_a_client_that_waits(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "hang", "seconds": 0.2, "commit": "after"})
    assert post(sandbox).status_code == 200
    assert held(sandbox) == {"WEB-1001": 1}


def test_a_hang_that_never_commits_closes_the_connection(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "hang", "seconds": 0.2, "commit": "never"})
    assert raw(sandbox, BODY) == b""
    assert held(sandbox) == {}


def test_a_client_that_gave_up_is_no_longer_in_flight(sandbox: Sandboxed) -> None:
    sandbox.fail("ongoing", {"kind": "hang", "seconds": 3, "commit": "never"})
    with pytest.raises(httpx.ReadTimeout):
        put(sandbox, timeout=0.2)
    time.sleep(0.1)
    assert put(sandbox).status_code == 201
    assert sandbox.get("calls")["writes_in_flight"]["ongoing"] == {"159": {"now": 0, "most": 1}}


def test_a_slow_call_is_carried_out_later(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "slow", "seconds": 0.3})
    started = time.monotonic()
    assert post(sandbox).status_code == 200
    assert time.monotonic() - started >= 0.3


# ------------------------------------------------------------------ replies


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (
            {"kind": "reply", "status": 418, "body": {"a": 1}, "headers": {"Retry-After": "7"}},
            418,
            '{"a":1}',
        ),
        ({"kind": "reply", "status": 500, "body": "down"}, 500, "down"),
        ({"kind": "reply", "status": 204}, 204, ""),
        ({"kind": "error500"}, 500, '{"StatusCode":"500","Description":"Web Request Failed"}'),
        (
            {"kind": "documented", "name": "esuite.406_no_parameters"},
            406,
            '{"StatusCode":"406","Description":"No parameters provided"}',
        ),
    ],
    ids=["json", "text", "empty", "error500", "documented"],
)
def test_a_call_is_answered_as_told_and_carried_out_only_if_told(
    sandbox: Sandboxed, fault: dict[str, object], status: int, text: str, commit: bool
) -> None:
    sandbox.fail("esuite", {**fault, "commit": commit})
    answer = post(sandbox)
    assert (answer.status_code, answer.text) == (status, text)
    assert answer.headers.get("retry-after") == ("7" if status == 418 else None)
    assert held(sandbox) == ({"WEB-1001": 1} if commit else {})
    assert post(sandbox).status_code == 200, "once"


def test_a_gateway_answers_502_with_a_page(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "html502"})
    answer = post(sandbox)
    assert (answer.status_code, answer.headers["content-type"]) == (502, "text/html")
    assert "<h1>502 Bad Gateway</h1>" in answer.text


def test_the_warehouse_has_its_own_500(sandbox: Sandboxed) -> None:
    sandbox.fail("ongoing", {"kind": "error500", "commit": True})
    answer = put(sandbox)
    assert (answer.status_code, answer.json()) == (500, {"Message": "An error has occurred."})
    assert sandbox.get("counts")["ongoing"] == {"1001": 1}


def test_every_reply_of_the_catalogue_can_be_had(sandbox: Sandboxed) -> None:
    replies = sandbox.get("replies")
    assert {"esuite.403_not_authorized", "esuite.204_no_data", "ongoing.401", "manex.403_edit_failed"} <= replies.keys()
    for name, reply in replies.items():
        system = name.partition(".")[0]
        sandbox.fail(system, {"kind": "documented", "name": name})
        calls = {"esuite": post, "ongoing": put, "manex": add}
        answer = calls[system](sandbox) if system in calls else sandbox.http.post(f"/{system}/")
        assert answer.status_code == reply["status"], name
        if reply["body"] is None:
            assert answer.content == b""
        elif isinstance(reply["body"], str):
            assert answer.text == reply["body"]
        else:
            assert answer.json() == reply["body"]
        for header, value in reply["headers"].items():
            assert answer.headers[header] == value
    assert not any(sandbox.get("counts").values())


ESUITE_3_2 = {
    *("204_no_data", "400_error_with_url", "400_no_payload", "400_no_t_trans", "400_other"),
    *("403_not_authorized", "403_read_only", "404_resource_not_found", "405_not_implemented"),
    *("500_web_request_failed", "501_method_not_supported", "401_unauthorized", "408_request_timeout"),
    *("429_too_many_requests", "502_html", "503_unavailable", "504_gateway_timeout", "200_not_json"),
}
ONGOING_1_8 = {
    *("401", "500", "400_stock_info_too_old", "400_refused", "400_model_state", "400_wrong_goods_owner"),
    *("408_request_timeout", "429_too_many_requests", "503_unavailable", "200_without_order_id"),
    *("400_already_cancelled", "400_already_shipped", "400_work_started", "400_unknown_article"),
}


@pytest.mark.parametrize(("system", "rows"), [("esuite", ESUITE_3_2), ("ongoing", ONGOING_1_8)])
def test_the_catalogue_has_every_row_of_the_contract(sandbox: Sandboxed, system: str, rows: set[str]) -> None:
    assert {f"{system}.{row}" for row in rows} <= sandbox.get("replies").keys()


def test_documented_refusals_follow_the_spelling_of_the_tenant(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", error_key="Message")
    sandbox.fail("ongoing", {"kind": "documented", "name": "ongoing.400_already_cancelled"})
    assert put(sandbox).json() == {"Message": "Order number 1001 is already cancelled."}


# ------------------------------------------------------------------ which calls


@pytest.mark.parametrize(
    "rule",
    [
        {"method": "GET"},
        {"path": "^/api/v2/stock$"},
        {"match": "WEB-9999"},
    ],
    ids=str,
)
def test_a_rule_strikes_only_what_it_speaks_of(sandbox: Sandboxed, rule: dict[str, object]) -> None:
    sandbox.fail("esuite", {"kind": "error500"}, **rule)
    assert post(sandbox).status_code == 200
    assert put(sandbox).status_code == 201
    (report,) = sandbox.get("faults")["faults"]
    assert (report["seen"], report["hits"], report["over"]) == (0, 0, False)


def test_a_rule_may_name_method_path_and_a_text_of_body_or_query(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "error500"}, method="POST", path="/trans$", match='"WEB-7"', times=None)
    sandbox.fail("esuite", {"kind": "error500"}, method="GET", match="TransYourRef=WEB-7 A")
    assert [post(sandbox, reference).status_code for reference in ("WEB-7", "WEB-8", "WEB-7")] == [500, 200, 500]
    assert sandbox.esuite("GET", params={"TransYourRef": "WEB-8"}).status_code == 200
    assert sandbox.esuite("GET", params={"TransYourRef": "WEB-7 A"}).status_code == 500


def test_rules_strike_in_order_and_as_often_as_told(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "reply", "status": 503}, times=2)
    sandbox.fail("esuite", {"kind": "reply", "status": 403})
    assert [post(sandbox).status_code for _ in range(4)] == [503, 503, 403, 200]
    reports = sandbox.get("faults")["faults"]
    assert [(report["hits"], report["over"]) for report in reports] == [(2, True), (1, True)]


def test_rules_are_forgotten_on_request(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "error500"}, times=None)
    assert post(sandbox).status_code == 500
    assert sandbox.http.delete("/_sandbox/faults").json() == {"faults": []}
    assert post(sandbox).status_code == 200


def test_a_chance_strikes_a_part_of_the_calls_and_the_same_ones_for_the_same_seed(sandbox: Sandboxed) -> None:
    def run(seed: int) -> list[int]:
        sandbox.reset()
        sandbox.fail("esuite", {"kind": "error500", "chance": 0.3, "seed": seed}, times=None)
        return [post(sandbox).status_code for _ in range(60)]

    first, again, other = run(1), run(1), run(2)
    assert first == again != other
    assert 5 < first.count(500) < 35


REFUSED_RULES = {
    "no system": ({"fault": {"kind": "error500"}}, "system: Field required"),
    "unknown system": (
        {"system": "sap", "fault": {"kind": "error500"}},
        "system: there is no sap, only esuite, ongoing, manex",
    ),
    "unknown kind": ({"system": "esuite", "fault": {"kind": "explode"}}, "fault: Input tag 'explode'"),
    "misspelt": (
        {"system": "esuite", "time": 2, "fault": {"kind": "error500"}},
        "time: Extra inputs are not permitted",
    ),
    "bad pattern": ({"system": "esuite", "path": "(", "fault": {"kind": "error500"}}, "path: "),
    "unknown reply": (
        {"system": "esuite", "fault": {"kind": "documented", "name": "esuite.999"}},
        "fault.name: esuite has no reply esuite.999",
    ),
    "no object": ([1], "body: "),
}


@pytest.mark.parametrize("case", REFUSED_RULES)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(sandbox: Sandboxed, case: str) -> None:
    rule, text = REFUSED_RULES[case]
    answer = sandbox.http.post("/_sandbox/faults", json=rule)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(text)
    assert sandbox.get("faults") == {"faults": []}
