"""Access tokens that are got by logging in: one login at a time, renewed before they end and once when refused."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

from schemas.http import Reply

RENEW_S = 600.0
"""A token with less left than this is renewed (contracts/enapps.md section 2)."""

UNKNOWN_LIFE_S = 24 * 3600.0
"""Where neither the reply nor the token tells: the documented standard life."""

Gate = Callable[[], AbstractAsyncContextManager[object]]
"""Entered for each login, so that workers log in one after the other."""


def no_gate() -> AbstractAsyncContextManager[object]:
    """For one worker, and for tests."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Token:
    """Good from ``since`` until ``until``, in UNIX seconds."""

    text: str
    since: float
    until: float

    def fresh(self, now: float) -> bool:
        """It need not be renewed yet: it has RENEW_S left, or half its life where that is shorter."""
        return self.until - now > min(RENEW_S, (self.until - self.since) / 2)


class Login:
    """The token of one destination in this process."""

    def __init__(self, ask: Callable[[], Awaitable[Reply]], gate: Gate = no_gate) -> None:
        """``ask`` sends the login."""
        self._ask, self._gate = ask, gate
        self._lock: asyncio.Lock | None = None  # made on the loop that uses it
        self._token: Token | None = None

    async def token(self, *, refused: Token | None = None) -> Token | Reply:
        """A token that is good for a while; or the reply of a login that brought none.

        Args:
            refused: the one that was just answered 401: it is not given again.
        """
        self._lock = self._lock or asyncio.Lock()
        async with self._lock:
            known = self._token
            if known is not None and known != refused and known.fresh(time.time()):
                return known
            async with self._gate():
                reply = await self._ask()
            token = read_token(reply, now=time.time())
            if token is None:
                return reply
            self._token = token
            return token


def read_token(reply: Reply, *, now: float) -> Token | None:
    """The token of a login's reply: ``access_token``, then ``token``; its end by ``expires_in`` or its own claim."""
    body = reply.json()
    if not reply.ok or not isinstance(body, dict):
        return None
    text = body.get("access_token") or body.get("token")
    if not isinstance(text, str) or not text.strip():
        return None
    life = body.get("expires_in")
    if isinstance(life, int | float) and not isinstance(life, bool) and life > 0:
        return Token(text.strip(), now, now + float(life))
    return Token(text.strip(), now, _claimed_end(text) or now + UNKNOWN_LIFE_S)


def _claimed_end(token: str) -> float | None:
    """``exp`` of a JWT, which is read and not verified: that is the server's business."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return None
