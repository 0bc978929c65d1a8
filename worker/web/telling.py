"""How the console tells what the ledger knows: sentences of the timeline, times, requests and answers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from typing import Any

_OPENINGS = {
    "received": "The shop sent the order",
    "updated": "The shop sent a newer version",
    "stale": "The shop sent a version that is not newer",
    "removed": "The shop removed the order",
}
_LEADS = {
    "held": "Waits",
    "dead": "Set aside as a dead letter",
    "retrying": "Tried, not yet with success",
    "looking": "Looks again",
    "taken back": "Taken back",
}
_DOORS = {"console": "from the console", "api": "over the API", "command line": "from the command line"}
_FAULTS = {
    "connect": "no connection, nothing was sent",
    "timeout": "no answer in time",
    "lost": "connection lost",
}
_OPENING, _CLOSING = ("{", "["), ("}", "]")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_ZONE = re.compile(r"(?<=\d\d:\d\d:\d\d)Z\b")
_DOOR = re.compile(r" \((console|api|command line)\)$")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; bodies are indented where they are JSON, and as they came where not."""

    asked: str
    answered: str
    took: str
    request: str
    response: str


@dataclass(frozen=True, slots=True)
class Told:
    """One line of the timeline."""

    at: str
    kind: str
    destination: str | None
    text: str
    exchanges: tuple[Exchange, ...]
    data: str


def timeline(events: Iterable[Mapping[str, Any]]) -> list[tuple[str, list[Told]]]:
    """The events of ``views.order``, day by day: (the day, as its events have it, its lines)."""
    return [
        (day, [_line(event) for event in group]) for day, group in groupby(events, key=lambda event: event["at"][:10])
    ]


def _line(event: Mapping[str, Any]) -> Told:
    data = dict(event["data"] or {})
    exchanges = tuple(exchange(one) for one in data.pop("exchanges", ()))
    text = told(event["kind"], event["text"])
    return Told(event["at"], event["kind"], event["destination"], text, exchanges, pretty(data) if data else "")


def told(kind: str, text: str) -> str:
    """A line of the ledger's timeline as a person would say it. Its times are UTC, which the page says once."""
    text = _ZONE.sub("", text)
    if kind in _OPENINGS:
        about, _, rest = text.partition(": ")
        more = "" if kind == "removed" else sentence(rest)
        return f"{_OPENINGS[kind]} ({about}). {more}".strip()
    if kind == "changes":
        return f"What changed: {text.replace(' -> ', ' → ')}."
    if kind == "routed":
        return sentence("it takes " + text.replace(" -> ", ", then "))
    if kind in ("replay", "edit", "accepted"):
        return spoken(text)
    if kind in ("delivered", "cancelled"):
        what, colon, note = text.partition(": ")
        return sentence(what) + (f" {sentence(note)}" if colon else "")
    if kind == "retrying":
        reason, _, next_try = text.rpartition("; next try in ")
        seconds = next_try.removesuffix(" s")
        text = f"{sentence(reason)} Next try in {span(float(seconds))}" if seconds.isdecimal() else text
    if kind == "step":
        return sentence(text.replace(" -> ", " → "))
    lead = _LEADS.get(kind)
    return sentence(text) if lead is None or text.startswith(lead.lower()) else f"{lead}. {sentence(text)}"


def spoken(text: str) -> str:
    """A sentence that ends with who did it: ``replayed (api)`` as ``Replayed, over the API.``"""
    return sentence(_DOOR.sub(lambda found: ", " + _DOORS[found[1]], text))


def sentence(text: str) -> str:
    """The text with a capital, unless it begins with a name (``orderRemark``), and a full stop."""
    if not text:
        return ""
    first = text.split(maxsplit=1)[0].rstrip(",:;.") if text.strip() else ""
    begun = text[0].upper() + text[1:] if first.isalpha() and first.islower() else text
    return begun if begun[-1] in ".!?" else begun + "."


def exchange(one: Mapping[str, Any]) -> Exchange:
    """A recorded request with its answer (``worker.http.Recorder``)."""
    asked = f"{one.get('method', '')} {one.get('path', '')}"
    if one.get("params"):
        asked += "?" + "&".join(f"{name}={value}" for name, value in one["params"].items())
    request = one.get("request")
    return Exchange(
        asked=asked,
        answered=_status(one.get("status"), one.get("fault")),
        took=f"{one.get('ms', 0):,.0f} ms",
        request=request if isinstance(request, str) else "" if request is None else pretty(request),
        response=_indented(str(one.get("response") or "")),
    )


def _status(status: int | None, fault: str | None) -> str:
    if status is None:
        return _FAULTS.get(fault or "", "no answer")
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _indented(text: str) -> str:
    """JSON on many lines, each token as it came: ``31.90`` stays ``31.90``. What is no JSON stays as it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    parts = _TOKEN.findall(text)
    lines, depth = [""], 0
    for before, part, after in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        if part in _CLOSING and before not in _OPENING:
            depth -= 1
            lines.append("  " * depth)
        lines[-1] += ": " if part == ":" else part
        if part == "," or (part in _OPENING and after not in _CLOSING):
            depth += part != ","
            lines.append("  " * depth)
    return "\n".join(lines)


def pretty(value: object) -> str:
    """JSON for people: indented, every script readable."""
    return json.dumps(value, ensure_ascii=False, indent=2)


def moment(at: str | None) -> str:
    """``2026-11-21T04:59:34.939Z`` as ``21 Nov 2026, 04:59:34``."""
    return f"{day(at)}, {clock(at)}" if at else ""


def day(at: str | None) -> str:
    """``2026-11-21T04:59:34.939Z`` as ``21 Nov 2026``."""
    return f"{int(at[8:10])} {_MONTHS[int(at[5:7]) - 1]} {at[:4]}" if at else ""


def clock(at: str | None) -> str:
    """``2026-11-21T04:59:34.939Z`` as ``04:59:34``."""
    return at[11:19] if at else ""


def until(at: str | None) -> str:
    """How long it is to a moment: ``in 12 s``, ``in 4 min``, ``now``."""
    if not at:
        return ""
    seconds = (datetime.fromisoformat(at) - datetime.now(UTC)).total_seconds()
    return f"in {span(seconds)}" if seconds >= 1 else "now"


def span(seconds: float) -> str:
    """Seconds as people say them: ``90 s``, ``4 min``, ``3 h``."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
