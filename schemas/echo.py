"""Comparing what was sent with what a system says it holds, past differences of spelling."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

NUMBER_CHARS = 40
"""No id, quantity or amount has more digits, before its point or behind it."""


def unlike(sent: Mapping[str, Any], echo: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Names of the members of ``sent`` that ``echo`` has otherwise. A member that it lacks says nothing."""
    return [prefix + name for name, value in sent.items() if name in echo and not same(value, echo[name])]


def same(sent: Any, echo: Any) -> bool:
    """Whether an echo means what was sent: null is empty, ``2`` is ``"2.0"``, spacing does not count.

    Objects are compared by the members that both have; one that is null or empty has empty members.
    """
    if isinstance(sent, Mapping):
        echoed = members(echo)
        return all(same(sent[name], echoed.get(name)) for name in sent if name in echoed or not echoed)
    if isinstance(sent, list):
        items = echo if isinstance(echo, list) else []
        return len(sent) == len(items) and all(map(same, sent, items))
    if isinstance(sent, bool):
        return sent == (echo or False)
    if isinstance(sent, int | float):
        return exact(sent) == exact(echo)
    return words(sent) == words(echo)


def words(value: object) -> str:
    """A text with single spaces; empty for null."""
    return "" if value is None else " ".join(str(value).split())


def exact(value: object) -> Decimal | None:
    """A number, or a text that is one, exactly; None where it is none, or none of this world."""
    text = str(value)
    if len(text) > NUMBER_CHARS:
        return None
    try:
        decimal = Decimal(text)
    except ArithmeticError:
        return None
    # 1E+999999999 is eleven characters, and a gigabyte as soon as somebody counts or writes it out.
    return decimal if decimal.is_finite() and abs(decimal.adjusted()) < NUMBER_CHARS else None


def whole(value: object) -> int | None:
    """A positive integer, from ``7``, ``7.0`` or ``"7"``; None where it is none."""
    decimal = None if isinstance(value, bool) else exact(value)
    if decimal is None or decimal <= 0 or decimal != decimal.to_integral_value():
        return None
    return int(decimal)


def members(value: object) -> dict[str, Any]:
    """The members of a JSON object; none for null and whatever else is no object."""
    return value if isinstance(value, dict) else {}
