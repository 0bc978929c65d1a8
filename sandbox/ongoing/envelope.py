"""SOAP 1.1 as an ASMX service speaks it (contracts/ongoing.md 2.1 and 2.2): envelopes in, envelopes and faults out."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml.ElementTree import fromstring

from sandbox.system import Answer, Request, make_answer

NAMESPACE = "http://ongoingsystems.se/WSI"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
XML_TYPE = {"content-type": "text/xml; charset=utf-8"}

Tree = Mapping[str, Any]
"""Elements by name: text, None (left out), a tree, or a list of trees or texts (the element repeated)."""


class FaultError(Exception):
    """The request cannot be read: a fault with HTTP 500. ``server``: it could, and failed then."""

    def __init__(self, text: str, *, server: bool = False) -> None:
        super().__init__(text)
        self.code = "soap:Server" if server else "soap:Client"


@dataclass(frozen=True, slots=True)
class Operation:
    """What was asked for: the operation and its element."""

    name: str
    element: Element


def unreadable(why: str) -> FaultError:
    """As ASMX says it of a body that does not fit the types."""
    return FaultError(f"Server was unable to read request. ---> There is an error in XML document. ---> {why}")


def opened(request: Request, known: Sequence[str], *, namespace: str = NAMESPACE) -> Operation:
    """The operation of a request. Raises FaultError."""
    action = request.headers.get("soapaction", "").strip().strip('"')
    name = action.removeprefix(f"{namespace}/")
    if name not in known or action == name:
        raise FaultError(f"Server did not recognize the value of HTTP Header SOAPAction: {action}.")
    try:
        envelope: Element = fromstring(request.body, forbid_dtd=True)
    except (ParseError, ValueError, LookupError) as error:
        raise unreadable(type(error).__name__) from error
    body = envelope.find(f"{{{SOAP}}}Body")
    element = body.find(f"{{{namespace}}}{name}") if body is not None else None
    if envelope.tag != f"{{{SOAP}}}Envelope" or element is None:
        raise unreadable(f"<{name}> was expected in the body.")
    return Operation(name, element)


def child(parent: Element | None, name: str) -> Element | None:
    """The element of that name, in the service's namespace; others are not seen."""
    return None if parent is None else parent.find(f"{{{NAMESPACE}}}{name}")


def children(parent: Element | None, name: str) -> list[Element]:
    """All of that name."""
    return [] if parent is None else parent.findall(f"{{{NAMESPACE}}}{name}")


def text(parent: Element | None, name: str) -> str | None:
    """Its text; None where it is not there."""
    found = child(parent, name)
    return None if found is None else found.text or ""


def choice(parent: Element | None, name: str, values: Sequence[str]) -> str:
    """One of an enumeration; the first where it is not there. Raises FaultError."""
    given = text(parent, name)
    if given is None:
        return values[0]
    if given not in values:
        raise unreadable(f"Instance validation error: '{given}' is not a valid value for {name}.")
    return given


def number(parent: Element | None, name: str) -> float | None:
    """A decimal. Raises FaultError."""
    given = text(parent, name)
    try:
        value = None if given is None else float(given)
    except ValueError:
        value = math.nan
    if value is not None and not math.isfinite(value):
        raise unreadable("Input string was not in a correct format.")
    return value


def integer(parent: Element | None, name: str) -> int | None:
    """An int32. Raises FaultError."""
    given = text(parent, name)
    if given is None:
        return None
    if not given.strip().lstrip("-").isdecimal() or abs(int(given)) >= 2**31:
        raise unreadable("Input string was not in a correct format.")
    return int(given)


def flag(parent: Element | None, name: str) -> bool | None:
    """A boolean. Raises FaultError."""
    given = text(parent, name)
    if given is not None and given not in ("true", "false", "1", "0"):
        raise unreadable(f"The string '{given}' is not a valid Boolean value.")
    return None if given is None else given in ("true", "1")


def moment(parent: Element | None, name: str) -> str | None:
    """A dateTime. Raises FaultError."""
    given = text(parent, name)
    try:
        if given is not None and ("T" not in given or not datetime.fromisoformat(given)):
            raise ValueError
    except ValueError:
        raise unreadable(f"The string '{given}' is not a valid AllXsd value.") from None
    return given


def answered(operation: str, result: Tree, *, namespace: str = NAMESPACE) -> Answer:
    """The response of an operation."""
    inner = _written({f"{operation}Result": result})
    return enveloped(200, f'<{operation}Response xmlns="{namespace}">{inner}</{operation}Response>')


def faulted(error: FaultError) -> Answer:
    """A fault, HTTP 500 (2.2)."""
    return enveloped(500, fault_body(error.code, str(error)))


def fault_body(code: str, words: str) -> str:
    """The element."""
    return f"<soap:Fault><faultcode>{code}</faultcode><faultstring>{escape(words)}</faultstring><detail /></soap:Fault>"


def enveloped(status: int, body: str) -> Answer:
    """A whole answer."""
    return make_answer(status, wrapped(body), XML_TYPE)


def wrapped(body: str) -> str:
    """An envelope as text."""
    head = '<?xml version="1.0" encoding="utf-8"?>'
    return f'{head}<soap:Envelope xmlns:soap="{SOAP}"><soap:Body>{body}</soap:Body></soap:Envelope>'


def _written(tree: Tree) -> str:
    return "".join(_element(name, value) for name, value in tree.items())


def _element(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return "".join(_element(name, one) for one in value)
    if isinstance(value, Mapping):
        return f"<{name}>{_written(value)}</{name}>"
    if isinstance(value, bool):
        value = "true" if value else "false"
    return f"<{name}>{escape(str(value))}</{name}>"
