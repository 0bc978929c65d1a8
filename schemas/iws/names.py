"""IWS: the names and routes that no public page states. One table; a section's ``names`` corrects it."""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    # Routes below base_url. The first is documented by its name alone (contracts/iws.md 6.2, 6.6).
    "route_by_email": "salesorder/advance",
    "route_header": "salesorder/{code}",
    # Neither a listing of the items nor their stock is public (8).
    "route_inventory": "inventory",
    "route_stock": "inventory/{code}/stocktotal",
    "stock_free": "freeStock",
    # Members of shipAddress and billToAddress: those models are not public (6.4).
    "ship_name": "shipToName",
    "ship_street": "address",
    "ship_city": "city",
    "ship_county": "county",
    "ship_state": "state",
    "ship_postcode": "postalCode",
    "ship_country": "country",
    "ship_phone": "telephone",
    "ship_email": "email",
    "bill_name": "billToName",
    "bill_street": "address",
    "bill_city": "city",
    "bill_county": "county",
    "bill_state": "state",
    "bill_postcode": "postalCode",
    "bill_country": "country",
    "bill_phone": "telephone",
    "bill_email": "email",
    # The price of one after discounts; how it differs from netItemPrice is not documented (6.3).
    "price": "itemUnitPrice",
}
"""Our word and the contract's value. A member whose name is empty is not sent; a route and the price need one."""

NEEDED = ("route_by_email", "route_header", "price", "route_inventory", "route_stock", "stock_free")
"""What cannot be left out."""


def checked(names: Mapping[str, str]) -> None:
    """Refuse what the table does not have, and a route that could not work.

    Raises:
        ValueError: naming all that is wrong.
    """
    problems = [f"{name} is no name that can be set; there are {', '.join(NAMES)}" for name in names.keys() - NAMES]
    problems += [f"{name} must not be empty" for name in NEEDED if not names.get(name, "-").strip()]
    for name in ("route_header", "route_stock"):
        if "{code}" not in names.get(name, "{code}"):
            problems.append(f'{name} needs {{code}}, as "{NAMES[name]}"')
    if problems:
        raise ValueError("; ".join(problems))
