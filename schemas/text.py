"""Fitting text into another system's fields without breaking what a reader sees as one character."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from itertools import takewhile

from schemas.destination import Unmappable

_ZERO_WIDTH_JOINER = "\u200d"
_SKIN_TONES = range(0x1F3FB, 0x1F400)
_TAGS = range(0xE0020, 0xE0080)
_REGIONAL_INDICATORS = range(0x1F1E6, 0x1F200)
_HANGUL_VOWELS_AND_TAILS = (*range(0x1160, 0x1200), *range(0xD7B0, 0xD7FC))
_JOINS_LEFT = frozenset(map(chr, (*_SKIN_TONES, *_TAGS, *_HANGUL_VOWELS_AND_TAILS, 0x200C, ord(_ZERO_WIDTH_JOINER))))


def length(text: str) -> int:
    """UTF-16 code units: what .NET and SQL Server's nvarchar count, and never less than the code points."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, limit: int) -> str:
    """The longest prefix of at most ``limit`` UTF-16 code units that ends between two visible characters.

    Combining marks, variation selectors, joined emoji, skin tones, flags, Hangul syllables and CR LF stay
    whole: what addresses and notes hold of Unicode Standard Annex 29. A first character that is too long by
    itself leaves an empty text.
    """
    if length(text) <= limit:
        return text
    used = end = 0
    for index, char in enumerate(text):
        if is_boundary(text, index):
            end = index
        used += length(char)
        if used > limit:
            break
    return text[:end]


def is_boundary(text: str, index: int) -> bool:
    """Whether ``text[:index]`` and ``text[index:]`` share no visible character."""
    if index == 0:
        return True
    before, after = text[index - 1], text[index]
    if after in _JOINS_LEFT or unicodedata.category(after).startswith("M"):
        return False
    if before == _ZERO_WIDTH_JOINER or (before, after) == ("\r", "\n"):
        return False
    if ord(after) in _REGIONAL_INDICATORS:  # a flag is a pair
        run = takewhile(lambda char: ord(char) in _REGIONAL_INDICATORS, reversed(text[:index]))
        return sum(1 for _ in run) % 2 == 0
    return True


class Fitting:
    """Fits texts into a system's fields and collects what has to be said about it.

    Attributes:
        warnings: sentences for the timeline, naming field and limit, never the text.
    """

    def __init__(self, *, limits: Mapping[str, int], system: str, number: str) -> None:
        """``limits``: UTF-16 code units by field. ``number``: the order's, for messages."""
        self.number = cut(number, 60)
        self.warnings: list[str] = []
        self._limits = limits
        self._system = system

    def text(self, name: str, value: str | None, where: str = "") -> str | None:
        """A text for people: cut to its limit, with a warning. Empty is None."""
        if not value:
            return None
        limit = self._limits[name]
        short = cut(value, limit)
        if short != value:
            sizes = f"from {length(value)} to {limit} characters"
            self.warnings.append(f"{where}{name} was cut {sizes}, the limit at {self._system}")
        return short or None

    def key(self, name: str, value: str, where: str = "The order") -> str:
        """A text that identifies something, and is never cut.

        Raises:
            Unmappable: it is longer than its field.
        """
        limit = self._limits[name]
        if length(value) <= limit:
            return value
        raise Unmappable(
            "too_long",
            f"{where} cannot go to {self._system}: {name} has {length(value)} characters, "
            f"{self._system} takes {limit} (order {self.number}).",
            hint=f"It is a key and must not be cut: shorten what {name} is taken from, then replay.",
        )
