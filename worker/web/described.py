"""What the OpenAPI document says of the routes that are none of FastAPI's, and of the token."""

from __future__ import annotations

from typing import Any

_PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_TEXTS = {
    401: "The signature is not right: wrong secret or changed body.",
    404: "There is no such shop.",
    408: "The body did not arrive in time.",
    413: "The body is above 2,000,000 bytes.",
    503: "It could not be stored; send it again.",
}
_TOLD = {
    "type": "object",
    "required": ["outcome", "order"],
    "properties": {
        "outcome": {"type": "string", "enum": ["accepted", "duplicate", "stale", "held", "ignored"]},
        "order": {"anyOf": [{"type": "integer"}, {"type": "null"}], "description": "Our id, where there is an order."},
    },
}


def describe(document: dict[str, Any]) -> None:
    """Add webhooks, health and the token to a document that FastAPI made."""
    document["paths"] |= {
        "/webhooks/{shop}": {"post": _webhook()},
        "/healthz": {"get": _open("healthz", "The process lives.", {"200": _json("It does.")})},
        "/readyz": {
            "get": _open(
                "readyz",
                "Orders that come in now would go out: ledger, broker and at least one worker that hears.",
                {"200": _json("They would."), "503": _json("They would wait, for these reasons.")},
            )
        },
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "description": "Figures for Prometheus, read from the ledger; the token is asked for here too.",
                "responses": {"200": {"description": "Prometheus' text format.", "content": {"text/plain": {}}}},
            }
        },
    }
    schemes = {"token": {"type": "http", "scheme": "bearer", "description": "CROSSDOCK_API_TOKEN, where it is set."}}
    document["components"]["securitySchemes"] = schemes
    document["security"] = [{"token": []}]


def _webhook() -> dict[str, Any]:
    parameter = {
        "name": "shop",
        "in": "path",
        "required": True,
        "description": "A shop of the configuration.",
        "schema": {"type": "string"},
    }
    accepted = "It is on disk. Also said of what could not be understood: that is held."
    answers: dict[str, Any] = {
        "200": {"description": accepted, "content": {"application/json": {"schema": _TOLD}}},
        **{str(status): {"description": text, "content": _PROBLEM} for status, text in _TEXTS.items()},
    }
    body = {"required": True, "description": "The bytes that the shop signed.", "content": {"application/json": {}}}
    text = "Take an order webhook, signed as its platform signs: Shopify, WooCommerce, Standard Webhooks."
    return _open("webhook", text, answers) | {"parameters": [parameter], "requestBody": body}


def _open(name: str, text: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "description": text, "responses": responses, "security": []}


def _json(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
