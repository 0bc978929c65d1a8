"""A key in the address is nowhere to be seen: not in a reply that quotes it, in what is kept of one, in a plan."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlsplit

import pytest

from schemas.destination import Destination
from schemas.http import HIDDEN, Call, Reply
from tasks.manex.replies import meaning
from tests.commands import Cli
from tests.house import parts_order
from tests.servers import free_port
from worker.http import Client, Recorder

KEY, DIGITS = "K7q2M9x4Ab", "23456789"
KEYS = {
    "letters and digits": KEY,
    "digits": DIGITS,
    "letters": "qwertyuiop",
    "short": "a1",
    "all sorts": "a/b c?d#e%&f\"g'h\\i+j=<k>",
    "no ASCII": "clé-ключ-🔑-1",
}
GET = Call("GET", "API/SO/Get", params=(("SoNo", "W1"),))
ADD = Call("POST", "API/SO/Add", body={"SoNo": "W1"})
PART = Call("GET", "API/ItemMaster/Get", params=(("partnum", "A/B C"), ("revision", "")), key_param="apiKey")

Respond = Callable[[str], Awaitable[bytes]]
"""The request's target, as it came -> the whole answer."""


def answer(body: str, status: str = "200 OK", header: str = "") -> bytes:
    content = body.encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n{header}\r\n".encode() + content


