"""What `crossdock demo --once` says at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table
from rich.text import Text

from sandbox.demo.orders import Row, Sent
from sandbox.demo.screen import styled
from sandbox.demo.verdict import Held

_STATES = ("delivered", "held", "dead", "cancelled", "waiting")


@dataclass(slots=True)
class Times:
    """Moments of a demo, UNIX seconds; ``began``: the command was started."""

    began: float
    up: float = 0.0
    rest: float = 0.0


def print_summary(
    console: Console, *, rows: Sequence[Row], sent: Sequence[Sent], held: Held, failures: Sequence[str], times: Times
) -> None:
    """Counts by destination, what the other side holds, the times, and a line for whatever is not as it should be."""
    console.print()
    console.print(_destinations(rows))
    console.print()
    statuses = Counter(row.status for row in rows)
    listed = Text(", ").join(styled(f"{number} {status}", status) for status, number in statuses.most_common())
    outcomes = Counter(one.answer.outcome or f"HTTP {one.answer.status}" for one in sent)
    _say(
        console, "Webhooks", f"{len(sent)}: {', '.join(f'{number} {word}' for word, number in outcomes.most_common())}"
    )
    _say(console, "Orders", Text(f"{len(rows)}: ").append_text(listed))
    _say(console, "Other side", ", ".join(f"{system} holds {sum(found.values())}" for system, found in held.items()))
    _say(console, "Time", _times(rows, times))
    console.print()
    for failure in failures:
        console.print(Text("not as it should be: ", style="red").append(failure, style="not red"), soft_wrap=True)
    if not failures:
        console.print(
            Text("Each delivered order is there exactly once, and every other one says why it is not.", style="green")
        )


def _say(console: Console, name: str, text: str | Text) -> None:
    console.print(Text(f"{name:<12}", style="dim").append_text(Text("", style="not dim").append(text)), soft_wrap=True)


def _destinations(rows: Sequence[Row]) -> Table:
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for leg in row.legs:
            counts.setdefault(leg.destination, Counter())[leg.status] += 1
    states = [state for state in _STATES if any(found[state] for found in counts.values())]
    states += sorted({state for found in counts.values() for state in found} - set(_STATES))
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("destination")
    for state in states:
        table.add_column(state, justify="right")
    for name, found in sorted(counts.items()):
        table.add_row(name, *(styled(str(found[state] or ""), state) for state in states))
    return table


def _times(rows: Sequence[Row], times: Times) -> str:
    first = min((row.delivered_at for row in rows if row.delivered_at is not None), default=None)
    words = [f"web answered after {times.up - times.began:.1f} s"]
    if first is not None:
        words.append(f"first order delivered after {first - times.began:.1f} s")
    return ", ".join([*words, f"all at rest after {times.rest - times.began:.1f} s"])
