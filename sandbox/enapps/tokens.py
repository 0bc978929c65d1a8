"""Access tokens: HS256 JWTs with the claims of the vendor's samples (section 2). None is kept, a signature tells."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
from typing import Any


def make(key: str, *, login: str, now: float, life_s: float) -> str:
    """A token that lives ``life_s`` seconds from ``now``, UNIX time, and up to one more."""
    head = _coded({"alg": "HS256", "typ": "JWT"})
    body = _coded({"exp": math.ceil(now + life_s), "t": "access", "l": login, "db": "production"})
    return f"{head}.{body}.{_signature(key, f'{head}.{body}')}"


def known(key: str, token: str, *, now: float) -> bool:
    """Whether a token was made with this key and has not expired."""
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(key, signed).encode(), signature.encode()):
        return False
    claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    return bool(claims["exp"] > now)


def _coded(claims: dict[str, Any]) -> str:
    return _text(json.dumps(claims, separators=(",", ":")).encode())


def _signature(key: str, signed: str) -> str:
    return _text(hmac.digest(key.encode(), signed.encode(), hashlib.sha256))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
