"""What holds for every configuration: it comes back as written, and nothing in it makes the reading crash."""

from __future__ import annotations

import copy
import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretStr

from schemas.config import Config, Shop
from schemas.secret import Password, Secret, Username
from schemas.systems import SYSTEMS
from tests.config_file import ENV, found, write
from worker.config import load
from worker.config.lines import Lines

names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,8}", fullmatch=True)
words = st.text(st.characters(codec="utf-8", exclude_characters="\x7f", exclude_categories=["Cs"]), max_size=12)
solid = words.filter(lambda word: word.strip() != "" and word == word.strip())
shops = st.fixed_dictionaries(
    {"platform": st.sampled_from(["shopify", "woocommerce", "standard"]), "secrets": st.just(["env:STD"])},
    optional={"release": st.sampled_from(["placed", "authorized", "paid"])},
)
esuites = st.fixed_dictionaries(
    {
        "system": st.just("esuite"),
        "base_url": st.just("https://erp.example.com"),
        "auth": st.just({"mode": "bearer", "token": "env:TOKEN"}),
        "shipping_sku": solid | st.just(False),
        "fields": st.just({"AccountRef": "C", "BatchType": "SAR", "TransType": "SOR", "TransLedger": "S"}),
    },
    optional={"skus": st.dictionaries(words, solid, max_size=3), "timeout_s": st.integers(1, 300)},
)
ongoings = st.fixed_dictionaries(
    {
        "system": st.just("ongoing"),
        "base_url": st.just("https://wms.example.com/a"),
        "auth": st.just({"mode": "basic", "username": "env:WMS", "password": ""}),
        "goods_owner_id": st.integers(1, 10**6),
    },
    optional={"per_second": st.floats(0.5, 100)},
)


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    sections: dict[str, dict[str, Any]] = {
        "shops": draw(st.dictionaries(names, shops, min_size=1, max_size=3)),
        "destinations": draw(st.dictionaries(names, esuites | ongoings, min_size=1, max_size=3)),
    }
    chosen = st.lists(st.sampled_from(sorted(sections["destinations"])), min_size=1, unique=True)
    tags = draw(st.lists(solid, max_size=3, unique_by=str.casefold))
    routes = [{"name": f"{n}", "when": {"tag": [tag]}, "deliver": draw(chosen)} for n, tag in enumerate(tags)]
    return {**sections, "routes": [*routes, {"name": "all the rest", "deliver": draw(chosen)}]}


def toml(value: object) -> str:
    """A TOML value; a JSON string is a TOML string."""
    if isinstance(value, dict):
        return (
            "{ "
            + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {toml(one)}" for key, one in value.items())
            + " }"
        )
    if isinstance(value, list):
        return "[ # a list\n" + "".join(f"  {toml(one)},\n" for one in value) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def written(raw: Mapping[str, Any]) -> str:
    parts: list[str] = []
    for section in ("shops", "destinations"):
        for name, table in raw[section].items():
            parts += [f"[{section}.{name}]", *(f"{key} = {toml(one)}" for key, one in table.items())]
    for route in raw["routes"]:
        parts += ["[[routes]]", *(f"{key} = {toml(one)}" for key, one in route.items())]
    return "\n".join(parts)


@given(raw=configs())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_valid_configuration_comes_back_as_it_was_written(tmp_path: Path, raw: dict[str, Any]) -> None:
    config = load(write(tmp_path, written(raw)), ENV)
    assert back(config, raw) == raw


def back(config: Config, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, in the shape of the file, for the keys that the file has."""
    dumped = config.model_dump(mode="json", serialize_as_any=True)
    dumped["routes"] = list(dumped["routes"])
    return {section: _same_keys(dumped[section], raw[section]) for section in raw}


def _same_keys(got: Any, raw: Any) -> Any:
    if isinstance(raw, dict):
        return {key: _same_keys(got[key], one) for key, one in raw.items()}
    if isinstance(raw, list):
        return [_same_keys(one, two) for one, two in zip(got, raw, strict=True)]
    return raw if got == "**********" and str(raw).startswith("env:") else got


anything = st.recursive(
    st.just("env:STD") | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=True) | words,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(words, inner, max_size=2),
    max_leaves=4,
)


@given(data=st.data())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_stands_in_the_file_is_a_problem_and_never_a_crash(tmp_path: Path, data: st.DataObject) -> None:
    raw = copy.deepcopy(data.draw(configs()))
    places = list(_places(raw))
    holder, key = data.draw(st.sampled_from(places))
    holder[key] = data.draw(anything)
    text = "\n".join(f"{json.dumps(name)} = {toml(part)}" for name, part in raw.items())
    for problem in found(tmp_path, text):
        assert problem.message
        assert problem.line is not None
        assert 1 <= problem.line <= text.count("\n") + 1


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in items:
        yield value, key
        yield from _places(one)


def test_lines_are_found_in_every_way_of_writing_toml() -> None:
    text = '''\
a.b = """
[no.table]
x = 1 """"
"c d".'e.f' = [ # ] "
  { g = 1, h = [
    2, '}', ] }, # {
  "\\"]",
]
[t."u.v"]
w = 1979-05-27 07:32:00
[[r]]
[r.s]
[[r]]
s.x = {}
[[r.q]]
[[r.q]]
z = \'\'\'it's\'\'\'
'''
    assert tomllib.loads(text)
    lines = Lines(text)
    assert {
        path: lines.of(path)
        for path in [
            ("a", "b"), ("c d", "e.f"), ("c d", "e.f", 0, "g"), ("c d", "e.f", 0, "h", 1), ("c d", "e.f", 1),
            ("t", "u.v"), ("t", "u.v", "w"), ("t", "none"), ("r", 0), ("r", 0, "s"), ("r", 1), ("r", 1, "s", "x"),
            ("r", 1, "q", 1, "z"), ("nowhere",),
        ]
    } == {
        ("a", "b"): 1, ("c d", "e.f"): 4, ("c d", "e.f", 0, "g"): 5, ("c d", "e.f", 0, "h", 1): 6, ("c d", "e.f", 1): 7,
        ("t", "u.v"): 9, ("t", "u.v", "w"): 10, ("t", "none"): 9, ("r", 0): 11, ("r", 0, "s"): 12, ("r", 1): 13,
        ("r", 1, "s", "x"): 14, ("r", 1, "q", 1, "z"): 17, ("nowhere",): 1,
    }  # fmt: skip


def _fields(annotation: Any, metadata: Any = ()) -> Iterator[tuple[Any, Any]]:
    if annotation is SecretStr:
        yield annotation, metadata
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for field in annotation.model_fields.values():
            yield from _fields(field.annotation, field.metadata)
    args = get_args(annotation)
    nested = getattr(annotation, "__metadata__", ())
    for one in args[:1] if nested else args:
        yield from _fields(one, nested)


@pytest.mark.parametrize("model", [Shop, *SYSTEMS.values()])
def test_every_secret_of_every_section_is_read_by_reference(model: type[BaseModel]) -> None:
    readers = {id(get_args(kind)[1]) for kind in (Secret, Password, Username)}
    secrets = list(_fields(model))
    assert secrets
    assert all({id(one) for one in metadata} & readers for _, metadata in secrets)
