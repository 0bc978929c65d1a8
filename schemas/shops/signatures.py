"""HMAC-SHA256 as shops sign with it (contracts/webhooks.md section 1, rule 2)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence

WRONG = "the signature does not match: wrong secret or changed body"
MISSING = "the signature header is missing"
NOT_A_SIGNATURE = "the signature is not base64 of 32 bytes"
NO_SECRET = "no usable secret is set for this shop"  # noqa: S105 - a sentence


def decode(text: str) -> bytes | None:
    """The bytes of strict, padded base64; None where it is none, or is not written the one canonical way."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def signature(text: str) -> bytes | None:
    """A decoded HMAC-SHA256; None for anything of another length."""
    raw = decode(text.strip())
    return raw if raw is not None and len(raw) == 32 else None


def matches(message: bytes, given: bytes, keys: Iterable[bytes]) -> bool:
    """Is ``given`` the signature of ``message`` by one of the keys? Each comparison is of constant time."""
    return any(hmac.compare_digest(hmac.digest(key, message, "sha256"), given) for key in keys if key)


def check(message: bytes, header: str | None, keys: Sequence[bytes]) -> str | None:
    """None when the header holds a signature of ``message`` by one of the keys, else a sentence why not."""
    if not any(keys):
        return NO_SECRET
    if header is None or not header.strip():
        return MISSING
    given = signature(header)
    if given is None:
        return NOT_A_SIGNATURE
    return None if matches(message, given, keys) else WRONG


def text_key(secret: str) -> bytes:
    """The key of a secret that is used as it is written; b"" for an empty one, which never matches."""
    return secret.encode("utf-8", "surrogateescape")


def text_flaw(secret: str) -> str | None:
    """Why a secret that is used as it is written cannot serve; None where it can."""
    return None if secret else "it is empty: anyone could sign with an empty secret"
