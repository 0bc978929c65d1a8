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
        "/webhooks/destinations/{name}": {"post": _hook()},
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
    parameter = _parameter("shop", "path", "A shop of the configuration.")
    accepted = "It is on disk. Also said of what could not be understood: that is held."
    answers: dict[str, Any] = {
        "200": {"description": accepted, "content": {"application/json": {"schema": _TOLD}}},
        **{str(status): {"description": text, "content": _PROBLEM} for status, text in _TEXTS.items()},
    }
    body = {"required": True, "description": "The bytes that the shop signed.", "content": {"application/json": {}}}
    text = "Take an order webhook, signed as its platform signs: Shopify, WooCommerce, Standard Webhooks."
    return _open("webhook", text, answers) | {"parameters": [parameter], "requestBody": body}


def _hook() -> dict[str, Any]:
    parameters = [
        _parameter("name", "path", "A destination with webhook_token."),
        _parameter("X-Auth-Token", "header", "That token."),
    ]
    texts = _TEXTS | {
        401: "The token is missing or wrong.",
        404: "There is no such destination, or it takes no webhooks.",
    }
    told = {
        "type": "object",
        "properties": {
            "outcome": {"type": "string", "enum": ["accepted", "ignored"]},
            "reason": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "Why it is ignored."},
        },
    }
    answers: dict[str, Any] = {
        "200": {"description": "It is on disk, or of no use.", "content": {"application/json": {"schema": told}}},
        **{str(status): {"description": text, "content": _PROBLEM} for status, text in texts.items()},
    }
    body = {"required": True, "description": "As the warehouse sends it.", "content": {"application/json": {}}}
    text = (
        "Take a hint that something happened to an order at a destination (Ongoing's order webhooks): it is read anew."
    )
    return _open("destination_webhook", text, answers) | {"parameters": parameters, "requestBody": body}


def _parameter(name: str, where: str, text: str) -> dict[str, Any]:
    return {"name": name, "in": where, "required": True, "description": text, "schema": {"type": "string"}}


def _open(name: str, text: str, responses: dict[str, Any]) -> dict[str, Any]:
    return {"operationId": name, "description": text, "responses": responses, "security": []}


def _json(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": {"type": "object"}}}}
