"""``crossdock``: one command for everything an operator does."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from worker.errors import CrossdockError

_COMMANDS = {
    "up": "up",
    "demo": "demo",
    "check": "check",
    "plan": "plan",
    "orders": "look",
    "show": "look",
    "dead": "look",
    "destinations": "look",
    "replay": "act",
    "suspend": "act",
    "resume": "act",
    "migrate": "act",
    "web": "processes",
    "worker": "processes",
    "beat": "processes",
    "flower": "processes",
    "sandbox": "processes",
}
"""Command -> the module of this package that has it; only the one that is asked for is imported."""


class _Lazy(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command = getattr(import_module(f"worker.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        if not isinstance(command, click.Command):
            raise AssertionError(f"{cmd_name} is no command")
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock")
def cli() -> None:
    """Webshop orders into ERPs and warehouses: each one exactly once, or waiting in plain sight."""


def main() -> None:
    """Run the command line; what is wrong with the installation is said without a traceback."""
    try:
        cli(prog_name="crossdock")
    except CrossdockError as error:
        click.echo(f"crossdock: {error}", err=True)
        sys.exit(2)
