"""One HTTP client a destination: pool, credentials, pace, deadline. What the other side does is a Reply."""

from __future__ import annotations

import asyncio
import base64
import codecs
import html
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from schemas.destination import (
    Auth,
    BasicAuth,
    BearerAuth,
    Destination,
    EnappsAuth,
    HeaderAuth,
    PathAuth,
    QueryAuth,
)
from schemas.http import HIDDEN, PASSWORD, USERNAME, Call, Fault, Reply
from worker.echoes import echoes
from worker.login import Gate, Login, Token, no_gate, not_logged_in, refused

MAX_REPLY_BYTES = 16_000_000
"""A thousand products with all their options (contracts/enapps.md section 5) stay below; what is longer is cut."""

RECORDED_CHARS = 20_000
"""How much of a body the timeline keeps."""

LOGIN_S = 20.0
"""A login is answered within this time, or it is not: other workers wait for their turn meanwhile."""

_BLANK = re.compile(f"{re.escape(USERNAME)}|{re.escape(PASSWORD)}")


class LeaseLostError(Exception):
    """The delivery may be in other hands by now; nothing more may be sent for it."""


class Client:
    """Sends calls to one destination. Belongs to one event loop.

    httpx's own pool costs ten times the CPU of this transport at 100 requests in flight, and the layer above the
    transport as much again (notes/celery.md section 3.3, notes/speed.md), so requests go to the transport directly.
    """

    def __init__(self, destination: Destination, *, gate: Gate = no_gate) -> None:
        """``gate``: entered for a login, where the destination wants one."""
        self._base = destination.base_url.rstrip("/")
        self._timeout_s = destination.timeout_s
        self._headers, self._params = _credentials(destination.auth)
        self._key = destination.auth.key.get_secret_value() if isinstance(destination.auth, PathAuth) else None
        self._echoes = echoes(destination.auth)
        self._in_xml = _in_xml(destination.auth)
        self._auth = destination.auth
        wants_login = isinstance(destination.auth, EnappsAuth)
        self._login = Login(self._log_in, gate) if wants_login else None
        self._pace = Pace(destination.per_second) if destination.per_second else None
        # A feed's request and a delivery's may meet here. Who waited in the pool instead would do so on his own time.
        self._turns = asyncio.Semaphore(destination.max_in_flight)
        # Shorter than the shortest common server limit (Apache: 5 s): a POST on a connection that the server is just
        # closing would be in doubt.
        limits = httpx.Limits(max_connections=destination.max_in_flight, keepalive_expiry=4)
        self._transport = AiohttpTransport(limits=limits)
        self._phases = {"timeout": {"connect": self._timeout_s, "read": self._timeout_s, "pool": self._timeout_s}}

    async def send(self, call: Call, *, begin: Callable[[], None] = lambda: None) -> Reply:
        """Send one call when its turn has come; from then on it has ``timeout_s``.

        Args:
            begin: called at its turn, before anything is sent; may raise to keep it from being sent. Once more where
                the call goes out again with a new token.
        """
        async with self._turns:
            if self._pace is not None:
                await self._pace.turn()
            if self._login is None:
                begin()
                return await self._exchange(call, self._request(call))
            return await self._logged_in(self._login, call, begin)

    async def _logged_in(self, login: Login, call: Call, begin: Callable[[], None]) -> Reply:
        """With a token; once more with a new one where it was refused, for it may have been taken back.

        By its status a 401 says that nothing was done (RFC 9110 section 15.5.2). An error within a 200 promises no
        such thing, so what writes does not go out again: the caller looks first, and that brings a new token.
        """
        reply, token = await self._with_token(login, call, begin)
        if token is None or not refused(reply) or (reply.ok and call.method != "GET"):
            return reply
        reply, _ = await self._with_token(login, call, begin, not_this=token)
        return reply

    async def _with_token(
        self, login: Login, call: Call, begin: Callable[[], None], *, not_this: Token | None = None
    ) -> tuple[Reply, Token | None]:
        """The reply, and the token that the call went out with; None where there was none."""
        token = await login.token(refused=not_this)
        if isinstance(token, Reply):
            return not_logged_in(call, token), None
        begin()
        return await self._exchange(call, self._request(call, token), token=token), token

    async def _exchange(
        self, call: Call, request: httpx.Request, *, token: Token | None = None, timeout_s: float | None = None
    ) -> Reply:
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(timeout_s or self._timeout_s):
                response = await self._transport.handle_async_request(request)
                try:
                    text = await _text(response)
                finally:
                    await response.aclose()
        except (TimeoutError, OSError, httpx.RequestError, aiohttp.ClientError) as error:
            return Reply(call=call, fault=_fault(error), seconds=time.perf_counter() - begun)
        seconds = time.perf_counter() - begun
        headers = {name.lower(): self._hidden(value, token) for name, value in response.headers.items()}
        text = self._hidden(text, token)
        return Reply(call=call, status=response.status_code, headers=headers, text=text, seconds=seconds)

    async def _log_in(self) -> Reply:
        """``POST auth`` with the secret key; the token is for everything else (contracts/enapps.md section 2)."""
        if not isinstance(self._auth, EnappsAuth):
            raise TypeError("this destination wants no login")
        pair = {"login": self._auth.login.get_secret_value(), "password": self._auth.password.get_secret_value()}
        headers = {
            **self._headers,
            "Authorization": f"Bearer {self._auth.secret.get_secret_value()}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        content = urlencode(pair).encode()
        request = httpx.Request("POST", f"{self._base}/auth", headers=headers, content=content, extensions=self._phases)
        return await self._exchange(Call("POST", "auth"), request, timeout_s=min(self._timeout_s, LOGIN_S))

    def _request(self, call: Call, token: Token | None = None) -> httpx.Request:
        url = call.address(self._base)
        params = (*call.params, *self._params)
        if self._key is not None and call.key_param:
            params = (*params, (call.key_param, self._key))
        elif self._key is not None:
            url += f"/{quote(self._key, safe='')}"
        if params:
            url += "?" + urlencode(params, quote_via=quote)
        content = None if call.body is None else json.dumps(call.body, ensure_ascii=False).encode()
        headers = self._headers if content is None else self._headers | {"Content-Type": "application/json"}
        if call.xml is not None:
            content = _BLANK.sub(lambda blank: self._in_xml.get(blank[0], ""), call.xml).encode()
            headers = self._headers | {"Accept": "text/xml", "Content-Type": "text/xml; charset=utf-8"}
            if call.carries_login:
                headers.pop("Authorization", None)
        if token is not None:
            headers = headers | {"Authorization": f"Bearer {token.text}"}
        headers = headers | dict(call.headers)
        return httpx.Request(call.method, url, headers=headers, content=content, extensions=self._phases)

    def _hidden(self, text: str, token: Token | None = None) -> str:
        for echo in self._echoes:
            text = echo.hide(text)
        return text if token is None else text.replace(token.text, HIDDEN)

    async def close(self) -> None:
        """Close the pool."""
        await self._transport.aclose()


def _credentials(auth: Auth) -> tuple[dict[str, str], tuple[tuple[str, str], ...]]:
    """Headers and query parameters that carry the credential."""
    headers = {"Accept": "application/json", "User-Agent": "crossdock"}
    params: tuple[tuple[str, str], ...] = ()
    match auth:
        case BasicAuth():
            pair = f"{auth.username.get_secret_value()}:{auth.password.get_secret_value()}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        case BearerAuth():
            headers["Authorization"] = "Bearer " + auth.token.get_secret_value()
        case HeaderAuth():
            headers[auth.name] = auth.token.get_secret_value()
        case QueryAuth():
            params = ((auth.name, auth.token.get_secret_value()),)
    return headers, params


def _in_xml(auth: Auth) -> dict[str, str]:
    """What goes into an XML body for :data:`schemas.http.USERNAME` and its like."""
    if not isinstance(auth, BasicAuth):
        return {}
    pair = {USERNAME: auth.username, PASSWORD: auth.password}
    return {blank: html.escape(secret.get_secret_value()) for blank, secret in pair.items()}


async def _text(response: httpx.Response) -> str:
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_REPLY_BYTES:
            break
    return b"".join(chunks).decode(_charset(response), errors="replace")


def _charset(response: httpx.Response) -> str:
    """What the reply says it is written in, if there is such a thing."""
    try:
        return codecs.lookup(response.charset_encoding or "utf-8").name
    except LookupError:
        return "utf-8"


def _fault(error: Exception) -> Fault:
    """Was anything sent? Only a connection that never came about says no for certain.

    The transport calls a connection that was closed in mid-request a ConnectTimeout, which would read as "nothing
    was sent" and double an order: so aiohttp's own exception decides.
    """
    cause = error if isinstance(error, aiohttp.ClientError) else error.__cause__
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError | aiohttp.InvalidURL):
        return "connect"
    if isinstance(error, TimeoutError) or isinstance(cause, aiohttp.ServerTimeoutError):
        return "timeout"
    return "lost"


