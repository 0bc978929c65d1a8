"""The Enapps stand-in answers as contracts/enapps.md says, over HTTP: login, errors, faults, restarts."""

from __future__ import annotations

import base64
import json
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.enapps_calls import (
    API,
    DISCOUNTED,
    FIXED,
    LOGIN,
    SECRET,
    SHIPPING,
    body,
    call,
    get,
    log_in,
    order,
    refused,
)
from tests.sandboxed import Sandboxed, sandboxed

# ------------------------------------------------------------------ authorisation (section 2)

LOGINS: dict[str, dict[str, Any]] = {
    "json": {"json": LOGIN},
    "urlencoded": {"data": LOGIN},
    "multipart": {"files": {name: (None, value) for name, value in LOGIN.items()}},
}


@pytest.mark.parametrize("way", LOGINS)
def test_a_login_in_json_and_in_both_kinds_of_form_gives_a_token_that_opens_the_lists(
    sandbox: Sandboxed, way: str
) -> None:
    answer = log_in(sandbox, **LOGINS[way])
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "expires_in"}
    assert answer.json()["expires_in"] == 86_400
    assert call(sandbox, "GET", "partners", token=answer.json()["access_token"]).status_code == 200


def test_a_token_is_a_jwt_with_the_claims_of_the_samples(sandbox: Sandboxed) -> None:
    head, claims, _ = log_in(sandbox).json()["access_token"].split(".")
    read = [json.loads(base64.urlsafe_b64decode(part + "==")) for part in (head, claims)]
    assert read[0]["alg"] == "HS256"
    assert 86_390 < read[1].pop("exp") - time.time() <= 86_401
    assert read[1] == {"t": "access", "l": "crossdock", "db": "production"}


@pytest.mark.parametrize(
    ("secret", "sent"),
    [(FIXED, LOGIN), ("x", LOGIN), (SECRET, {**LOGIN, "password": "no"}), (SECRET, {**LOGIN, "login": "no"})],
    ids=["the token for the secret", "secret", "password", "login"],
)
def test_a_wrong_secret_login_or_password_is_401(sandbox: Sandboxed, secret: str, sent: dict[str, str]) -> None:
    refused(log_in(sandbox, secret=secret, data=sent), "Invalid secret key, login or password", 401)


@pytest.mark.parametrize("name", LOGIN)
def test_a_login_without_its_fields_is_refused(sandbox: Sandboxed, name: str) -> None:
    refused(log_in(sandbox, data={**LOGIN, name: ""}), f"{name} is required")


@pytest.mark.parametrize("header", ["", f"Bearer {SECRET}", "Bearer a.b.c", f"Basic {FIXED}", FIXED, "Bearer ü"])
def test_everything_but_auth_takes_a_token_and_nothing_else(sandbox: Sandboxed, header: str) -> None:
    for path in ("partners", "orders", "nowhere"):
        sent = [(b"authorization", header.encode("latin-1"))]
        refused(sandbox.http.get(f"{API}{path}", headers=sent), "Invalid or expired token", 401)


def test_a_token_that_was_changed_is_unknown(sandbox: Sandboxed) -> None:
    head, claims, signature = log_in(sandbox).json()["access_token"].split(".")
    later = json.loads(base64.urlsafe_b64decode(claims + "==")) | {"exp": 2**40}
    forged = base64.urlsafe_b64encode(json.dumps(later).encode()).rstrip(b"=").decode()
    answer = call(sandbox, "GET", "partners", token=f"{head}.{forged}.{signature}")
    refused(answer, "Invalid or expired token", 401)


def test_a_short_lived_token_expires_and_another_login_helps(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", token_life_s=1)
    token = log_in(sandbox).json()["access_token"]
    assert call(sandbox, "GET", "partners", token=token).status_code == 200
    deadline = time.monotonic() + 5
    while call(sandbox, "GET", "partners", token=token).status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.1)
    refused(call(sandbox, "GET", "partners", token=token), "Invalid or expired token", 401)
    assert call(sandbox, "GET", "partners", token=log_in(sandbox).json()["access_token"]).status_code == 200


def test_tokens_can_be_made_unknown_and_the_fixed_one_can_be_taken_back(sandbox: Sandboxed) -> None:
    token = log_in(sandbox).json()["access_token"]
    sandbox.switch("enapps", token_series=1, fixed_token=False)
    assert [call(sandbox, "GET", "partners", token=one).status_code for one in (token, FIXED)] == [401, 401]


def test_the_token_may_be_answered_under_its_other_name(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", token_member="token", token_life_s=60)
    assert log_in(sandbox).json().keys() == {"token", "expires_in"}


def test_logins_are_counted_apart_from_orders(sandbox: Sandboxed) -> None:
    log_in(sandbox)
    order(sandbox)
    lanes = sandbox.get("calls")["writes_in_flight"]["enapps"]
    assert lanes == {name: {"now": 0, "most": 1} for name in ("auth", "orders")}


# ------------------------------------------------------------------ addresses and errors (sections 1, 3, 5)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "auth", 405),
        ("POST", "partners", 405),
        ("POST", "contacts", 405),
        ("PUT", "orders", 405),
        ("DELETE", "orders", 405),
        ("GET", "orders/90211", 404),
        ("GET", "stock", 404),
        ("GET", "", 404),
    ],
)
def test_only_auth_and_orders_are_written_and_there_is_nothing_else(
    sandbox: Sandboxed, method: str, path: str, status: int
) -> None:
    text = {404: "Not found", 405: "Method not allowed"}[status]
    refused(call(sandbox, method, path), text, status)


