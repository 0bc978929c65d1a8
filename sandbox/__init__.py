"""Stand-ins for the shops and the systems. They share no code with schemas, tasks or worker."""

from __future__ import annotations
