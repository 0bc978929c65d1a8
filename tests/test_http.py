"""What a silent destination may have done decides whether an order is doubled: real sockets, no mocks."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from schemas.esuite import EsuiteDestination
from schemas.http import Call, Reply
from tests.servers import free_port
from worker.http import RECORDED_CHARS, Client, LeaseLostError, Recorder, bounded

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def _destination(port: int, **more: Any) -> EsuiteDestination:
    fields = {"BatchType": "SO", "TransType": "SOR", "TransLedger": "S", "AccountRef": "CASH01"}
    return EsuiteDestination.model_validate(
        {
            "name": "esuite",
            "system": "esuite",
            "base_url": f"http://127.0.0.1:{port}/api/v2",
            "auth": {"mode": "bearer", "token": "hush"},
            "timeout_s": 0.5,
            "shipping_sku": False,
            "fields": fields,
            **more,
        }
    )


@asynccontextmanager
async def _server(handler: Handler) -> AsyncIterator[int]:
    serving: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.ensure_future(_serve(reader, writer)))

    async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await handler(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(x.split(b":")[1]) for x in head.split(b"\r\n") if x.lower().startswith(b"content-length")), 0)
    return head + await reader.readexactly(length)


async def _never(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    await asyncio.sleep(3)


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    await writer.drain()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(40):
        writer.write(b".")
        await writer.drain()
        await asyncio.sleep(0.1)


async def _close(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await _request(reader)


async def _reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    sock: socket.socket = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _garbage(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await _request(reader)
    writer.write(b"this is not HTTP\r\n\r\n")
    await writer.drain()


async def _send(port: int, call: Call | None = None, **more: Any) -> Reply:
    client = Client(_destination(port, **more))
    try:
        return await client.send(call or Call("POST", "trans", body={"a": 1}))
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("handler", "fault"),
    [
        pytest.param(_never, "timeout", id="no answer in time"),
        pytest.param(_drip, "timeout", id="an answer that never ends"),
        pytest.param(_close, "lost", id="closed without an answer"),
        pytest.param(_reset, "lost", id="reset without an answer"),
        pytest.param(_half, "lost", id="closed in mid-answer"),
        pytest.param(_garbage, "lost", id="an answer that is not HTTP"),
    ],
)
def test_a_request_that_was_sent_and_not_answered_may_have_been_carried_out(handler: Handler, fault: str) -> None:
    async def run() -> Reply:
        async with _server(handler) as port:
            return await _send(port)

    reply = asyncio.run(run())
    assert (reply.status, reply.fault) == (None, fault)


def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    assert asyncio.run(_send(free_port())).fault == "connect"


def test_a_name_that_does_not_exist_means_that_nothing_was_sent() -> None:
    reply = asyncio.run(_send(80, base_url="http://no-such-host.invalid/api/v2", timeout_s=5))
    assert reply.fault == "connect"


@pytest.mark.parametrize(
    ("auth", "line"),
    [
        pytest.param({"mode": "bearer", "token": "t"}, b"Authorization: Bearer t", id="bearer"),
        pytest.param({"mode": "basic", "username": "u", "password": "p"}, b"Authorization: Basic dTpw", id="basic"),
        pytest.param({"mode": "header", "name": "Token", "token": "t"}, b"Token: t", id="header"),
        pytest.param(
            {"mode": "query", "name": "key", "token": "a b"}, b"POST /api/v2/trans?key=a%20b HTTP", id="query"
        ),
    ],
)
def test_the_credential_travels_as_configured(auth: dict[str, str], line: bytes) -> None:
    seen: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await _request(reader))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        await writer.drain()

    async def run() -> Reply:
        async with _server(echo) as port:
            return await _send(port, auth=auth)

    assert asyncio.run(run()).status == 200
    assert line.lower() in seen[0].lower()


def test_the_recorder_keeps_no_credential_and_sends_nothing_once_the_lease_is_over() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
        await writer.drain()

    async def run() -> Recorder:
        async with _server(answer) as port:
            client = Client(_destination(port, auth={"mode": "query", "name": "key", "token": "hush"}))
            mine = [True]
            http = Recorder(client, alive=lambda: mine[0], room=asyncio.Semaphore(1))
            await http.send(Call("POST", "trans", body={"a": 1}))
            mine[0] = False
            with pytest.raises(LeaseLostError):
                await http.send(Call("POST", "trans", body={"a": 2}))
            await client.close()
            return http

    http = asyncio.run(run())
    assert len(http.exchanges) == 1
    assert http.exchanges[0]["status"] == 403
    assert "hush" not in repr(http.exchanges)
    assert http.may_have_sent


def test_requests_of_a_paced_destination_are_spread_evenly() -> None:
    times: list[float] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        times.append(asyncio.get_running_loop().time())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
        await writer.drain()

    async def run() -> None:
        async with _server(answer) as port:
            client = Client(_destination(port, per_second=20, timeout_s=5))
            await asyncio.gather(*(client.send(Call("GET", "trans")) for _ in range(10)))
            await client.close()

    asyncio.run(run())
    assert times[-1] - times[0] >= 9 / 20 / 2, "ten at once would arrive within a few milliseconds"


def test_a_reply_in_an_encoding_that_does_not_exist_is_read_as_utf_8() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _request(reader)
        body = "Größe".encode()
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf8mb4\r\n")
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()

    async def run() -> Reply:
        async with _server(answer) as port:
            return await _send(port)

    reply = asyncio.run(run())
    assert (reply.status, reply.text) == (400, "Größe")


def test_the_timeline_keeps_the_beginning_of_a_long_request() -> None:
    exchange = {"method": "POST", "request": {"lines": ["x" * 50] * 1000}, "status": 400}
    kept = bounded(exchange)
    assert len(kept["request"]) == RECORDED_CHARS
    assert kept["request"].startswith('{"lines": ["xxx')
    assert bounded({"request": None}) == {"request": None}
    assert bounded({"request": {"a": 1}}) == {"request": {"a": 1}}
