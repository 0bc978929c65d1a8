"""The console: orders, one order with its timeline and buttons, destinations. Works without JavaScript."""

from __future__ import annotations

import hmac
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from worker.desk import UnknownDestinationError
from worker.ledger import views
from worker.ledger.replays import EditRefusedError
from worker.settings import Settings
from worker.web.guard import COOKIE, session
from worker.web.house import House

_HERE = Path(__file__).parent
PAGE = 50
STATUSES = ("dead", "held", "delivering", "received", "delivered", "cancelled", "ignored")
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_templates = Jinja2Templates(_HERE / "templates")


def install(app: FastAPI, settings: Settings) -> None:
    """Add the console's pages."""
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.state.console_token = settings.api_token.get_secret_value() if settings.api_token else None
    for path, page, method in (
        ("/", orders, "GET"),
        ("/orders/{order_id:int}", order, "GET"),
        ("/orders/{order_id:int}/replay", replay, "POST"),
        ("/destinations", destinations, "GET"),
        ("/destinations/{name}/{action}", act, "POST"),
        ("/login", login_page, "GET"),
        ("/login", login, "POST"),
    ):
        app.add_route(path, page, methods=[method], include_in_schema=False)


def _page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    return _templates.TemplateResponse(request, name, values, status_code=status, headers=_HEADERS)


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def orders(request: Request) -> Response:
    """The newest orders, by status, shop, destination or a part of a number."""
    asked = request.query_params
    wanted = {name: asked.get(name, "").strip() or None for name in ("status", "shop", "destination", "q")}
    cursor = asked.get("cursor", "")
    house = _house(request)
    with house.ledger.read() as connection:
        items, following = views.orders(
            connection,
            views.Filter(
                status=wanted["status"], shop=wanted["shop"], destination=wanted["destination"], q=wanted["q"]
            ),
            cursor=int(cursor) if cursor.isdigit() else None,
            limit=PAGE,
        )
        counts = views.order_counts(connection)
        troubled = [d for d in views.destinations(connection) if d["status"] != "open"]
    kept = {name: value for name, value in wanted.items() if value}
    return _page(
        request,
        "orders.html",
        items=items,
        wanted=wanted,
        counts=counts,
        statuses=STATUSES,
        troubled=troubled,
        shops=sorted(house.config.shops),
        destinations=sorted(house.config.destinations),
        older=urlencode({**kept, "cursor": following}) if following else None,
        tab=lambda status: urlencode(
            {**{k: v for k, v in kept.items() if k != "status"}, **({"status": status} if status else {})}
        ),
    )


def order(request: Request) -> Response:
    """One order."""
    with _house(request).ledger.read() as connection:
        found = views.order(connection, request.path_params["order_id"])
    if found is None:
        return _page(request, "message.html", 404, title="No such order", text="There is no order with this id.")
    return _page(request, "order.html", item=found, told=request.query_params.get("told"), edit="", pretty=_pretty)


async def replay(request: Request) -> Response:
    """Send the order, or its delivery at one destination, on."""
    order_id = request.path_params["order_id"]
    form = await request.form()
    destination, edit = str(form.get("destination", "")), str(form.get("edit", "")).strip()
    try:
        patch = _patch(edit)
        await run_in_threadpool(_replay, _house(request), order_id, destination or None, patch)
    except (EditRefusedError, UnknownDestinationError, ValueError) as error:
        with _house(request).ledger.read() as connection:
            found = views.order(connection, order_id)
        if found is None:
            return _page(request, "message.html", 404, title="No such order", text="There is no order with this id.")
        return _page(request, "order.html", 422, item=found, refused=str(error), edit=edit, pretty=_pretty)
    return RedirectResponse(f"/orders/{order_id}?told=replayed", status_code=303)


def _patch(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        patch = json.loads(text)
    except ValueError as error:
        raise ValueError(f"The edit is not JSON: {error}") from None
    if not isinstance(patch, dict):
        raise ValueError('The edit must be a JSON object, such as {"note": "..."}')
    return patch


def _replay(house: House, order_id: int, destination: str | None, patch: dict[str, Any] | None) -> None:
    for _ in house.desk("console").replay([order_id], destination=destination, edit=patch):
        pass


def destinations(request: Request) -> Response:
    """All destinations."""
    with _house(request).ledger.read() as connection:
        items = views.destinations(connection)
    return _page(request, "destinations.html", items=items)


async def act(request: Request) -> Response:
    """Suspend or resume a destination."""
    name, action = request.path_params["name"], request.path_params["action"]
    desk = _house(request).desk("console")
    form = await request.form()
    try:
        if action == "suspend":
            await run_in_threadpool(desk.suspend, name, reason=str(form.get("reason", ""))[:500])
        elif action == "resume":
            await run_in_threadpool(desk.resume, name)
        else:
            return _page(request, "message.html", 404, title="No such action", text="Suspend or resume, nothing else.")
    except UnknownDestinationError as error:
        return _page(request, "message.html", 404, title="No such destination", text=str(error))
    return RedirectResponse("/destinations", status_code=303)


def login_page(request: Request) -> Response:
    """Ask for the token."""
    return _page(request, "login.html", wrong=False)


async def login(request: Request) -> Response:
    """Exchange the token for a cookie that does not hold it."""
    token: str | None = request.app.state.console_token
    given = str((await request.form()).get("token", ""))
    if token is None or not hmac.compare_digest(given.encode(), token.encode()):
        return _page(request, "login.html", 401, wrong=token is not None)
    response = RedirectResponse("/", status_code=303)
    secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    response.set_cookie(COOKIE, session(token), httponly=True, samesite="strict", secure=secure, max_age=12 * 3600)
    return response


def _pretty(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
