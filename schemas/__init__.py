"""What things look like: orders, configuration, webhook bodies, wire formats. No I/O in here."""

from __future__ import annotations
