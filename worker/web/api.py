"""The API of operators and machines (DESIGN.md section 7), documented at ``/docs``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Path, Query, Request
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from schemas.order import Order
from worker.desk import UnknownDestinationError
from worker.ledger import replays, stock, views
from worker.ledger.accepts import AcceptRefusedError, NoDeliveryError
from worker.ledger.replays import EditRefusedError
from worker.web.exact import ExactRoute, exact, words
from worker.web.house import House
from worker.web.intake import accept_order

router = APIRouter(prefix="/api", route_class=ExactRoute)

OrderId = Annotated[int, Path(ge=1, lt=2**63)]
Words = Annotated[str, AfterValidator(words)]
Edit = Annotated[dict[str, Any], AfterValidator(exact)]

OrderStatus = Literal["received", "held", "delivering", "delivered", "dead", "cancelled", "ignored"]
DeliveryStatus = Literal["waiting", "ready", "delivering", "retrying", "held", "delivered", "dead", "cancelled"]


class DeliveryView(BaseModel):
    """One order at one destination."""

    destination: str
    system: str
    status: DeliveryStatus
    attempts: int = Field(description="Tries that reached the destination, or tried to.")
    reference: str | None = Field(description="What the other side calls it.")
    reason: str | None
    hint: str | None = Field(description="What to mend.")
    due_at: datetime | None
    changed_at: datetime
    progress: str | None = Field(description="How it gets on there, in words: sent (status 450).")
    progress_at: datetime | None
    tracking: dict[str, str] = Field(description="Waybill -> address where it can be followed; empty for none.")


class OrderView(BaseModel):
    """One order, as lists show it."""

    id: int
    shop: str
    shop_order_id: str
    number: str
    version: datetime | None
    status: OrderStatus
    reason: str | None
    route: str | None
    received_at: datetime
    updated_at: datetime
    deliveries: list[DeliveryView]


class EventView(BaseModel):
    """One line of an order's timeline; ``data`` is what stands behind it, such as the HTTP exchange."""

    at: datetime
    kind: str
    destination: str | None
    text: str
    data: dict[str, Any] | None


class WholeOrder(OrderView):
    """One order with its canonical form and its timeline."""

    order: dict[str, Any] | None
    edit: dict[str, Any] | None
    events: list[EventView]


class Orders(BaseModel):
    """A page of orders, newest first; ``next`` is the cursor of the next page."""

    items: list[OrderView]
    next: int | None


class FeedView(BaseModel):
    """Something that a destination tells of its own accord, read on schedule."""

    name: str
    read_at: datetime | None = Field(description="When it was last read.")
    problem: str | None = Field(description="Why it could not be read since.")


class StockView(BaseModel):
    """What a destination says about one article code."""

    destination: str
    code: str = Field(description="The destination's own word.")
    skus: list[str] = Field(description="What we call it.")
    known: bool = Field(description="False: it is asked for, and the destination does not have it.")
    name: str | None
    quantity: str | None = Field(description="What can be sold of it, as told last; null: no figure was told.")
    seen_at: datetime


class Stocks(BaseModel):
    """A page of codes, by destination and code; ``next`` is the cursor of the next page."""

    items: list[StockView]
    next: str | None


class DestinationView(BaseModel):
    """One destination: its state, what waits there, and when it was last read what it tells."""

    name: str
    system: str
    status: Literal["open", "paused", "suspended"]
    reason: str | None
    hint: str | None
    since: datetime
    paused_until: datetime | None
    ready: int
    retrying: int
    held: int
    dead: int
    feeds: list[FeedView]


class Destinations(BaseModel):
    """All destinations."""

    items: list[DestinationView]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ReplayOne(_Body):
    """How to replay one order."""

    destination: Words | None = Field(None, description="Only its delivery there.")
    edit: Edit | None = Field(None, description="JSON merge patch on the canonical order.")


