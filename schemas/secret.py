"""Secrets in ``crossdock.toml``: the file says where a secret is kept, never what it is.

Whoever reads the file passes a :class:`SecretReader` as validation context under :data:`READER`. Without one
the values are taken as they stand, which is what code that builds a destination by hand wants.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, SecretStr, ValidationInfo

READER = "secret_reader"
"""The key of the reader in pydantic's validation context."""

Literals = Literal["none", "empty", "any"]
"""What may stand in the file itself: nothing, an empty text, or any text."""


class SecretReader(Protocol):
    """Turns what the file says (``env:NAME``, ``file:PATH``) into the secret."""

    def __call__(self, written: str, *, literal: Literals) -> str:
        """The secret.

        Raises:
            ValueError: when there is none; neither its text nor its ``hint``, if it has one, repeats a secret.
        """
        ...


def _read_by(literal: Literals) -> BeforeValidator:
    def read(value: object, info: ValidationInfo) -> object:
        reader: SecretReader | None = (info.context or {}).get(READER)
        if reader is None or not isinstance(value, str):
            return value
        return reader(value, literal=literal)

    return BeforeValidator(read)


Secret = Annotated[SecretStr, _read_by("none")]
"""A key, token or signing secret: always a reference."""

Password = Annotated[SecretStr, _read_by("empty")]
"""A password: a reference, or ``""`` where the system wants an empty one."""

Username = Annotated[SecretStr, _read_by("any")]
"""A user name: a reference, or written as it is."""
