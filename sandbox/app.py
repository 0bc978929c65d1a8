"""The sandbox as one ASGI application: every system below its name, the control API below ``/_sandbox``.

To add a system, write ``sandbox/NAME.py`` with a subclass of :class:`sandbox.system.System` and add it to
:data:`SYSTEMS`. Mount, faults, switches, journal, counts and the command line follow from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Mount

from sandbox.calls import CallLog
from sandbox.control import Control
from sandbox.enapps import Enapps
from sandbox.esuite import Esuite
from sandbox.faults import FaultBook
from sandbox.gate import Gate
from sandbox.iws import Iws
from sandbox.journal import Journal
from sandbox.manex import Manex
from sandbox.ongoing import Ongoing
from sandbox.system import System

SYSTEMS: tuple[type[System], ...] = (Esuite, Ongoing, Manex, Enapps, Iws)

Named = Mapping[str, Mapping[str, Any]]
"""By system, then by name."""


def create_app(
    *,
    data: Path | None = None,
    credentials: Named | None = None,
    settings: Named | None = None,
    stopping: asyncio.Event | None = None,
) -> Starlette:
    """The application, with what ``data`` remembers. ``stopping`` set: calls that hang are let go.

    Raises JournalError if the file cannot be used, ValueError for unknown systems, credentials or settings.
    """
    known = [system.name for system in SYSTEMS]
    for name in {**(credentials or {}), **(settings or {})}:
        if name not in known:
            raise ValueError(f"there is no system {name}, only {', '.join(known)}")
    journal = Journal(data)
    systems: dict[str, System] = {
        system.name: system(
            journal,
            credentials=(credentials or {}).get(system.name),
            settings=(settings or {}).get(system.name),
        )
        for system in SYSTEMS
    }
    for name, entry in journal.read():
        systems[name].restore(entry)
    faults, calls, stopping = FaultBook(systems), CallLog(), stopping or asyncio.Event()
    gates = {name: Gate(system, faults, calls, stopping) for name, system in systems.items()}
    control = Control(gates, faults=faults, calls=calls, journal=journal)
    return Starlette(
        routes=[
            *(Mount(f"/{name}", app=gate) for name, gate in gates.items()),
            Mount("/_sandbox", routes=control.routes()),
        ]
    )
