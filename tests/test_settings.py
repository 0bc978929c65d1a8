"""The environment, read once."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from worker.errors import CrossdockError
from worker.settings import Settings, SettingsError, settings

NAMES = ("CONFIG", "HOME", "DATABASE_URL", "BROKER_URL", "API_TOKEN", "HOST", "PORT", "BATCH", "LEASE_S", "PROBE_S",
         "SWEEP_S", "LOG")  # fmt: skip


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "SENTRY_DSN", *(f"CROSSDOCK_{name}" for name in NAMES)):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_those_of_the_readme() -> None:
    now = Settings()
    assert (now.config, now.home) == (Path("crossdock.toml"), Path("var"))
    assert (now.database_url, now.broker_url) == ("sqlite:///var/crossdock.db", None)
    assert (now.host, now.port, now.api_token, now.sentry_dsn) == ("127.0.0.1", 8080, None, None)
    assert (now.batch, now.lease_s, now.probe_s, now.sweep_s, now.log) == (50, 20, 180, 2, "auto")


def test_every_variable_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "CROSSDOCK_CONFIG": "/etc/crossdock.toml",
        "CROSSDOCK_HOME": "/data",
        "CROSSDOCK_BROKER_URL": "amqp://rabbit//",
        "CROSSDOCK_API_TOKEN": "a-token",
        "CROSSDOCK_HOST": "0.0.0.0",
        "CROSSDOCK_PORT": "9000",
        "CROSSDOCK_BATCH": "10",
        "CROSSDOCK_LEASE_S": "30",
        "CROSSDOCK_PROBE_S": "60",
        "CROSSDOCK_SWEEP_S": "0.5",
        "CROSSDOCK_LOG": "json",
        "SENTRY_DSN": "https://key@sentry.example.com/1",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    now = Settings()
    assert now.api_token is not None
    assert now.api_token.get_secret_value() == "a-token"
    assert (str(now.config), now.database_url) == ("/etc/crossdock.toml", "sqlite:////data/crossdock.db")
    assert (now.broker_url, now.host, now.port) == ("amqp://rabbit//", "0.0.0.0", 9000)
    assert (now.batch, now.lease_s, now.probe_s, now.sweep_s, now.log) == (10, 30, 60, 0.5, "json")
    assert now.sentry_dsn == values["SENTRY_DSN"]


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("sqlite:////tmp/a.db", "sqlite:////tmp/a.db"),
        ("postgresql://u:p@h/db?x=1", "postgresql+psycopg://u:p@h/db?x=1"),
        ("postgres://u@h/db", "postgresql+psycopg://u@h/db"),
        ("postgresql+psycopg://u@h/db", "postgresql+psycopg://u@h/db"),
    ],
)
def test_the_ledger_is_reached_through_psycopg(monkeypatch: pytest.MonkeyPatch, given: str, url: str) -> None:
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", given)
    assert Settings().database_url == url


@pytest.mark.parametrize(
    "url",
    ["redis://h:6379/0", "rediss://h", "redis+socket:///run/v.sock", "sentinel://a:1;sentinel://b:1", "amqps://h"],
)
def test_a_broker_is_taken_by_its_address(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("CROSSDOCK_BROKER_URL", url)
    assert Settings().broker_url == url


def test_the_port_of_a_procfile_runner_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "5000")
    assert Settings().port == 5000
    monkeypatch.setenv("CROSSDOCK_PORT", "5001")
    assert Settings().port == 5001
    assert Settings(port=5002).port == 5002


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(f"CROSSDOCK_{name}", "")
    now = Settings()
    monkeypatch.delenv(f"CROSSDOCK_{name}")
    assert now == Settings()


WRONG = [
    ("CROSSDOCK_PORT", "http", "must be a whole number from 0 to 65535"),
    ("CROSSDOCK_PORT", "65536", "must be a whole number from 0 to 65535"),
    ("PORT", "x", "must be a whole number from 0 to 65535"),
    ("CROSSDOCK_BATCH", "0", "must be a whole number from 1 to 1000"),
    ("CROSSDOCK_LEASE_S", "nan", "must be a number from 1 to 86400"),
    ("CROSSDOCK_PROBE_S", "soon", "must be a number from 1 to 86400"),
    ("CROSSDOCK_SWEEP_S", "0", "must be a number from 0.1 to 3600"),
    ("CROSSDOCK_LOG", "xml", "must be json, console or auto"),
    ("CROSSDOCK_DATABASE_URL", "mysql://u:hunter2@h/db", "sqlite:///"),
    ("CROSSDOCK_DATABASE_URL", "hunter2", "postgresql://"),
    ("CROSSDOCK_BROKER_URL", "kafka://:hunter2@h", "redis://"),
    ("SENTRY_DSN", "hunter2", "must be the DSN of a Sentry project"),
]


@pytest.mark.parametrize(("name", "value", "words"), WRONG)
def test_a_bad_value_names_the_variable_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        Settings()
    (problem,) = raised.value.problems
    assert problem.startswith(f"{name} must be ")
    assert words in problem
    assert "hunter2" not in f"{raised.value!r} {raised.value.__context__!r}"
    assert isinstance(raised.value, CrossdockError)


def test_all_bad_values_are_said_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_PORT", "x")
    monkeypatch.setenv("CROSSDOCK_LOG", "x")
    with pytest.raises(SettingsError) as raised:
        Settings()
    assert len(raised.value.problems) == 2


def test_printing_the_settings_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CROSSDOCK_API_TOKEN", "hunter2")
    monkeypatch.setenv("CROSSDOCK_DATABASE_URL", "postgresql://u:hunter2@h/db")
    monkeypatch.setenv("CROSSDOCK_BROKER_URL", "redis://:hunter2@h")
    monkeypatch.setenv("SENTRY_DSN", "https://hunter2@h/1")
    assert "hunter2" not in repr(Settings()) + str(Settings())


def test_the_settings_are_frozen_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    first = settings()
    monkeypatch.setenv("CROSSDOCK_PORT", "9999")
    assert settings() is first
    settings.cache_clear()
    with pytest.raises(ValidationError):
        first.port = 1  # type: ignore[misc]
