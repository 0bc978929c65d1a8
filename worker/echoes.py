"""Credentials that a reply quotes back are taken out of it before anyone sees it."""

from __future__ import annotations

import html
import re

from schemas.destination import Auth, BasicAuth, BearerAuth, EnappsAuth, HeaderAuth, PathAuth, QueryAuth
from schemas.http import HIDDEN

UNMISTAKABLE_CHARS = 8
"""So long, with letters and digits, nothing but a key is equal to a key."""

_BEFORE_KEY = "/=\\"
"""What stands before it in an address, and in the path of a file that a web server makes of one."""

_IS = (
    r"(?:[^0-9A-Za-z&%\\]|&(?:amp;|\#)*(?:gt|quot|apos|62|x3e|34|x22|39|x27);"
    r"|\\+(?:u00[0-9a-f]{2})?|%[0-9a-f]{2}){1,12}"
)
"""Between the name of a login's part and the part itself: ``>`` in XML, ``": "`` in JSON, escaped too."""


class Echo:
    """Takes the credential out of replies that quote the request back (contracts/manex.md section 1).

    A long one with both letters and digits goes wherever it stands. Of others only what an address has, or what
    follows its name: digits alone may well be those of an amount, letters a word.
    """

    def __init__(self, secret: str, before: str = "") -> None:
        """``before``: a pattern for what it follows, if not what stands before it in an address."""
        before = before or "|".join(map(_written, _BEFORE_KEY))
        mixed = re.search("[0-9]", secret) and re.search("[A-Za-z]", secret)
        anywhere = "|(?<![0-9A-Za-z])" if mixed and len(secret) >= UNMISTAKABLE_CHARS else ""
        key = "".join(map(_written, secret))
        self._quoted = re.compile(rf"({before}{anywhere}){key}(?![0-9A-Za-z])", re.IGNORECASE)
        # Written as it is in every form, and found a hundred times faster.
        self._hint = max(re.findall("[0-9a-z]+", secret.lower()), key=len, default="")

    def hide(self, text: str) -> str:
        """The text with ``***`` in its place."""
        return self._quoted.sub(rf"\1{HIDDEN}", text) if self._hint in text.lower() else text


def echoes(auth: Auth) -> list[Echo]:
    """What has to be hidden in the replies to a credential."""
    match auth:
        case PathAuth():
            return [Echo(auth.key.get_secret_value())]
        case QueryAuth():
            return [Echo(auth.token.get_secret_value())]
        case BearerAuth():
            return [Echo(auth.token.get_secret_value(), f"(?:bearer|token){_IS}")]
        case HeaderAuth():
            return [Echo(auth.token.get_secret_value(), re.escape(auth.name) + _IS)]
        case BasicAuth():
            named = (("user(?:name)?", auth.username), ("password", auth.password))
            return [Echo(one.get_secret_value(), name + _IS) for name, one in named if one.get_secret_value()]
        case EnappsAuth():
            parts = (("bearer|secret", auth.secret), ("login", auth.login), ("password", auth.password))
            return [Echo(one.get_secret_value(), f"(?:{name}){_IS}") for name, one in parts if one.get_secret_value()]
    return []


def _written(character: str) -> str:
    """A pattern for a character as addresses, JSON and HTML write it, also one within the other."""
    if character.isascii() and character.isalnum():
        return character
    percent = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode())
    units = re.findall("....", character.encode("utf-16-be").hex())
    forms = [
        rf"\\{{0,4}}{re.escape(character)}",
        percent,
        "".join(rf"\\{{1,4}}u{unit}" for unit in units),
        rf"&(?:amp;)*\#(?:0*{ord(character)}|x0*{ord(character):x});",
        re.escape(html.escape(character)).replace("\\&", "&(?:amp;)*"),
        *((r"\+",) if character == " " else ()),
    ]
    return f"(?:{'|'.join(dict.fromkeys(forms))})"
