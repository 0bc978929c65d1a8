"""The ASGI application before one system: it counts the call, lets a fault have its way, and answers."""

from __future__ import annotations

import asyncio
from typing import assert_never

from starlette.types import Receive, Scope, Send

from sandbox.calls import CallLog, Seen
from sandbox.faults import (
    DocumentedFault,
    DropFault,
    ErrorFault,
    FaultBook,
    HangFault,
    HtmlFault,
    ReplyFault,
    SlowFault,
)
from sandbox.system import GATEWAY, Answer, Request, System, make_answer

TRANSPORT = "sandbox.transport"
"""The ASGI scope's extension in which :mod:`sandbox.server` hands over the connection."""


class _StoppingError(Exception):
    """The sandbox is being stopped; nothing that hangs is carried out any more."""


class Gate:
    """ASGI application of one system. ``down`` closes every connection without an answer."""

    def __init__(self, system: System, faults: FaultBook, calls: CallLog, stopping: asyncio.Event) -> None:
        self.system = system
        self.down = False
        self._faults, self._calls, self._stopping = faults, calls, stopping
        self._mount = len(system.name) + 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request. Only HTTP is spoken here."""
        request = await self._read(scope, receive)
        if request is None:
            return
        seen = self._calls.begin(self.system.name, request, self.system.lane(request))
        answer: Answer | None = None
        try:
            answer = await self._answer(request, seen, receive)
        except _StoppingError:
            seen.fault = "stopped"
        finally:
            # Before the answer leaves: the client's next write may arrive as soon as it has.
            self._calls.end(seen, answer.status if answer else None)
        if answer is None:
            await _drop(scope, receive)
        else:
            await _send(answer, send)

    async def _read(self, scope: Scope, receive: Receive) -> Request | None:
        """The whole request, or None if the client went before it was complete."""
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if not message.get("more_body", False):
                break
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        return Request(scope["method"], scope["path"][self._mount :], scope["query_string"], headers, body)

    async def _answer(self, request: Request, seen: Seen, receive: Receive) -> Answer | None:
        """The answer, or None to close the connection without one."""
        if self.down:
            seen.fault = "down"
            return None
        if self.system.settings.latency_s:
            await asyncio.sleep(self.system.settings.latency_s)
        fault = self._faults.pick(self.system.name, request)
        if fault is None:
            return await self.system.handle(request)
        seen.fault = fault.kind
        match fault:
            case SlowFault():
                await self._pause(fault.seconds, seen, receive)
                return await self.system.handle(request)
            case HangFault():
                return await self._hang(fault, request, seen, receive)
            case _:
                if fault.commit:
                    await self.system.handle(request)
                return self._made_up(fault)

    def _made_up(self, fault: ReplyFault | DocumentedFault | HtmlFault | ErrorFault | DropFault) -> Answer | None:
        match fault:
            case DropFault():
                return None
            case ReplyFault():
                return make_answer(fault.status, fault.body, fault.headers)
            case HtmlFault():
                return GATEWAY["502_html"].answer()
            case ErrorFault():
                return self.system.documented(self.system.server_error)
            case DocumentedFault():
                return self.system.documented(fault.name.removeprefix(f"{self.system.name}."))
            case _:
                assert_never(fault)

    async def _hang(self, fault: HangFault, request: Request, seen: Seen, receive: Receive) -> Answer | None:
        answer = await self.system.handle(request) if fault.commit == "before" else None
        await self._pause(fault.seconds, seen, receive)
        if fault.commit == "after":
            answer = await self.system.handle(request)
        return answer

    async def _pause(self, seconds: float, seen: Seen, receive: Receive) -> None:
        """Wait. A client that goes meanwhile no longer counts as a write in flight."""
        watch = asyncio.create_task(self._watch(seen, receive))
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return
        finally:
            watch.cancel()
        raise _StoppingError

    async def _watch(self, seen: Seen, receive: Receive) -> None:
        await _until_gone(receive)
        self._calls.leave(seen)


async def _send(answer: Answer, send: Send) -> None:
    headers, body = list(answer.headers), answer.body
    if answer.status in (204, 304):
        body = b""
    else:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _drop(scope: Scope, receive: Receive) -> None:
    """Close the TCP connection without a byte."""
    transport: asyncio.Transport = scope["extensions"][TRANSPORT]
    transport.abort()
    # An application that ends before uvicorn knows that the connection is gone is answered a 500 for.
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
