"""The control API under ``/_sandbox``: faults, switches, and what the systems hold.

Errors are 400 with ``{"error": sentence}``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.calls import CallLog
from sandbox.faults import FaultBook
from sandbox.gate import Gate
from sandbox.journal import Journal
from sandbox.system import System

Endpoint = Callable[[Request], Awaitable[Response]]


class Control:
    """The control API over one set of systems."""

    def __init__(self, gates: Mapping[str, Gate], *, faults: FaultBook, calls: CallLog, journal: Journal) -> None:
        self._gates = gates
        self._systems: dict[str, System] = {name: gate.system for name, gate in gates.items()}
        self._faults, self._calls, self._journal = faults, calls, journal

    def routes(self) -> list[Route]:
        """Starlette routes, relative to the mount."""
        return [
            Route("/", self._index),
            Route("/faults", self._get_faults, methods=["GET"]),
            Route("/faults", _guarded(self._post_fault), methods=["POST"]),
            Route("/faults", self._delete_faults, methods=["DELETE"]),
            Route("/settings", self._get_settings, methods=["GET"]),
            Route("/settings", _guarded(self._post_settings), methods=["POST"]),
            Route("/down", self._get_down, methods=["GET"]),
            Route("/down", _guarded(self._post_down), methods=["POST"]),
            Route("/replies", self._get_replies, methods=["GET"]),
            Route("/orders", self._get_orders, methods=["GET"]),
            Route("/counts", self._get_counts, methods=["GET"]),
            Route("/calls", _guarded(self._get_calls), methods=["GET"]),
            Route("/reset", self._post_reset, methods=["POST"]),
        ]

    async def _index(self, request: Request) -> Response:
        paths = sorted({f"/_sandbox{route.path}" for route in self.routes()})
        return JSONResponse({"systems": {name: f"/{name}" for name in self._gates}, "control": paths})

    async def _get_faults(self, request: Request) -> Response:
        return JSONResponse({"faults": self._faults.report()})

    async def _post_fault(self, request: Request) -> Response:
        return JSONResponse({"id": self._faults.add(await request.json())}, status_code=201)

    async def _delete_faults(self, request: Request) -> Response:
        self._faults.clear()
        return JSONResponse({"faults": []})

    async def _get_settings(self, request: Request) -> Response:
        return JSONResponse({name: system.settings.model_dump(mode="json") for name, system in self._systems.items()})

    async def _post_settings(self, request: Request) -> Response:
        data = await _object(request)
        system = self._systems[self._name(data.pop("system", None))]
        system.switch(data)
        return JSONResponse(system.settings.model_dump(mode="json"))

    async def _get_down(self, request: Request) -> Response:
        return JSONResponse({name: gate.down for name, gate in self._gates.items()})

    async def _post_down(self, request: Request) -> Response:
        data = await _object(request)
        down = data.get("down", True)
        if not isinstance(down, bool):
            raise ValueError("down: must be true or false")
        self._gates[self._name(data.get("system"))].down = down
        return await self._get_down(request)

    async def _get_replies(self, request: Request) -> Response:
        return JSONResponse(
            {
                f"{name}.{short}": {
                    "status": reply.status,
                    "body": reply.body,
                    "headers": dict(reply.headers),
                    "section": reply.section,
                    "documented": reply.documented,
                }
                for name, system in self._systems.items()
                for short, reply in system.replies.items()
            }
        )

    async def _get_orders(self, request: Request) -> Response:
        return JSONResponse({name: system.orders() for name, system in self._systems.items()})

    async def _get_counts(self, request: Request) -> Response:
        return JSONResponse({name: system.counts() for name, system in self._systems.items()})

    async def _get_calls(self, request: Request) -> Response:
        system = request.query_params.get("system")
        limit = request.query_params.get("limit", "100")
        if not limit.isdigit():
            raise ValueError(f"limit: {limit} is no number of calls")
        return JSONResponse(self._calls.report(system=self._name(system) if system else None, limit=int(limit)))

    async def _post_reset(self, request: Request) -> Response:
        self._journal.clear()
        self._faults.clear()
        self._calls.clear()
        for gate in self._gates.values():
            gate.down = False
            gate.system.reset()
        return JSONResponse({"reset": True})

    def _name(self, name: object) -> str:
        if not isinstance(name, str) or name not in self._gates:
            raise ValueError(f"system: there is no {name}, only {', '.join(self._gates)}")
        return name


async def _object(request: Request) -> dict[str, Any]:
    data = await request.json()
    if not isinstance(data, dict):
        raise ValueError("the body must be a JSON object")
    return data


def _guarded(endpoint: Endpoint) -> Endpoint:
    async def guarded(request: Request) -> Response:
        try:
            return await endpoint(request)
        except ValidationError as error:
            return JSONResponse({"error": describe(error)}, status_code=400)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)

    return guarded


def describe(error: ValidationError) -> str:
    """Everything that is wrong, one sentence a field."""
    return "; ".join(f"{'.'.join(map(str, problem['loc'])) or 'body'}: {problem['msg']}" for problem in error.errors())
