"""The console: orders, one order with its timeline and buttons, destinations. Works without JavaScript."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from schemas import strict_json
from worker.desk import UnknownDestinationError
from worker.ledger import stock as kept
from worker.ledger import views
from worker.ledger.accepts import AcceptRefusedError
from worker.ledger.engine import away
from worker.ledger.replays import EditRefusedError
from worker.settings import Settings
from worker.web import apipage, telling
from worker.web.exact import exact
from worker.web.guard import COOKIE, session
from worker.web.house import House
from worker.web.remarks import remarks
from worker.web.waiting import way_out

log = structlog.get_logger("crossdock.web")

_HERE = Path(__file__).parent
PAGE = 50
STATUSES = ("dead", "held", "received", "delivering", "delivered", "cancelled", "ignored")
_LARGEST_ID = 2**63 - 1
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; form-action 'self'; base-uri 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_PROBLEMS = {
    404: ("No such page", "There is nothing at this address. It may be mistyped, or an old link."),
    405: ("No page here", "This address takes what a button of the console sends, and has no page of its own."),
}
_templates = Jinja2Templates(_HERE / "templates")
_templates.env.filters |= {
    name: getattr(telling, name)
    for name in ("moment", "day", "clock", "until", "sentence", "spoken", "pretty", "timeline")
} | {"prose": apipage.prose}

Page = Callable[[Request], Response | Awaitable[Response]]


def install(app: FastAPI, settings: Settings) -> None:
    """Add the console's pages."""
    app.mount("/static", StaticFiles(directory=_HERE / "static"), name="static")
    app.state.console_token = settings.api_token.get_secret_value() if settings.api_token else None
    pages: tuple[tuple[str, Page, str], ...] = (
        ("/", orders, "GET"),
        ("/orders/{order_id:int}", order, "GET"),
        ("/orders/{order_id:int}/replay", replay, "POST"),
        ("/orders/{order_id:int}/accept", accept, "POST"),
        ("/destinations", destinations, "GET"),
        ("/destinations/{name}/{action}", act, "POST"),
        ("/stock", stock, "GET"),
        ("/docs", docs, "GET"),
        ("/login", login_page, "GET"),
        ("/login", login, "POST"),
        ("/logout", logout, "POST"),
    )
    for path, page, method in pages:
        app.add_route(path, _guarded(page), methods=[method], include_in_schema=False)


def _guarded(page: Page) -> Page:
    """The page, or a page that says that the ledger does not answer."""

    @wraps(page)
    async def shown(request: Request) -> Response:
        try:
            found = page(request) if iscoroutinefunction(page) else await run_in_threadpool(page, request)
            return await found if isinstance(found, Awaitable) else found
        except SQLAlchemyError as error:
            if not away(error):
                raise
            log.error("ledger_unreachable", page=page.__name__, error=type(error).__name__)
            text = "The ledger does not answer at the moment. Nothing was changed; load the page again in a while."
            return _message(request, 503, "No answer from the ledger", text)

    return shown


def _page(request: Request, name: str, status: int = 200, **values: Any) -> Response:
    values |= {"here": request.url.path, "may_log_out": COOKIE in request.cookies}
    return _templates.TemplateResponse(request, name, values, status_code=status, headers=_HEADERS)


def _message(request: Request, status: int, title: str, text: str) -> Response:
    return _page(request, "message.html", status, title=title, text=text)


def wants_page(request: Request) -> bool:
    """Whether a person in a browser asks: who has no preference, and every path of the API, gets JSON."""
    weights: dict[str, float] = {}
    for part in request.headers.get("accept", "").lower().split(","):
        kind, *parameters = (word.strip() for word in part.split(";"))
        weights[kind] = next((_weight(word[2:]) for word in parameters if word.startswith("q=")), 1.0)
    prefers = weights.get("text/html", 0.0) > weights.get("application/json", 0.0)
    return prefers and not request.url.path.startswith("/api/")


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def problem(request: Request, error: HTTPException) -> Response:
    """The page for an address that is none of ours, or for what was sent there and cannot be taken."""
    title, text = _PROBLEMS.get(error.status_code, ("This did not work", telling.sentence(str(error.detail))))
    response = _message(request, error.status_code, title, text)
    response.headers.update(error.headers or {})
    return response


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


