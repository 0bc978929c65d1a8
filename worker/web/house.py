"""What every request may need: made once when the process starts, closed when it ends."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field

import structlog

from schemas.config import Config
from worker.app import bell
from worker.bell import Ringer
from worker.config import load
from worker.desk import Desk
from worker.errors import LedgerError
from worker.intake import Intake
from worker.ledger.destinations import register
from worker.ledger.engine import Ledger
from worker.ledger.migrate import current, newest
from worker.settings import Settings

log = structlog.get_logger("crossdock.intake")

REFUSED_S = 10.0
"""Refused webhooks of a shop are told of once in this time, however many they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The web process's ledger, configuration, writer thread and bell."""

    settings: Settings
    config: Config
    ledger: Ledger
    intake: Intake
    ringer: Ringer
    refused: Counter[str] = field(default_factory=Counter)
    told_at: dict[str, float] = field(default_factory=dict)

    @classmethod
    def open(cls, settings: Settings) -> House:
        """Load the configuration and connect.

        Raises:
            worker.config.ConfigErrors: the configuration cannot be used.
            LedgerError: the ledger has another schema than this version wants.
        """
        config = load(settings.config, os.environ)
        ledger = Ledger(settings.database_url)
        if (have := current(ledger)) != newest():
            raise LedgerError(f"the ledger is at revision {have or 'none'}, not {newest()}: run `crossdock migrate`")
        ledger.write(lambda c: register(c, config.destinations.values(), now=time.time()))
        ringer = Ringer(bell(settings))
        return cls(
            settings=settings, config=config, ledger=ledger, intake=Intake(ledger, config, ringer), ringer=ringer
        )

    def count_refused(self, shop: str, *, why: str) -> None:
        """One webhook with a wrong signature. Counted in this process alone: nobody may make us write by lying."""
        self.refused[shop] += 1
        now = time.monotonic()
        if now - self.told_at.get(shop, -REFUSED_S) >= REFUSED_S:
            self.told_at[shop] = now
            # A shop with the wrong secret loses orders, and switches its webhook off in the end.
            log.warning("refused", shop=shop, why=why, since_start=self.refused[shop])

    def desk(self, by: str) -> Desk:
        """The operator's hand; ``by`` says on the timeline through which door: ``api``, ``console``."""
        return Desk(ledger=self.ledger, config=self.config, ring=self.ringer.ring_all, by=by)

    def close(self) -> None:
        """Store and ring for what is waiting, then let go."""
        self.intake.close()
        self.ringer.close()
        self.ledger.close()
