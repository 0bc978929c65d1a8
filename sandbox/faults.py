"""Faults on demand: which calls go wrong, and how. Rules are held in memory and do not survive a restart."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from urllib.parse import unquote_plus

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from sandbox.system import Request, System


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fault(_Strict):
    """``chance``: the part of matching calls that go wrong; with a ``seed`` the same ones in every run."""

    chance: float = Field(default=1.0, gt=0, le=1)
    seed: int | None = None


class ReplyFault(_Fault):
    """Answer this. ``commit``: carry the call out before."""

    kind: Literal["reply"]
    status: int = Field(ge=200, le=599)
    body: JsonValue = None
    headers: dict[str, str] = Field(default_factory=dict)
    commit: bool = False


class DocumentedFault(_Fault):
    """Answer what the catalogue has under this name: ``esuite.403_not_authorized``."""

    kind: Literal["documented"]
    name: str
    commit: bool = False


class HtmlFault(_Fault):
    """Answer 502 with a gateway's HTML page."""

    kind: Literal["html502"]
    commit: bool = False


class ErrorFault(_Fault):
    """Answer the system's own 500."""

    kind: Literal["error500"]
    commit: bool = False


class HangFault(_Fault):
    """Say nothing for ``seconds``.

    ``commit``: ``before`` carries the call out, hangs, answers; ``after`` hangs, carries it out even if the
    client has gone, answers; ``never`` hangs and closes the connection.
    """

    kind: Literal["hang"]
    seconds: float = Field(gt=0, le=3600)
    commit: Literal["before", "after", "never"]


class DropFault(_Fault):
    """Close the connection without a byte. ``commit``: carry the call out before."""

    kind: Literal["drop"]
    commit: bool


class SlowFault(_Fault):
    """Carry the call out, but ``seconds`` later."""

    kind: Literal["slow"]
    seconds: float = Field(gt=0, le=3600)


Fault = Annotated[
    ReplyFault | DocumentedFault | HtmlFault | ErrorFault | HangFault | DropFault | SlowFault,
    Field(discriminator="kind"),
]


class Rule(_Strict):
    """Which calls go wrong.

    Attributes:
        system: its name.
        method: ``POST``; None is any.
        path: a regular expression, searched in the path below the system's mount.
        match: text that must occur in the body, or in the decoded query of a call without one.
        times: how often; None until cleared.
    """

    system: str
    method: str | None = None
    path: re.Pattern[str] | None = None
    match: str | None = None
    times: int | None = Field(default=1, ge=1)
    fault: Fault

    def fits(self, system: str, request: Request) -> bool:
        """Whether the rule speaks of this call."""
        return (
            system == self.system
            and self.method in (None, request.method)
            and (self.path is None or self.path.search(request.path) is not None)
            and (self.match is None or self.match in _text_of(request))
        )


def _text_of(request: Request) -> str:
    if request.body:
        return request.body.decode(errors="replace")
    return unquote_plus(request.query.decode("latin-1"))


class _Live:
    """A rule at work: ``seen`` calls fitted, ``hits`` went wrong."""

    def __init__(self, number: int, rule: Rule) -> None:
        self.number, self.rule = number, rule
        self.seen = self.hits = 0
        self._dice = random.Random(rule.fault.seed)

    @property
    def over(self) -> bool:
        return self.rule.times is not None and self.hits >= self.rule.times

    def strikes(self, system: str, request: Request) -> bool:
        if self.over or not self.rule.fits(system, request):
            return False
        self.seen += 1
        if self.rule.fault.chance < 1 and self._dice.random() >= self.rule.fault.chance:
            return False
        self.hits += 1
        return True

    def report(self) -> dict[str, Any]:
        return {
            "id": self.number,
            **self.rule.model_dump(mode="json"),
            "seen": self.seen,
            "hits": self.hits,
            "over": self.over,
        }


class FaultBook:
    """All rules, in the order they were given. The first that strikes has the call."""

    def __init__(self, systems: Mapping[str, System]) -> None:
        self._systems = systems
        self._rules: list[_Live] = []
        self._count = 0

    def add(self, data: object) -> int:
        """Take a rule as JSON and return its id. Raises ValueError, pydantic's included, for a wrong one."""
        rule = Rule.model_validate(data)
        if rule.system not in self._systems:
            raise ValueError(f"system: there is no {rule.system}, only {', '.join(self._systems)}")
        if isinstance(rule.fault, DocumentedFault):
            self._check_name(rule.system, rule.fault.name)
        self._count += 1
        self._rules.append(_Live(self._count, rule))
        return self._count

    def _check_name(self, system: str, name: str) -> None:
        known = [f"{system}.{short}" for short in self._systems[system].replies]
        if name not in known:
            raise ValueError(f"fault.name: {system} has no reply {name}, it has {', '.join(known)}")

    def pick(self, system: str, request: Request) -> Fault | None:
        """The fault of this call, counted; None lets it through."""
        for live in self._rules:
            if live.strikes(system, request):
                return live.rule.fault
        return None

    def report(self) -> list[dict[str, Any]]:
        """Every rule with how often it struck."""
        return [live.report() for live in self._rules]

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()