def _number(text: str) -> int | None:
    """A row's id as it stands in an address; None for what cannot be one."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= 19 else 0
    return found if 0 < found <= _LARGEST_ID else None


def orders(request: Request) -> Response:
    """The newest orders, by status, shop, destination or a part of a number."""
    wanted = {name: _asked(request, name) for name in ("status", "shop", "destination", "q")}
    cursor = _number(request.query_params.get("cursor", ""))
    house = _house(request)
    with house.ledger.read() as connection:
        chosen = views.Filter(
            status=wanted["status"], shop=wanted["shop"], destination=wanted["destination"], q=wanted["q"]
        )
        items, following = views.orders(connection, chosen, cursor=cursor, limit=PAGE)
        counts = views.order_counts(connection)
        troubled = [d for d in views.destinations(connection) if d["status"] != "open"]
    kept = {name: value for name, value in wanted.items() if value}
    others = {name: value for name, value in kept.items() if name != "status"}
    return _page(
        request,
        "orders.html",
        items=items,
        wanted=wanted,
        counts=counts,
        narrowed=bool(others),
        statuses=STATUSES,
        troubled=troubled,
        shops=sorted(house.config.shops),
        destinations=sorted(house.config.destinations),
        newest="/?" + urlencode(kept) if cursor else None,
        older="/?" + urlencode({**kept, "cursor": following}) if following else None,
        fresh="/?" + urlencode({**kept, "cursor": cursor} if cursor else kept),
        tab=lambda status: "/?" + urlencode({**others, "status": status} if status else others),
    )


def order(request: Request) -> Response:
    """One order."""
    return _order(request, told=request.query_params.get("told"))


def _order(request: Request, status: int = 200, **more: Any) -> Response:
    house, order_id = _house(request), request.path_params["order_id"]
    found, noted = None, dict[str, Sequence[str]]()
    if order_id <= _LARGEST_ID:
        with house.ledger.read() as connection:
            found = views.order(connection, order_id)
            noted = remarks(connection, found, config=house.config) if found is not None else noted
    if found is None:
        return _message(request, 404, "No such order", "There is no order with this id.")
    out = way_out(found, config=house.config)
    return _page(request, "order.html", status, item=found, way_out=out, remarks=noted, **more)


async def replay(request: Request) -> Response:
    """Send the order, or its delivery at one destination, on."""
    order_id = request.path_params["order_id"]
    form = await request.form()
    destination, edit = str(form.get("destination", "")), str(form.get("edit", "")).strip()
    if order_id > _LARGEST_ID:
        return _message(request, 404, "No such order", "There is no order with this id.")
    try:
        moving = await run_in_threadpool(_replay, _house(request), order_id, destination or None, _patch(edit))
    except (EditRefusedError, UnknownDestinationError, ValueError) as error:
        return await run_in_threadpool(_order, request, 422, refused=str(error), edit=edit)
    return RedirectResponse(f"/orders/{order_id}?told={'replayed' if moving else 'still'}", status_code=303)


async def accept(request: Request) -> Response:
    """Leave the order as it is at one destination."""
    order_id = request.path_params["order_id"]
    form = await request.form()
    if order_id > _LARGEST_ID:
        return _message(request, 404, "No such order", "There is no order with this id.")
    desk = _house(request).desk("console")
    try:
        await run_in_threadpool(desk.accept, order_id, destination=str(form.get("destination", "")))
    except AcceptRefusedError as error:
        return await run_in_threadpool(_order, request, 409, refused=f"Not accepted: {error}.")
    return RedirectResponse(f"/orders/{order_id}?told=accepted", status_code=303)


def _patch(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    try:
        patch = exact(strict_json.loads(text.encode()))
    except strict_json.MalformedError as error:
        raise ValueError(f"The edit is not JSON that can be read: {error}. Nothing was changed.") from None
    except ValueError as error:
        raise ValueError(f"The edit {error}. Nothing was changed.") from None
    if not isinstance(patch, dict):
        raise ValueError('The edit must be a JSON object, such as {"note": "..."}. Nothing was changed.')
    return patch


def _replay(house: House, order_id: int, destination: str | None, patch: dict[str, Any] | None) -> int:
    """How many deliveries are on their way now."""
    done = house.desk("console").replay([order_id], destination=destination, edit=patch)
    return sum(len(part.wake) for part in done)


def destinations(request: Request) -> Response:
    """All destinations."""
    with _house(request).ledger.read() as connection:
        items = views.destinations(connection)
    return _page(request, "destinations.html", items=items, known=_house(request).config.destinations)


def stock(request: Request) -> Response:
    """What destinations say about article codes."""
    house = _house(request)
    places = house.config.destinations
    wanted = {name: _asked(request, name) for name in ("sku", "destination", "cursor")}
    if wanted["destination"] is not None and wanted["destination"] not in places:
        return _message(request, 404, "No such destination", f"There is no destination {wanted['destination']}.")
    with house.ledger.read() as connection:
        page = kept.listed(
            connection,
            house.config,
            destination=wanted["destination"],
            sku=wanted["sku"],
            cursor=wanted["cursor"],
            limit=PAGE,
        )
        feeds = views.feeds(connection)
    shown = [wanted["destination"]] if wanted["destination"] else list(places)
    narrowed = {name: value for name, value in wanted.items() if value and name != "cursor"}

    def address(**more: str) -> str:
        return "/stock?" + urlencode({**narrowed, **more})

    return _page(
        request,
        "stock.html",
        items=page.items,
        wanted=wanted,
        destinations=sorted(places),
        told=bool(page.items) or any(one.tells_stock for one in places.values()),
        troubled=[
            (name, feed)
            for name in shown
            for feed in feeds.get(name, ())
            if feed["problem"] and feed["name"] in kept.TELLING
        ],
        fresh=address(**({"cursor": wanted["cursor"]} if wanted["cursor"] else {})),
        first=address() if wanted["cursor"] else None,
        following=address(cursor=page.following) if page.following else None,
    )


def _asked(request: Request, name: str) -> str | None:
    """A query parameter without blanks around it; None where it is not there."""
    return request.query_params.get(name, "").replace("\0", "").strip() or None


async def act(request: Request) -> Response:
    """Suspend or resume a destination."""
    name, action = request.path_params["name"], request.path_params["action"]
    desk = _house(request).desk("console")
    form = await request.form()
    try:
        if action == "suspend":
            await run_in_threadpool(desk.suspend, name, reason=str(form.get("reason", "")).strip()[:500])
        elif action == "resume":
            await run_in_threadpool(desk.resume, name)
        else:
            return _message(request, 404, "No such action", "A destination can be suspended or resumed.")
    except UnknownDestinationError as error:
        return _message(request, 404, "No such destination", str(error))
    return RedirectResponse("/destinations", status_code=303)


def docs(request: Request) -> Response:
    """The API on one page."""
    document = request.app.openapi()
    operations, models = apipage.operations(document), apipage.models(document)
    return _page(request, "docs.html", version=request.app.version, operations=operations, models=models)


def login_page(request: Request) -> Response:
    """Ask for the token."""
    return _page(request, "login.html", wrong=False, needed=request.app.state.console_token is not None)


async def login(request: Request) -> Response:
    """Exchange the token for a cookie that does not hold it."""
    token: str | None = request.app.state.console_token
    given = str((await request.form()).get("token", "")).strip()
    if token is None or not hmac.compare_digest(given.encode(), token.encode()):
        return _page(request, "login.html", 401, wrong=token is not None, needed=token is not None)
    response = RedirectResponse("/", status_code=303)
    secure = request.headers.get("x-forwarded-proto", request.url.scheme) == "https"
    response.set_cookie(COOKIE, session(token), httponly=True, samesite="strict", secure=secure, max_age=12 * 3600)
    return response


async def logout(_request: Request) -> Response:
    """Forget the cookie."""
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return response
