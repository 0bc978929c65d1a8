"""What a request sends, read as ASP.NET Web API binds it: query and body in one, names in any letter case."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl

from sandbox.manex.data import MADE
from sandbox.system import Request

JSON_TYPES = ("application/json", "text/json")
FORM_TYPE = "application/x-www-form-urlencoded"
LIMIT = 10**12
NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
MONTH_FIRST = re.compile(r"(\d{1,2})[-/](\d{1,2})[-/](\d{4})", re.ASCII)
ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?Z?", re.ASCII)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|,(?=\s*[}\]])', re.DOTALL)
FIRST_YEAR = 1753  # of SQL Server's datetime

Dates = Literal["any", "mdy-only", "iso-only", "swap"]


class BrokenError(Exception):
    """What was sent cannot be read; the site answers its own 500."""


class MediaTypeError(Exception):
    """A body in a format that the site does not read: 415."""


class RefusedError(Exception):
    """An envelope with Code 403 and this Message. ``made``: the documentation does not have it."""

    def __init__(self, message: str, *, made: bool = True) -> None:
        super().__init__(message + MADE if made else message)


class Fields:
    """The parameters of one call. An unknown one is ignored without a word (section 9, trap 8)."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name.strip().lower(): value for name, value in values.items() if value is not None}

    def given(self, *names: str) -> bool:
        """Whether one of these was sent and is not blank."""
        return bool(self.text(*names))

    def known(self, name: str) -> bool:
        """Whether this was sent, blank or not."""
        return name.lower() in self._values

    def text(self, *names: str) -> str | None:
        """The first of these that was sent, without outer blanks. Raises BrokenError for an array or object."""
        for name in names:
            value = self._values.get(name.lower())
            if value is not None:
                if not isinstance(value, str):
                    raise BrokenError(f"{name} is no plain value")
                return value.strip()
        return None

    def number(self, name: str) -> Decimal | None:
        """A number. Raises BrokenError if it is none, or out of the database's range."""
        text = self.text(name)
        if not text:
            return None
        if not NUMBER.fullmatch(text):
            raise BrokenError(f"{name} is no number")
        number = Decimal(text)
        if abs(number) >= LIMIT:
            raise BrokenError(f"{name} is out of range")
        return number

    def flag(self, name: str) -> bool | None:
        """A bit: 1, 0, true or false. Raises BrokenError for anything else."""
        text = self.text(name)
        if not text:
            return None
        if text.lower() not in ("1", "0", "true", "false"):
            raise BrokenError(f"{name} is neither true nor false")
        return text.lower() in ("1", "true")

    def moment(self, name: str, dates: Dates) -> datetime | None:
        """A date as it was meant, to the minute. Raises RefusedError for a format the site does not take."""
        text = self.text(name)
        if not text:
            return None
        try:
            moment = _moment(text, dates)
        except ValueError:
            moment = None
        if moment is None or moment.year < FIRST_YEAR:
            raise RefusedError(f"{name} {text[:40]} is no date.")
        return moment


def _moment(text: str, dates: Dates) -> datetime | None:
    found = MONTH_FIRST.fullmatch(text)
    if found and dates != "iso-only":
        month, day, year = map(int, found.groups())
        return datetime(year, month, day, tzinfo=UTC)
    if ISO.fullmatch(text) and dates != "mdy-only":
        return datetime.fromisoformat(text).replace(second=0, microsecond=0, tzinfo=UTC)
    return None


def stored(moment: datetime, dates: Dates) -> str:
    """A date as it is kept and shown: without zone, and with day and month exchanged if the site swaps them."""
    if dates == "swap" and moment.day <= 12:
        moment = moment.replace(month=moment.day, day=moment.month)
    return moment.strftime("%Y-%m-%dT%H:%M:00")


def now() -> str:
    """This minute, as the database keeps it."""
    return stored(datetime.now(UTC), "any")


def padded(value: str, width: int) -> str:
    """A key as it is kept: a number is padded with zeros on the left, letters are upper case (section 11)."""
    return value.zfill(width) if value.isascii() and value.isdigit() else value.upper()


def read_fields(request: Request) -> Fields:
    """Query and body in one; the body wins. Raises BrokenError or MediaTypeError."""
    # Split on & alone: in the sample's ?SoNo=1?custNo=2 the SoNo is 1?custNo=2 (section 9, trap 3).
    values: dict[str, Any] = {name.lower(): value for name, value in request.params()}
    if request.body.strip():
        values |= {name.lower(): value for name, value in _body(request).items()}
    return Fields(values)


def _body(request: Request) -> dict[str, Any]:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == FORM_TYPE:
        return dict(parse_qsl(request.body.decode("latin-1"), keep_blank_values=True))
    if media_type not in JSON_TYPES:
        raise MediaTypeError(media_type or "application/octet-stream")
    try:
        text = request.body.decode("utf-8-sig")
        try:
            body = _load(text)
        except ValueError:
            body = _load(TOKEN.sub(_double_quoted, text))
        # Half a surrogate pair is valid JSON and no text.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise BrokenError("the body is no JSON") from error
    if not isinstance(body, dict):
        raise BrokenError("the body is no object")
    return {name: _plain(value) for name, value in body.items()}


def _load(text: str) -> Any:
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def _double_quoted(token: re.Match[str]) -> str:
    """Json.NET takes single quotes and a comma before the closing bracket."""
    found = token.group()
    if found == ",":
        return ""
    if found.startswith('"'):
        return found
    return '"' + found[1:-1].replace("\\'", "'").replace('"', '\\"') + '"'
