"""What a request sends: JSON with names in any letter case, numbers kept exact, dates read as local time."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.iws.data import MADE
from sandbox.system import Request

JSON_TYPES = ("application/json", "text/json")
LIMIT = Decimal(10) ** 12
NUMBER = re.compile(r"[+-]?\d{1,30}(\.\d{1,30})?([eE][+-]?\d{1,2})?", re.ASCII)
# One digit is enough: 2017-07-2T14:53:46 was taken (section 9).
MOMENT = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ](\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?",
    re.ASCII,
)
ADDRESS = {
    "name": "name",
    "address": "address",
    "city": "city",
    "state": "state",
    "postalcode": "postalCode",
    "county": "county",
    "country": "country",
    "phone": "telephone",
    "telephone": "telephone",
    "email": "email",
    "code": "code",
    "shippingmethodcode": "shippingMethodCode",
}
"""Either spelling of section 6.4, without its ``shipTo`` or ``billTo``."""


class InvalidError(Exception):
    """400: what was sent cannot be read. The text is the title."""

    def __init__(self, title: str = "The request is invalid.") -> None:
        super().__init__(title + MADE)


class RefusedError(Exception):
    """A rule of the business is broken: 400 or 500. The text is the title."""

    def __init__(self, title: str) -> None:
        super().__init__(title + MADE)


class MissingError(Exception):
    """404 with an errors body. The text is the title."""

    def __init__(self, title: str) -> None:
        super().__init__(title + MADE)


class MediaTypeError(Exception):
    """415."""


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A date or time as the server's local time, without offset. Raises ValueError."""
    found = MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text[:40]} is no date")
    *numbers, fraction, offset = found.groups()
    year, month, day, hour, minute, second = (int(number or 0) for number in numbers)
    moment = datetime(year, month, day, hour, minute, second, int((fraction or "0").ljust(6, "0")[:6]))  # noqa: DTZ001
    if offset is None:
        return moment
    return moment.replace(tzinfo=_offset(offset)).astimezone(zone).replace(tzinfo=None)


def _offset(text: str) -> timezone:
    if text == "Z":
        return timezone(timedelta(0))
    digits = text[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-ahead if text[0] == "-" else ahead)


def local(moment: datetime, zone: ZoneInfo, *, digits: int = 3) -> str:
    """A moment as the server writes it: local, without offset, no zeros at the end of a fraction."""
    return written(moment.astimezone(zone).replace(tzinfo=None), digits=digits)


def written(moment: datetime, *, digits: int = 3) -> str:
    """A local time as the server writes it."""
    fraction = f"{moment.microsecond:06}"[:digits].rstrip("0")
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{fraction}" if fraction else "")


class Fields:
    """One object of a body. An unknown name is ignored without a word."""

    def __init__(self, values: Mapping[str, Any], where: str = "") -> None:
        self._values = {name.lower(): value for name, value in values.items() if value is not None}
        self._where = where

    def text(self, name: str) -> str | None:
        """Text without outer blanks; None where it is blank. Raises InvalidError for an array or object."""
        value = self._values.get(name.lower())
        if value is None:
            return None
        if isinstance(value, dict | list | bool):
            raise self._wrong(name)
        return str(value).strip() or None

    def number(self, name: str) -> Decimal | None:
        """A number, also as text. Raises InvalidError if it is none, or out of the database's range."""
        text = self.text(name)
        if text is None:
            return None
        if not NUMBER.fullmatch(text) or abs(Decimal(text)) >= LIMIT:
            raise self._wrong(name)
        return Decimal(text)

    def flag(self, name: str) -> bool | None:
        """True or false, also as text. Raises InvalidError for anything else."""
        value = self._values.get(name.lower())
        if value is None or isinstance(value, bool):
            return value
        if str(value).lower() not in ("true", "false"):
            raise self._wrong(name)
        return str(value).lower() == "true"

    def moment(self, name: str, zone: ZoneInfo) -> str | None:
        """A date as the server writes it. Raises InvalidError."""
        text = self.text(name)
        try:
            return None if text is None else written(read_moment(text, zone))
        except (ValueError, OverflowError) as error:
            raise self._wrong(name) from error

    def child(self, name: str) -> Fields | None:
        """An object below this one. Raises InvalidError."""
        value = self._values.get(name.lower())
        if value is not None and not isinstance(value, dict):
            raise self._wrong(name)
        return None if value is None else Fields(value, f"{self._where}{name}.")

    def children(self, name: str) -> list[Fields]:
        """An array of objects. Raises InvalidError."""
        rows = self._values.get(name.lower(), [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._wrong(name)
        return [Fields(row, f"{self._where}{name}[{index}].") for index, row in enumerate(rows)]

    def address(self, name: str) -> dict[str, str]:
        """An address of section 6.4, in either spelling, by the names of :data:`ADDRESS`; empty if there is none."""
        inner = self.child(name)
        if inner is None:
            return {}
        kept: dict[str, str] = {}
        for key in inner._values:
            plain = key.removeprefix("shipto").removeprefix("billto")
            value = inner.text(key) if plain in ADDRESS else None
            if value:
                kept[ADDRESS[plain]] = value
        return kept

    def custom_fields(self) -> list[dict[str, Any]]:
        """``[{"field": ..., "value": ...}]``; a value may be any JSON."""
        return [
            {"field": row.text("field") or "", "value": _plain(row._values.get("value"))}
            for row in self.children("customFields")
        ]

    def _wrong(self, name: str) -> InvalidError:
        return InvalidError(f"The value of {self._where}{name} cannot be read.")


def _plain(value: Any) -> Any:
    """A value as the journal can keep it."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return value


def read_body(request: Request) -> Fields:
    """The body. Raises MediaTypeError, or InvalidError where it is no JSON object."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in JSON_TYPES:
        raise MediaTypeError
    try:
        body = json.loads(request.body, parse_float=Decimal, parse_constant=_refuse_constant)
        if b"\\ud" in request.body.lower():
            json.dumps(body, ensure_ascii=False, default=str).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise InvalidError from error
    if not isinstance(body, dict):
        raise InvalidError
    return Fields(body)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
