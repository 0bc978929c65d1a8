"""``crossdock``: one command for everything an operator does."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from worker.errors import CrossdockError


@dataclass(frozen=True, slots=True)
class _Command:
    """Where a command is, and its line in ``crossdock --help``: importing all of them would take a second."""

    module: str
    help: str


_SECTIONS = {
    "Begin": {
        "demo": _Command("demo", "Try it: stand-ins on this machine, sample orders going through."),
        "check": _Command("check", "Say everything that is wrong with the configuration, at once."),
        "plan": _Command("plan", "Show an order's route and HTTP requests; send nothing."),
        "up": _Command("up", "Run everything in this terminal, until Ctrl-C."),
    },
    "Look": {
        "orders": _Command("look", "List the newest orders."),
        "show": _Command("look", "Show one order with its deliveries and its timeline."),
        "dead": _Command("look", "List what waits for a person: dead letters and held orders."),
        "destinations": _Command("look", "Show every destination's state, and what waits there."),
        "stock": _Command("stock", "Show what destinations say about SKUs: known or not, and how many."),
        "partners": _Command("stock", "Show the partners and contacts that were copied from a destination."),
    },
    "Act": {
        "replay": _Command("act", "Send on what waits: one order, or all that fit the options."),
        "accept": _Command("act", "Leave an order as it is at a destination where it waits for a person."),
        "suspend": _Command("act", "Hold every delivery of a destination until it is resumed."),
        "resume": _Command("act", "Open a suspended destination and let its deliveries go."),
        "migrate": _Command("act", "Bring the ledger to this version's schema."),
    },
    "Processes, for many machines (see Procfile)": {
        "web": _Command("processes", "Take webhooks, and serve API and console."),
        "worker": _Command("processes", "Deliver orders: one process a core."),
        "beat": _Command("processes", "Ring for what is due: one, whatever the number of workers."),
        "flower": _Command("processes", "Watch tasks in Flower: loopback, read-only, with a password."),
        "sandbox": _Command("processes", "Run the stand-ins alone, to rehearse an outage."),
    },
}
_COMMANDS = {name: command for section in _SECTIONS.values() for name, command in section.items()}


class InstallationError(click.ClickException):
    """What is wrong lies with the installation or its configuration, not with what was asked for."""

    exit_code = 2


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"worker.cli.{_COMMANDS[cmd_name].module}"), cmd_name)
        if not isinstance(command, click.Command):
            raise AssertionError(f"{cmd_name} is no command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        width = max(map(len, _COMMANDS))
        for title, commands in _SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), command.help) for name, command in commands.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except Exception as error:
            told = _told(error)
            if told is None:
                raise
            raise InstallationError(told) from None


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock")
def cli() -> None:
    """Webshop orders into ERPs and warehouses: each one exactly once, or waiting in plain sight.

    `crossdock COMMAND --help` tells more of each command. The environment says where things are: CROSSDOCK_CONFIG
    (crossdock.toml), CROSSDOCK_HOME (var), CROSSDOCK_DATABASE_URL, CROSSDOCK_BROKER_URL; the README has all of it.
    """


def main() -> None:
    """Run the command line; what is wrong with the installation is said without a traceback, exit code 2."""
    cli(prog_name="crossdock")


def _told(error: Exception) -> str | None:
    """What to say of an error that an operator can mend; None for a defect, which keeps its traceback."""
    if isinstance(error, CrossdockError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        return f"cannot use {error.filename}: {error.strerror}"
    return _ledger_told(error) if "sqlalchemy" in sys.modules else None


def _ledger_told(error: Exception) -> str | None:
    from sqlalchemy import exc

    from worker.ledger.engine import away

    if isinstance(error, exc.ArgumentError):
        return "CROSSDOCK_DATABASE_URL cannot be read as the address of a database"
    # A plain DatabaseError is SQLite's "file is not a database"; its subclasses are defects of ours.
    if isinstance(error, exc.SQLAlchemyError) and (away(error) or type(error) is exc.DatabaseError):
        words = str(getattr(error, "orig", None) or error).strip().splitlines()
        return f"the ledger cannot be used: {words[0] if words else type(error).__name__}"
    return None