class Pace:
    """At most ``per_second`` turns a second, evenly spaced. One worker holds a paced destination at a time."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0

    async def turn(self) -> None:
        """Wait for the next turn."""
        now = time.monotonic()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)


class Recorder:
    """The client as one attempt sees it: it keeps the exchanges, and sends nothing once the lease is over."""

    def __init__(self, client: Client, *, alive: Callable[[], bool], room: asyncio.Semaphore) -> None:
        """``room``: what is left of the requests that the destination takes at a time."""
        self._client = client
        self._alive = alive
        self._room = room
        self.exchanges: list[Mapping[str, Any]] = []
        self._open = 0
        self._sent = False
        self.answered = False

    async def send(self, call: Call) -> Reply:
        """Send, and remember.

        Raises:
            LeaseLostError: the delivery is not ours any more.
        """
        begun = False

        def begin() -> None:
            nonlocal begun
            if not self._alive():
                raise LeaseLostError
            self._open += not begun
            begun = True

        async with self._room:
            reply = await self._client.send(call, begin=begin)
        self._open -= begun
        self._sent = self._sent or reply.fault != "connect"
        self.answered = self.answered or reply.status is not None
        self.exchanges.append(
            {
                "method": call.method,
                "path": call.path,
                "params": dict(call.params),
                "request": call.shown,
                "status": reply.status,
                "fault": reply.fault,
                "response": reply.text[:RECORDED_CHARS],
                "ms": round(reply.seconds * 1000, 1),
            }
        )
        return reply

    @property
    def may_have_sent(self) -> bool:
        """Something may have got through; also of what is still open, when this attempt is cut off."""
        return self._sent or self._open > 0


def bounded(exchange: Mapping[str, Any]) -> Mapping[str, Any]:
    """An exchange for the timeline: where the request is long, the beginning of its text."""
    request = exchange["request"]
    text = request if isinstance(request, str) else json.dumps(request, ensure_ascii=False)
    return exchange if len(text) <= RECORDED_CHARS else {**exchange, "request": text[:RECORDED_CHARS]}
