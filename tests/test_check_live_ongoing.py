"""``check --live`` at Ongoing: whose login it is (contracts/ongoing.md sections 1 to 3, seeds of the admin manual)."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import pytest

from schemas.http import Call
from tasks.ongoing import probe
from tests.commands import Cli
from tests.ongoing_fake import Script, destination
from tests.sandboxed import Sandboxed, sandboxed
from worker.outcomes import Delivered

AUTOMATION = ("lift", "sandbox-automation")
GOODS_OWNER = ("WSI-sandbox", "sandbox-ongoing")
REST = 'api = "rest"\nbase_url = "{url}/ongoing/api/v1"'
SOAP = 'api = "soap"\ngoods_owner_code = "ACME"\nbase_url = "{url}/ongoing/acme/Service.asmx"'
BOTH = pytest.mark.parametrize("api", [REST, SOAP], ids=["rest", "soap"])
CONFIG = """
[shops.tea]
platform = "standard"
secrets = ["env:TEA_SECRET"]
[destinations.wms]
system = "ongoing"
{api}
auth = {{ mode = "basic", username = "env:WMS_USER", password = "env:WMS_PASSWORD" }}
goods_owner_id = 159
[[routes]]
name = "wms"
deliver = ["wms"]
"""


@pytest.fixture
def crossdock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    found = Cli(monkeypatch, tmp_path)
    secret = "whsec_" + base64.b64encode(b"s" * 32).decode()
    found.set(CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"), CROSSDOCK_HOME=str(tmp_path), TEA_SECRET=secret)
    return found


def tried(crossdock: Cli, sandbox: Sandboxed, api: str, login: tuple[str, str], *, code: int = 0) -> dict[str, Any]:
    """What ``check --live`` says of the one connection."""
    (crossdock.home / "crossdock.toml").write_text(CONFIG.format(api=api.format(url=sandbox.url)))
    crossdock.set(WMS_USER=login[0], WMS_PASSWORD=login[1])
    [found] = crossdock.json("check", "--live", code=code)["connections"]
    assert isinstance(found, dict)
    return found


@BOTH
@pytest.mark.parametrize("everywhere", [True, False], ids=["let in", "refused"])
def test_an_automation_user_is_refused_with_the_reason(
    crossdock: Cli, sandbox: Sandboxed, api: str, *, everywhere: bool
) -> None:
    sandbox.switch("ongoing", automation_everywhere=everywhere)
    told = tried(crossdock, sandbox, api, AUTOMATION, code=1)
    assert not told["ok"]
    assert "automation API, which sees all goods owners of the warehouse (3 of them)" in told["text"]
    assert "Administration, API for goods owners; its name begins with WSI" in told["text"]
    assert "auth of [destinations.wms]" in told["text"]
    assert ("refuses it besides" in told["text"]) is not everywhere
    shown = crossdock("check", "--live", code=1)
    assert not {*AUTOMATION} & set(shown.replace(",", " ").split())


@BOTH
@pytest.mark.parametrize(
    "settings",
    [{}, {"automation_api": False}, {"soap_login": "refuse"}, {"other_goods_owners": {}}],
    ids=["a fault", "no such address", "no goods owners", "one goods owner"],
)
def test_a_goods_owners_user_passes_whatever_the_automation_api_answers(
    crossdock: Cli, sandbox: Sandboxed, api: str, settings: dict[str, Any]
) -> None:
    sandbox.switch("ongoing", **settings)
    told = tried(crossdock, sandbox, api, GOODS_OWNER)
    assert told["ok"]
    assert told["remarks"] == []


@BOTH
@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"kind": "documented", "name": "ongoing.200_not_json"}, False),
        ({"kind": "documented", "name": "ongoing.401"}, False),
        ({"kind": "documented", "name": "ongoing.soap_fault"}, False),
        ({"kind": "html502"}, True),
        ({"kind": "drop", "commit": True}, True),
    ],
    ids=["a page", "401", "a fault", "502", "nothing"],
)
def test_an_answer_that_is_no_list_refuses_nobody(
    crossdock: Cli, sandbox: Sandboxed, api: str, fault: dict[str, Any], *, told: bool
) -> None:
    sandbox.fail("ongoing", fault, path="utomation.asmx$")
    found = tried(crossdock, sandbox, api, GOODS_OWNER)
    assert found["ok"]
    assert [remark.startswith("not tried: whether the login") for remark in found["remarks"]] == [True] * told


@BOTH
@pytest.mark.parametrize("right", [True, False], ids=["let in", "refused"])
def test_a_user_name_without_wsi_gets_a_remark(crossdock: Cli, api: str, *, right: bool) -> None:
    with sandboxed("--credential", "ongoing.username=shop-1") as sandbox:
        login = ("shop-1", GOODS_OWNER[1] if right else "wrong")
        told = tried(crossdock, sandbox, api, login, code=0 if right else 1)
    assert told["ok"] is right
    [remark] = told["remarks"]
    assert "does not begin with WSI" in remark
    assert ("is let in all the same" if right else "is refused") in remark
    assert "shop-1" not in str(told)


def test_remarks_stand_below_their_connection(crossdock: Cli) -> None:
    with sandboxed("--credential", "ongoing.username=shop-1") as sandbox:
        told = tried(crossdock, sandbox, REST, ("shop-1", GOODS_OWNER[1]))
        first, second, *_ = crossdock("check", "--live").splitlines()
    assert first.startswith("ok      wms ")
    assert [second] == [f"        {remark}" for remark in told["remarks"]]


def test_a_refused_login_that_begins_with_wsi_gets_none(crossdock: Cli, sandbox: Sandboxed) -> None:
    assert tried(crossdock, sandbox, REST, ("wsi_1", "wrong"), code=1)["remarks"] == []


@pytest.mark.parametrize(
    ("api", "asked"), [(REST, "/Automation.asmx"), (SOAP, "/acme/Automation.asmx")], ids=["rest", "soap"]
)
def test_the_login_is_asked_about_once_and_with_reads_alone(
    crossdock: Cli, sandbox: Sandboxed, api: str, asked: str
) -> None:
    before = sandbox.get("counts")
    tried(crossdock, sandbox, api, GOODS_OWNER)
    paths = [call["path"] for call in sandbox.get("calls", system="ongoing")["calls"]]
    assert [path for path in paths if "utomation" in path] == [asked]
    assert sandbox.get("counts") == before


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"base_url": "https://gateway.example/wms"}, "base_url ends neither with /api/v1 nor with .asmx"),
        ({"auth": {"mode": "header", "name": "X-Key", "token": "t"}}, "a user name and a password"),
    ],
    ids=["an address of its own", "a key"],
)
def test_what_cannot_be_asked_is_said(changes: dict[str, Any], why: str) -> None:
    http = Script((200, {"orderStatuses": []}), (200, []))
    found = asyncio.run(probe(destination(**changes), http))
    assert isinstance(found.outcome, Delivered)
    [remark] = found.remarks
    assert remark.startswith("not tried: whether the login is one of the automation API")
    assert why in remark
    assert http.said == ["GET", "GET"]


@pytest.mark.parametrize("api", ["rest", "soap"])
@pytest.mark.parametrize("end", ["Automation.asmx", "automation.ASMX/"])
def test_the_automation_apis_own_address_is_refused_offline_with_line_and_hint(
    crossdock: Cli, api: str, end: str
) -> None:
    more = f'api = "{api}"\ngoods_owner_code = "ACME"\nbase_url = "https://api.ongoingsystems.se/acme/{end}"'
    (crossdock.home / "crossdock.toml").write_text(CONFIG.format(api=more))
    crossdock.set(WMS_USER="WSI-1", WMS_PASSWORD="x")
    [problem] = crossdock.json("check", code=1)["problems"]
    assert (problem["key"], problem["line"], problem["severity"]) == ("destinations.wms.base_url", 9, "error")
    assert "see all goods owners" in problem["message"]
    assert "/api/v1" in problem["hint"]


@pytest.mark.parametrize(
    ("base_url", "up", "address"),
    [
        ("https://h:8443/acme/api/v1", 2, "https://h:8443/acme/Automation.asmx"),
        ("https://h/acme/Service.asmx", 1, "https://h/acme/Automation.asmx"),
        ("https://h/api/v1", 2, "https://h/Automation.asmx"),
        ("https://h/v1", 7, "https://h/Automation.asmx"),
        ("https://h", 2, "https://h/Automation.asmx"),
        ("https://h/acme", 0, "https://h/acme/Automation.asmx"),
    ],
)
def test_a_call_beside_base_url_never_leaves_its_server(base_url: str, up: int, address: str) -> None:
    assert Call("POST", "Automation.asmx", up=up).address(base_url) == address
