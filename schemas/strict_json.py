"""JSON as an order needs it: UTF-8, every key once, numbers exact, no NaN, one error for all that is wrong."""

from __future__ import annotations

import codecs
import json
import re
from decimal import Decimal
from typing import NoReturn


class MalformedError(ValueError):
    """The bytes are no JSON that we take. The message says where and why, and never quotes them."""


def loads(body: bytes) -> object:
    """Parse a JSON text: fractions as Decimal, integers exact, a byte order mark tolerated.

    Raises:
        MalformedError: not UTF-8, not JSON, a key twice in one object, NaN or Infinity, half a surrogate pair,
            nested too deeply, or a number longer than any order has.
    """
    try:
        text = body.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"it is not UTF-8 (byte {error.start + 1})") from None
    if not text.strip():
        raise MalformedError("it is empty")
    if _HALF_PAIR_MARK.search(text):
        _refuse_half_pairs(text)
    try:
        parsed: object = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise MalformedError(f"{error.msg.rstrip(': ')} (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise MalformedError("it is nested too deeply") from None
    except MalformedError:
        raise
    except (ValueError, ArithmeticError):  # int() beyond 4300 digits, Decimal() beyond its exponents
        raise MalformedError("it has a number that is too long") from None
    return parsed


_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,40}")


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        # Only a field's name is shown: a key may be what a buyer typed.
        name = f"the key {twice}" if _PLAIN_KEY.fullmatch(twice) else "a key"
        raise MalformedError(f"{name} occurs twice in one object")
    return made


def _no_constant(name: str) -> NoReturn:
    raise MalformedError(f"{name} is not a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_float=Decimal, parse_constant=_no_constant)

_HALF_PAIR_MARK = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPES = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def _refuse_half_pairs(text: str) -> None:
    # Python would make a str of it that no database, log or destination can encode.
    if any(found.lastgroup == "half" for found in _ESCAPES.finditer(text)):
        raise MalformedError("it has half of a surrogate pair (a character cut in two)")
