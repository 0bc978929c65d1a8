"""Reading a JSON body as ASP.NET Web API does: what is missing, of a wrong type or too long, by field."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Problems = dict[str, list[str]]
"""By field, ``order.orderLines[0].rowNumber``: ``ModelState``."""


@dataclass(slots=True)
class Findings:
    """What is wrong with a body. ``strict``: unknown members are wrong too; ``limits``: so are long texts."""

    strict: bool = False
    limits: bool = True
    problems: Problems = field(default_factory=dict)

    def add(self, where: str, text: str) -> None:
        """Note a problem."""
        self.problems.setdefault(where, []).append(text)


Read = Callable[[Any, str, Findings], Any]
"""Read a value found at a place, note what is wrong, return it as the server keeps it."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of an object: how it is read, and whether it must be there."""

    read: Read
    required: bool = False


def required(read: Read) -> Member:
    """A member that must be there."""
    return Member(read, required=True)


def text(limit: int | None = None, *, least: int = 0) -> Read:
    """A string; numbers become one. ``limit`` and ``least`` are lengths as nvarchar counts: UTF-16 units."""

    def read(value: Any, where: str, findings: Findings) -> str | None:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            _wrong(value, where, findings, "System.String")
            return None
        kept = str(value)
        if _length(kept) < least:
            findings.add(where, f"The field {_title(where)} must be a string with a minimum length of {least}.")
        if limit is not None and findings.limits and _length(kept) > limit:
            findings.add(where, f"The field {_title(where)} must be a string with a maximum length of {limit}.")
        return kept

    return read


def number(value: Any, where: str, findings: Findings) -> float | None:
    """A decimal; a string of digits becomes one (contracts/ongoing.md 1.2)."""
    try:
        kept = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        kept = math.nan
    if math.isfinite(kept):
        return kept
    _wrong(value, where, findings, "System.Decimal")
    return None


def integer(value: Any, where: str, findings: Findings) -> int | None:
    """An int32; a string of digits becomes one."""
    try:
        whole = None if isinstance(value, bool | float) else int(value)
    except (TypeError, ValueError):
        whole = None
    if whole is not None and abs(whole) < 2**31:
        return whole
    _wrong(value, where, findings, "System.Int32")
    return None


def flag(value: Any, where: str, findings: Findings) -> bool | None:
    """True or false."""
    if isinstance(value, bool):
        return value
    _wrong(value, where, findings, "System.Boolean")
    return None


def moment(value: Any, where: str, findings: Findings) -> str | None:
    """A date, with time or without; kept as it was written."""
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        _wrong(value, where, findings, "System.DateTime")
        return None
    return str(value)


def anything(value: Any, where: str, findings: Findings) -> Any:
    """A member whose inside is not known."""
    return value


def record(**members: Read | Member) -> Read:
    """An object with these members; others are dropped."""
    shape = {name: read if isinstance(read, Member) else Member(read) for name, read in members.items()}

    def read(value: Any, where: str, findings: Findings) -> dict[str, Any] | None:
        if not isinstance(value, dict):
            _wrong(value, where, findings, "an object")
            return None
        return _members(value, shape, where, findings)

    return read


def _members(value: Mapping[str, Any], shape: Mapping[str, Member], where: str, findings: Findings) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for name, member in shape.items():
        place = f"{where}.{name}"
        given = value.get(name)
        if given is not None:
            kept[name] = member.read(given, place, findings)
        elif member.required:
            findings.add(place, f"The {_title(place)} field is required.")
    if findings.strict:
        for name in value.keys() - shape.keys():
            findings.add(f"{where}.{name}", f"Could not find member '{name}' on object.")
    return kept


def rows(read_row: Read) -> Read:
    """An array."""

    def read(value: Any, where: str, findings: Findings) -> list[Any] | None:
        if not isinstance(value, list):
            _wrong(value, where, findings, "an array")
            return None
        return [read_row(item, f"{where}[{index}]", findings) for index, item in enumerate(value)]

    return read


def _wrong(value: Any, where: str, findings: Findings, wanted: str) -> None:
    shown = value if isinstance(value, str | int | float) else type(value).__name__
    findings.add(where, f"Error converting value \"{shown}\" to type '{wanted}'.")


def _length(kept: str) -> int:
    return len(kept.encode("utf-16-le", "surrogatepass")) // 2


def _title(where: str) -> str:
    name = where.rpartition(".")[2]
    return name[:1].upper() + name[1:]
