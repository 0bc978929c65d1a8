"""Whose order it is: the rule over local copies of another system's contacts and companies.

``customer = "NAME:ref"``: the customer code at any ERP is the ``ref`` of the buyer's company in the copies of
destination NAME, an Enapps (contracts/enapps.md section 4).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from schemas.destination import Unmappable

BY_REF = ":ref"

NO_EMAIL = "the order has no e-mail address"
NO_CONTACT = "no contact has the order's e-mail address"


class Copy(Protocol):
    """A copied record; see :class:`worker.feeds.Copied`."""

    @property
    def key(self) -> str:
        """Its id."""
        ...

    @property
    def ref(self) -> str:
        """The code it is found by."""
        ...

    @property
    def data(self) -> Mapping[str, Any]:
        """Of a contact: ``partner``, its company's id, and ``type``."""
        ...


C = TypeVar("C", bound=Copy)
T_co = TypeVar("T_co", bound=Copy, covariant=True)


class Copies(Protocol[T_co]):
    """Where they are kept; see :class:`worker.system.Shelf`."""

    def copies(self, destination: str, kind: str, *, key: str = "", ref: str = "", email: str = "") -> Sequence[T_co]:
        """Records that fit all of what is given."""
        ...

    def copied(self, destination: str, kind: str) -> bool:
        """Whether they were read to their end at least once."""
        ...


def source(customer: str | None) -> str | None:
    """The destination whose copies tell the customer: NAME of ``"NAME:ref"``; None where the code stands itself."""
    return customer.removesuffix(BY_REF).strip() if customer is not None and customer.endswith(BY_REF) else None


def foremost(contacts: Sequence[C]) -> list[C]:
    """Of several contacts with one e-mail address the primary ones, if there are any (section 4.2)."""
    primary = [one for one in contacts if str(one.data.get("type")).casefold() == "primary"]
    return primary if len(contacts) > 1 and primary else list(contacts)


def customer_of(email: str | None, *, of: str, shelf: Copies[Copy]) -> dict[str, Any]:
    """The buyer's code, for a delivery's memo.

    Args:
        of: the destination that was copied.

    Returns:
        ``{"code": ...}``, or why there is none: ``{"missing": why}``, ``{"candidates": [...]}``, or ``{"unread": of}``
        while the copies are not complete yet: one that is still to come may be the primary one.
    """
    if not email:
        return {"missing": NO_EMAIL}
    if not (shelf.copied(of, "contact") and shelf.copied(of, "partner")):
        return {"unread": of}
    found = foremost(shelf.copies(of, "contact", email=email))
    companies = list(dict.fromkeys(one.data.get("partner") for one in found))
    refs = {company: _ref(company, of=of, shelf=shelf) for company in companies}
    if len(companies) == 1 and refs[companies[0]]:
        return {"code": refs[companies[0]]}
    if len(companies) == 1:
        return {"missing": f"the company of contact {found[0].key} has no code (ref)"}
    if companies:
        return {"candidates": [f"{refs[one.data.get('partner')] or 'no code'} (contact {one.key})" for one in found]}
    return {"missing": NO_CONTACT}


def _ref(company: object, *, of: str, shelf: Copies[Copy]) -> str:
    known = shelf.copies(of, "partner", key=str(company)) if company else ()
    return known[0].ref if known else ""


def code_of(told: Mapping[str, Any], *, of: str) -> str:
    """The code in what :func:`customer_of` told.

    Raises:
        Unmappable: ``customer_missing``, ``customer_ambiguous``; held, for a person has to enter or mend the contact.
    """
    if told.get("code"):
        return str(told["code"])
    hint = f"Enter or mend the contact at {of}, wait for the next copy (crossdock partners shows them), then replay."
    if told.get("candidates"):
        listed = ", ".join(map(str, told["candidates"]))
        reason = f"Several companies at {of} have a contact with the order's e-mail address: {listed}."
        raise Unmappable("customer_ambiguous", reason, hint=hint, hold=True)
    if told.get("unread"):
        reason = f"The contacts at {of} have not been copied to their end yet."
        raise Unmappable("customer_unread", reason, hint=hint, hold=True)
    reason = f"The order's customer is not found at {of}: {told.get('missing', NO_CONTACT)}."
    raise Unmappable("customer_missing", reason, hint=hint, hold=True)
