"""The sandbox fails on demand, survives being killed, and says what it holds."""

from __future__ import annotations

import base64
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandboxed import ROOT, Sandboxed, goods_order, sandboxed, transaction


@pytest.fixture(scope="module")
def process() -> Iterator[Sandboxed]:
    with sandboxed() as running:
        yield running


@pytest.fixture
def sandbox(process: Sandboxed) -> Sandboxed:
    process.reset()
    return process


def post(sandbox: Sandboxed, reference: str = "WEB-1001", **kwargs: Any) -> httpx.Response:
    return sandbox.esuite("POST", json=transaction(reference), **kwargs)


def put(sandbox: Sandboxed, **kwargs: Any) -> httpx.Response:
    return sandbox.ongoing("PUT", json=goods_order(), **kwargs)


def held(sandbox: Sandboxed) -> dict[str, int]:
    counts: dict[str, int] = sandbox.get("counts")["esuite"]
    return counts


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
    assert down.json() == {"esuite": True, "ongoing": False}
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
    assert {"esuite.403_not_authorized", "esuite.204_no_data", "ongoing.401"} <= replies.keys()
    for name, reply in replies.items():
        system = name.partition(".")[0]
        sandbox.fail(system, {"kind": "documented", "name": name})
        answer = post(sandbox) if system == "esuite" else put(sandbox)
        assert answer.status_code == reply["status"], name
        if reply["body"] is None:
            assert answer.content == b""
        elif isinstance(reply["body"], str):
            assert answer.text == reply["body"]
        else:
            assert answer.json() == reply["body"]
        for header, value in reply["headers"].items():
            assert answer.headers[header] == value
    assert sandbox.get("counts") == {"esuite": {}, "ongoing": {}}


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
        "system: there is no sap, only esuite, ongoing",
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


# ------------------------------------------------------------------ settings and reports


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"system": "esuite", "filter": "none"}, "filter: Input should be"),
        ({"system": "esuite", "filters": "like"}, "filters: Extra inputs are not permitted"),
        ({"system": "sap"}, "system: there is no sap"),
        ([], "the body must be a JSON object"),
    ],
    ids=["value", "name", "system", "shape"],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(sandbox: Sandboxed, change: object, text: str) -> None:
    before = sandbox.get("settings")
    answer = sandbox.http.post("/_sandbox/settings", json=change)
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(text)
    assert sandbox.get("settings") == before


def test_latency_is_a_setting_of_every_system(sandbox: Sandboxed) -> None:
    sandbox.switch("ongoing", latency_s=0.2)
    started = time.monotonic()
    put(sandbox)
    assert time.monotonic() - started >= 0.2


def test_calls_are_listed_without_what_they_carried(sandbox: Sandboxed) -> None:
    sandbox.fail("esuite", {"kind": "drop", "commit": False}, method="DELETE")
    post(sandbox)
    sandbox.http.get("/esuite/api/v2/trans?TransYourRef=WEB-1001&token=sandbox-esuite")
    with pytest.raises(httpx.TransportError):
        sandbox.esuite("DELETE", json={})
    put(sandbox)
    report = sandbox.get("calls")
    assert report["totals"] == {"esuite": {"POST": 1, "GET": 1, "DELETE": 1}, "ongoing": {"PUT": 1}}
    seen = [(call["method"], call["path"], call["status"], call["fault"]) for call in report["calls"]]
    assert seen == [
        ("POST", "/api/v2/trans", 200, None),
        ("GET", "/api/v2/trans", 200, None),
        ("DELETE", "/api/v2/trans", None, "drop"),
        ("PUT", "/api/v1/orders", 201, None),
    ]
    assert report["calls"][1]["params"] == ["TransYourRef", "token"]
    assert not {"Incognito", "sandbox-esuite", "WEB-1001"} & set(json.dumps(report).split('"'))
    last = sandbox.get("calls", system="esuite", limit="1")["calls"]
    assert [call["method"] for call in last] == ["DELETE"]


def test_equal_bodies_have_equal_digests(sandbox: Sandboxed) -> None:
    for reference in ("WEB-1", "WEB-1", "WEB-2"):
        post(sandbox, reference)
    digests = [call["body"]["digest"] for call in sandbox.get("calls")["calls"]]
    assert digests[0] == digests[1] != digests[2]


def test_reset_forgets_everything(sandbox: Sandboxed) -> None:
    before = sandbox.get("settings")
    post(sandbox)
    put(sandbox)
    sandbox.switch("esuite", filter="like")
    sandbox.fail("esuite", {"kind": "error500"}, times=None)
    sandbox.http.post("/_sandbox/down", json={"system": "ongoing", "down": True}).raise_for_status()
    sandbox.reset()
    assert sandbox.get("counts") == {"esuite": {}, "ongoing": {}}
    assert sandbox.get("calls") == {"calls": [], "totals": {}, "writes_in_flight": {}}
    assert sandbox.get("settings") == before
    assert put(sandbox).status_code == 201
    assert post(sandbox).json()["T_Trans"]["TransNo"] == "1464547"


def test_the_index_lists_what_can_be_asked(sandbox: Sandboxed) -> None:
    index = sandbox.http.get("/_sandbox/").json()
    assert index["systems"] == {"esuite": "/esuite", "ongoing": "/ongoing"}
    assert "/_sandbox/faults" in index["control"]


# ------------------------------------------------------------------ restarts