@asynccontextmanager
async def _server(respond: Respond) -> AsyncIterator[int]:
    """Answers each connection once, or closes it where there is nothing to say."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await respond(head.split(b" ", 2)[1].decode()))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


Exchange = tuple[Reply, list[Mapping[str, Any]]]


def exchange(call: Call, respond: Respond, *, auth: Mapping[str, str], port: int | None = None) -> Exchange:
    """Send one call; its reply, and what the timeline would keep. ``port``: of another server than ours."""

    async def run() -> Exchange:
        async with _server(respond) as own:
            site = {"name": "manex-us", "system": "manex", "base_url": f"http://127.0.0.1:{port or own}/manex"}
            client = Client(Destination.model_validate({**site, "auth": auth, "timeout_s": 0.4}))
            recorder = Recorder(client, alive=lambda: True, room=asyncio.Semaphore(1))
            try:
                return await recorder.send(call), recorder.exchanges
            finally:
                await client.close()

    return asyncio.run(run())


def path(key: str = KEY) -> dict[str, str]:
    return {"mode": "path", "key": key}


def saying(text: str, status: str = "200 OK", header: str = "") -> Respond:
    async def respond(_target: str) -> bytes:
        return answer(text, status, header)

    return respond


# ---------------------------------------------------------------- where it travels


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize(
    ("call", "segments", "query"),
    [
        pytest.param(GET, ["manex", "API", "SO", "Get", "{}"], [("SoNo", "W1")], id="a read"),
        pytest.param(ADD, ["manex", "API", "SO", "Add", "{}"], [], id="a write"),
        pytest.param(
            PART,
            ["manex", "API", "ItemMaster", "Get"],
            [("partnum", "A/B C"), ("revision", ""), ("apiKey", "{}")],
            id="in the query",
        ),
    ],
)
def test_the_key_is_the_last_part_of_the_path_or_where_the_call_wants_it(
    call: Call, segments: list[str], query: list[tuple[str, str]], key: str
) -> None:
    seen: list[SplitResult] = []

    async def respond(target: str) -> bytes:
        seen.append(urlsplit(target))
        return answer("{}")

    reply, _ = exchange(call, respond, auth=path(key))

    assert reply.status == 200
    [target] = seen
    assert [unquote(segment) for segment in target.path.split("/")] == ["", *(one.format(key) for one in segments)]
    assert parse_qsl(target.query, keep_blank_values=True) == [(name, value.format(key)) for name, value in query]


# ---------------------------------------------------------------- replies that quote it


def _quoted(url: str) -> str:
    return json.dumps({"Message": f"No HTTP resource was found that matches the request URI '{url}'."})


def _file(url: str) -> str:
    return url.replace("http://erp.example/", "C:\\inetpub\\wwwroot\\").replace("/API/SO/Get/", "\\API\\SO\\Get\\")


ECHOES: dict[str, Callable[[str], str]] = {
    "JSON": _quoted,
    "JSON with escaped slashes": lambda url: _quoted(url).replace("/", "\\/"),
    "JSON with slashes by number": lambda url: _quoted(url).replace("/", "\\u002f").replace("=", "\\u003D"),
    "JSON without other escapes": lambda url: json.dumps({"Message": url}, ensure_ascii=False),
    "JSON in JSON": lambda url: json.dumps(_quoted(url).replace("/", "\\/")),
    "percent-encoded": lambda url: f"/login?ReturnUrl={quote(url, safe='')}",
    "percent-encoded in small letters": lambda url: re.sub("%..", lambda found: found[0].lower(), quote(url, safe="")),
    "percent-encoded twice": lambda url: quote(quote(url, safe=""), safe=""),
    "HTML": lambda url: f'<html><a href="{html.escape(url)}">{html.escape(url)}</a><br>again</html>',
    "HTML with slashes by number": lambda url: html.escape(url).replace("/", "&#47;").replace("=", "&#61;"),
    "HTML with slashes in hex": lambda url: html.escape(url).replace("/", "&#x2F;").replace("=", "&#x3D;"),
    "HTML in JSON": lambda url: json.dumps({"Message": f'<a href="{html.escape(url)}">'}),
    "the path of a file": _file,
    "the path of a file in JSON": lambda url: json.dumps(_file(url)),
    "capitals": str.upper,
}


def plainly(text: str) -> str:
    """All escapes undone."""
    for _ in range(3):
        text = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")
        text = html.unescape(unquote(text))
    return text


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("decoded", [False, True], ids=["as it was sent", "decoded"])
def test_a_reply_that_quotes_the_address_comes_back_without_the_key(
    echo: Callable[[str], str], key: str, decoded: bool
) -> None:
    def quoting(shown: str) -> str:
        return echo(f"http://erp.example/manex/API/SO/Get/{shown}?SoNo=W1&x=/")

    reply, exchanges = exchange(GET, saying(quoting(key if decoded else quote(key, safe=""))), auth=path(key))

    assert plainly(reply.text) == plainly(quoting(HIDDEN))
    assert exchanges[0]["response"] == reply.text


@pytest.mark.parametrize("echo", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("auth", [path(), {"mode": "query", "name": "apiKey", "token": KEY}], ids=["path", "query"])
def test_a_key_in_the_query_is_hidden_like_one_in_the_path(echo: Callable[[str], str], auth: dict[str, str]) -> None:
    async def respond(target: str) -> bytes:
        return answer(echo(f"http://erp.example{target}"), "404 Not Found")

    reply, exchanges = exchange(PART, respond, auth=auth)

    assert KEY.lower() not in reply.text.lower()
    assert HIDDEN in reply.text
    assert KEY.lower() not in repr(exchanges).lower()


@pytest.mark.parametrize(
    "text",
    [f"Invalid API Key '{KEY}'.", f'{{"apiKey": "{KEY.lower()}"}}', f"key: {KEY}", f"<b>{KEY}</b>", KEY, f"_{KEY}_"],
)
def test_a_key_that_can_be_nothing_else_is_hidden_wherever_it_stands(text: str) -> None:
    reply, _ = exchange(GET, saying(text), auth=path())

    assert reply.text == text.replace(KEY, HIDDEN).replace(KEY.lower(), HIDDEN)


@pytest.mark.parametrize("key", [DIGITS, "qwertyuiop", "a1"])
def test_what_may_be_an_amount_an_id_or_a_word_stays_outside_of_addresses(key: str) -> None:
    told = {"SOAMOUNT": f"{key}.50", "UNIQUELN": key, "SONO": f"00{key}", "SONOTE": f"call {key}, or ({key})"}
    text = json.dumps({**told, "PRICE": 23456789, "x": [23456789.5, f"{key}9"], "url": f"/API/SO/Get/{key}7"})

    reply, _ = exchange(GET, saying(text), auth=path(key))

    assert reply.text == text


@pytest.mark.parametrize("text", [f"X{KEY}", f"{KEY}9", f"/API/{KEY}x", KEY[:-1]])
def test_a_longer_or_shorter_word_is_no_key(text: str) -> None:
    assert exchange(GET, saying(text), auth=path())[0].text == text


def test_a_redirect_does_not_tell_the_key() -> None:
    header = f"Location: /login?ReturnUrl=%2fAPI%2fSO%2fGet%2f{KEY}\r\n"

    reply, exchanges = exchange(GET, saying("", "302 Found", header), auth=path())

    assert reply.headers["location"] == f"/login?ReturnUrl=%2fAPI%2fSO%2fGet%2f{HIDDEN}"
    assert KEY not in repr((reply, exchanges))


def test_a_token_in_a_header_is_hidden_where_a_server_quotes_its_headers() -> None:
    reply, exchanges = exchange(GET, saying(f"Authorization: Bearer {KEY}"), auth={"mode": "bearer", "token": KEY})

    assert reply.text == f"Authorization: Bearer {HIDDEN}"
    assert KEY not in repr((reply, exchanges))


# ---------------------------------------------------------------- what is kept, logged and said


async def _slow(_target: str) -> bytes:
    await asyncio.sleep(1)
    return b""


async def _closed(_target: str) -> bytes:
    return b""


async def _garbage(target: str) -> bytes:
    return f"{target} is not HTTP\r\n\r\n".encode()


async def _error(target: str) -> bytes:
    return answer(_quoted(f"http://erp.example{target}"), "404 Not Found")


@pytest.mark.parametrize("call", [GET, ADD, PART], ids=["a read", "a write", "in the query"])
@pytest.mark.parametrize(
    ("respond", "fault"),
    [
        pytest.param(_slow, "timeout", id="slow"),
        pytest.param(_closed, "lost", id="closed"),
        pytest.param(_garbage, "lost", id="no HTTP"),
        pytest.param(None, "connect", id="refusing"),
        pytest.param(_error, None, id="an error that quotes it"),
    ],
)
def test_whatever_goes_wrong_tells_no_key(
    call: Call, respond: Respond | None, fault: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    reply, exchanges = exchange(call, respond or _closed, auth=path(), port=None if respond else free_port())

    outcome = meaning(reply, action="Get", what="W1", destination="manex-us", now=0.0)
    assert (reply.fault, exchanges[0]["fault"]) == (fault, fault)
    assert KEY.lower() not in f"{reply!r} {exchanges!r} {outcome!r} {caplog.text}".lower()


def test_an_exchange_names_the_call_without_its_key() -> None:
    _, [kept] = exchange(PART, saying("{}"), auth=path())

    assert (kept["path"], kept["params"]) == ("API/ItemMaster/Get", {"partnum": "A/B C", "revision": ""})


# ---------------------------------------------------------------- crossdock plan

CONFIG = """
[shops.parts]
platform = "standard"
secrets = ["env:PARTS_SECRET"]
release = "placed"

