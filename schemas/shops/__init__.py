"""Webhook bodies -> canonical order: one file a platform, each with ``verify`` and ``read``."""

from __future__ import annotations
