"""A Sentry for tests: a server that takes envelopes as Sentry does, and a transport that keeps them in memory."""

from __future__ import annotations

import gzip
import itertools
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

DSN = "https://key@sentry.example.com/1"


class KeptTransport(Transport):
    """Pass the class as ``start_sentry(..., transport=KeptTransport)``."""

    envelopes: ClassVar[list[Envelope]] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep it."""
        self.envelopes.append(envelope)

    @classmethod
    def events(cls) -> list[dict[str, Any]]:
        """The error events among them."""
        found = [dict(event) for event in (envelope.get_event() for envelope in cls.envelopes) if event is not None]
        return [event for event in found if event.get("type") != "transaction"]

    @classmethod
    def text(cls) -> str:
        """Everything that would have left the machine."""
        return "\n".join(envelope.serialize().decode(errors="replace") for envelope in cls.envelopes)


class SentrySink:
    """A loopback server for the processes of a house. ``dsn`` is what they are told."""

    def __init__(self) -> None:
        self._bodies: list[str] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                sink._bodies.append(body.decode(errors="replace"))
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: object) -> None:
                """Be quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.dsn = f"http://key@127.0.0.1:{self._server.server_port}/1"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def text(self) -> str:
        """All that came in."""
        return "\n".join(self._bodies)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The error events that came in."""
        found: list[dict[str, Any]] = []
        for body in self._bodies:
            lines = body.splitlines()
            for header, payload in itertools.pairwise(lines):
                if header.startswith("{") and json.loads(header).get("type") == "event":
                    found.append(json.loads(payload))
        return found
