"""What every destination's section of ``crossdock.toml`` has, whatever its system."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, StringConstraints

from schemas.model import StrictModel
from schemas.secret import Password, Secret, Username


def _address(url: str) -> str:
    """Refuse what is no http address, and take off the slash at its end."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or any(character.isspace() for character in url):
        raise ValueError("must be an address such as https://erp.example.com:8443/api")
    if "@" in parts.netloc:
        raise ValueError("must not carry a user name or password; they belong into auth")
    if "?" in url or "#" in url:
        raise ValueError("must end before ? and #; the path of each request is added to it")
    return url.rstrip("/")


def _header(name: str) -> str:
    """Refuse what HTTP does not take as the name of a header (RFC 9110, token)."""
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError("must be the name of a header, such as X-Api-Key")
    return name


TAKEN = "is set for each order; take it out"
"""What is wrong with a fixed field of a section whose name is one that orders set."""


def other_than(ours: Iterable[str]) -> AfterValidator:
    """For the names of a site's own fixed fields: refuses those that are set for each order, in capitals or not."""
    taken = {name.lower() for name in ours}

    def check(name: str) -> str:
        if name.lower() in taken:
            raise ValueError(TAKEN)
        return name

    return AfterValidator(check)


def known_zone(name: str, *, example: str) -> str:
    """The name of a time zone. Raises ValueError, with ``example``, where there is none of that name."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f'is no time zone, write for example "{example}"') from None


Url = Annotated[str, AfterValidator(_address)]
Text = Annotated[str, StringConstraints(min_length=1)]
HeaderName = Annotated[str, AfterValidator(_header)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class BasicAuth(StrictModel):
    """``Authorization: Basic``."""

    mode: Literal["basic"]
    username: Username
    password: Password


class BearerAuth(StrictModel):
    """``Authorization: Bearer``."""

    mode: Literal["bearer"]
    token: Secret


class HeaderAuth(StrictModel):
    """The token as the value of a header of the site's choice."""

    mode: Literal["header"]
    name: HeaderName
    token: Secret


class QueryAuth(StrictModel):
    """The token as a query parameter."""

    mode: Literal["query"]
    name: Text
    token: Secret


class PathAuth(StrictModel):
    """The key as the last segment of each address, or where a call says so."""

    mode: Literal["path"]
    key: Secret


class EnappsAuth(StrictModel):
    """``POST auth`` with the secret key, login and password gives the token for all else (contracts/enapps.md 2)."""

    mode: Literal["enapps"]
    secret: Secret
    login: Secret
    password: Secret


Auth = Annotated[BasicAuth | BearerAuth | HeaderAuth | QueryAuth | PathAuth | EnappsAuth, Field(discriminator="mode")]


class RetryRule(StrictModel):
    """Wait random(0, min(cap_s, base_s * 2^n)) seconds before try n + 1; stop after ``give_up_h`` hours."""

    base_s: Positive = 2
    cap_s: Positive = 300
    give_up_h: float = Field(default=24, gt=0, le=8760)


class Destination(StrictModel):
    """One account in one system. ``name`` is the key of its section.

    Class attributes, for systems to set:
        shipping_is_a_line: the shipping charge goes out as a line, so the section has to name its stock code.
        one_at_a_time: why more than one request in flight does no good there; empty where it does.
    """

    shipping_is_a_line: ClassVar[bool] = False
    one_at_a_time: ClassVar[str] = ""

    name: str
    system: str
    base_url: Url
    auth: Auth
    timeout_s: float = Field(default=20, gt=0, le=300)
    max_in_flight: int = Field(default=8, ge=1, le=200)
    per_second: Positive | None = None
    retry: RetryRule = RetryRule()
    shipping_sku: Text | Literal[False] | None = None
    skus: dict[str, Text] = Field(default_factory=dict)
    skus_file: Text | None = None
    lead_days: int = Field(default=0, ge=0, le=365)

    @property
    def calls_at_once(self) -> int:
        """How many requests one order may have in flight."""
        return 1

    @property
    def tells_stock(self) -> bool:
        """It is asked on schedule what it has in stock."""
        return getattr(self, "stock_minutes", 0) > 0

    def sku(self, ours: str) -> str:
        """Their word for our SKU; the same where the map has none."""
        return self.skus.get(ours, ours)


class Unmappable(ValueError):  # noqa: N818 - it is what the order is
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
