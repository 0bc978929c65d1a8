"""The sandbox as a process: settings, reports, restarts, signals, options."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.sandboxed import ROOT, Sandboxed, held, post, put, sandboxed

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
    assert not any(sandbox.get("counts").values())
    assert sandbox.get("calls") == {"calls": [], "totals": {}, "writes_in_flight": {}}
    assert sandbox.get("settings") == before
    assert put(sandbox).status_code == 201
    assert post(sandbox).json()["T_Trans"]["TransNo"] == "1464547"


def test_the_index_lists_what_can_be_asked(sandbox: Sandboxed) -> None:
    index = sandbox.http.get("/_sandbox/").json()
    assert index["systems"].items() >= {"esuite": "/esuite", "ongoing": "/ongoing", "manex": "/manex"}.items()
    assert all(path == f"/{name}" for name, path in index["systems"].items())
    assert "/_sandbox/faults" in index["control"]


# ------------------------------------------------------------------ restarts


def fill(running: Sandboxed) -> int:
    """Two transactions, one of them deleted, a third, and an order that was updated and released; its id."""
    key = post(running).json()["T_Trans"]
    post(running)
    post(running, "WEB-2")
    target = {**{name: int(key[name]) for name in ("CompanyNo", "TransNo")}, "BatchType": "SAR"}
    running.esuite("DELETE", json={"T_Trans": target}).raise_for_status()
    order_id = int(put(running).json()["orderId"])
    put(running)
    status = running.ongoing("PATCH", f"orders/{order_id}/orderStatus", json={"orderStatusNumber": 300})
    status.raise_for_status()
    running.switch("esuite", show_deleted="also", gst_rate="0.15")
    return order_id


def state(running: Sandboxed, order_id: int) -> dict[str, Any]:
    return {
        "orders": running.get("orders"),
        "counts": running.get("counts"),
        "settings": running.get("settings"),
        "trans": running.esuite("GET", params={"InclDelivery": "1"}).json(),
        "deleted": running.esuite("GET", params={"ShowDeleted": "1"}).json(),
        "order": running.ongoing("GET", f"orders/{order_id}").json(),
    }


def test_everything_is_there_again_after_sigkill(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "deep" / "sandbox.jsonl"))
    first = Sandboxed(*data)
    order_id = fill(first)
    before = state(first, order_id)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with sandboxed(*data) as second:
        assert state(second, order_id) == before
        counts = {name: found for name, found in before["counts"].items() if found}
        assert counts == {"esuite": {"WEB-1001": 1, "WEB-2": 1}, "ongoing": {"1001": 1}}
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
        (("--set", "sap.filter=none"), "there is no system sap, only esuite, ongoing, manex"),
        (("--set", "filter"), "--set filter: write SYSTEM.NAME=VALUE"),
        (
            ("--credential", "ongoing.token=x"),
            "ongoing has no credential token, it has automation_password, automation_username, password, username",
        ),
    ],
    ids=["value", "system", "shape", "credential"],
)
def test_a_wrong_option_is_refused_with_the_reason(args: tuple[str, str], text: str) -> None:
    ended = run_once(*args)
    assert ended.returncode == 2
    assert text in " ".join(ended.stderr.split())
