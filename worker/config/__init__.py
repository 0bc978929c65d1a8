"""Reading ``crossdock.toml``, and saying everything that is wrong with it at once."""

from __future__ import annotations

from worker.config.load import check, load
from worker.config.problems import ConfigErrors, Problem

__all__ = ["ConfigErrors", "Problem", "check", "load"]
