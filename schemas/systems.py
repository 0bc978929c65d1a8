"""The registry: one line a system. Its work is in ``tasks.NAME``, its wire format in ``schemas.NAME``."""

from __future__ import annotations

from schemas.destination import Destination
from schemas.enapps import EnappsDestination
from schemas.esuite import EsuiteDestination
from schemas.iws import IwsDestination
from schemas.manex import ManexDestination
from schemas.ongoing import OngoingDestination

SYSTEMS: dict[str, type[Destination]] = {
    "enapps": EnappsDestination,
    "esuite": EsuiteDestination,
    "iws": IwsDestination,
    "manex": ManexDestination,
    "ongoing": OngoingDestination,
}
