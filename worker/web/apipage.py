"""``/docs``: the API on one page, made from the application's own OpenAPI document, and usable offline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from worker.web.telling import pretty

_CODE = re.compile("``(.+?)``")
_METHODS = ("get", "post", "put", "patch", "delete")
_ERRORS = "HTTPValidationError", "ValidationError"
"""FastAPI describes its own 422; ours has the form of every other error, which the page says once."""


@dataclass(frozen=True, slots=True)
class Field:
    """A parameter, or a field of a body: ``kind`` in words, ``model`` where it is described on the page."""

    name: str
    kind: str
    required: bool
    text: str
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A documented answer."""

    status: str
    text: str
    kind: str
    model: str | None


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    text: str
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    example: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """A described object."""

    name: str
    text: str
    fields: tuple[Field, ...]


def prose(text: str) -> Markup:
    """A docstring's words, escaped, with what stands in double back-ticks as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just here


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Every method of every path, in the order in which the application has them."""
    return [_operation(document, path, method, found) for path, method, found in _all(document)]


def models(document: Mapping[str, Any]) -> list[Model]:
    """The objects that answers are made of, by name; bodies stand with their operations."""
    bodies = {_reference(_json(one["requestBody"])) for _, _, one in _all(document) if "requestBody" in one}
    return [
        Model(name, schema.get("description", ""), tuple(_fields(schema)))
        for name, schema in sorted(document.get("components", {}).get("schemas", {}).items())
        if name not in _ERRORS and name not in bodies
    ]


def _all(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for path, found in document.get("paths", {}).items():
        yield from ((path, method, found[method]) for method in _METHODS if method in found)


def _operation(document: Mapping[str, Any], path: str, method: str, found: Mapping[str, Any]) -> Operation:
    body = _json(found.get("requestBody", {}))
    answers = (
        Answer(status, _said(answer.get("description", "")), *_kind(_json(answer)))
        for status, answer in found.get("responses", {}).items()
    )
    return Operation(
        id=found.get("operationId", f"{method}-{path}"),
        method=method.upper(),
        path=path,
        text=found.get("description") or found.get("summary", ""),
        parameters=tuple(_parameter(one) for one in found.get("parameters", ())),
        body=tuple(_fields(_resolved(document, body))),
        example=pretty(body["example"]) if "example" in body else "",
        answers=tuple(answer for answer in answers if answer.model not in _ERRORS),
    )


def _said(text: str) -> str:
    return "" if text == "Successful Response" else text


def _json(holder: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = holder.get("content", {}).get("application/json", {}).get("schema", {})
    return found


def _resolved(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object a body is, behind ``$ref`` and "or null"."""
    name = _reference(schema)
    found: Mapping[str, Any] = document["components"]["schemas"][name] if name else schema
    return found


def _reference(schema: Mapping[str, Any]) -> str:
    """The name of the described object; empty where it has none."""
    chosen = next((one for one in schema.get("anyOf", ()) if one.get("type") != "null"), schema)
    return str(chosen.get("$ref", "")).rpartition("/")[2]


def _parameter(one: Mapping[str, Any]) -> Field:
    kind, model = _kind(one.get("schema", {}))
    where = one.get("in", "query")
    return Field(
        one["name"],
        f"{kind.removesuffix(' or null')}, in the {where}",
        bool(one.get("required")),
        one.get("description", ""),
        model,
    )


def _fields(schema: Mapping[str, Any]) -> Iterator[Field]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        kind, model = _kind(field)
        yield Field(name, kind, name in required, field.get("description", ""), model)


def _kind(schema: Mapping[str, Any]) -> tuple[str, str | None]:
    """A schema in words, and the model it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return name, name
    if "anyOf" in schema:
        parts = [_kind(one) for one in schema["anyOf"]]
        return " or ".join(words for words, _ in parts), next((model for _, model in parts if model), None)
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"])), None
    if schema.get("type") == "array":
        words, model = _kind(schema.get("items", {}))
        return f"list of {words}", model
    if "properties" in schema:
        return "object with " + ", ".join(schema["properties"]), None
    words = str(schema.get("type", "anything"))
    if "format" in schema:
        words = {"date-time": "RFC 3339 time"}.get(schema["format"], f"{words} ({schema['format']})")
    return words + _limits(schema), None


def _limits(schema: Mapping[str, Any]) -> str:
    found = [
        f"{words} {schema[name]}"
        for name, words in (("minimum", "from"), ("maximum", "to"), ("maxLength", "up to"))
        if name in schema
    ]
    unit = " characters" if "maxLength" in schema else ""
    default = f", by default {schema['default']}" if schema.get("default") not in (None, "", False) else ""
    return (" " + " ".join(found) + unit if found else "") + default
