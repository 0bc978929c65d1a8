"""Bodies of API and console: of bounded size, and as strict as an order's own."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from fastapi import HTTPException, Request
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from schemas import strict_json
from schemas.model import bounded, plain

DEEPEST = 20
"""Levels of an edit; an order has four."""


class BodyLimit:
    """ASGI middleware: a body above ``most`` bytes is answered 413, however it is sent."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most
        self._told = f"the body is above {most} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what comes in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            await JSONResponse({"error": self._told}, status_code=413)(scope, receive, send)
            return
        left = self._most

        async def counted() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(413, self._told)
            return message

        await self._app(scope, counted, send)


class _ExactRequest(Request):
    async def json(self) -> Any:
        """The body, read as a webhook's is."""
        try:
            return strict_json.loads(await self.body())
        except strict_json.MalformedError as error:
            raise HTTPException(422, f"the body cannot be read: {error}") from None


class ExactRoute(APIRoute):
    """A route whose JSON is read by :mod:`schemas.strict_json`."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, with its request replaced."""
        handle = super().get_route_handler()

        async def exact_handler(request: Request) -> Response:
            return await handle(_ExactRequest(request.scope, request.receive))

        return exact_handler


def words(text: str) -> str:
    """The text itself.

    Raises:
        ValueError: it has a NUL, which PostgreSQL does not take.
    """
    if "\0" in text:
        raise ValueError("must not have a NUL character")
    return text


def exact(value: Any, *, depth: int = DEEPEST) -> Any:
    """A JSON value with its fractions as text, as the canonical order writes them.

    Raises:
        ValueError: a number is of no order's size, or it is nested more than DEEPEST levels.
    """
    if depth < 0:
        raise ValueError(f"must not be nested more than {DEEPEST} levels")
    if isinstance(value, dict):
        return {key: exact(one, depth=depth - 1) for key, one in value.items()}
    if isinstance(value, list):
        return [exact(one, depth=depth - 1) for one in value]
    return plain(bounded(value)) if isinstance(value, Decimal) else value
