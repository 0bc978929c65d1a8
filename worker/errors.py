"""What can be wrong with an installation. The class says what, the message says where and what to do."""

from __future__ import annotations


class CrossdockError(Exception):
    """Crossdock cannot go on as it is set up."""


class BrokerError(CrossdockError):
    """There is no broker."""


class LedgerError(CrossdockError):
    """The ledger cannot be used as it is."""


class HomeInUseError(CrossdockError):
    """Another ``crossdock up`` runs in this folder."""
