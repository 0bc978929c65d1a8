"""The demo's own folder: wiped at every start, used by one demo at a time, and never anybody else's."""

from __future__ import annotations

import base64
import fcntl
import os
import secrets
import shlex
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MARKER = ".crossdock-demo"
"""Says that a folder is a demo's, and is locked while a demo runs in it."""

TEMPLATE = Path(__file__).resolve().parent.parent / "samples" / "demo.toml"

_FIXED = {
    "DEMO_ESUITE_TOKEN": "sandbox-esuite",
    "DEMO_MANEX_KEY": "SANDBOX123",
    "DEMO_IWS_KEY": "sandbox-iws",
    "DEMO_ENAPPS_SECRET": "sandbox-enapps-secret",
    "DEMO_ENAPPS_LOGIN": "crossdock",
    "DEMO_ENAPPS_PASSWORD": "sandbox-enapps",
    "DEMO_ONGOING_USER": "WSI-sandbox",
    "DEMO_ONGOING_PASSWORD": "sandbox-ongoing",
    "DEMO_ONGOING_WRONG_PASSWORD": "not-the-password",
}
"""What the stand-ins let in, and one password that they refuse."""

_FOREIGN = ("CROSSDOCK_DATABASE_URL", "CROSSDOCK_BROKER_URL", "CROSSDOCK_API_TOKEN", "SENTRY_DSN")
"""Settings of a real installation that must not reach the demo. Crossdock takes an empty variable for an unset one."""


class DemoError(Exception):
    """The demo cannot run, or cannot go on. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Folder:
    """``var/demo``, empty but for its marker, locked by us."""

    path: Path
    lock: int

    @property
    def config(self) -> Path:
        """crossdock.toml of the demo."""
        return self.path / "crossdock.toml"

    @property
    def home(self) -> Path:
        """``CROSSDOCK_HOME`` of the demo."""
        return self.path / "home"

    @property
    def logs(self) -> Path:
        """One file a process."""
        return self.path / "logs"

    @property
    def environment_file(self) -> Path:
        """What a shell reads to look at the demo: ``set -a; . var/demo/env; set +a``."""
        return self.path / "env"


def default_path(environ: Mapping[str, str]) -> Path:
    """``demo`` in the folder of Crossdock's data, ``var/demo``."""
    return Path(environ.get("CROSSDOCK_HOME") or "var") / "demo"


@contextmanager
def take(path: Path) -> Iterator[Folder]:
    """Lock and empty the demo's folder.

    The lock goes on to the processes that inherit its file descriptor: a demo that was killed holds it until
    the last of them is gone.

    Raises:
        DemoError: another demo runs there, or the folder is not a demo's.
    """
    marker = path / MARKER
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise DemoError(f"{path} is no folder; move it away, or set CROSSDOCK_HOME to another place")
    if path.is_dir() and any(path.iterdir()) and not marker.is_file():
        raise DemoError(
            f"{path} was not made by a demo (it has no {MARKER}), and a demo would empty it; "
            "move it away, or set CROSSDOCK_HOME to another place"
        )
    path.mkdir(parents=True, exist_ok=True)
    with marker.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DemoError(
                f"another demo runs in {path}; end it first, or set CROSSDOCK_HOME to another place"
            ) from None
        _empty(path, keep=MARKER)
        if not file.tell():
            file.write("This folder belongs to `crossdock demo`, which empties it whenever it starts.\n")
            file.flush()
        folder = Folder(path.resolve(), file.fileno())
        folder.logs.mkdir()
        yield folder


def _empty(path: Path, *, keep: str) -> None:
    for entry in path.iterdir():
        if entry.name == keep:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@dataclass(frozen=True, slots=True)
class Setup:
    """What the demo is set up with: its configuration as read, secrets, the environment of its processes.

    Attributes:
        secrets: of shops, by name.
        tokens: what destinations that send webhooks put into X-Auth-Token, by name.
    """

    config: Mapping[str, Any]
    secrets: Mapping[str, str]
    tokens: Mapping[str, str]
    environment: Mapping[str, str]


def set_up(folder: Folder, *, sandbox: str, port: int, environ: Mapping[str, str]) -> Setup:
    """Write crossdock.toml and the env file.

    Args:
        sandbox: where the stand-ins listen, ``http://127.0.0.1:9090``.
        port: where Crossdock will listen.
        environ: our own environment; settings of a real installation in it are left out.
    """
    text = TEMPLATE.read_text(encoding="utf-8").replace("{sandbox}", sandbox)
    folder.config.write_text(text, encoding="utf-8")
    config = tomllib.loads(text)
    made = {name: _new_secret() for name in config["shops"]}
    senders = {name: one["webhook_token"] for name, one in config["destinations"].items() if "webhook_token" in one}
    tokens = {name: secrets.token_urlsafe(24) for name in senders}
    own = {
        "CROSSDOCK_HOME": str(folder.home),
        "CROSSDOCK_CONFIG": str(folder.config),
        "CROSSDOCK_PORT": str(port),
        **{_variable(shop["secrets"][0]): made[name] for name, shop in config["shops"].items()},
        **{_variable(reference): tokens[name] for name, reference in senders.items()},
        **_FIXED,
    }
    _write_environment(folder.environment_file, own)
    inherited = {k: v for k, v in environ.items() if not k.startswith("CROSSDOCK_") and k not in (*_FOREIGN, "PORT")}
    return Setup(config, made, tokens, {**inherited, **own, "CROSSDOCK_LOG": "console"})


def _new_secret() -> str:
    """In the form of Standard Webhooks, which is a good secret for the platforms that take any text."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _variable(reference: str) -> str:
    return reference.removeprefix("env:")


def _write_environment(path: Path, own: Mapping[str, str]) -> None:
    path.touch(mode=0o600)
    lines = [f"{name}={shlex.quote(value)}" for name, value in own.items()]
    lines += [f"{name}=" for name in _FOREIGN]  # whatever the shell that reads this works with otherwise
    path.write_text("\n".join(lines) + os.linesep, encoding="utf-8")
