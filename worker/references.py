"""What ``crossdock.toml`` points to: secrets in the environment and in files, SKU lists in CSV files."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from schemas.secret import Literals
from worker.problems import Problem

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BAD_ROWS_SHOWN = 10


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


def read_skus(path: Path, *, shown: str, key: str, line: int, toml: str) -> tuple[dict[str, str], list[Problem]]:
    """Read a CSV of ``sku,code``, with or without that header.

    Args:
        path: where it lies.
        shown: its name in problems.
        key, line, toml: where ``skus_file`` stands, for a file that cannot be read at all.

    Returns:
        Our SKU -> their code, and what is wrong with the file, by line.
    """
    try:
        rows = list(_rows(path))
    except FileNotFoundError:
        return {}, [
            _problem(
                toml,
                line,
                key,
                f"the file {shown} does not exist",
                "A relative path begins beside this file.",
            )
        ]
    except (OSError, ValueError, csv.Error) as error:
        return {}, [_problem(toml, line, key, f"the file {shown} {_unreadable(error)}", "It is a CSV of sku,code.")]
    skus: dict[str, str] = {}
    problems: list[Problem] = []
    for row_line, row in rows:
        wrong = _wrong(row, skus)
        if wrong:
            problems.append(_problem(shown, row_line, key, *wrong))
        else:
            skus[row[0]] = row[1]
    if not rows:
        problems.append(_problem(shown, 1, key, "there are no rows", "Each row is sku,code."))
    if len(problems) > _BAD_ROWS_SHOWN:
        more = len(problems) - _BAD_ROWS_SHOWN
        last = problems[_BAD_ROWS_SHOWN]
        problems = [
            *problems[:_BAD_ROWS_SHOWN],
            _problem(shown, last.line, key, f"and {more} more rows like these", ""),
        ]
    return skus, problems


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for number, row in enumerate(reader):
            cells = [cell.strip() for cell in row]
            header = number == 0 and [cell.lower() for cell in cells] == ["sku", "code"]
            if any(cells) and not header:
                yield reader.line_num, cells


def _wrong(row: list[str], skus: Mapping[str, str]) -> tuple[str, str] | None:
    if len(row) != 2:
        hint = "The columns are separated by commas." if ";" in row[0] or "\t" in row[0] else "Each row is sku,code."
        return f"the row has {len(row)} column{'s' if len(row) > 1 else ''} and needs two", hint
    sku, code = row
    if not sku or not code:
        return f"the {'SKU' if not sku else 'code'} is empty", "Each row is sku,code."
    if skus.get(sku, code) != code:
        return f'the SKU "{sku}" stands here a second time, with another code', "Keep one of the two rows."
    return None


def _problem(file: str, line: int | None, key: str, message: str, hint: str) -> Problem:
    return Problem(severity="error", file=file, line=line, key=key, message=message, hint=hint)
