"""Reading ``crossdock.toml``: the configuration, or everything that is wrong with it at once."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.config import Config, Route, Shop
from schemas.destination import Destination
from schemas.secret import READER
from schemas.systems import SYSTEMS
from worker.config.lines import KeyPath, Lines
from worker.config.problems import ConfigErrors, Problem
from worker.config.references import SecretError, Secrets, read_skus
from worker.config.rules import (
    copied,
    customer_rules,
    destination_rules,
    number_rules,
    reference_rules,
    series_rules,
    shadow_rules,
    shop_rules,
    stock_rules,
    use_rules,
)
from worker.config.words import Finding, did_you_mean, findings, unknown_key

__all__ = ["ConfigErrors", "Problem", "check", "load"]

M = TypeVar("M", bound=BaseModel)
Table = dict[str, Any]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_SECTIONS = ("shops", "destinations", "routes")


def load(path: Path | str, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the configuration.

    Args:
        path: of ``crossdock.toml``; what it points to is relative to its folder.
        environ: where ``env:NAME`` is looked up.

    Raises:
        ConfigErrors: with all problems, when one of them is an error.
    """
    config, problems = _read(Path(path), environ)
    if config is None:
        raise ConfigErrors(tuple(problems))
    return config


def check(path: Path | str, environ: Mapping[str, str] = os.environ) -> list[Problem]:
    """All errors and warnings, by line; empty when all is well."""
    return _read(Path(path), environ)[1]


def _read(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, list[Problem]]:
    try:
        text = path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        hint = "Copy crossdock.example.toml, or point CROSSDOCK_CONFIG to yours."
        return None, [_file_problem(path, None, "the file does not exist", hint)]
    except OSError as error:
        return None, [_file_problem(path, None, f"the file cannot be read: {error.strerror}", "")]
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        return None, [_file_problem(path, line, "the file is not UTF-8 text here", "Save it as UTF-8.")]
    except tomllib.TOMLDecodeError as error:
        return None, [_syntax_problem(path, text, str(error))]
    except (ValueError, RecursionError):
        hint = "Look for a number of thousands of digits, or lists within lists without end."
        return None, [_file_problem(path, None, "the file holds what TOML allows and nobody can read", hint)]
    reading = _Reading(path, text, raw, environ)
    config = reading.config()
    return config, reading.problems()


def _file_problem(path: Path, line: int | None, message: str, hint: str) -> Problem:
    return Problem(severity="error", file=str(path), line=line, key="", message=message, hint=hint)


def _syntax_problem(path: Path, text: str, words: str) -> Problem:
    place = _TOML_PLACE.search(words)
    line = int(place[1]) if place and place[1] else max(1, len(text.splitlines()))
    said = _TOML_PLACE.sub("", words)
    said = "this key or table was given before" if said.startswith("Cannot ") else said[:1].lower() + said[1:]
    return _file_problem(path, line, f"this is no valid TOML: {said}", "Nothing after this line was checked.")


