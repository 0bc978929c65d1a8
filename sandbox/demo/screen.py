"""What one sees: a live table on a terminal, plain lines anywhere else."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from sandbox.demo.orders import Leg, Row

_STYLES = {
    "delivered": "green", "dead": "bold red", "held": "yellow", "retrying": "yellow", "cancelled": "dim",
    "ignored": "dim", "waiting": "dim", "ready": "cyan", "delivering": "cyan", "received": "cyan",
}  # fmt: skip

_BAR_WIDTH = 30
_LINES_BESIDE_ROWS = 5
_PLAIN_WIDTH = 160
_NUMBER_WIDTH = 14
_WIDE = 110
"""From this width on there is room for the names of destinations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One moment. ``total``: orders seen and webhooks yet to be sent; ``began``: UNIX seconds."""

    stage: str
    rows: Sequence[Row] = ()
    total: int = 0
    began: float


class Screen(ABC):
    """Shows progress between ``with`` and its end."""

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Leave the last state standing."""

    @abstractmethod
    def show(self, progress: Progress) -> None:
        """Show this moment."""


def make_console() -> Console:
    """The terminal; wide where the output goes to a file or a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=_PLAIN_WIDTH)


def make_screen(console: Console) -> Screen:
    """Live on a terminal, plain lines elsewhere."""
    return LiveScreen(console) if console.is_interactive else PlainScreen(console)


class LiveScreen(Screen):
    """A table that changes in place; its last state stays."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, vertical_overflow="ellipsis")
        self._last: Progress | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if self._last is not None:
            # All rows, now that they may scroll; stop() draws them.
            self._live.update(_render(self._last, room=None, width=self._console.width))
        self._live.stop()

    def show(self, progress: Progress) -> None:
        """Show this moment."""
        self._last = progress
        room = self._console.height - _LINES_BESIDE_ROWS
        self._live.update(_render(progress, room=max(3, room), width=self._console.width), refresh=True)


class PlainScreen(Screen):
    """One line an order, whenever it has come to rest."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._changes = Changes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        return

    def show(self, progress: Progress) -> None:
        """Print what has come to rest since the last time."""
        for row in self._changes.of(progress.rows):
            print_line(self._console, row)


class Changes:
    """Remembers what was told of every order."""

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self._told = {row.id: row.state for row in rows}

    def of(self, rows: Sequence[Row]) -> list[Row]:
        """The orders at rest that are not as they were told before; from now on they are."""
        found = [row for row in rows if not row.moving and self._told.get(row.id) != row.state]
        self._told |= {row.id: row.state for row in found}
        return found


def print_line(console: Console, row: Row) -> None:
    """One order as one line."""
    line = Text(f"{row.shop:<14} {_shortened(row.number):<{_NUMBER_WIDTH}} ")
    line.append_text(styled(f"{row.status:<10}", row.status))
    line.append(f"{_seconds(row):>5}", style="dim")
    parts = [*(_leg(leg) for leg in row.legs), Text(_why(row), style="dim")]
    for part in parts:
        line.append("  ").append_text(part)
    line.rstrip()
    console.print(line, soft_wrap=True)


def _render(progress: Progress, *, room: int | None, width: int) -> RenderableType:
    rows = progress.rows if room is None else progress.rows[-room:]
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0), expand=True)
    legs = max((len(row.legs) for row in rows), default=1)
    table.add_column("shop", no_wrap=True)
    table.add_column("order", no_wrap=True)
    for place in range(max(1, legs)):
        table.add_column("goes to" if place == 0 else "then to", no_wrap=True)
    table.add_column("s", justify="right", no_wrap=True)
    table.add_column("why", no_wrap=True, overflow="ellipsis", ratio=1)
    for row in rows:
        cells = [_leg(leg, named=width >= _WIDE) for leg in row.legs] or [styled(row.status, row.status)]
        cells += [Text()] * (max(1, legs) - len(cells))
        table.add_row(row.shop, Text(_shortened(row.number)), *cells, _seconds(row), Text(_why(row), style="dim"))
    return Group(_head(progress), Text(), table) if rows else _head(progress)


def _head(progress: Progress) -> RenderableType:
    rest = sum(not row.moving for row in progress.rows)
    bar = ProgressBar(total=max(1, progress.total), completed=rest, width=_BAR_WIDTH, finished_style="green")
    grid = Table.grid(padding=(0, 2))
    said = f"{rest} of {progress.total} orders" if progress.total else ""
    grid.add_row(
        bar, said, Text(f"{time.time() - progress.began:.1f} s", style="dim"), Text(progress.stage, style="dim")
    )
    return grid


def _shortened(number: str) -> str:
    return number if len(number) <= _NUMBER_WIDTH else f"{number[: _NUMBER_WIDTH - 1]}…"


def _leg(leg: Leg, *, named: bool = True) -> Text:
    return Text(f"{leg.destination} " if named else "").append_text(styled(leg.status, leg.status))


def styled(text: str, state: str) -> Text:
    """A text in the colour of a state."""
    return Text(text, style=_STYLES.get(state, ""))


def _seconds(row: Row) -> str:
    if row.seconds is not None:
        return f"{row.seconds:.1f}"
    return f"{max(0.0, time.time() - row.sent_at):.1f}" if row.moving and row.sent_at is not None else ""


def _why(row: Row) -> str:
    """Why it waits; of a delivered one what was special about it."""
    if row.status == "delivered":
        parts = (*(_on_its_way(leg) for leg in row.legs), *(_special(leg) for leg in row.legs))
        return "; ".join(filter(None, dict.fromkeys(parts)))
    legs = [leg.destination for leg in row.legs]
    destination, colon, rest = row.reason.partition(": ")
    return rest if colon and destination in legs else row.reason


def _on_its_way(leg: Leg) -> str:
    return ", ".join(filter(None, (leg.progress, *(f"waybill {waybill}" for waybill in leg.waybills))))


def _special(leg: Leg) -> str:
    tries = f"{leg.attempts} attempts" if leg.attempts > 1 else ""
    return ": ".join(filter(None, (tries, leg.reason)))
