"""What a system may take from the ledger while its delivery is claimed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from worker.feeds import Copied
from worker.ledger import feeds, series


class LedgerShelf:
    """:class:`worker.system.Shelf` on the claim's transaction, for an order of ``shop``."""

    def __init__(self, connection: Connection, destination: str, *, shop: str, now: float) -> None:
        self._connection, self._destination, self._now = connection, destination, now
        self.shop = shop

    def number(self, digits: int) -> str:
        """The next one of the destination's own series."""
        return series.take(self._connection, self._destination, digits=digits, now=self._now)

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[Copied]:
        """Copied records that fit."""
        return feeds.copies(self._connection, destination, kind, key=key, ref=ref, email=email)

    def copied(self, destination: str, kind: str) -> bool:
        """Whether those of a kind were read to their end at least once."""
        return feeds.copied(self._connection, destination, kind)
