"""What a worker process holds: ledger, configuration, one event loop for HTTP, one client a destination."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from schemas.config import Config
from schemas.destination import Destination
from worker.bell import Bell, Ringer
from worker.http import LOGIN_S, Client
from worker.ledger import feeds
from worker.ledger.engine import Ledger
from worker.settings import Settings

SWITCH_S = 0.0005

LOGIN_LEASE_S, LOGIN_AGAIN_S = LOGIN_S + 10, 0.1
"""A worker that died while it logged in lets the others wait so long; they ask for their turn so often."""

LOGIN_WAIT_S = 4 * LOGIN_LEASE_S
"""Nobody waits longer: a turn may seem to last for hours where the clocks of two machines differ, or one was set."""

STOP_S = 25.0
"""After this long what is still in flight is cut off and looked up by the next worker."""


class Machine:
    """Made once per worker process."""

    def __init__(self, settings: Settings, config: Config, bell: Bell, *, stop_s: float = STOP_S) -> None:
        self.settings = settings
        self.config = config
        self.bell = bell
        self.ringer = Ringer(bell)
        self._stop_s = stop_s
        self.ledger = Ledger(settings.database_url)
        self.name = f"{socket.gethostname()}:{os.getpid()}"
        # Python hands its lock over every 5 ms by default. A warehouse that takes one order at a time would wait that
        # long, for each order, on whatever thread happens to be busy.
        sys.setswitchinterval(SWITCH_S)
        self.loop = _new_loop()
        self._clients: dict[str, Client] = {}
        self._stop_at: float | None = None
        threading.Thread(target=self.loop.run_forever, name="http-loop", daemon=True).start()

    @staticmethod
    def now() -> float:
        """UNIX seconds."""
        return time.time()

    def client(self, destination: Destination) -> Client:
        """The destination's client. Call on the loop: it belongs to it."""
        if destination.name not in self._clients:
            self._clients[destination.name] = Client(destination, gate=partial(self._login_turn, destination.name))
        return self._clients[destination.name]

    @asynccontextmanager
    async def _login_turn(self, destination: str) -> AsyncIterator[None]:
        """One login at a time over all workers; without a ledger nobody is waited for."""
        turn, give_up = None, time.monotonic() + LOGIN_WAIT_S
        with suppress(SQLAlchemyError):
            while turn is None and time.monotonic() < give_up:
                turn = await asyncio.to_thread(self.ledger.write, partial(_take_login, destination))
                if turn is None:
                    await asyncio.sleep(LOGIN_AGAIN_S)
        try:
            yield
        finally:
            if turn is not None:
                with suppress(SQLAlchemyError):
                    await asyncio.to_thread(self.ledger.write, lambda c: feeds.release(c, turn))

    @property
    def stopping(self) -> bool:
        """No new delivery may be begun."""
        return self._stop_at is not None

    def stop(self) -> None:
        """Begin nothing more; what is in flight has ``stop_s`` to end."""
        if self._stop_at is None:
            self._stop_at = time.monotonic() + self._stop_s

    @property
    def out_of_time(self) -> bool:
        """The time to stop is over: what is still in flight has to be cut off."""
        return self._stop_at is not None and time.monotonic() > self._stop_at

    def close(self) -> None:
        """Ring for what is left, close clients, loop and ledger; after every delivery has ended."""
        self.ringer.close()

        async def close_clients() -> None:
            for client in self._clients.values():
                await client.close()

        asyncio.run_coroutine_threadsafe(close_clients(), self.loop).result(timeout=5)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.ledger.close()


def _take_login(destination: str, connection: Connection) -> feeds.Turn | None:
    return feeds.take(connection, destination, "login", lease_s=LOGIN_LEASE_S, now=time.time())


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - has no wheel for Windows
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
