"""What ``crossdock.toml`` points to: secrets in the environment and in files, SKU lists in CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from schemas.secret import Literals
from worker.config.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BAD_ROWS_SHOWN = 10
_ROW = "Each row is sku,code, separated by a comma."


class SecretError(ValueError):
    """A secret that is not there, or not where it should be. The texts never repeat one."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


class Secrets:
    """Reads ``env:NAME`` and ``file:PATH``; a :class:`schemas.secret.SecretReader`."""

    def __init__(self, *, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = environ

    def __call__(self, written: str, *, literal: Literals) -> str:
        """The secret that ``written`` stands for.

        Raises:
            SecretError: when there is none.
        """
        rest = written.partition(":")[2]
        if written.startswith("env:"):
            secret = self._from_environment(rest)
        elif written.startswith("file:"):
            secret = self._from_file(rest)
        else:
            secret = _literal(written, allowed=literal)
        if "\n" in secret or "\r" in secret:
            raise SecretError("the secret has a line break in it", "A secret is one line.")
        return secret

    def quietly(self, written: object) -> str | None:
        """The secret, or None where reading it fails, which is said elsewhere."""
        try:
            return self(written, literal="none") if isinstance(written, str) else None
        except SecretError:
            return None

    def _from_environment(self, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise SecretError(
                "after env: stands no name of a variable",
                "A name has letters, digits and _, as in env:SHOP_SECRET.",
            )
        secret = self._environ.get(name)
        if secret is None:
            raise SecretError(f"the variable {name} is not set", "Set it, or point to a file with file:PATH.")
        if not secret.strip():
            raise SecretError(f"the variable {name} is empty", "Put the secret into it.")
        return secret.strip("\r\n")

    def _from_file(self, name: str) -> str:
        path = self._folder / name
        try:
            secret = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            raise SecretError(f"the file {name} does not exist", "A relative path begins beside this file.") from None
        except (OSError, ValueError) as error:
            raise SecretError(
                f"the file {name} {_unreadable(error)}", "It holds the secret and nothing else."
            ) from None
        if not secret.strip():
            raise SecretError(f"the file {name} is empty", "Put the secret into it.")
        return secret.strip("\r\n")


def _literal(written: str, *, allowed: Literals) -> str:
    if allowed == "any" and not written.strip():
        raise SecretError("the user name is empty", "Write it here, or env:NAME or file:PATH.")
    if allowed == "any" or (allowed == "empty" and not written):
        return written
    raise SecretError(
        "here stands a text where a secret belongs" if written else "the secret is empty",
        "Write env:NAME or file:PATH; secrets are never in the file.",
    )


def _unreadable(error: Exception) -> str:
    if isinstance(error, OSError):
        return f"cannot be read: {(error.strerror or type(error).__name__).lower()}"
    return f"cannot be read: it is no {'CSV' if isinstance(error, csv.Error) else 'UTF-8 text'}"


def read_skus(path: Path, *, at: Problem) -> tuple[dict[str, str], list[Problem]]:
    """Read a CSV of ``sku,code``, with or without that header.

    Args:
        at: the place of ``skus_file`` in the TOML file, for what is wrong with the file as a whole.

    Returns:
        Our SKU -> their code, and what is wrong with the file, by line.
    """
    try:
        rows = list(_rows(path))
    except FileNotFoundError:
        hint = "A relative path begins beside this file."
        return {}, [replace(at, message=f"the file {path} does not exist", hint=hint)]
    except (OSError, ValueError, csv.Error) as error:
        return {}, [replace(at, message=f"the file {path} {_unreadable(error)}", hint=_ROW)]
    if not rows:
        return {}, [replace(at, message=f"the file {path} has no rows", hint=_ROW)]
    skus: dict[str, str] = {}
    problems: list[Problem] = []
    for line, row in rows:
        wrong = _wrong(row, skus)
        if wrong:
            problems.append(replace(at, file=str(path), line=line, message=wrong[0], hint=wrong[1]))
        else:
            skus[row[0]] = row[1]
    shown, rest = problems[:_BAD_ROWS_SHOWN], problems[_BAD_ROWS_SHOWN:]
    if rest:
        shown.append(replace(rest[0], message=f"and {len(rest)} more such rows from here on", hint=""))
    return skus, shown


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for number, row in enumerate(reader):
            cells = [cell.strip() for cell in row]
            while len(cells) > 2 and not cells[-1]:
                cells.pop()  # spreadsheets fill rows up with empty columns
            header = number == 0 and [cell.lower() for cell in cells] == ["sku", "code"]
            if any(cells) and not header:
                yield reader.line_num, cells


def _wrong(row: list[str], skus: Mapping[str, str]) -> tuple[str, str] | None:
    if len(row) != 2:
        return f"the row has {len(row)} column{'s' if len(row) > 1 else ''} and needs two", _ROW
    sku, code = row
    if not sku or not code:
        return f"the {'SKU' if not sku else 'code'} is empty", _ROW
    if skus.get(sku, code) != code:
        return f'the SKU "{sku}" stands here a second time, with another code', "Keep one of the two rows."
    return None