class _Reading:
    """One pass over one file. Findings gather; a part with a finding becomes None, and reading goes on."""

    def __init__(self, path: Path, text: str, raw: Table, environ: Mapping[str, str]) -> None:
        self._path = path
        self._raw = raw
        self._lines = Lines(text)
        self._secrets = Secrets(folder=path.parent, environ=environ)
        self._found: list[Problem] = []

    def problems(self) -> list[Problem]:
        """By line, those of the file itself before those of files it points to."""
        ordered = sorted(self._found, key=lambda one: (one.file != str(self._path), one.file, one.line or 0))
        return list(dict.fromkeys(ordered))

    def config(self) -> Config | None:
        """The configuration; None when there are errors."""
        self._say(unknown_key((key,), _SECTIONS) for key in self._raw if key not in _SECTIONS)
        shops = self._each("shops", self._shop)
        destinations = self._each("destinations", self._destination)
        self._say(series_rules(self._tables("destinations")))
        self._say(customer_rules(self._tables("destinations"), shops=list(shops)))
        routes = self._routes(shops=list(shops), destinations=list(destinations))
        self._say(shadow_rules(routes, shops=list(shops)))
        if not self._wrong("routes"):
            unread = [name for name in self._of_known_systems() if name not in copied(self._tables("destinations"))]
            self._say(use_rules(_right(routes), shops=list(shops), destinations=unread))
            self._say(number_rules(_right(routes), prefixes=self._prefixes()))
        if not self._wrong():
            places = {name: one for name, one in destinations.items() if one}
            self._say(stock_rules(_right(routes), destinations=places))
        if self._wrong():
            return None
        return Config(
            shops={name: one for name, one in shops.items() if one},
            destinations={name: one for name, one in destinations.items() if one},
            routes=_right(routes),
        )

    def _each(self, section: str, read: Callable[[str, Table], M | None]) -> dict[str, M | None]:
        tables = self._raw.get(section, {})
        if not isinstance(tables, dict):
            self._say([Finding((section,), f"must be tables, [{section}.NAME]")])
            return {}
        if not tables and section == "shops":
            self._say([Finding((section,), "there are no shops, so no order can come in", "Add [shops.NAME].")])
        parts: dict[str, M | None] = {}
        for name, table in tables.items():
            path = (section, name)
            if not _NAME.fullmatch(name):
                hint = "Take a-z, 0-9, _ and -, and begin with a letter or digit."
                self._say([Finding(path, f'"{name}" cannot be a name', hint)])
            if isinstance(table, dict):
                parts[name] = read(name, table)
            else:
                parts[name] = None
                self._say([Finding(path, f"must be a table, [{section}.{name}]")])
        return parts

    def _shop(self, name: str, raw: Table) -> Shop | None:
        self._say(shop_rules(name, raw, self._secrets))
        return self._model(Shop, ("shops", name), raw, name=name)

    def _destination(self, name: str, raw: Table) -> Destination | None:
        path = ("destinations", name)
        system = raw.get("system")
        model = SYSTEMS.get(system) if isinstance(system, str) else None
        if model is None:
            self._say([_no_system(path, system)])
            self._say(self._unread_secrets(path, raw.get("auth")))
            return None
        self._say(destination_rules(name, raw, model))
        return self._model(model, path, self._with_skus(path, raw), name=name)

    def _of_known_systems(self) -> list[str]:
        """Of the others it is enough to say that their system is unknown."""
        return [name for name, one in self._tables("destinations").items() if one.get("system") in list(SYSTEMS)]

    def _prefixes(self) -> dict[str, str]:
        """The number prefixes of all shops, those included that have other mistakes."""
        return {name: str(one.get("number_prefix", "")) for name, one in self._tables("shops").items()}

    def _tables(self, section: str) -> dict[str, Table]:
        """What of a section has the right shape, whatever else may be wrong with it."""
        tables = self._raw.get(section)
        found = tables.items() if isinstance(tables, dict) else ()
        return {name: table for name, table in found if isinstance(table, dict)}

    def _with_skus(self, path: KeyPath, raw: Table) -> Table:
        """The section with the rows of ``skus_file`` under its ``skus``, which win."""
        name, skus = raw.get("skus_file"), raw.get("skus", {})
        if not isinstance(name, str) or not name or not isinstance(skus, dict):
            return raw
        at = self._problem(Finding((*path, "skus_file"), ""))
        listed, problems = read_skus(self._path.parent / name, at=at)
        self._found += problems
        return {**raw, "skus": {**listed, **skus}}

    def _unread_secrets(self, path: KeyPath, auth: object) -> Iterable[Finding]:
        """Of a system that nobody knows yet: at least the secrets it points to can be looked for."""
        for key, written in auth.items() if isinstance(auth, dict) else ():
            if isinstance(written, str) and written.startswith(("env:", "file:")):
                try:
                    self._secrets(written, literal="none")
                except SecretError as error:
                    yield Finding((*path, "auth", key), str(error), error.hint)

    def _routes(self, *, shops: list[str], destinations: list[str]) -> list[Route | None]:
        raw = self._raw.get("routes", [])
        if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
            self._say([Finding(("routes",), "must be a list of tables", "Write [[routes]], with two brackets.")])
            return []
        if not raw:
            hint = "Add a [[routes]] entry with deliver."
            self._say([Finding(("routes",), "there are no routes, so every order is held", hint, "warning")])
        self._say(reference_rules(raw, shops=shops, destinations=destinations))
        return [self._model(Route, ("routes", position), one) for position, one in enumerate(raw)]

    def _model(self, model: type[M], path: KeyPath, raw: Table, **ours: str) -> M | None:
        """``raw`` as the model, with what the place in the file says: the name."""
        clash = ours.keys() & raw.keys()
        self._say(
            Finding((*path, key), f'unknown key "{key}"', f"The name stands in the brackets: [{self._key(path)}].")
            for key in clash
        )
        given = {**raw, **ours}
        try:
            return model.model_validate(given, context={READER: self._secrets})
        except ValidationError as error:
            found = findings(error, model=model, raw=given, ours=ours)
            self._say(Finding((*path, *one.path), one.message, one.hint, one.severity) for one in found)
            return None

    def _say(self, found: Iterable[Finding]) -> None:
        self._found += [self._problem(one) for one in found]

    def _problem(self, found: Finding) -> Problem:
        return Problem(
            severity=found.severity,
            file=str(self._path),
            line=self._lines.of(found.path),
            key=self._key(found.path),
            message=found.message,
            hint=found.hint,
        )

    def _wrong(self, section: str = "") -> bool:
        return any(one.severity == "error" and one.key.startswith(section) for one in self._found)

    def _key(self, path: KeyPath) -> str:
        """``destinations.esuite-au.fields.BatchType``; a route by its name."""
        words: list[str] = []
        for part in path:
            if isinstance(part, int):
                name = self._raw["routes"][part].get("name") if words == ["routes"] else None
                if isinstance(name, str) and name:
                    words.append(_quoted(name))
                else:
                    words[-1] += f"[{part}]"
            else:
                words.append(_quoted(part))
        return ".".join(words)


def _right(routes: list[Route | None]) -> tuple[Route, ...]:
    return tuple(route for route in routes if route is not None)


def _quoted(word: str) -> str:
    return word if _BARE_KEY.fullmatch(word) else f'"{word}"'


def _no_system(path: KeyPath, system: object) -> Finding:
    known = ", ".join(sorted(SYSTEMS))
    place = (*path, "system")
    if not isinstance(system, str):
        return Finding(
            place, "system is missing" if system is None else "must be a text in quotes", f"Crossdock knows {known}."
        )
    hint = did_you_mean(system, SYSTEMS, what="")
    hint = hint if hint.startswith("Did") else "Take the destination out until its system is there, or mend the word."
    return Finding(place, f'unknown system "{system}"; Crossdock knows {known}', hint)
