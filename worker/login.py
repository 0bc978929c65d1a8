"""Access tokens that are got by logging in: one login at a time, renewed before they end and once when refused."""

from __future__ import annotations

import asyncio
import base64
import json
import math
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field, replace

from schemas.http import Call, Reply

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

    text: str = field(repr=False)
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
        self._lock = asyncio.Lock()
        self._token: Token | None = None
        self._failed: Reply | None = None
        self._ended = 0

    async def token(self, *, refused: Token | None = None) -> Token | Reply:
        """A token that is good for a while; or the reply of a login that brought none.

        A login that failed is the answer for all who waited for it: servers lock a user after so many wrong ones.

        Args:
            refused: the one that was just answered 401: it is not given again.
        """
        before = self._ended
        async with self._lock:
            if self._failed is not None and self._ended != before:
                return self._failed
            known = self._token
            if known is not None and known != refused and known.fresh(time.time()):
                return known
            async with self._gate():
                reply = await self._ask()
            self._ended += 1
            token = read_token(reply, now=time.time())
            self._failed = reply if token is None else None
            if token is None:
                return reply
            self._token = token
            return token


def refused(reply: Reply) -> bool:
    """The token is not taken: 401, or a 200 with that error in it (contracts/enapps.md section 3.1)."""
    body = reply.json() if reply.ok else None
    error = body.get("error") if isinstance(body, dict) else None
    return reply.status == 401 or (isinstance(error, dict) and error.get("code") in (401, "401"))


def read_token(reply: Reply, *, now: float) -> Token | None:
    """The token of a login's reply: ``access_token``, then ``token``; its end by ``expires_in`` or its own claim.

    An end that lies behind us already says that the clocks differ, and nothing else.
    """
    body = reply.json()
    if not reply.ok or not isinstance(body, dict) or body.get("error"):
        return None
    text = body.get("access_token") or body.get("token")
    if not isinstance(text, str) or not text.strip().isascii() or not text.strip().isprintable() or not text.strip():
        return None
    life = _number(body.get("expires_in"))
    end = now + life if life is not None else _claimed_end(text.strip())
    return Token(text.strip(), now, end if end is not None and end > now else now + UNKNOWN_LIFE_S)


def _claimed_end(token: str) -> float | None:
    """``exp`` of a JWT, which is read and not verified: that is the server's business."""
    parts = token.split(".")
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError, RecursionError):
        return None
    return _number(claims.get("exp")) if isinstance(claims, dict) else None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def not_logged_in(call: Call, login: Reply) -> Reply:
    """What a login that brought no token means for a call, of which nothing was sent.

    A page that is not there and a request for patience are told as they are. All else that was answered is a refusal;
    one that looks like a success may carry a token under a name of its own, so it is not quoted.
    """
    status = login.status
    if status is None or status in (408, 425) or (status >= 500 and status != 501):
        return Reply(call=call, fault="connect", seconds=login.seconds)
    if status in (404, 405, 429, 501) or 300 <= status < 400:
        return replace(login, call=call)
    text = login.text
    if login.ok and not _says_only_why(login):
        text = json.dumps({"error": {"code": 401, "message": "POST auth was answered without a token"}})
    return Reply(call=call, status=401, text=text, headers=login.headers, seconds=login.seconds)


def _says_only_why(login: Reply) -> bool:
    body = login.json()
    return isinstance(body, dict) and body.keys() == {"error"}
