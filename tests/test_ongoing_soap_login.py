"""The login of a SOAP destination stands in the body at the wire, and nowhere else."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from schemas.http import PASSWORD, USERNAME, Call, Reply
from schemas.ongoing import OngoingDestination
from tasks.ongoing import converge, probe
from tasks.ongoing.soap import Soap
from tests.commands import Cli
from tests.house import CONFIG, parts_order
from tests.ongoing_fake import body_of, order
from tests.ongoing_soap_wire import NS, STATUSES, destination, fault, job, processed
from tests.sandboxed import Sandboxed
from worker.http import Client, Recorder
from worker.outcomes import Delivered, Outcome, Reject, Retry, Suspend

LOGINS = {
    "plain": ("WSI-sandbox", "sandbox-ongoing"),
    "letters and digits": ("WSI4711acme", "K7q2M9x4Ab"),
    "words": ("WSIacme", "secret"),
    "short": ("WSI", "a1"),
    "XML": ("WSI<a&b>", "</Password>&amp;<x/>"),
    "quotes": ("WSI \"a\" 'b'", 'it\'s "so"'),
    "a placeholder": (f"WSI{PASSWORD}", USERNAME),
    "no ASCII": ("WSI-Å", "ключ-🔑-1"),
}

Respond = Callable[[bytes], tuple[str, str]]
"""The request's body -> the status line's end and the body of the answer."""


@asynccontextmanager
async def _server(respond: Respond, seen: list[bytes]) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
                body = await reader.readexactly(int(fields[b"content-length"]))
                seen.append(head + body)
                status, text = respond(body)
                content = text.encode()
                writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def deliver(login: tuple[str, str], respond: Respond) -> tuple[Outcome, list[Mapping[str, Any]], list[bytes]]:
    """One attempt over the wire: the outcome, what the timeline would keep, what the server saw."""
    seen: list[bytes] = []

    async def work() -> tuple[Outcome, list[Mapping[str, Any]]]:
        async with _server(respond, seen) as port:
            auth = {"mode": "basic", "username": login[0], "password": login[1]}
            place = destination(base_url=f"http://127.0.0.1:{port}/acme/Service.asmx", auth=auth, timeout_s=5)
            return await _attempt(place)

    outcome, exchanges = asyncio.run(work())
    return outcome, exchanges, seen


async def _attempt(place: OngoingDestination, **changes: Any) -> tuple[Outcome, list[Mapping[str, Any]]]:
    client = Client(place)
    recorder = Recorder(client, alive=lambda: True, room=asyncio.Semaphore(1))
    try:
        outcome = await converge(replace(job(**changes), destination=place), recorder)
        return outcome, recorder.exchanges
    finally:
        await client.close()


def taken(_: bytes) -> tuple[str, str]:
    return "200 OK", processed("<OrderId>501</OrderId><Success>true</Success>")


# ---------------------------------------------------------------- where it is


@pytest.mark.parametrize("login", LOGINS.values(), ids=LOGINS)
def test_the_login_arrives_in_the_body_letter_by_letter_and_in_no_header(login: tuple[str, str]) -> None:
    outcome, exchanges, [seen] = deliver(login, taken)
    assert isinstance(outcome, Delivered)
    head, _, body = seen.partition(b"\r\n\r\n")
    process = fromstring(body)[0][0]
    assert (process.findtext(f"{{{NS}}}UserName"), process.findtext(f"{{{NS}}}Password")) == login
    assert head.startswith(b"POST /acme/Service.asmx HTTP/1.1\r\n")
    assert b"authorization" not in head.lower()
    lines = {name.lower(): value for name, _, value in (one.partition(b": ") for one in head.split(b"\r\n")[1:])}
    assert lines[b"content-type"] == b"text/xml; charset=utf-8"
    assert lines[b"soapaction"] == b'"http://ongoingsystems.se/WSI/ProcessOrder"'
    [exchange] = exchanges
    assert "<UserName>***</UserName>" in exchange["request"]
    assert "<Password>***</Password>" in exchange["request"]


def test_a_note_that_looks_like_the_place_of_the_password_does_not_get_it() -> None:
    async def work() -> list[bytes]:
        seen: list[bytes] = []
        async with _server(taken, seen) as port:
            place = destination(base_url=f"http://127.0.0.1:{port}/Service.asmx")
            await _attempt(place, note=f"{USERNAME} {PASSWORD} ***")
        return seen

    [seen] = asyncio.run(work())
    assert seen.count(b"sandbox-ongoing") == 1
    assert b"&lt;?password?&gt; ***" in seen


# ---------------------------------------------------------------- where it is not


def _as_it_came(body: bytes) -> tuple[str, str]:
    return "500 Internal Server Error", body.decode()


def _in_a_fault(body: bytes) -> tuple[str, str]:
    escaped = body.decode().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "500 Internal Server Error", fault(f"Could not read {escaped}")


def _in_a_refusal(body: bytes) -> tuple[str, str]:
    if b"GetOrderStatuses" in body:
        return "200 OK", STATUSES
    escaped = body.decode().replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "200 OK", processed(f"<ErrorMessage>Wrong: {escaped}</ErrorMessage><Success>false</Success>")


def _as_json(body: bytes) -> tuple[str, str]:
    return "400 Bad Request", json.dumps({"message": body.decode()})


def _in_words(body: bytes) -> tuple[str, str]:
    process = fromstring(body)[0][0]
    user, password = process.findtext(f"{{{NS}}}UserName"), process.findtext(f"{{{NS}}}Password")
    return "403 Forbidden", json.dumps({"message": "refused", "userName": user, "password": password})


SECRETIVE = {name: pair for name, pair in LOGINS.items() if name not in ("short", "a placeholder")}


@pytest.mark.parametrize("login", SECRETIVE.values(), ids=SECRETIVE)
@pytest.mark.parametrize("respond", [_as_it_came, _in_a_fault, _in_a_refusal, _as_json, _in_words])
def test_a_reply_that_quotes_the_login_is_kept_without_it(
    respond: Respond, login: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        outcome, exchanges, _ = deliver(login, respond)
    assert isinstance(outcome, Reject | Retry | Suspend)
    kept = json.dumps([dict(one) for one in exchanges], ensure_ascii=False) + repr(outcome) + caplog.text
    for secret in login:
        for form in (secret, secret.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")):
            assert form not in kept
            assert json.dumps(form)[1:-1] not in kept
    assert "***" in kept


def test_a_word_of_a_reply_that_happens_to_be_the_password_stays() -> None:
    def respond(body: bytes) -> tuple[str, str]:
        if b"GetOrderStatuses" in body:
            return "200 OK", STATUSES
        return "200 OK", processed("<ErrorMessage>the secret ingredient</ErrorMessage><Success>false</Success>")

    outcome, _, _ = deliver(("WSIacme", "secret"), respond)
    assert isinstance(outcome, Reject)
    assert "the secret ingredient" in outcome.reason


def test_no_call_has_a_login() -> None:
    door = Soap(destination())
    for call in (door.write(body_of(order())), door.cancel("1001")):
        assert "sandbox-ongoing" not in repr(call)
        assert call.carries_login
        assert "<?" not in str(call.shown).removeprefix("<?xml")
    assert Call("GET", "orders", body={"a": 1}).shown == {"a": 1}
    assert not Call("GET", "orders").carries_login


# ---------------------------------------------------------------- against the stand-in


def at_sandbox(sandbox: Sandboxed, **changes: Any) -> OngoingDestination:
    return destination(base_url=f"{sandbox.url}/ongoing/acme/Service.asmx", **changes)


def test_an_order_goes_over_the_wire_to_the_stand_in(sandbox: Sandboxed) -> None:
    sandbox.reset()
    place = at_sandbox(sandbox)
    outcome, _ = asyncio.run(_attempt(place))
    assert isinstance(outcome, Delivered)
    assert sandbox.get("counts")["ongoing"] == {"1001": 1}

    async def ask() -> tuple[Outcome, Reply]:
        client = Client(place)
        try:
            return (await probe(place, client)).outcome, await client.send(Soap(place).cancel("1001"))
        finally:
            await client.close()

    probed, cancelled = asyncio.run(ask())
    assert isinstance(probed, Delivered)
    assert cancelled.status == 200
    assert sandbox.get("counts")["ongoing"] == {"1001": 0}


def test_a_wrong_password_is_refused_by_the_stand_in_and_suspends(sandbox: Sandboxed) -> None:
    sandbox.reset()
    wrong = {"mode": "basic", "username": "WSI-sandbox", "password": "wrong-password-1"}
    outcome, exchanges = asyncio.run(_attempt(at_sandbox(sandbox, auth=wrong)))
    assert isinstance(outcome, Suspend)
    assert "wrong-password-1" not in repr(exchanges)
    assert sandbox.get("counts")["ongoing"] == {}


def test_plan_prints_the_envelope_without_the_login(
    sandbox: Sandboxed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rest = 'base_url = "{sandbox}/ongoing/api/v1"'
    assert rest in CONFIG
    soap = 'api = "soap"\ngoods_owner_code = "ACME"\nbase_url = "{sandbox}/ongoing/acme/Service.asmx"'
    text = CONFIG.replace(rest, soap).format(sandbox=sandbox.url, timeout_s=2)
    (tmp_path / "crossdock.toml").write_text(text)
    (tmp_path / "order.json").write_bytes(parts_order("6201").body)
    crossdock = Cli(monkeypatch, tmp_path)
    crossdock.set(CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"), **_environment(text))
    [_, step] = crossdock.json("plan", str(tmp_path / "order.json"))["deliveries"]
    [request] = step["requests"]
    assert request["url"] == f"{sandbox.url}/ongoing/acme/Service.asmx"
    assert request["headers"] == {"SOAPAction": '"http://ongoingsystems.se/WSI/ProcessOrder"'}
    assert fromstring(request["body"].encode())[0][0].findtext(f"{{{NS}}}Password") == "***"
    told = crossdock("plan", str(tmp_path / "order.json"))
    assert 'SOAPAction: "http://ongoingsystems.se/WSI/ProcessOrder"' in told
    assert "      <OrderOperation>CreateOrUpdate</OrderOperation>" in told
    assert "hush" not in told + json.dumps(request)


def _environment(text: str) -> dict[str, str]:
    """A value for every secret that the configuration names."""
    key = "whsec_" + "aHVzaCBodXNoIGh1c2ggaHVzaCBodXNoIGh1c2ggaHU="
    return {name: key if name.endswith("SECRET") else "hush-hush-1" for name in re.findall(r"env:(\w+)", text)}
