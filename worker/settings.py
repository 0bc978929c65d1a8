"""The environment, read once (DESIGN.md section 7). ``settings()`` is what the processes use."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.errors import CrossdockError

_DATABASES = ("sqlite:///", "postgresql+psycopg://", "postgresql://", "postgres://")
_BROKERS = ("redis://", "rediss://", "redis+socket://", "sentinel://", "amqp://", "amqps://")


class SettingsError(CrossdockError):
    """Variables hold what they must not. ``problems``: one sentence each, without the values."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _starts_with(*schemes: str) -> AfterValidator:
    def check(url: str) -> str:
        if not any(url.startswith(scheme) and len(url) > len(scheme) for scheme in schemes):
            raise ValueError(f"must be an address that begins with {', '.join(schemes[:-1])} or {schemes[-1]}")
        return url

    return AfterValidator(check)


def _with_a_port(url: str) -> str:
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("must have a number from 0 to 65535 as its port") from None
    return url


def _dsn(url: str) -> str:
    scheme, _, rest = url.partition("://")
    key, at, host = rest.partition("@")
    if scheme not in ("http", "https") or not (key and at and "/" in host):
        raise ValueError("must be the DSN of a Sentry project, such as https://KEY@HOST/PROJECT")
    return url


class Settings(BaseSettings):
    """What the environment says. Keywords win over it (``crossdock up --port``); an empty variable is unset.

    Attributes:
        config: CROSSDOCK_CONFIG, the routing file.
        home: CROSSDOCK_HOME, the directory of the embedded defaults.
        broker_url: CROSSDOCK_BROKER_URL; None: the embedded Valkey in ``home``.
        api_token: CROSSDOCK_API_TOKEN, bearer token of API and console; None: they answer on loopback only.
        host, port: CROSSDOCK_HOST, CROSSDOCK_PORT (or PORT, of a Procfile runner): where web listens.
        sentry_dsn: SENTRY_DSN.
        batch: CROSSDOCK_BATCH, orders a wake-up carries at most.
        lease_s: CROSSDOCK_LEASE_S, seconds after which a claimed delivery is free again.
        probe_s: CROSSDOCK_PROBE_S, seconds between two probes of a suspended destination.
        sweep_s: CROSSDOCK_SWEEP_S, seconds between two sweeps of the ledger.
        deaf_s: CROSSDOCK_DEAF_S, seconds without a word from the broker after which a worker ends and begins anew.
        log: CROSSDOCK_LOG; ``auto``: console on a terminal, else JSON.

    Raises:
        SettingsError: names every variable that is wrong, and what is allowed.
    """

    model_config = SettingsConfigDict(
        frozen=True, case_sensitive=True, env_ignore_empty=True, extra="ignore", populate_by_name=True
    )

    config: Path = Field(Path("crossdock.toml"), validation_alias="CROSSDOCK_CONFIG")
    home: Path = Field(Path("var"), validation_alias="CROSSDOCK_HOME")
    database: Annotated[str, _starts_with(*_DATABASES), AfterValidator(_with_a_port)] | None = Field(
        None, validation_alias="CROSSDOCK_DATABASE_URL", repr=False
    )
    broker_url: Annotated[str, _starts_with(*_BROKERS)] | None = Field(
        None, validation_alias="CROSSDOCK_BROKER_URL", repr=False
    )
    api_token: SecretStr | None = Field(None, validation_alias="CROSSDOCK_API_TOKEN")
    host: str = Field("127.0.0.1", validation_alias="CROSSDOCK_HOST")
    port: int = Field(8080, ge=0, le=65535, validation_alias=AliasChoices("CROSSDOCK_PORT", "PORT"))
    sentry_dsn: Annotated[str, AfterValidator(_dsn)] | None = Field(None, validation_alias="SENTRY_DSN", repr=False)
    batch: int = Field(50, ge=1, le=1000, validation_alias="CROSSDOCK_BATCH")
    lease_s: float = Field(20, ge=1, le=86400, validation_alias="CROSSDOCK_LEASE_S")
    probe_s: float = Field(180, ge=1, le=86400, validation_alias="CROSSDOCK_PROBE_S")
    sweep_s: float = Field(2, ge=0.1, le=3600, validation_alias="CROSSDOCK_SWEEP_S")
    deaf_s: float = Field(60, ge=2, le=3600, validation_alias="CROSSDOCK_DEAF_S")
    log: Literal["json", "console", "auto"] = Field("auto", validation_alias="CROSSDOCK_LOG")

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
        else:
            return
        raise SettingsError(tuple(_sentence(one) for one in found))

    @property
    def database_url(self) -> str:
        """The ledger, as SQLAlchemy wants it; SQLite in ``home`` by default."""
        if self.database is None:
            return f"sqlite:///{self.home}/crossdock.db"
        scheme, _, rest = self.database.partition("://")
        return f"postgresql+psycopg://{rest}" if scheme in ("postgres", "postgresql") else self.database


def _sentence(error: ErrorDetails) -> str:
    """Name the variable and what is allowed; the value stays out, it may hold a password."""
    name, field = _variable(str(error["loc"][0]))
    ctx = error.get("ctx", {})
    if error["type"] == "value_error":
        return f"{name} {ctx['error']}."
    if error["type"] == "literal_error":
        return f"{name} must be {str(ctx['expected']).replace(chr(39), '')}."
    kind = "a whole number" if field.annotation is int else "a number"
    low, high = (next(getattr(m, end) for m in field.metadata if hasattr(m, end)) for end in ("ge", "le"))
    return f"{name} must be {kind} from {low} to {high}."


def _variable(loc: str) -> tuple[str, FieldInfo]:
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        names = [str(one) for one in alias.choices] if isinstance(alias, AliasChoices) else [str(alias)]
        if loc == name or loc in names:
            return next((one for one in names if os.environ.get(one)), names[0]), field
    raise KeyError(loc)


@cache
def settings() -> Settings:
    """The environment of this process, read at the first call.

    Raises:
        SettingsError: names every variable that is wrong, and what is allowed.
    """
    return Settings()
