"""The automation API of one instance (contracts/ongoing.md section 3): ``/acme/Automation.asmx``, one operation.

What its answers look like is not public, so this one is made up.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from sandbox.ongoing.data import OngoingSettings
from sandbox.ongoing.envelope import FaultError, answered, faulted, opened
from sandbox.system import Answer, Request, make_answer

PATHS = ("/automation.asmx", "/acme/automation.asmx")
"""Beside ``/api/v1``, and beside ``/acme/Service.asmx``."""

NAMESPACE = "http://ongoingsystems.se/Automation"
OPERATION = "GetGoodsOwnersByQuery"


def serves(request: Request) -> bool:
    """Whether the request is for this door; IIS does not tell capitals."""
    return request.path.lower() in PATHS


def is_user(credentials: Mapping[str, str], user: bytes, password: bytes) -> bool:
    """Whether this is the login of the automation API."""
    known = hmac.compare_digest(user, credentials["automation_username"].encode())
    return hmac.compare_digest(password, credentials["automation_password"].encode()) and known


def answer(request: Request, credentials: Mapping[str, str], settings: OngoingSettings) -> Answer:
    """All goods owners, for the automation user alone."""
    if request.method != "POST" or not settings.automation_api:
        return make_answer(404, "The resource cannot be found.")
    try:
        asked = opened(request, (OPERATION,), namespace=NAMESPACE)
    except FaultError as error:
        return faulted(error)
    sent = (asked.element.findtext(f"{{{NAMESPACE}}}{name}") or "" for name in ("UserName", "Password"))
    if not is_user(credentials, *(part.encode() for part in sent)):
        if settings.soap_login == "fault":
            return faulted(FaultError("Server was unable to process request. ---> Access denied.", server=True))
        return answered(OPERATION, {"Success": False, "Message": "Access denied."}, namespace=NAMESPACE)
    owners = {settings.goods_owner_id: settings.goods_owner_code, **settings.other_goods_owners}
    found = [{"Id": number, "Name": name} for number, name in sorted(owners.items())]
    return answered(OPERATION, {"Success": True, "GoodsOwners": {"GoodsOwner": found}}, namespace=NAMESPACE)
