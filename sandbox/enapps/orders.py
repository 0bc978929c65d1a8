"""POST /orders: what a body must hold (section 6), and the journal's entry that it becomes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.enapps.data import BAD_PRICE, ApiError
from sandbox.enapps.fields import now, read_body, unpacked
from sandbox.enapps.seed import COUNTRIES
from sandbox.enapps.site import CENT, Site
from sandbox.system import Entry, Request

LARGEST = 2**31 - 1
SHIPPING = (
    *("first_name", "last_name", "company_name", "country", "street_address_1", "street_address_2", "town_city"),
    *("postcode", "phone", "email"),
)
"""6.1; other members are ignored."""


def drafted(request: Request, site: Site) -> Entry:
    """The entry of a new order. Raises ApiError."""
    body, form = read_body(request)
    if form:
        body = unpacked(body, whole=("partner_order_id", "shop_id"), structures=("products", "shipping_details"))
    number = _whole(body, "partner_order_id")
    contact = site.contact(number)
    shop = _whole(body, "shop_id")
    if shop not in site.settings.shops:
        raise ApiError(f"shop_id {shop} is no shop")
    reference = _reference(body, site)
    lines = [_line(line, place, contact.partner_id, site) for place, line in enumerate(_list(body, "products"))]
    shipping = _shipping(body.get("shipping_details"))
    untaxed = sum((Decimal(line["price"]) * line["qty"] for line in lines), Decimal(0))
    return {
        "op": "order",
        "at": now(),
        "client_order_ref": reference,
        "contact": number,
        "partner": contact.partner_id,
        "shop": shop,
        "currency": site.settings.currency,
        "untaxed": str(untaxed),
        "tax": str((untaxed * site.settings.tax_rate).quantize(CENT, ROUND_HALF_UP)),
        "start_state": site.settings.start_state,
        "fixed_address": contact.res_adresses_id,
        "address": _address(shipping, contact.partner_id),
        "shipping_details": shipping,
        "lines": lines,
    }


def _given(body: Mapping[str, Any], name: str) -> Any:
    value = body.get(name)
    if value in (None, "", []):
        raise ApiError(f"{name} is required")
    return value


def _whole(body: Mapping[str, Any], name: str) -> int:
    value = _given(body, name)
    if not _is_whole(value):
        raise ApiError(f"{name} must be an integer")
    return int(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = _given(body, name)
    if not isinstance(value, list):
        raise ApiError(f"{name} must be an array")
    return value


def _reference(body: Mapping[str, Any], site: Site) -> str:
    reference = _given(body, "client_order_ref")
    if not isinstance(reference, str):
        raise ApiError("client_order_ref must be a text")
    if site.settings.refuse_duplicates and reference in site.book.references:
        raise ApiError(f"client_order_ref {reference} is already used")
    return reference


def _line(line: object, place: int, partner: int, site: Site) -> dict[str, Any]:
    try:
        if not isinstance(line, dict):
            raise ApiError("must be an object")
        return _read_line(line, partner, site)
    except ApiError as error:
        text = str(error)
        raise ApiError(text if text == BAD_PRICE else f"products[{place}]: {text}", status=error.status) from None


def _read_line(line: Mapping[str, Any], partner: int, site: Site) -> dict[str, Any]:
    number = _whole(line, "product_id")
    if number not in site.products:
        raise ApiError(f"product_id {number} is no product")
    qty = line.get("qty")
    if not _is_whole(qty) or not isinstance(qty, int) or qty < 1:
        raise ApiError("qty must be a whole number of at least 1")
    sku, product = site.products[number]
    options = _options(line.get("parameters"))
    for name in product.parameters.keys() - options.keys():
        raise ApiError(f"parameter {name} is required")
    price = site.price(product, partner=partner, qty=qty, options=options)
    sent = line.get("price_unit")
    if sent is not None:
        if isinstance(sent, bool) or not isinstance(sent, (int, Decimal)):
            raise ApiError("price_unit must be a number")
        if sent != price:
            raise ApiError(BAD_PRICE)
    return {
        "product_id": number,
        "default_code": sku,
        "qty": qty,
        "price": str(price),
        "parameters": options,
        "price_sent": sent is not None,
    }


def _options(parameters: object) -> dict[str, str]:
    """An array of one-key objects; get_detail takes one object instead (section 9, trap 5)."""
    if parameters is None:
        return {}
    if not isinstance(parameters, list):
        raise ApiError("parameters must be an array of objects")
    options: dict[str, str] = {}
    for one in parameters:
        if not isinstance(one, dict) or len(one) != 1 or not all(isinstance(value, str) for value in one.values()):
            raise ApiError("parameters must be an array of objects with one option each")
        options |= one
    return options


def _shipping(sent: object) -> dict[str, str] | None:
    if sent is None or sent == "":
        return None
    if not isinstance(sent, dict):
        raise ApiError("shipping_details must be an object")
    found = {name: sent[name] for name in SHIPPING if sent.get(name) is not None}
    for name, value in found.items():
        if not isinstance(value, str):
            raise ApiError(f"shipping_details: {name} must be a text")
    country = found.get("country", "")
    if country and not (len(country) == 2 and country.isascii() and country.isalpha() and country.isupper()):
        raise ApiError("shipping_details: country must be a code of two letters")
    return found


def _address(shipping: Mapping[str, str] | None, partner: int) -> dict[str, Any] | None:
    """The address that an order brings along, a new one with every order (section 9, trap 10)."""
    if not shipping:
        return None
    code = shipping.get("country") or "GB"
    made_up = (1000 + (ord(code[0]) - 65) * 26 + ord(code[1]) - 65, code)
    return {
        "partner_id": partner,
        "type": "delivery",
        "street": shipping.get("street_address_1", ""),
        "street2": shipping.get("street_address_2", ""),
        "city": shipping.get("town_city", ""),
        "zip": shipping.get("postcode", ""),
        "country_id": list(COUNTRIES.get(code, made_up)),
    }