[destinations.manex-us]
system = "manex"
base_url = "http://127.0.0.1:{port}/manex"
auth = {{ mode = "path", key = "env:MANEX_KEY" }}
so_prefix = "W"
customer = "0000000008"
shipping_sku = "FREIGHT"
item_master = true
timeout_s = 1

[[routes]]
name = "all"
deliver = ["manex-us"]
"""


@pytest.mark.parametrize("key", [KEY, DIGITS, "a/b c?d"], ids=["letters and digits", "digits", "all sorts"])
def test_a_plan_shows_stars_in_place_of_the_key(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crossdock = Cli(monkeypatch, tmp_path)
    (tmp_path / "crossdock.toml").write_text(CONFIG.format(port=free_port()))
    crossdock.set(
        CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"),
        CROSSDOCK_HOME=str(tmp_path / "home"),
        MANEX_KEY=key,
        PARTS_SECRET="whsec_c2VjcmV0LW9mLXRoZS1wYXJ0cy1zaG9w",
    )
    (tmp_path / "order.json").write_bytes(parts_order("6201").body)

    told = crossdock("plan", str(tmp_path / "order.json"))
    [step] = crossdock.json("plan", str(tmp_path / "order.json"))["deliveries"]
    checked = crossdock("check", "--live", "--json", code=1)

    assert step["auth"] == "path"
    urls = [request["url"].partition("/manex/API/")[2] for request in step["requests"]]
    assert urls[0] == "ItemMaster/Get?partnum=BOLT-8&revision=&apiKey=***"
    assert "SO/Add/***" in urls
    assert all(url.partition("?")[0].endswith("/***") or url.endswith("=***") for url in urls)
    assert "/manex/API/SO/Add/***" in told
    for shown in (key, quote(key, safe="")):
        assert shown not in told + json.dumps(step) + checked
