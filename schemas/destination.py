"""What every destination's section of ``crossdock.toml`` has, whatever its system."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, StringConstraints

from schemas.model import StrictModel

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s?#]+[^\s?#]*$")]


class BasicAuth(StrictModel):
    """``Authorization: Basic``."""

    mode: Literal["basic"]
    username: SecretStr
    password: SecretStr


class BearerAuth(StrictModel):
    """``Authorization: Bearer``."""

    mode: Literal["bearer"]
    token: SecretStr


class HeaderAuth(StrictModel):
    """The token as the value of a header of the site's choice."""

    mode: Literal["header"]
    name: str
    token: SecretStr


class QueryAuth(StrictModel):
    """The token as a query parameter."""

    mode: Literal["query"]
    name: str
    token: SecretStr


Auth = Annotated[BasicAuth | BearerAuth | HeaderAuth | QueryAuth, Field(discriminator="mode")]


class RetryRule(StrictModel):
    """Wait random(0, min(cap_s, base_s * 2^n)) seconds before try n + 1; give up ``give_up_h`` hours after the first."""

    base_s: float = Field(default=2, gt=0)
    cap_s: float = Field(default=300, gt=0)
    give_up_h: float = Field(default=24, gt=0)


class Destination(StrictModel):
    """One account in one system. ``name`` is the key of its section."""

    name: str
    system: str
    base_url: Url
    auth: Auth
    timeout_s: float = Field(default=20, gt=0, le=300)
    max_in_flight: int = Field(default=8, ge=1, le=200)
    per_second: float | None = Field(default=None, gt=0)
    retry: RetryRule = RetryRule()
    shipping_sku: str | Literal[False] | None = None
    skus: dict[str, str] = Field(default_factory=dict)
    skus_file: str | None = None
    lead_days: int = Field(default=0, ge=0)

    def sku(self, ours: str) -> str:
        """Their word for our SKU; the same where the map has none."""
        return self.skus.get(ours, ours)


class Unmappable(ValueError):
    """The order cannot be put into that system's words.

    Attributes:
        code: short and stable, ``no_sku``.
        reason: one sentence for people, naming line and field.
        hint: what to mend.
        hold: nothing is wrong for good, a person has to decide: held instead of dead.
    """

    def __init__(self, code: str, reason: str, *, hint: str = "", hold: bool = False) -> None:
        super().__init__(reason)
        self.code, self.reason, self.hint, self.hold = code, reason, hint, hold
