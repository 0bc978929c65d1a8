"""Who may use API and console, and what addresses answer that are none of ours (DESIGN.md section 7)."""

from __future__ import annotations

import hmac
from collections.abc import Iterator

import httpx
import pytest

from tests.house import new_number
from tests.web_door import Door, shop_order

TOKEN = "a-token-of-some-length-æ"


@pytest.fixture(scope="module")
def locked_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """With a token."""
    folder = tmp_path_factory.mktemp("locked")
    with Door(folder, f"sqlite:///{folder}/ledger.db", token=TOKEN) as opened:
        yield opened


# Who may use it

CLOSED = ["/api/orders", "/api/destinations", "/metrics", "/openapi.json", "/docs", "/"]


@pytest.mark.parametrize("path", CLOSED)
def test_with_a_token_set_nothing_is_told_without_it(locked_door: Door, path: str) -> None:
    answer = httpx.get(f"{locked_door.url}{path}")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert locked_door.http.get(path, headers=_bearer(TOKEN)).status_code == 200


def _bearer(token: str, scheme: str = "Bearer") -> list[tuple[bytes, bytes]]:
    return [(b"Authorization", f"{scheme} {token}".encode())]


@pytest.mark.parametrize(
    "headers",
    [
        _bearer(TOKEN[:-1]),
        _bearer(TOKEN + "x"),
        _bearer(TOKEN.upper()),
        [(b"Authorization", b"Bearer")],
        _bearer(TOKEN, scheme="Basic"),
        [(b"Authorization", TOKEN.encode())],
        [(b"Authorization", b"\xff\xfe")],
        [(b"Cookie", b"crossdock_session=")],
        [(b"Cookie", b"crossdock_session=" + TOKEN.encode())],
        [(b"Cookie", b'crossdock_session="\\377\\"; ;=')],
        [(b"X-Api-Token", TOKEN.encode())],
    ],
    ids=ascii,
)
def test_a_wrong_token_is_401(locked_door: Door, headers: list[tuple[bytes, bytes]]) -> None:
    for method in ("GET", "POST"):
        answer = httpx.request(method, f"{locked_door.url}/api/orders?shop=parts", headers=headers)
        assert answer.status_code == 401
        assert TOKEN not in answer.text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_opens_api_and_figures_from_anywhere(locked_door: Door, scheme: str) -> None:
    headers = [
        *_bearer(TOKEN, scheme),
        (b"X-Forwarded-For", b"198.51.100.7"),
        (b"Host", b"crossdock.example.com"),
    ]
    assert httpx.get(f"{locked_door.url}/api/orders", headers=headers).status_code == 200


def test_the_cookie_is_no_function_of_anything_but_the_token(locked_door: Door) -> None:
    value = hmac.digest(TOKEN.encode(), b"crossdock console", "sha256").hex()
    assert httpx.get(f"{locked_door.url}/api/orders", cookies={"crossdock_session": value}).status_code == 200


def test_a_browser_without_the_cookie_is_sent_to_the_login(locked_door: Door) -> None:
    answer = httpx.get(f"{locked_door.url}/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")


@pytest.mark.parametrize("path", ["/healthz", "/login"])
def test_health_and_login_are_open(locked_door: Door, path: str) -> None:
    assert httpx.get(f"{locked_door.url}{path}").status_code == 200


def test_webhooks_need_their_signature_and_no_token(locked_door: Door) -> None:
    delivery = shop_order("tea", new_number())
    answer = httpx.post(
        f"{locked_door.url}/webhooks/tea",
        content=delivery.body,
        headers={**locked_door.headers(delivery), "X-Forwarded-For": "203.0.113.9", "Host": "orders.example.com"},
    )
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")


def _raw(door: Door, path: str, *, method: str = "GET", **headers: str) -> int:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.request(method, f"{door.url}{path}", headers=named).status_code


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST:8080", "[::1]:9", "127.0.0.2:1"])
def test_without_a_token_this_machine_is_let_in(open_door: Door, host: str) -> None:
    assert [_raw(open_door, path, Host=host) for path in CLOSED] == [200] * len(CLOSED)


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_Proto": "https"},
        {"Forwarded": "for=127.0.0.1"},
        {"X_Real_IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"CF_Connecting_IP": "127.0.0.1"},
        {"Host": "rebound.example"},
        {"Host": "localhost.rebound.example:8080"},
        {"Host": "localhost@rebound.example"},
        {"Host": "rebound.example:127"},
        {"Host": "["},
        {"Host": "0.0.0.0"},
        {"Host": ""},
    ],
    ids=lambda headers: " ".join(f"{k}: {v}" for k, v in headers.items()),
)
def test_without_a_token_whoever_may_come_from_elsewhere_is_refused(open_door: Door, headers: dict[str, str]) -> None:
    assert [_raw(open_door, path, **headers) for path in CLOSED] == [403] * len(CLOSED)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://[", ""])
def test_a_page_of_another_site_may_not_act(open_door: Door, origin: str) -> None:
    before = open_door.http.get("/api/destinations").json()
    for path in ("/api/replay", "/api/orders/1/replay", "/api/destinations/esuite-au/suspend"):
        answer = open_door.http.post(path, json={}, headers={"Origin": origin})
        assert answer.status_code == 403
    assert open_door.http.get("/api/destinations").json() == before


def test_our_own_page_may_act(open_door: Door) -> None:
    answer = open_door.http.post("/api/destinations/esuite-au/resume", headers={"Origin": open_door.url})
    assert answer.status_code == 200


def test_a_page_of_another_site_may_not_act_by_the_operators_cookie(locked_door: Door) -> None:
    value = hmac.digest(TOKEN.encode(), b"crossdock console", "sha256").hex()
    url = f"{locked_door.url}/api/destinations/esuite-au/suspend"
    answer = httpx.post(url, cookies={"crossdock_session": value}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


# Addresses that are none of ours

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("path", ["/nothing", "/orders", "/orders/x", "/destinations/esuite-au"])
def test_a_browser_that_asks_for_an_unknown_address_gets_a_page(open_door: Door, path: str) -> None:
    answer = open_door.http.get(path, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No such page" in answer.text
    assert '<a href="/">All orders</a>' in answer.text
    assert answer.headers["content-security-policy"]


def test_a_browser_that_opens_the_address_of_a_button_gets_a_page(open_door: Door) -> None:
    answer = open_door.http.get("/orders/1/replay", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["allow"], "No page here" in answer.text) == (405, "POST", True)


@pytest.mark.parametrize(
    ("path", "accept"),
    [
        ("/nothing", "*/*"),
        ("/nothing", ""),
        ("/nothing", "application/json"),
        ("/nothing", "application/json, text/html"),
        ("/nothing", "application/json, text/html;q=0.9"),
        ("/nothing", "text/html;q=0, */*"),
        ("/nothing", "text/html;q=x"),
        ("/api/nothing", BROWSER),
        ("/api/nothing", "*/*"),
    ],
)
def test_whoever_would_not_rather_have_a_page_is_told_in_json(open_door: Door, path: str, accept: str) -> None:
    answer = open_door.http.get(path, headers={"Accept": accept})
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_an_unknown_method_is_told_in_json(open_door: Door) -> None:
    answer = open_door.http.delete("/api/orders")
    assert (answer.status_code, answer.json()) == (405, {"error": "Method Not Allowed"})


def test_a_form_field_that_is_too_long_is_told_on_a_page(open_door: Door) -> None:
    answer = open_door.http.post("/login", data={"token": "x" * 1_500_000}, headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")
    assert "Field exceeded maximum size of 1024KB." in answer.text
