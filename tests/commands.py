"""The command line as a person or a script uses it, within the test's own process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from worker.cli import cli
from worker.settings import settings


@dataclass(frozen=True, slots=True)
class Cli:
    """``crossdock``, with settings of its own: nothing of the test run's environment is used."""

    monkeypatch: pytest.MonkeyPatch
    home: Path

    def __call__(self, *arguments: str, code: int = 0, width: int | None = None, answer: str | None = None) -> str:
        """Run a command and return what it printed, errors included.

        Args:
            code: the exit code it must have.
            width: of the terminal it prints to; none by default.
            answer: what the person types.
        """
        result = self.run(*arguments, width=width, answer=answer)
        assert result.exit_code == code, f"crossdock {' '.join(arguments)}: {result.exit_code}\n{result.output}"
        return result.output

    def run(self, *arguments: str, width: int | None = None, answer: str | None = None) -> Result:
        """The same, whatever comes of it. What is no exit is a traceback to the user: it fails the test."""
        settings.cache_clear()
        terminal = {"TTY_COMPATIBLE": "1", "NO_COLOR": "1", "COLUMNS": str(width)} if width else {}
        result = CliRunner().invoke(cli, arguments, env=terminal, input=answer, prog_name="crossdock")
        settings.cache_clear()
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with ``--json``: the one document on standard output."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def set(self, **values: str) -> None:
        """Set environment variables."""
        for name, value in values.items():
            self.monkeypatch.setenv(name, value)
