"""One HTTP request to a destination and what came back, as values: outcome tables are functions of a Reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

LONGEST_WAIT_S = 86_400.0
"""A Retry-After beyond this is not believed."""

HIDDEN = "***"
"""What stands for a secret."""

USERNAME, PASSWORD = "<?username?>", "<?password?>"
"""In the XML of a call: where the login of ``auth.mode = "basic"`` goes. The client writes it there at the wire.

Processing instructions, because no text of an order can be taken for one: an escaped text has no ``<``.
"""

Fault = Literal["connect", "timeout", "lost"]
"""No answer: ``connect``, nothing was sent; ``timeout`` and ``lost``, it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, relative to the destination's ``base_url``. ``body`` is sent as JSON, or else ``xml`` as it stands.

    ``key_param``: the query parameter that carries the key of ``auth.mode = "path"``; else it is the path's end.
    ``path``: empty for ``base_url`` itself. ``headers``: in addition to those that every call has.
    ``up``: so many of the last segments of ``base_url`` the path takes the place of, never its server.
    """

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None
    key_param: str = ""
    xml: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    up: int = 0

    def address(self, base_url: str) -> str:
        """Where it goes, without its query. The origin is that of ``base_url``, whatever ``path`` and ``up`` are."""
        if self.up:
            parts = urlsplit(base_url)
            segments = parts.path.split("/")
            base_url = parts._replace(path="/".join(segments[: max(1, len(segments) - self.up)])).geturl()
        return f"{base_url}/{quote(self.path, safe='/')}" if self.path else base_url

    @property
    def carries_login(self) -> bool:
        """The login goes into the XML, and into no header."""
        return self.xml is not None and (USERNAME in self.xml or PASSWORD in self.xml)

    @property
    def shown(self) -> Mapping[str, Any] | str | None:
        """The body for people: what is sent, with ``***`` where the login goes."""
        if self.xml is None:
            return self.body
        return self.xml.replace(USERNAME, HIDDEN).replace(PASSWORD, HIDDEN)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: ``status`` and ``text``, or a ``fault``. Header names are lower case."""

    call: Call
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    fault: Fault | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """A 2xx answer."""
        return self.status is not None and 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON, or None where it is none: an HTML page from a gateway is an answer too."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


def retry_after(reply: Reply, *, now: float) -> float | None:
    """Seconds that ``Retry-After`` asks for, as a number or an HTTP date (RFC 9110 section 10.2.3); None without one.

    Args:
        now: UNIX seconds.
    """
    value = reply.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_WAIT_S)
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now
    return min(max(seconds, 0.0), LONGEST_WAIT_S)
