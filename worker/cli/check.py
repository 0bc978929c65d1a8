"""``check``: what is wrong with the configuration, and with the connections."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import asdict
from typing import Any

import click
from rich.text import Text

from schemas.config import Config
from schemas.destination import Destination
from worker.cli.common import as_json, config, console, many, print_json
from worker.config import Problem
from worker.config import check as check_config
from worker.outcomes import Delivered, Outcome
from worker.settings import settings


@click.command()
@click.option("--live", is_flag=True, help="Try each connection too, with a harmless read.")
@as_json
def check(*, live: bool, as_json: bool) -> None:
    """Say everything that is wrong with the configuration, at once.

    The exit code is 1 where there is an error, or where a connection does not work; a warning alone is none. Below a
    connection stands what the server does in another way than is taken for granted, and what could not be tried.
    """
    path = settings().config
    problems = check_config(path, os.environ)
    errors = sum(problem.severity == "error" for problem in problems)
    tried = asyncio.run(_try_all(config())) if live and not errors else []
    if as_json:
        print_json({"problems": [asdict(problem) for problem in problems], "connections": tried})
    else:
        _tell(problems, tried)
        failed = sum(not item["ok"] for item in tried)
        _sum_up(str(path), errors=errors, warnings=len(problems) - errors, live=live, failed=failed)
    sys.exit(1 if errors or any(not item["ok"] for item in tried) else 0)


def _tell(problems: list[Problem], tried: list[dict[str, Any]]) -> None:
    out = console()
    for problem in problems:
        style = "bold red" if problem.severity == "error" else "yellow"
        place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
        out.print(Text.assemble((problem.severity.ljust(8), style), (place, "bold"), f" {problem.key}".rstrip()))
        out.print(Text(f"        {problem.message}." + (f" {problem.hint}" if problem.hint else "")))
    for item in tried:
        mark = ("ok      ", "green") if item["ok"] else ("error   ", "bold red")
        out.print(Text.assemble(mark, (item["destination"], "bold"), f" {item['text']}"))
        for remark in item["remarks"]:
            out.print(Text(f"        {remark}", "dim" if remark.startswith("not tried") else "yellow"))


def _sum_up(path: str, *, errors: int, warnings: int, live: bool, failed: int) -> None:
    told = [many(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    text = f"{path} is in order" if not errors else f"{path} cannot be used"
    text += f": {', '.join(told)}" if told else ""
    if live and errors:
        text += ". No connection was tried; mend the errors first"
    if failed:
        text += f". {many(failed, 'connection')} cannot be used yet"
    console().print(Text(text))


async def _try_all(found: Config) -> list[dict[str, Any]]:
    return list(await asyncio.gather(*(_try(destination) for destination in found.destinations.values())))


async def _try(destination: Destination) -> dict[str, Any]:
    from tasks.registry import system
    from worker.http import Client

    client = Client(destination)
    try:
        found = await system(destination.system).probe(destination, client)
    finally:
        await client.close()
    return {
        "destination": destination.name,
        "ok": isinstance(found.outcome, Delivered),
        "text": _text(found.outcome, destination),
        "remarks": list(found.remarks),
    }


def _text(outcome: Outcome, destination: Destination) -> str:
    if isinstance(outcome, Delivered):
        return outcome.note or f"{destination.base_url} answers"
    said = " ".join(filter(None, (outcome.reason, getattr(outcome, "hint", ""))))
    return f"{destination.base_url} {said}"
