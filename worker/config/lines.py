"""On which line of a TOML file a key stands: tomllib does not say."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
"""Keys from the top, positions where a list is passed: ``("routes", 0, "when", "country", 1)``."""

_TOKEN = re.compile(
    r"""
    (?P<skip>   [ \t\r]+ | \#[^\n]* )
  | (?P<line>   \n )
  | (?P<text>   \"{3} (?: \\. | [^\\] )*? \"{3} \"{0,2} | '{3} .*? '{3} '{0,2}
              | " (?: \\. | [^"\\\n] )* " | '[^'\n]*' )
  | (?P<mark>   [\[\]{}=,] )
  | (?P<bare>   [^\s\[\]{}=,#"']+ )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    line: int


class Lines:
    """The lines of one valid TOML text."""

    def __init__(self, text: str) -> None:
        self._lines: dict[KeyPath, int] = {}
        _Scan(list(_tokens(text)), self._lines).file()

    def of(self, path: Sequence[str | int]) -> int:
        """The line of the key, or of the nearest table around it; 1 for the file."""
        parts = tuple(path)
        while parts and parts not in self._lines:
            parts = parts[:-1]
        return self._lines.get(parts, 1)


def _tokens(text: str) -> Iterator[_Token]:
    line = 1
    for match in _TOKEN.finditer(text):
        kind, found = str(match.lastgroup), match.group()
        if kind != "skip":
            yield _Token(kind, found, line)
        line += found.count("\n")


class _Scan:
    """One pass over the tokens of a text that tomllib has read, so that the grammar is known to hold."""

    def __init__(self, tokens: list[_Token], lines: dict[KeyPath, int]) -> None:
        self._tokens = tokens
        self._lines = lines
        self._lists: dict[KeyPath, int] = {}
        """How many ``[[tables]]`` of a name were seen."""
        self._at = 0

    def file(self) -> None:
        table: KeyPath = ()
        while self._at < len(self._tokens):
            if self._see("\n"):
                self._at += 1
            elif self._see("["):
                table = self._header()
            else:
                self._pair(table)

    def _see(self, text: str) -> bool:
        return self._at < len(self._tokens) and self._tokens[self._at].text == text

    def _blank(self) -> None:
        while self._see("\n"):
            self._at += 1

    def _mark(self, path: KeyPath, line: int, *, within: int) -> None:
        for length in range(within + 1, len(path)):
            self._lines.setdefault(path[:length], line)
        self._lines[path] = line

    def _header(self) -> KeyPath:
        line = self._tokens[self._at].line
        self._at += 1
        many = self._see("[")
        self._at += many
        keys = self._key()
        self._at += 2 if many else 1
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if many and position == len(keys) - 1:
                self._lists[path] = self._lists.get(path, 0) + 1
                self._lines.setdefault(path, line)
            if path in self._lists:
                path = (*path, self._lists[path] - 1)
        self._mark(path, line, within=0)
        return path

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while self._tokens[self._at].kind in ("bare", "text"):
            token = self._tokens[self._at]
            if token.kind == "bare":
                parts += [part for part in token.text.split(".") if part]
            else:
                parts.append(str(tomllib.loads(f"key = {token.text}")["key"]))
            self._at += 1
        return tuple(parts)

    def _pair(self, table: KeyPath) -> None:
        line = self._tokens[self._at].line
        path = (*table, *self._key())
        self._at += 1  # the equals sign
        self._mark(path, line, within=len(table))
        self._value(path)

    def _value(self, path: KeyPath) -> None:
        if self._see("{"):
            self._at += 1
            self._blank()
            while not self._see("}"):
                self._pair(path)
                self._comma()
            self._at += 1
        elif self._see("["):
            self._at += 1
            self._blank()
            position = 0
            while not self._see("]"):
                item = (*path, position)
                self._lines[item] = self._tokens[self._at].line
                self._value(item)
                self._comma()
                position += 1
            self._at += 1
        else:
            while self._at < len(self._tokens) and self._tokens[self._at].text not in (",", "]", "}", "\n"):
                self._at += 1

    def _comma(self) -> None:
        self._blank()
        if self._see(","):
            self._at += 1
        self._blank()