class ReplayMany(_Body):
    """Which waiting orders to replay; at least one rule, or ``all``."""

    destination: Words | None = None
    reason: Words | None = Field(None, description="Text in the reason, or its code.")
    shop: Words | None = None
    since: AwareDatetime | None = None
    all: bool = False
    dry_run: bool = Field(False, description="Only count.")


class AcceptOne(_Body):
    """Where an order stays as it is."""

    destination: Words


class Replayed(BaseModel):
    """What was replayed."""

    count: int
    orders: list[int]
    deliveries: int = Field(description="Deliveries that are on their way now.")


class Suspend(_Body):
    """Why a destination is suspended, for the people who wonder."""

    reason: Words = Field("", max_length=500)


class Accepted(BaseModel):
    """What became of an order."""

    outcome: Literal["accepted", "duplicate", "stale", "held", "ignored"]
    order: int | None


class Problem(BaseModel):
    """What is wrong, and what to do."""

    error: str


_ORDER_SCHEMA = {
    "title": "Order",
    "type": "object",
    "description": "The canonical order, as GET /api/orders/{id} shows it; money and quantities are decimal strings.",
    "required": ["currency", "shop_order_id", "version"],
    "properties": {name: {"description": field.description or ""} for name, field in Order.model_fields.items()},
    "example": {
        "shop_order_id": "73100",
        "number": "#73100",
        "version": "2026-11-20T10:15:00Z",
        "currency": "AUD",
        "ship_to": {
            "name": "Nell Rowan",
            "address1": "4 Pier St",
            "city": "Hobart",
            "postcode": "7000",
            "country": "AU",
        },
        "lines": [{"id": "1", "sku": "BOLT-8", "quantity": "3", "total_incl": "21.90", "tax": "1.99"}],
        "shipping": [{"code": "road", "name": "Road", "total_incl": "10.00", "tax": "0.91"}],
    },
}


def _house(request: Request) -> House:
    house: House = request.app.state.house
    return house


