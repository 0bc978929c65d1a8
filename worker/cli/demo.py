"""``crossdock demo``: everything on this machine, stand-ins and sample orders included."""

from __future__ import annotations

import os
import sys

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def demo(arguments: tuple[str, ...]) -> None:
    """Try it: shops, ERP and warehouse as stand-ins, and sample orders going through. `crossdock demo --help`."""
    # A process of its own: the demo uses Crossdock as anybody would, by its commands and over HTTP.
    os.execv(sys.executable, [sys.executable, "-m", "sandbox.demo", *arguments])  # noqa: S606 - ourselves
