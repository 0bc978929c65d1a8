"""Interprise IWS: what follows from a sales order that is there (contracts/iws.md sections 6.5, 6.6 and 10).

No route changes or cancels one (section 10), so what differs waits for a person.
"""

from __future__ import annotations

from typing import Any

from schemas.iws import IwsDestination
from schemas.iws.difference import differences, ship_to_differs, warnings
from schemas.iws.reply import Resource
from schemas.iws.sales_order import remarks
from tasks.iws.lookup import key_of, lines_of
from tasks.iws.memo import kept
from tasks.iws.paging import Reader
from worker.outcomes import Delivered, Outcome, Reject
from worker.system import Job


def settled(job: Job[IwsDestination], header: Resource) -> dict[str, Any]:
    """The memo of an order that IWS has as this sales order, in this version."""
    customer = header.text("billToCode")
    known = {"customer": customer} if customer else {}
    return {**kept(job), **known, "salesOrderCode": header.id, "poCode": job.number, "sent": job.order.content()}


async def compared(job: Job[IwsDestination], reader: Reader, live: tuple[Resource, ...]) -> Outcome:
    """What is there against what the order says. ``live``: one at least, none of them voided.

    Raises:
        Stopped, Endless: its lines could not be read.
        Unmappable: the order has a line without SKU.
    """
    header = live[0]
    if len(live) > 1:
        return Reject(
            code="duplicates",
            reason=f"IWS has order {job.number} {len(live)} times: {', '.join(row.id for row in live)}.",
            hint="Void all but one of them in Interprise, then replay.",
        )
    if job.order.cancelled:
        return Reject(
            code="cancel_by_hand",
            reason=f"The shop cancelled the order, and IWS has it as {_named(header)}; IWS offers no way to cancel it.",
            hint=f"Void {header.id} in Interprise, then replay; or accept it as it is there.",
            hold=True,
        )
    if job.memo.get("salesOrderCode") == header.id and job.memo.get("sent") == job.order.content():
        return _agrees(job, header, note=f"IWS has it as {header.id} as it was sent; nothing was sent again")
    unequal = await _unequal(job, reader, header)
    if not unequal:
        return _agrees(job, header, note=f"found in IWS as {header.id}, equal to the order; nothing was sent")
    return _differs(job, header, unequal)


async def _unequal(job: Job[IwsDestination], reader: Reader, header: Resource) -> tuple[str, ...]:
    lines = await lines_of(reader, header.id)
    order, destination = job.order, job.destination
    alone = set(job.memo.get("tried", ())) <= {order.content()}
    found = differences(
        order,
        number=job.number,
        destination=destination,
        header=header,
        lines=lines,
        made_of_it=alone and header.text("salesRepOrderCode") == key_of(job),
    )
    if alone:
        return found  # it was made of this version, whatever the ERP has made of the address
    parts = ship_to_differs(order, destination=destination, header=header)
    return (*found, f"ship-to address ({', '.join(parts)})") if parts else found


def _agrees(job: Job[IwsDestination], header: Resource, *, note: str) -> Delivered:
    said = (*remarks(job.order, job.destination), *warnings(job.order, header, destination=job.destination))
    if len(job.memo.get("tried", ())) > 1 and job.memo.get("sent") != job.order.content():
        said += (f"phone, e-mail and notes of {header.id} were not compared with the order's",)
    return Delivered(reference=header.id, note=note, memo=settled(job, header), warnings=said)


def _differs(job: Job[IwsDestination], header: Resource, unequal: tuple[str, ...]) -> Reject:
    what = "; ".join(unequal)
    if job.memo.get("salesOrderCode") == header.id:
        code, reason = "change_by_hand", f"The order changed, and IWS offers no way to change {_named(header)}: {what}."
    else:
        code, reason = "conflict", f"IWS has order {job.number} as {_named(header)}, and it differs: {what}."
    return Reject(
        code=code,
        reason=reason,
        hint=f"Make {header.id} in Interprise what the order says, then replay; or accept it as it is there. If it is "
        "another order, give this shop a number_prefix or edit this order's number, then replay.",
        hold=True,
    )


def voided(job: Job[IwsDestination], header: Resource) -> Outcome:
    """Someone voided it. The flag counts, whatever its status reads (section 6.6)."""
    if job.order.cancelled:
        note = f"cancelled, and {header.id} is voided in IWS"
        return Delivered(reference=header.id, note=note, memo=settled(job, header))
    return Reject(
        code="voided",
        reason=f"IWS had order {job.number} as {header.id}, and someone voided it there.",
        hint="If that was meant, accept it as it is there. To send the order once more, edit its number, then replay.",
        hold=True,
    )


def _named(header: Resource) -> str:
    status = header.text("orderStatus")
    return f"{header.id} ({status})" if status else header.id
