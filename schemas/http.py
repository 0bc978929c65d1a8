"""One HTTP request to a destination and what came back, as values: outcome tables are functions of a Reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Fault = Literal["connect", "timeout", "lost"]
"""No answer: ``connect``, nothing was sent; ``timeout`` and ``lost``, it may have been carried out."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, relative to the destination's ``base_url``. ``body`` is sent as JSON."""

    method: str
    path: str
    params: tuple[tuple[str, str], ...] = ()
    body: Mapping[str, Any] | None = None


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
        except ValueError:
            return None
