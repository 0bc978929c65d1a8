"""Ongoing: whose login it is. One of the automation API sees all goods owners (contracts/ongoing.md section 3)."""

from __future__ import annotations

from schemas import ongoing_soap as soap
from schemas import ongoing_soap_reply as read
from schemas.destination import BasicAuth
from schemas.http import Reply
from schemas.ongoing import OngoingDestination
from tasks.ongoing.door import Door
from worker.outcomes import Delivered, Outcome, Suspend
from worker.system import Http, Probed

PREFIX = "WSI"
"""So the names of a goods owner's API users begin (section 1.1)."""

PAGE = "Administration, API for goods owners"

LOGIN_REFUSED = ("unauthorized", "forbidden", "look_refused")

NOT_TRIED = "not tried: whether the login is one of the automation API, which sees all goods owners: "


async def probed(destination: OngoingDestination, door: Door, http: Http, *, now: float) -> Probed:
    """What the goods owner's API answers; and where its address is right, whose login it was asked with."""
    outcome = await door.probe(http, now=now)
    if not isinstance(outcome, Delivered) and outcome.code not in LOGIN_REFUSED:
        return Probed(outcome)
    remarks = _name_remarks(destination, accepted=isinstance(outcome, Delivered))
    up = destination.below_warehouse
    if up is None or not isinstance(destination.auth, BasicAuth):
        return Probed(outcome, (*remarks, NOT_TRIED + _why_not(up)))
    reply = await http.send(soap.goods_owners(up=up))
    seen = read.opened(reply).goods_owners
    if seen:
        return Probed(_refused(destination, outcome, len(seen)))
    silent = (f"{NOT_TRIED}it did not answer.",) if _silent(reply) else ()
    return Probed(outcome, (*remarks, *silent))


def _refused(destination: OngoingDestination, outcome: Outcome, count: int) -> Suspend:
    also = "" if isinstance(outcome, Delivered) else " The goods owner API refuses it besides."
    return Suspend(
        code="automation_user",
        reason="The login is a user of the automation API, which sees all goods owners of the warehouse "
        f"({count} of them); orders are sent with the login of one goods owner alone.{also}",
        hint=f"Create an API user of your goods owner in Ongoing ({PAGE}; its name begins with {PREFIX}), and set it "
        f"in auth of [destinations.{destination.name}].",
    )


def _name_remarks(destination: OngoingDestination, *, accepted: bool) -> tuple[str, ...]:
    auth = destination.auth
    if not isinstance(auth, BasicAuth) or auth.username.get_secret_value().upper().startswith(PREFIX):
        return ()
    what = "is let in all the same" if accepted else "is refused"
    return (
        f"The user name in auth does not begin with {PREFIX}, as those of a goods owner's API users do, and {what}: "
        f"look in Ongoing ({PAGE}) whose it is.",
    )


def _why_not(up: int | None) -> str:
    if up is None:
        return "base_url ends neither with /api/v1 nor with .asmx, so its address cannot be told."
    return 'it is asked with a user name and a password, and auth has another mode than "basic".'


def _silent(reply: Reply) -> bool:
    """It said neither yes nor no. A fault, which is a 500, is a no."""
    return reply.fault is not None or ((reply.status or 0) >= 500 and read.opened(reply).fault is None)
