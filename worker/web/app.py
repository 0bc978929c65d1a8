"""The web process: webhooks, API, console, health."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from worker.ledger.engine import away
from worker.settings import Settings, settings
from worker.telemetry import flush, start_sentry
from worker.web import api, console, health
from worker.web.described import describe
from worker.web.exact import BodyLimit
from worker.web.guard import Guard
from worker.web.house import House
from worker.web.intake import MAX_BYTES, Webhooks

log = structlog.get_logger("crossdock.web")

STOP_S = 20
"""Requests in flight have this long to be answered."""


class Application(FastAPI):
    """FastAPI, whose document describes the routes that keep out of its machinery too."""

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI document, made once."""
        if self.openapi_schema is None:
            describe(super().openapi())
        return super().openapi()


def create_app(current: Settings) -> FastAPI:
    """The ASGI application. It opens ledger and bell when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        start_sentry(current.sentry_dsn)
        app.state.house = House.open(current)
        if current.api_token is None:
            log.warning("no_api_token", meaning="API and console answer on this machine only")
        try:
            yield
        finally:
            app.state.house.close()
            flush()

    app = Application(
        title="Crossdock",
        version=version("crossdock"),
        lifespan=lifespan,
        description=__doc__,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, most=MAX_BYTES)
    app.add_middleware(Guard, settings=current)
    app.add_middleware(Webhooks)
    app.include_router(api.router)
    app.add_route("/healthz", health.healthz, include_in_schema=False)
    app.add_route("/readyz", health.readyz, include_in_schema=False)
    app.add_route("/metrics", health.metrics, include_in_schema=False)
    console.install(app, current)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(SQLAlchemyError, _ledger_error)
    return app


def create() -> FastAPI:
    """For an ASGI server of one's own: ``uvicorn --factory worker.web.app:create``."""
    return create_app(settings())


async def _http_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if console.wants_page(request):
        return console.problem(request, error)
    return JSONResponse({"error": str(error.detail)}, status_code=error.status_code, headers=error.headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
    return JSONResponse({"error": told}, status_code=422)


async def _ledger_error(_request: Request, error: Exception) -> Response:
    if not isinstance(error, SQLAlchemyError) or not away(error):
        raise error
    log.error("ledger_away", error=type(error).__name__)
    told = {"error": "the ledger does not answer; nothing was changed, try again"}
    return JSONResponse(told, status_code=503, headers={"Retry-After": "5"})


def serve(current: Settings) -> None:
    """Listen until SIGTERM or Ctrl-C."""
    uvicorn.run(
        create_app(current),
        host=current.host,
        port=current.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=STOP_S,
        timeout_keep_alive=75,
    )