@router.get("/orders")
def get_orders(
    request: Request,
    status: OrderStatus | None = None,
    shop: Words | None = None,
    destination: Words | None = None,
    q: Annotated[Words | None, Query(description="Part of a number, an id of the shop, a reference.")] = None,
    cursor: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Orders:
    """Orders, newest first."""
    wanted = views.Filter(status=status, shop=shop, destination=destination, q=q)
    with _house(request).ledger.read() as connection:
        items, following = views.orders(connection, wanted, cursor=cursor, limit=limit)
    return Orders.model_validate({"items": items, "next": following})


@router.post(
    "/orders",
    status_code=202,
    responses={status: {"model": Problem} for status in (404, 409, 413, 422, 503)},
    openapi_extra={"requestBody": {"required": True, "content": {"application/json": {"schema": _ORDER_SCHEMA}}}},
)
async def post_order(
    request: Request,
    shop: Annotated[str, Query(description="A shop of the configuration.")],
    idempotency_key: Annotated[
        str | None, Header(description="The same key with the same body answers the same; with another body 409.")
    ] = None,
) -> Accepted:
    """Take an order in canonical form from a trusted producer; 202 once it is on disk."""
    del shop, idempotency_key  # named for the documentation; the raw request is read with exact numbers
    return await accept_order(request)  # type: ignore[return-value]  # a response goes out as it is


@router.get("/orders/{order_id}")
def get_order(request: Request, order_id: OrderId) -> WholeOrder:
    """One order: its canonical form, its deliveries, its timeline."""
    with _house(request).ledger.read() as connection:
        found = views.order(connection, order_id)
    if found is None:
        raise HTTPException(404, f"no order {order_id}")
    return WholeOrder.model_validate(found)


@router.post("/orders/{order_id}/replay", status_code=202)
def replay_order(request: Request, order_id: OrderId, body: ReplayOne | None = None) -> Replayed:
    """Converge again: what is at a destination already is found there, never doubled."""
    wanted = body or ReplayOne(destination=None, edit=None)
    house = _house(request)
    _known(house, wanted.destination)
    get_order(request, order_id)
    return _replay(house, [order_id], destination=wanted.destination, edit=wanted.edit)


@router.post("/orders/{order_id}/accept", status_code=202)
def accept_as_is(request: Request, order_id: OrderId, body: AcceptOne) -> Replayed:
    """Leave an order as it is at a destination where it waits for a person; the rest of its route goes on."""
    house = _house(request)
    get_order(request, order_id)
    try:
        moving = house.desk("api").accept(order_id, destination=body.destination)
    except NoDeliveryError as error:
        raise HTTPException(404, str(error)) from None
    except AcceptRefusedError as error:
        raise HTTPException(409, str(error)) from None
    return Replayed(count=1, orders=[order_id], deliveries=moving)


@router.post("/replay", status_code=202)
def replay_many(request: Request, body: ReplayMany) -> Replayed:
    """Replay every dead or held order that fits."""
    if not (body.all or body.destination or body.reason or body.shop or body.since):
        raise HTTPException(422, 'name a destination, a reason, a shop or a time, or say {"all": true}')
    house = _house(request)
    _known(house, body.destination)
    since = body.since.timestamp() if body.since else None
    rules = {"destination": body.destination, "reason": body.reason, "shop": body.shop}
    with house.ledger.read() as connection:
        ids = replays.matching(connection, since=since, **rules)
    if body.dry_run:
        return Replayed(count=len(ids), orders=ids, deliveries=0)
    return _replay(house, ids, destination=body.destination, edit=None)


def _replay(house: House, ids: list[int], *, destination: str | None, edit: dict[str, Any] | None) -> Replayed:
    try:
        moving = sum(len(done.wake) for done in house.desk("api").replay(ids, destination=destination, edit=edit))
    except EditRefusedError as error:
        raise HTTPException(422, str(error)) from None
    return Replayed(count=len(ids), orders=ids, deliveries=moving)


@router.get("/destinations")
def get_destinations(request: Request) -> Destinations:
    """Every destination's state, and what waits there."""
    with _house(request).ledger.read() as connection:
        return Destinations.model_validate({"items": views.destinations(connection)})


@router.get("/stock")
def get_stock(
    request: Request,
    destination: Words | None = None,
    sku: Annotated[Words | None, Query(description="Ours; each destination is asked for its own word.")] = None,
    cursor: Annotated[Words | None, Query(description="next of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> Stocks:
    """What destinations say about article codes: known or not, and how many, as they told last."""
    house = _house(request)
    _known(house, destination)
    with house.ledger.read() as connection:
        page = stock.listed(connection, house.config, destination=destination, sku=sku, cursor=cursor, limit=limit)
    return Stocks.model_validate({"items": page.items, "next": page.following})


@router.post("/destinations/{name}/suspend")
def suspend(request: Request, name: str, body: Suspend | None = None) -> DestinationView:
    """Hold every delivery of a destination until it is resumed."""
    house = _house(request)
    _known(house, name)
    house.desk("api").suspend(name, reason=body.reason if body else "")
    return _destination(house, name)


@router.post("/destinations/{name}/resume")
def resume(request: Request, name: str) -> DestinationView:
    """Open a destination and let its deliveries go."""
    house = _house(request)
    _known(house, name)
    house.desk("api").resume(name)
    return _destination(house, name)


def _known(house: House, destination: str | None) -> None:
    if destination is None:
        return
    try:
        house.desk("api").known(destination)
    except UnknownDestinationError as error:
        raise HTTPException(404, str(error)) from None


def _destination(house: House, name: str) -> DestinationView:
    with house.ledger.read() as connection:
        [found] = [item for item in views.destinations(connection) if item["name"] == name]
    return DestinationView.model_validate(found)
