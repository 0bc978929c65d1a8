"""What is wrong with a file that a person wrote: where, what, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from worker.errors import CrossdockError

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: ``error``: nothing starts with it. ``warning``: it runs, and may do what nobody wants.
        file: the file's path, as it was given.
        line: from 1; None where the file itself is the matter.
        key: ``destinations.esuite-au.fields.BatchType``, routes by name; empty for the whole file.
        message: one sentence without its full stop. It never repeats a secret.
        hint: what to do, whole sentences; may be empty.
    """

    severity: Severity
    file: str
    line: int | None
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        where = f"{place} {self.key}" if self.key else place
        return f"{where}: {self.message}." + (f" {self.hint}" if self.hint else "")


class ConfigErrors(CrossdockError):  # noqa: N818 - several of them, as in an ExceptionGroup
    """The configuration cannot be used. ``problems``: all that was found, warnings included, by line."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
