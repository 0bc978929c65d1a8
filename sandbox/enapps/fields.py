"""What a call sends: a query, JSON, and both kinds of form (sections 2, 3 and 6.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import parse_qsl

from sandbox.enapps.data import ApiError
from sandbox.system import Request

JSON_TYPE = "application/json"
FORM_TYPE = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"


class Params:
    """The parameters of a GET. One that nobody knows is ignored; an empty one is none."""

    def __init__(self, request: Request) -> None:
        """Query and body in one; the body wins. Raises ApiError for a body that cannot be read."""
        self._values: dict[str, list[str]] = {}
        for name, value in request.params():
            self._values.setdefault(name, []).append(value)
        if request.body:
            sent, _ = read_body(request)
            self._values |= {name: [_plain(name, value)] for name, value in sent.items()}

    def text(self, name: str) -> str | None:
        """The last value of that name."""
        return self._values.get(name, [""])[-1] or None

    def whole(self, name: str) -> int | None:
        """A whole number. Raises ApiError if it is none."""
        text = self.text(name)
        if text is None:
            return None
        if not WHOLE.fullmatch(text):
            raise ApiError(f"{name} must be an integer")
        return int(text)

    def required(self, name: str) -> int:
        """A whole number that must be there. Raises ApiError."""
        number = self.whole(name)
        if number is None:
            raise ApiError(f"{name} is required")
        return number

    def several(self, name: str) -> list[str]:
        """A list: separated by commas, as a JSON array, or the name repeated."""
        found: list[str] = []
        for value in self._values.get(name, []):
            found += _listed(value) if value.lstrip().startswith("[") else value.split(",")
        return [one.strip() for one in found if one.strip()]

    def time(self, name: str, utc_offset_h: float) -> str | None:
        """A moment, ``%Y-%m-%d %H:%M:%S`` on the server's clock, as it is kept: in UTC. Raises ApiError."""
        text = self.text(name)
        if text is None:
            return None
        return shifted(_parsed(name, text, TIME_FORMAT), -utc_offset_h)

    def day(self, name: str) -> str | None:
        """A date, ``%Y-%m-%d``. Raises ApiError."""
        text = self.text(name)
        return None if text is None else _parsed(name, text, "%Y-%m-%d").date().isoformat()

    def options(self, name: str) -> dict[str, str]:
        """A JSON object of texts. Raises ApiError."""
        text = self.text(name)
        if text is None:
            return {}
        value = _loaded(name, text)
        if not isinstance(value, dict) or not all(isinstance(option, str) for option in value.values()):
            raise ApiError(f"{name} must be an object of texts")
        return value


def _plain(name: str, value: Any) -> str:
    if isinstance(value, (dict, list)):
        return json.dumps(value, default=str)
    if isinstance(value, bool):
        raise ApiError(f"{name} cannot be true or false")
    return "" if value is None else str(value)


def _listed(text: str) -> list[str]:
    value = _loaded("a list", text)
    return [str(one) for one in value]


def _parsed(name: str, text: str, form: str) -> datetime:
    try:
        moment = datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        raise ApiError(f"{name} must look like {form}") from None
    if moment.strftime(form) != text or not 1900 < moment.year < 9000:
        raise ApiError(f"{name} must look like {form}")
    return moment


def shifted(moment: datetime | str, hours: float) -> str:
    """A moment so many hours later, as it is kept and shown."""
    if isinstance(moment, str):
        moment = datetime.strptime(moment, TIME_FORMAT).replace(tzinfo=UTC)
    return (moment + timedelta(hours=hours)).strftime(TIME_FORMAT)


def days_later(stamp: str, days: int) -> str:
    """The date so many days after a moment."""
    return (date.fromisoformat(stamp[:10]) + timedelta(days=days)).isoformat()


def now() -> str:
    """This second in UTC."""
    return datetime.now(UTC).strftime(TIME_FORMAT)


def read_body(request: Request) -> tuple[dict[str, Any], bool]:
    """The members of a body, and whether they came as a form, all texts then. Raises ApiError."""
    media_type = request.headers.get("content-type", "")
    kind = media_type.partition(";")[0].strip().lower()
    try:
        if kind == FORM_TYPE:
            return dict(parse_qsl(request.body.decode(), keep_blank_values=True)), True
        if kind == MULTIPART:
            return _parts(request.body, media_type), True
        if kind == JSON_TYPE:
            body = _loaded("the body", request.body.decode())
            # Half a surrogate pair is valid JSON and no text.
            json.dumps(body, ensure_ascii=False, default=str).encode()
            if not isinstance(body, dict):
                raise ApiError("The body must be an object")
            return body, False
    except UnicodeError:
        raise ApiError("The body is no UTF-8") from None
    except RecursionError:
        raise ApiError("the body is no JSON") from None
    raise ApiError("The body must be JSON or a form")


def _parts(body: bytes, media_type: str) -> dict[str, str]:
    message = message_from_bytes(b"Content-Type: " + media_type.encode() + b"\r\n\r\n" + body, policy=policy.HTTP)
    if not message.is_multipart() or message.defects:
        raise ApiError("The form cannot be read")
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(content, bytes):
            raise ApiError("The form cannot be read")
        found[name] = content.decode()
    return found


def _loaded(name: str, text: str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ApiError(f"{name} is no JSON") from None


def _refuse(name: str) -> Any:
    raise ValueError(name)


def unpacked(body: Mapping[str, Any], *, whole: tuple[str, ...], structures: tuple[str, ...]) -> dict[str, Any]:
    """A form's texts as JSON would have had them: whole numbers, and JSON inside a text. Raises ApiError."""
    found = dict(body)
    for name in whole:
        if WHOLE.fullmatch(found.get(name, "")):
            found[name] = int(found[name])
    for name in structures:
        if found.get(name):
            found[name] = _loaded(name, found[name])
    return found
