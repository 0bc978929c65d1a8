"""What pydantic found wrong, in the words of whoever wrote the file. Values are never repeated."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from worker.config.lines import KeyPath
from worker.config.problems import Severity

_KINDS = {
    "string_type": "a text in quotes",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "decimal_type": "a number",
    "decimal_parsing": "a number",
    "finite_number": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list in square brackets",
    "list_type": "a list in square brackets",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong at one place of the file."""

    path: KeyPath
    message: str
    hint: str = ""
    severity: Severity = "error"


def findings(
    error: ValidationError, *, model: type[BaseModel], raw: object, ours: Collection[str] = ()
) -> Iterator[Finding]:
    """One finding a place: what several branches of a union say about it is said once.

    Args:
        model: what ``raw`` should have been.
        ours: fields of the model that are not keys of the file.
    """
    places: dict[KeyPath, list[ErrorDetails]] = {}
    for one in error.errors(include_url=False, include_input=False):
        places.setdefault(_path(one, raw), []).append(one)
    for path, found in places.items():
        deeper = any(other[: len(path)] == path != other for other in places)
        if deeper and found[0]["type"] in ("too_short", "literal_error"):
            continue  # It follows from what is wrong within: entries not counted, the other branch of a union.
        if found[0]["type"] == "extra_forbidden":
            loc = found[0]["loc"]
            known = _known_keys(model, loc) - (set(ours) if len(loc) == 1 else set())
            found_key = unknown_key(path, known)
            home = _home_of(str(path[-1]), model) if len(loc) == 1 and path[-1] not in ours else ""
            yield replace(found_key, hint=f"It belongs into {home}.") if home else found_key
        else:
            yield _finding(path, found)


def unknown_key(path: KeyPath, known: Iterable[str]) -> Finding:
    """A key that nobody reads."""
    word = str(path[-1])
    return Finding(path, f'unknown key "{word}"', did_you_mean(word, known, what="Known here"))


def _home_of(word: str, model: type[BaseModel]) -> str:
    """The table within the section that has a key of that name, as ``when`` of a route has shop; empty for none."""
    inner = ((name, field.annotation) for name, field in model.model_fields.items())
    homes = [
        name
        for name, kind in inner
        if get_origin(kind) is not dict and any(word in one.model_fields for one in _models(kind))
    ]
    return homes[0] if len(homes) == 1 else ""


def did_you_mean(word: str, known: Iterable[str], *, what: str) -> str:
    """A hint: the nearest word, or all there are."""
    words = sorted(known)
    near = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.6)
    if near:
        return f'Did you mean "{near[0]}"?'
    return f"{what}: {', '.join(words)}." if words else ""


def _path(error: ErrorDetails, raw: object) -> KeyPath:
    """Pydantic's location without the names of union branches, which the file does not have."""
    path: list[str | int] = []
    here: Any = raw
    loc = error["loc"]
    for position, part in enumerate(loc):
        if _has(here, part):
            here = here[part]
        elif position > 0 and not (error["type"] == "missing" and position == len(loc) - 1):
            continue  # The first part is always a key; it may be one with a default that is refused.
        path.append(part)
    if error["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append(str(error["ctx"]["discriminator"]).strip("'"))
    return tuple(path)


def _has(here: object, part: str | int) -> bool:
    if isinstance(here, Mapping):
        return part in here
    return isinstance(here, list | tuple) and isinstance(part, int) and part < len(here)


def _finding(path: KeyPath, found: list[ErrorDetails]) -> Finding:
    first = found[0]
    ctx = first.get("ctx", {})
    kind = first["type"]
    key = path[-1] if path else ""
    if kind in ("missing", "union_tag_not_found"):
        return Finding(path, f"{key} is missing", f"Write {key} = ... here." if key else "")
    if kind == "value_error":
        return Finding(path, str(ctx["error"]), getattr(ctx["error"], "hint", ""))
    if kind == "too_short":
        if "when" in path:
            return Finding(
                path,
                "the list is empty, so this route can never match",
                "Name something, or leave it out to take any.",
            )
        return Finding(path, "the list is empty", "Name at least one.")
    if kind == "too_long":
        return Finding(path, f"the list may have {ctx['max_length']} entries at most")
    return Finding(path, _either(dict.fromkeys(_must(one) for one in found)))


def _either(demands: Iterable[str]) -> str:
    """``must be a table or false`` from ``must be a table`` and ``must be false``."""
    first, *others = demands
    words = [first, *(one.removeprefix("must be ") for one in others)]
    if any(one.endswith("a number") for one in words):
        words = [one for one in words if one != "a whole number"]
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _must(error: ErrorDetails) -> str:
    ctx = error.get("ctx", {})
    kind = error["type"]
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}"
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        return f"must be {words} {ctx[limit]:g}"
    if kind == "literal_error":
        return f"must be {str(ctx['expected']).replace(chr(39), chr(34)).replace('False', 'false')}"
    if kind == "union_tag_invalid":
        return f"must be one of {str(ctx['expected_tags']).replace(chr(39), '')}"
    if kind == "string_too_short":
        return "must be a text of at least one character"
    if kind == "string_too_long":
        return f"must have {ctx['max_length']} characters at most"
    return f"is refused: {error['msg']}"


def _known_keys(model: type[BaseModel], loc: Sequence[str | int]) -> set[str]:
    """The keys that the table around ``loc`` may have; of the chosen branch where it is a union."""
    models: list[type[BaseModel]] = [model]
    for part in loc[:-1]:
        inner = [
            found
            for one in models
            if part in one.model_fields
            for found in _models(one.model_fields[str(part)].annotation)
        ]
        tagged = [one for one in models if any(part in get_args(f.annotation) for f in one.model_fields.values())]
        models = inner or tagged or models
    return {name for one in models for name in one.model_fields}


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
