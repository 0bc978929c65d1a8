"""What a stand-in is. A new one is a subclass in one file and one line in :mod:`sandbox.app`."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, ConfigDict, Field

from sandbox.journal import Journal

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

JSON_TYPE = "application/json; charset=utf-8"
Entry = dict[str, Any]
"""One change of a system's state, JSON; what the journal keeps and :meth:`System.apply` carries out again."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. ``path`` starts below the mount: ``/api/v2/trans``; header names are lower case."""

    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def params(self) -> list[tuple[str, str]]:
        """The query, in order; a repeated key is an array (contracts/ongoing.md 1.2)."""
        return parse_qsl(self.query.decode("latin-1"), keep_blank_values=True) if self.query else []

    def json(self) -> Any:
        """The body as JSON. Raises ValueError, also for NaN and Infinity."""
        return json.loads(self.body, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer, ready for the wire."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


def make_answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with ``body`` as it stands if it is text, empty if it is None, as JSON otherwise."""
    named = {name.lower(): value for name, value in (headers or {}).items()}
    if body is None:
        content = b""
    elif isinstance(body, str):
        content = body.encode()
        named.setdefault("content-type", "text/plain; charset=utf-8")
    else:
        content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        named.setdefault("content-type", JSON_TYPE)
    return Answer(status, content, tuple((name.encode(), value.encode()) for name, value in named.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Documented:
    """One reply of a system's catalogue.

    Attributes:
        status: HTTP status.
        body: None is empty, text goes out as it stands, anything else as JSON.
        section: where the contract has it.
        documented: False where the documentation is silent and a gateway or habit suggests it.
    """

    status: int
    body: Any = None
    section: str
    headers: Mapping[str, str] = field(default_factory=dict)
    documented: bool = True

    def answer(self) -> Answer:
        """This reply as it goes out."""
        return make_answer(self.status, self.body, self.headers)


HTML_502 = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n"
    "<body>\r\n<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)


def _gateway(status: int, body: str, **headers: str) -> Documented:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Documented(status=status, body=body, section="gateway", headers=named, documented=False)


GATEWAY: dict[str, Documented] = {
    "200_not_json": _gateway(200, "<html>maintenance</html>", content_type="text/html"),
    "408_request_timeout": _gateway(408, "Request Timeout"),
    "429_too_many_requests": _gateway(429, "Too Many Requests", retry_after="1"),
    "502_html": _gateway(502, HTML_502, content_type="text/html"),
    "503_unavailable": _gateway(503, "Service Unavailable", retry_after="1"),
    "504_gateway_timeout": _gateway(504, "Gateway Timeout"),
}
"""What whatever stands before a system may answer; no contract documents it, every client meets it."""


class Settings(BaseModel):
    """Switches of a system. ``latency_s``: every answer takes that many seconds more."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    latency_s: float = Field(default=0.0, ge=0, le=10)


class System(ABC):
    """A stand-in. Its state changes through :meth:`commit` only, so that it comes back after a restart.

    Attributes:
        name: also its mount: ``/{name}``.
        settings_type: its switches; ``settings`` holds their values.
        credentials_default: names and values that ``--credential NAME.KEY=VALUE`` may replace.
        replies: the documented replies, by short name.
        server_error: the short name of what fault ``error500`` answers.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[Settings]] = Settings
    credentials_default: ClassVar[Mapping[str, str]] = {}
    replies: ClassVar[Mapping[str, Documented]] = {}
    server_error: ClassVar[str]

    settings: Settings

    def __init__(
        self,
        journal: Journal,
        *,
        credentials: Mapping[str, str] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Raises ValueError for a credential or a setting that the system does not have."""
        unknown = set(credentials or {}) - set(self.credentials_default)
        if unknown:
            raise ValueError(
                f"{self.name} has no credential {_names(unknown)}, it has {_names(self.credentials_default)}"
            )
        self.credentials = {**self.credentials_default, **(credentials or {})}
        self.settings = self._initial = self.settings_type.model_validate(settings or {})
        self._journal = journal
        self.clear()

    def switch(self, changes: Mapping[str, Any]) -> None:
        """Change settings. Raises pydantic.ValidationError and changes nothing if one is unknown or wrong."""
        wanted = self.settings_type.model_validate({**self.settings.model_dump(), **changes})
        self.commit({"op": "settings", "settings": wanted.model_dump(mode="json")})

    def commit(self, entry: Entry) -> None:
        """Write a change to the journal, then carry it out."""
        self._journal.append(self.name, entry)
        self.restore(entry)

    def restore(self, entry: Entry) -> None:
        """Carry out a change that the journal has."""
        if entry["op"] == "settings":
            self.settings = self.settings_type.model_validate(entry["settings"])
        else:
            self.apply(entry)

    def reset(self) -> None:
        """Forget everything; settings are those of the start again."""
        self.settings = self._initial
        self.clear()

    def documented(self, name: str) -> Answer:
        """The catalogue's reply of that short name."""
        return self.replies[name].answer()

    def lane(self, request: Request) -> str | None:
        """What a write queues behind, so that writes in flight at once can be counted; None for a read."""
        return "all" if request.method in WRITES else None

    @abstractmethod
    async def handle(self, request: Request) -> Answer:
        """Answer one request, as the contract says."""

    @abstractmethod
    def apply(self, entry: Entry) -> None:
        """Carry out one change. Deterministic: the same entries give the same state."""

    @abstractmethod
    def clear(self) -> None:
        """Forget all state but the settings."""

    @abstractmethod
    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Everything held, by order reference, also what was deleted or cancelled."""

    @abstractmethod
    def counts(self) -> dict[str, int]:
        """Live objects by order reference; 0 where all are deleted or cancelled."""


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