def fill(running: Sandboxed) -> dict[str, Any]:
    key = post(running).json()["T_Trans"]
    post(running)
    post(running, "WEB-2")
    target = {**{name: int(key[name]) for name in ("CompanyNo", "TransNo")}, "BatchType": "SAR"}
    running.esuite("DELETE", json={"T_Trans": target}).raise_for_status()
    order_id = put(running).json()["orderId"]
    put(running)
    running.ongoing("PATCH", f"orders/{order_id}/orderStatus", json={"orderStatusNumber": 300}).raise_for_status()
    running.switch("esuite", show_deleted="also", gst_rate="0.15")
    return {
        "orders": running.get("orders"),
        "counts": running.get("counts"),
        "settings": running.get("settings"),
        "trans": running.esuite("GET", params={"InclDelivery": "1"}).json(),
        "order": running.ongoing("GET", f"orders/{order_id}").json(),
    }


def state(running: Sandboxed, order_id: int) -> dict[str, Any]:
    return {
        "orders": running.get("orders"),
        "counts": running.get("counts"),
        "settings": running.get("settings"),
        "trans": running.esuite("GET", params={"InclDelivery": "1"}).json(),
        "order": running.ongoing("GET", f"orders/{order_id}").json(),
    }


def test_everything_is_there_again_after_sigkill(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "deep" / "sandbox.jsonl"))
    first = Sandboxed(*data)
    before = fill(first)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with sandboxed(*data) as second:
        assert state(second, before["order"]["orderInfo"]["orderId"]) == before
        assert before["counts"] == {"esuite": {"WEB-1001": 1, "WEB-2": 1}, "ongoing": {"1001": 1}}
        numbers = {row["TransNo"] for row in before["trans"]["Trans"]}
        assert post(second).json()["T_Trans"]["TransNo"] not in numbers
    with sandboxed(*data) as third:
        assert held(third) == {"WEB-1001": 2, "WEB-2": 1}


def test_a_change_that_was_cut_off_by_the_kill_is_dropped(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with sandboxed("--data", str(file)) as first:
        post(first)
        post(first, "WEB-2")
    file.write_bytes(file.read_bytes()[:-10])
    with sandboxed("--data", str(file)) as second:
        assert held(second) == {"WEB-1001": 1}
        post(second, "WEB-3")
    with sandboxed("--data", str(file)) as third:
        assert held(third) == {"WEB-1001": 1, "WEB-3": 1}


def test_a_reset_is_remembered_too(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "sandbox.jsonl"))
    with sandboxed(*data) as first:
        post(first)
        first.reset()
        post(first, "WEB-2")
    with sandboxed(*data) as second:
        assert held(second) == {"WEB-2": 1}


def run_once(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox", "--port", "0", *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


def test_a_damaged_file_is_named_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    file.write_text('["esuite", {"op": "settings", "settings": {}}]\n{"half\n["x", {}]\n')
    ended = run_once("--data", str(file))
    assert ended.returncode == 2
    assert f"{file} line 2 is damaged" in " ".join(ended.stderr.split())


def test_two_sandboxes_never_share_a_file(tmp_path: Path) -> None:
    file = tmp_path / "sandbox.jsonl"
    with sandboxed("--data", str(file)):
        ended = run_once("--data", str(file))
    assert ended.returncode == 2
    assert "is in use by another sandbox" in " ".join(ended.stderr.split())


# ------------------------------------------------------------------ the process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_ends_it_well_though_a_call_hangs(number: signal.Signals) -> None:
    running = Sandboxed()
    running.fail("esuite", {"kind": "hang", "seconds": 60, "commit": "after"})
    with pytest.raises(httpx.ReadTimeout):
        post(running, timeout=0.2)
    started = time.monotonic()
    assert running.end(number) == 0
    assert time.monotonic() - started < 5


def test_credentials_and_switches_are_given_at_the_start() -> None:
    login = "Basic " + base64.b64encode(b"WSI-mine:secret").decode()
    with sandboxed(
        *("--credential", "esuite.token=t0p", "--credential", "esuite.header=X-Key"),
        *("--credential", "ongoing.username=WSI-mine", "--credential", "ongoing.password=secret"),
        *("--set", "esuite.filter=like", "--set", "ongoing.goods_owner_id=7", "--set", 'esuite.accounts=["C1"]'),
    ) as running:
        assert running.http.get("/esuite/api/v2/company", headers={"X-Key": "t0p"}).status_code == 200
        assert running.esuite("GET", "company").status_code == 403
        orders = running.http.get("/ongoing/api/v1/orders?goodsOwnerId=7", headers={"authorization": login})
        assert orders.json() == []
        assert running.get("settings")["esuite"]["accounts"] == ["C1"]
        running.switch("esuite", filter="exact")
        running.reset()
        assert running.get("settings")["esuite"]["filter"] == "like", "a reset goes back to the start"


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--set", "esuite.filter=none"), "filter: Input should be"),
        (("--set", "sap.filter=none"), "there is no system sap, only esuite, ongoing"),
        (("--set", "filter"), "--set filter: write SYSTEM.NAME=VALUE"),
        (("--credential", "ongoing.token=x"), "ongoing has no credential token, it has password, username"),
    ],
    ids=["value", "system", "shape", "credential"],
)
def test_a_wrong_option_is_refused_with_the_reason(args: tuple[str, str], text: str) -> None:
    ended = run_once(*args)
    assert ended.returncode == 2
    assert text in " ".join(ended.stderr.split())
