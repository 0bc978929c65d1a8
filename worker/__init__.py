"""The machine that runs the work: ledger, delivery, HTTP, web, command line."""

from __future__ import annotations
