"""The baseline: what one writes first. A signed webhook in, ``chain(create, push)``, default settings."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from typing import Any

import httpx
from celery import Celery, chain
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

app = Celery("plain", broker=os.environ["PLAIN_BROKER"], backend=os.environ["PLAIN_BROKER"])
SANDBOX = os.environ["PLAIN_SANDBOX"]
client = httpx.Client(timeout=20)


@app.task
def create(order: dict[str, Any]) -> dict[str, Any]:
    """POST the order to Esuite."""
    lines = [
        {"StockCode": line["sku"] or "X", "LineQty": line["quantity"], "LineUnitPrice": str(line["price"])}
        for line in order["line_items"]
    ]
    header = {
        "AccountRef": "CASH01", "BatchType": "SAR", "TransType": "SOR", "TransLedger": "S",
        "TransYourRef": "WEB-" + order["name"].removeprefix("#"),
    }  # fmt: skip
    reply = client.post(
        f"{SANDBOX}/esuite/api/v2/trans",
        json={"T_Trans": header, "T_TrnDet": lines},
        headers={"Authorization": "Bearer sandbox-esuite"},
    )
    reply.raise_for_status()
    return order


@app.task
def push(order: dict[str, Any]) -> int:
    """PUT the order to Ongoing."""
    address = order.get("shipping_address") or {}
    body = {
        "goodsOwnerId": 159,
        "orderNumber": order["name"].removeprefix("#"),
        "deliveryDate": order["created_at"][:10],
        "consignee": {"name": address.get("name"), "countryCode": address.get("country_code")},
        "orderLines": [
            {"rowNumber": str(line["id"]), "articleNumber": line["sku"] or "X", "numberOfItems": line["quantity"]}
            for line in order["line_items"]
        ],
    }
    reply = client.put(f"{SANDBOX}/ongoing/api/v1/orders", json=body, auth=("WSI-sandbox", "sandbox-ongoing"))
    reply.raise_for_status()
    order_id: int = reply.json()["orderId"]
    return order_id


async def webhook(request: Request) -> Response:
    """Verify, enqueue, answer."""
    body = await request.body()
    digest = hmac.new(os.environ["PLAIN_SECRET"].encode(), body, hashlib.sha256).digest()
    if not hmac.compare_digest(base64.b64encode(digest).decode(), request.headers["x-shopify-hmac-sha256"]):
        return JSONResponse({"error": "signature"}, status_code=401)
    order = json.loads(body)
    await run_in_threadpool(chain(create.s(order), push.s()).delay)
    return JSONResponse({"outcome": "accepted", "order": order["id"]})


web = Starlette(routes=[Route("/webhooks/{shop}", webhook, methods=["POST"])])