def test_another_version_is_not_there(sandbox: Sandboxed) -> None:
    answer = sandbox.http.get("/enapps/api/v2/partners", headers={"authorization": f"Bearer {FIXED}"})
    refused(answer, "Not found", 404)


def test_every_error_may_come_with_status_200(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", errors_in_200=True)
    for answer, code in (
        (call(sandbox, "GET", "partners", token="x"), 401),
        (call(sandbox, "POST", "orders", json={}), 400),
        (call(sandbox, "GET", "nowhere"), 404),
    ):
        assert answer.status_code == 200
        assert answer.json()["error"]["code"] == code


ROWS = {
    *("400_price_unit", "400_unknown_contact", "400_unknown_product", "400_qty", "400_parameters", "400_missing"),
    *("400_duplicate", "400_too_many_products", "401_token", "401_login", "403_not_permitted", "404_unknown_id"),
    *("404_not_found", "405_method", "429_limit", "429_without_retry_after", "500_server_fault", "500_html"),
    *("200_error", "200_error_text", "200_empty_list", "200_empty_object", "200_empty", "502_html"),
    *("503_unavailable", "504_gateway_timeout", "200_not_json"),
}


@pytest.mark.parametrize("row", sorted(ROWS))
def test_the_catalogue_has_every_reply_and_a_fault_answers_it(sandbox: Sandboxed, row: str) -> None:
    reply = sandbox.get("replies")[f"enapps.{row}"]
    sent = body(sandbox)
    sandbox.fail("enapps", {"kind": "documented", "name": f"enapps.{row}"})
    answer = call(sandbox, "POST", "orders", json=sent)
    assert answer.status_code == reply["status"]
    assert reply["body"] == (answer.json() if isinstance(reply["body"], dict | list) else answer.text or None)
    assert sandbox.get("counts")["enapps"] == {}


def test_only_one_of_the_two_429s_says_how_long_to_wait(sandbox: Sandboxed) -> None:
    waits = []
    for row in ("429_limit", "429_without_retry_after"):
        sandbox.fail("enapps", {"kind": "documented", "name": f"enapps.{row}"})
        waits.append(call(sandbox, "GET", "orders").headers.get("retry-after"))
    assert waits == ["1", None]


def test_a_server_fault_has_the_shape_of_an_error(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "error500"})
    refused(call(sandbox, "GET", "partners"), "Internal server error", 500)


# ------------------------------------------------------------------ faults and restarts


@pytest.mark.parametrize("commit", [True, False])
def test_an_order_may_be_lost_before_or_after_it_is_kept(sandbox: Sandboxed, commit: bool) -> None:
    sent = body(sandbox)
    sandbox.fail("enapps", {"kind": "drop", "commit": commit}, method="POST", match="SHOP-1")
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        call(sandbox, "POST", "orders", json=sent)
    assert sandbox.get("counts")["enapps"] == ({"SHOP-1": 1} if commit else {})


@pytest.mark.parametrize(("commit", "kept"), [("before", True), ("after", True), ("never", False)])
def test_an_order_may_hang_past_the_clients_patience(sandbox: Sandboxed, commit: str, kept: bool) -> None:
    sent = body(sandbox)
    sandbox.fail("enapps", {"kind": "hang", "seconds": 0.4, "commit": commit}, method="POST")
    with pytest.raises(httpx.ReadTimeout):
        call(sandbox, "POST", "orders", json=sent, timeout=0.1)
    time.sleep(0.6)
    assert sandbox.get("counts")["enapps"] == ({"SHOP-1": 1} if kept else {})


def test_everything_is_there_again_after_sigkill(tmp_path: Path) -> None:
    args = ("--data", str(tmp_path / "sandbox.jsonl"), "--credential", "enapps.password=another")
    lists = ("partners", "contacts", "addresses", "orders", "products/get_basic")

    def state(running: Sandboxed) -> list[Any]:
        return [*(get(running, path) for path in lists), running.get("orders"), running.get("settings")]

    first = Sandboxed(*args)
    order(first, shipping_details=SHIPPING)
    first.switch("enapps", partners={7: {"name": "New"}}, tax_rate="0", states={"SHOP-1": "done"})
    order(first, "SHOP-2", partner_order_id=DISCOUNTED)
    token = log_in(first, data={**LOGIN, "password": "another"}).json()["access_token"]
    before = state(first)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    with sandboxed(*args) as second:
        assert state(second) == before
        assert call(second, "GET", "partners", token=token).status_code == 200
        assert order(second, "SHOP-3") == 90213


def test_records_may_be_given_at_the_start() -> None:
    with sandboxed("--set", 'enapps.products={"NEW-1": {"list_price": "3.00"}, "MUG-BLUE": null}') as running:
        codes = {row["default_code"] for row in get(running, "products/get_basic")}
    assert "NEW-1" in codes
    assert "MUG-BLUE" not in codes
    assert "BOLT-8" in codes
