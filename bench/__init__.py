"""Measurements, each beside a baseline in the same run."""

from __future__ import annotations
