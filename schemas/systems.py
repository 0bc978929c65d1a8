"""The registry: one line a system. Its work is in ``tasks.NAME``, its wire format in ``schemas.NAME``."""

from __future__ import annotations

from schemas.destination import Destination
from schemas.esuite import EsuiteDestination
from schemas.manex import ManexDestination
from schemas.ongoing import OngoingDestination

SYSTEMS: dict[str, type[Destination]] = {
    "esuite": EsuiteDestination,
    "manex": ManexDestination,
    "ongoing": OngoingDestination,
}
