"""Ongoing WMS: its section of ``crossdock.toml``, and order -> PUT /orders (contracts/ongoing.md)."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr

from schemas.destination import Destination
from schemas.model import StrictModel


class CodeName(StrictModel):
    """A code and what people call it (contracts/ongoing.md section 1.7)."""

    code: str
    name: str | None = None


class OngoingDestination(Destination):
    """``system = "ongoing"``."""

    system: Literal["ongoing"]
    api: Literal["rest"] = "rest"
    goods_owner_id: int
    max_in_flight: int = Field(default=1, ge=1, le=200)
    webhook_token: SecretStr | None = None
    ways_of_delivery: dict[str, CodeName] = Field(default_factory=dict)
