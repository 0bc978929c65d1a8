"""The work: one file a system, and the upkeep that keeps the promise."""

from __future__ import annotations
