"""uvicorn, with what a stand-in needs beyond it: connections that can be cut, and an end without noise."""

from __future__ import annotations

import asyncio
import signal
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sandbox.gate import TRANSPORT

KEEP_ALIVE_S = 120
"""IIS's default. uvicorn's own 5 s would close connections under a client that is about to use them again."""


class _CuttableProtocol(HttpToolsProtocol):
    """Hands the connection to the application, so that it can be closed without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: self.transport}  # type: ignore[dict-item]


class SandboxServer(uvicorn.Server):
    """A uvicorn server that says where it listens, and lets hanging calls go when it ends."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event, *, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                http=_CuttableProtocol,
                ws="none",
                loop="uvloop",
                lifespan="off",
                log_level="warning",
                access_log=False,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=10,
                server_header=False,
            )
        )
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the one line that callers wait for."""
        await super().startup(sockets)
        host, port = (sockets or self.servers[0].sockets)[0].getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"sandbox listening on http://{shown}:{port}", flush=True)  # noqa: T201, it is the interface

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let hanging calls go, then end."""
        self._stopping.set()
        await super().shutdown(sockets)


def serve(app: ASGIApp, stopping: asyncio.Event, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; port 0 takes a free one."""
    # uvicorn raises the signal again once it has ended well; here that is no reason for an exit code.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = SandboxServer(app, stopping, host=host, port=port)
    server.run(sockets=[server.config.bind_socket()])
