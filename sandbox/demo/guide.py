"""The words under the table: what one sees in it, where to look further, and with which commands."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.demo.orders import Row
from sandbox.demo.folder import Folder
from sandbox.demo.processes import command
from sandbox.demo.run import Stage


@dataclass(frozen=True, slots=True)
class _Note:
    title: str
    text: str
    commands: tuple[str, ...]


def print_guide(console: Console, rows: Sequence[Row], destinations: Sequence[dict[str, Any]], stage: Stage) -> None:
    """Print what one sees in the table, the commands, and the addresses."""
    out = _Printer(console)
    out.line()
    out.line("To look at it, in another terminal in this folder:", style="bold")
    out.command(f"set -a; . {shlex.quote(near(stage.folder.environment_file))}; set +a")
    for note in _notes(rows, destinations, stage):
        out.line()
        out.line(Text(note.title, style="bold").append(f"  {note.text}", style="not bold"))
        for one in note.commands:
            out.command(one)
    out.line()
    out.pair("Console", f"{stage.crossdock}/")
    out.pair("API", f"{stage.crossdock}/docs")
    if stage.flower is not None:
        out.pair("Flower", stage.flower, f"login {_login(stage.folder)}")
    out.pair("Logs", near(stage.folder.logs))
    out.line()
    out.line("Ctrl-C ends it all.", style="bold")


def near(path: Path) -> str:
    """The path as one would type it here: relative where it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _login(folder: Folder) -> str:
    """user:password, made up by Flower's first start; that is a little later than ours."""
    file = folder.home / "flower.login"
    return file.read_text().strip() if file.is_file() else f"in {near(file)}"


def _notes(rows: Sequence[Row], destinations: Sequence[dict[str, Any]], stage: Stage) -> list[_Note]:
    found = (_dead(rows), _suspended(destinations, stage), _recovered(rows), _waiting(rows))
    return [note for note in found if note is not None]


def _dead(rows: Sequence[Row]) -> _Note | None:
    for row in rows:
        if row.status == "dead":
            return _Note(
                "A dead letter.", f"Order {row.number} was refused. Why, and what was sent:", (_run("show", row.id),)
            )
    return None


def _suspended(destinations: Sequence[dict[str, Any]], stage: Stage) -> _Note | None:
    for one in destinations:
        if one["status"] == "suspended":
            orders = f"{one['held']} order{'s wait' if one['held'] != 1 else ' waits'}"
            text = f"{one['name']} refuses our password, so {orders} there. Let it accept the password, then resume:"
            mended = '{"system": "ongoing", "any_password": true}'
            return _Note(
                "A suspended destination.",
                text,
                (_post(f"{stage.sandbox}/_sandbox/settings", mended), _run("resume", one["name"])),
            )
    return None


def _recovered(rows: Sequence[Row]) -> _Note | None:
    for row in rows:
        leg = next((leg for leg in row.legs if leg.status == "delivered" and leg.attempts > 1), None)
        if leg is not None:
            text = f"The answer of {leg.destination} to order {row.number} was lost; the next attempt looked first:"
            return _Note("A recovery.", text, (_run("show", row.id),))
    return None


def _waiting(rows: Sequence[Row]) -> _Note | None:
    number = sum(row.status in {"dead", "held"} for row in rows)
    return _Note("All that waits for a person.", f"{number} orders:", (_run("dead"),)) if number else None


def _run(*words: object) -> str:
    program = [near(Path(part)) if Path(part).is_absolute() else part for part in command()]
    return shlex.join([*program, *map(str, words)])


def _post(url: str, body: str) -> str:
    if shutil.which("curl"):
        return shlex.join(["curl", "-s", url, "-d", body])
    program = f"import urllib.request as r; r.urlopen({url!r}, {body.encode()!r})"
    return shlex.join([near(Path(sys.executable)), "-c", program])


class _Printer:
    """Long lines stay whole, so that they can be copied."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str | Text = "", *, style: str = "") -> None:
        self._console.print(Text(text, style=style) if isinstance(text, str) else text, soft_wrap=True)

    def command(self, text: str) -> None:
        self.line(Text("  ").append(text, style="cyan"))

    def pair(self, name: str, value: str, more: str = "") -> None:
        self.line(
            Text(f"{name:<9}", style="dim")
            .append(value, style="not dim")
            .append(f"  {more}" if more else "", style="not dim")
        )
