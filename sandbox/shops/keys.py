"""Where a stand-in shop gets its secret from."""

from __future__ import annotations

import base64
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sandbox.shops.delivery import PLATFORMS, Platform


@dataclass(frozen=True, slots=True)
class ShopSecrets:
    """What a configuration says of its shops: name -> secret, and the first shop of each platform."""

    secrets: Mapping[str, str]
    shops: Mapping[Platform, str]


class SecretError(ValueError):
    """A shop's secret could not be found. The text names the shop and what to do."""


def new_secret(platform: Platform) -> str:
    """A random secret in the platform's form."""
    return (
        "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        if platform == "standard"
        else secrets.token_hex(32)
    )


def read_secrets(config: Path, environ: Mapping[str, str], *, given: Mapping[str, str] | None = None) -> ShopSecrets:
    """Read the shops of a crossdock.toml; a shop signs with its current secret, the first one.

    Args:
        given: shop -> secret; goes before what the file says.

    Raises:
        SecretError: naming shop and field.
    """
    try:
        shops = tomllib.loads(config.read_text()).get("shops", {})
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SecretError(f"{config}: {error}") from error
    first: dict[Platform, str] = {}
    found = dict(given or {})
    for name, shop in shops.items():
        platform = shop.get("platform")
        if platform not in PLATFORMS or not shop.get("secrets"):
            raise SecretError(f"{config}: shops.{name} needs a platform ({', '.join(PLATFORMS)}) and secrets")
        first.setdefault(platform, name)
        if name not in found:
            found[name] = _resolve(
                str(shop["secrets"][0]), environ, base=config.parent, where=f"{config}: shops.{name}.secrets"
            )
    return ShopSecrets(secrets=found, shops=first)


def _resolve(value: str, environ: Mapping[str, str], *, base: Path, where: str) -> str:
    kind, _, rest = value.partition(":")
    if kind == "env":
        if environ.get(rest):
            return environ[rest]
        raise SecretError(f"{where}: the environment has no {rest}; set it, or give the secret by --secret SHOP=SECRET")
    if kind == "file":
        try:
            return (base / rest).read_text().strip()
        except OSError as error:
            raise SecretError(f"{where}: {error}") from error
    raise SecretError(f"{where}: must be env:NAME or file:PATH")
