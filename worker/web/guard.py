"""Who may use API and console: whoever has the token; without a token, whoever sits at this machine."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from worker.settings import Settings

COOKIE = "crossdock_session"
OPEN_PATHS = ("/healthz", "/readyz", "/static/", "/login")
_SAFE = ("GET", "HEAD", "OPTIONS")
_PROXIES = ("forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip")
"""Headers that proxies add beside ``X-Forwarded-...``: who asks does not sit at this machine."""


class Guard:
    """ASGI middleware in front of everything but webhooks and health."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._token = settings.api_token.get_secret_value() if settings.api_token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, or answer 401 or 403 with what to do."""
        if scope["type"] != "http" or scope["path"].startswith(OPEN_PATHS):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._foreign(scope, headers) or (
            self._without_token(scope, headers) if self._token is None else self._unknown(self._token, headers)
        )
        if refusal is None:
            await self._app(scope, receive, send)
        elif refusal[0] == 401 and "text/html" in headers.get("accept", ""):
            await RedirectResponse("/login", status_code=303)(scope, receive, send)
        else:
            challenge = {"WWW-Authenticate": "Bearer"} if refusal[0] == 401 else None
            response = JSONResponse({"error": refusal[1]}, status_code=refusal[0], headers=challenge)
            await response(scope, receive, send)

    @staticmethod
    def _foreign(scope: Scope, headers: Headers) -> tuple[int, str] | None:
        """A page of another site may not act through the operator's browser."""
        origin = headers.get("origin")
        if scope["method"] in _SAFE or origin is None:
            return None
        netloc = _netloc(origin)
        if netloc and netloc == headers.get("host", "").lower():
            return None
        return (
            403,
            "this request comes from a page of another site, or a proxy before Crossdock changes the Host header",
        )

    @staticmethod
    def _without_token(scope: Scope, headers: Headers) -> tuple[int, str] | None:
        forwarded = any(name.startswith("x-forwarded-") or name in _PROXIES for name in headers)
        # The name too: a foreign name that resolves to 127.0.0.1 would let any web page in.
        if _is_loopback((scope.get("client") or ("", 0))[0]) and not forwarded and _is_loopback(_host(headers)):
            return None
        return 403, "API and console answer on this machine only until CROSSDOCK_API_TOKEN is set"

    @staticmethod
    def _unknown(token: str, headers: Headers) -> tuple[int, str] | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Headers are read as latin-1: back to the bytes that were sent.
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), token.encode()):
            return None
        if hmac.compare_digest(_cookie(headers).encode(), session(token).encode()):
            return None
        return 401, "send the token: Authorization: Bearer CROSSDOCK_API_TOKEN"


def session(token: str) -> str:
    """What the console's cookie holds instead of the token."""
    return hmac.new(token.encode(), b"crossdock console", hashlib.sha256).hexdigest()


def _cookie(headers: Headers) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _host(headers: Headers) -> str:
    try:
        return urlsplit(f"//{headers.get('host', '')}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    # Who listens on both protocols sees IPv4 as ::ffff:127.0.0.1.
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
