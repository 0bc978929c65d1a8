"""What every request may need: made once when the process starts, closed when it ends."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field

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


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The web process's ledger, configuration, writer thread and bell."""

    settings: Settings
    config: Config
    ledger: Ledger
    intake: Intake
    ringer: Ringer
    refused: Counter[str] = field(default_factory=Counter)

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

    def count_refused(self, shop: str) -> None:
        """One webhook with a wrong signature. Counted in this process alone: nobody may make us write by lying."""
        self.refused[shop] += 1

    def desk(self, by: str) -> Desk:
        """The operator's hand; ``by`` says on the timeline through which door: ``api``, ``console``."""
        return Desk(ledger=self.ledger, config=self.config, ring=self.ringer.ring_all, by=by)

    def close(self) -> None:
        """Store and ring for what is waiting, then let go."""
        self.intake.close()
        self.ringer.close()
        self.ledger.close()
