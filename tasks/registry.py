"""A system by its name: ``tasks.NAME`` has it as ``SYSTEM``."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from worker.system import System


def system(name: str) -> System[Any]:
    """The system of that name; one of :data:`schemas.systems.SYSTEMS`."""
    found = import_module(f"tasks.{name}").SYSTEM
    if not isinstance(found, System):
        raise TypeError(f"tasks.{name}.SYSTEM is no System")
    return found
