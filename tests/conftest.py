"""Fixtures that every test may ask for: real servers, an empty database, the stand-ins, a browser."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import pytest
import redis

from tests.sandboxed import Sandboxed, sandboxed
from tests.servers import Postgres, ServerUnavailableError, Valkey, server_folder

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.house import House
    from tests.web_door import Door

# A developer's own settings must not steer the tests: their broker would be wiped, their Sentry would be called.
_NOT_FOR_TESTS = ("CROSSDOCK_", "CELERY_", "FLOWER_", "SENTRY_", "PG")
for _name in [name for name in os.environ if name.startswith(_NOT_FOR_TESTS)]:
    del os.environ[_name]

_AnyServer = TypeVar("_AnyServer", Valkey, Postgres)
_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def missing(what: str) -> NoReturn:
    """Something that the machine should have is not there: a failure in CI, a skipped test at a desk."""
    if os.environ.get("CI"):
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def _running(server: type[_AnyServer]) -> Iterator[_AnyServer]:
    with server_folder(server.name.lower()) as folder, ExitStack() as stack:
        try:
            yield stack.enter_context(server(folder))
        except ServerUnavailableError as error:
            missing(str(error))


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A running Valkey, one for each test process; start one of your own to kill it."""
    yield from _running(Valkey)


@pytest.fixture(scope="session")
def valkey_url(valkey: Valkey) -> str:
    """redis:// address of a Valkey that other tests use too; `broker_url` is one that is empty."""
    return valkey.url


@pytest.fixture
def broker_url(valkey_url: str) -> str:
    """redis:// address of an empty Valkey."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL, one for each test process; start one of your own to kill it."""
    yield from _running(Postgres)


@pytest.fixture(scope="session")
def postgres_url(postgres: Postgres) -> str:
    """postgresql:// address of the server's own database; `database_url` is one that is empty."""
    return postgres.url


@contextmanager
def database_of(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """SQLAlchemy URL of a new, empty database of the kind that ``request.param`` names."""
    if request.param == "sqlite":
        yield f"sqlite:///{folder}/ledger.db"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """SQLAlchemy URL of a new, empty database; a test that asks for it runs once on each kind."""
    with database_of(request, tmp_path) as url:
        yield url


@pytest.fixture(scope="module")
def sandbox_process() -> Iterator[Sandboxed]:
    """The stand-ins, one process for each module, as the tests before left them; `sandbox` has forgotten everything."""
    with sandboxed() as running:
        yield running


@pytest.fixture
def sandbox(sandbox_process: Sandboxed) -> Sandboxed:
    """The stand-ins as they start."""
    sandbox_process.reset()
    return sandbox_process


@pytest.fixture
def house(running: House) -> Iterator[House]:
    """The house that a module's own fixture `running` keeps running; after the test all is well at the other side."""
    yield running
    running.well_again()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def door(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The web process over a ledger of each kind."""
    folder = tmp_path_factory.mktemp("door")
    with database_of(request, folder) as url, _door(folder, url) as opened:
        yield opened


@pytest.fixture(scope="module")
def open_door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """The web process without a token, for what no database has a part in."""
    folder = tmp_path_factory.mktemp("door")
    with _door(folder, f"sqlite:///{folder}/ledger.db") as opened:
        yield opened


def _door(folder: Path, database_url: str) -> Door:
    from tests.web_door import Door  # noqa: PLC0415 - the ledger and all, which few tests need

    return Door(folder, database_url)


@pytest.fixture
def number() -> str:
    """An order number that no other test uses."""
    from tests.house import new_number  # noqa: PLC0415 - Celery and all, which few tests need

    return new_number()


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium or Chrome."""
    found = next(filter(None, map(shutil.which, _CHROMIUM)), None)
    return found or missing("No Chromium here: install the package chromium to run the browser tests.")


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless browser. It occupies its module's event loop: keep `asyncio.run` out of such a module."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - half a second that few tests need

    arguments = ["--disable-background-networking", "--disable-component-update", "--no-first-run"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium refuses to run as root with it
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield browser
        browser.close()
