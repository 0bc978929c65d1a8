"""The words under the table: what one sees in it, where to look further, and with which commands."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from sandbox.demo.folder import Folder
from sandbox.demo.orders import Row, Sent
from sandbox.demo.processes import command
from sandbox.demo.run import Stage

_SKU = "TEA-EARL"
"""Esuite and Enapps know it, and the warehouse too where it was ordered."""

_LONG = 60
"""Comments stand in one column, to the right of all commands that are not longer."""


def print_guide(
    console: Console,
    rows: Sequence[Row],
    sent: Sequence[Sent],
    destinations: Sequence[dict[str, Any]],
    stage: Stage,
) -> None:
    """Print what one sees in the table, the commands, and the addresses."""

    def say(text: str | Text = "", style: str = "") -> None:
        # Long lines stay whole, so that they can be copied.
        console.print(Text(text, style=style) if isinstance(text, str) else text, soft_wrap=True)

    say()
    say("Look at it from another terminal, in this folder:", "bold")
    lines = [
        (f"set -a; . {shlex.quote(near(stage.folder.environment_file))}; set +a", "once, so that it finds the demo"),
        *_orders(rows, sent),
        *_copies(rows, stage),
        *_commands(rows, destinations, stage),
    ]
    for line in _laid_out(lines, room=console.width):
        say(line)
    say()
    say(_places(("Console", f"{stage.crossdock}/"), ("API", f"{stage.crossdock}/docs")))
    if stage.flower is not None:
        say(_places(("Flower", f"{stage.flower} ({_login(stage.folder)})")))
    say(_places(("Logs", near(stage.folder.logs))))
    say("Ctrl-C ends it all.", "bold")


def _laid_out(lines: Sequence[tuple[str, str]], *, room: int) -> Iterator[Text]:
    """Commands, each with its comment beside it; above it where ``room``, the terminal's columns, is too little."""
    column = 2 + max(len(line) for line, _ in lines if len(line) <= _LONG) + 2
    beside = all(column + len(f"# {comment}") <= room for line, comment in lines if line and comment)
    for line, comment in lines:
        said = Text(f"# {comment}" if comment else "", style="dim")
        if said and not (line and beside):
            yield Text("  ").append_text(said)
        if line:
            shown = Text("  ").append(line, style="cyan")
            yield shown.append(" " * max(2, column - len(shown))).append_text(said) if said and beside else shown


def _places(*places: tuple[str, str]) -> Text:
    return Text("   ").join(Text(f"{name} ", style="dim").append(where, style="not dim") for name, where in places)


def near(path: Path) -> str:
    """The path as one would type it here: relative where it lies below the working directory."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _login(folder: Folder) -> str:
    """The login of Flower, which Crossdock makes up when Flower starts for the first time."""
    file = folder.home / "flower.login"
    if not file.is_file():
        return f"login in {near(file)}"
    user, _, password = file.read_text().strip().partition(":")
    return f"login {user}, password {password}"


def _orders(rows: Sequence[Row], sent: Sequence[Sent]) -> Iterator[tuple[str, str]]:
    """Commands that show one order each, and what there is to see."""
    by_id = {str(row.id): row for row in rows}
    lost = [by_id[one.answer.order] for one in sent if one.delivery.fault and one.answer.order in by_id]
    changed = [by_id[one.answer.order] for one in sent if one.delivery.waits and one.answer.order in by_id]
    for row in [row for row in rows if row.status == "dead"][:1]:
        yield _run("show", row.id), f"a dead letter: why {row.number} was refused"
    for row in lost:
        where = [leg.destination for leg in row.legs if leg.status == "delivered" and leg.attempts > 1]
        for destination in where[:1]:
            yield _run("show", row.id), f"recovered: {destination}'s answer about {row.number} was lost"
    for row in [row for row in changed if row.status == "delivered"][:1]:
        yield _run("show", row.id), f"a change: {row.number} was there; only the difference was sent"
    for row, leg in [(one, leg) for one in changed for leg in one.legs if leg.status == "held"][:1]:
        yield _run("show", row.id), f"a cancel too late for {leg.destination}: {row.number} waits"
    for row, leg in [(one, leg) for one in rows for leg in one.legs if leg.waybills][:1]:
        yield _run("show", row.id), f"on its way: {leg.destination} sent {row.number}, with the waybill"


def _copies(rows: Sequence[Row], stage: Stage) -> Iterator[tuple[str, str]]:
    """Commands that show what destinations tell of their own accord."""
    used = {leg.destination for row in rows for leg in row.legs}
    systems = {name: table["system"] for name, table in stage.setup.config["destinations"].items() if name in used}
    for name in [name for name, system in systems.items() if system == "enapps"][:1]:
        yield _run("partners", name), "who may order there: buyers are found by e-mail"
    if systems:
        yield _run("stock", _SKU), "what the systems say of a SKU, and how many they have"


def _commands(rows: Sequence[Row], destinations: Sequence[dict[str, Any]], stage: Stage) -> Iterator[tuple[str, str]]:
    """Commands about all of it, each with what it is about."""
    waiting = sum(row.status in {"dead", "held"} for row in rows)
    if waiting:
        yield _run("dead"), f"all that waits for a person: {waiting} order{'s' * (waiting != 1)}"
    for one in [one for one in destinations if one["status"] == "suspended"][:1]:
        # Our side has nothing to mend: the configuration's password is one that the stand-in refuses on purpose.
        yield "", f"{one['name']} refuses our login: let it accept any password, then resume"
        yield _post(f"{stage.sandbox}/_sandbox/settings", {"system": one["system"], "any_password": True}), ""
        yield _run("resume", one["name"]), f"and its {one['held']} order{'s go' if one['held'] != 1 else ' goes'} on"


def _run(*words: object) -> str:
    program = [near(Path(part)) if Path(part).is_absolute() else part for part in command()]
    return shlex.join([*program, *map(str, words)])


def _post(url: str, body: dict[str, object]) -> str:
    text = json.dumps(body, separators=(",", ":"))
    if shutil.which("curl"):
        return shlex.join(["curl", "-so", "/dev/null", url, "-d", text])
    program = f"import urllib.request as r; r.urlopen({url!r}, {text.encode()!r})"
    return shlex.join([near(Path(sys.executable)), "-c", program])
