"""POST salesorder, salesorder/advance and customer (sections 6.1 to 6.4 and 7.2)."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.iws.book import Row
from sandbox.iws.fields import Fields, InvalidError, RefusedError
from sandbox.iws.site import One, Site, code_of
from sandbox.iws.views import customer_view, order_view

CENT = Decimal("0.01")
TEXTS = (
    *("poCode", "salesRepOrderCode", "paymentTerm", "notes", "sourceCode", "freightTaxCode", "contactCode"),
    *("websiteCode", "opportunityCode"),
)
DATES = ("salesOrderDate", "shippingDate", "overallDueDate")
LINE_TEXTS = ("itemDescription", "customerItemName", "unitMeasureCode", "taxCode")
CUSTOMER_TEXTS = (
    *("customerName", "contact_Firstname", "contact_Lastname", "telephone", "telephoneExtension", "fax"),
    *("faxExtension", "email", "customerTypeCode", "taxNumber", "businessLicense", "currencyCode"),
    "salesRepGroupName",
)
CUSTOMER_FLAGS = ("isProspect", "isActive", "isCreditHold", "isAllowBackOrder")
COUNTRY_CODE_LENGTH = 3  # GB, GBR, UK and USA are no English names


def post_order(site: Site, fields: Fields) -> One:
    """A sales order for a customer that there is."""
    code = fields.text("customerCode")
    if code is None:
        raise RefusedError("Customer code is required.")
    customer = site.customer(code)
    if customer is None:
        raise RefusedError(f"Customer '{code[:40]}' does not exist.")
    return _order(site, fields, via="salesorder", customer=customer.code)


def post_advance(site: Site, fields: Fields) -> One:
    """A sales order for whom the address belongs to; a new customer where it belongs to nobody."""
    email = fields.text("email")
    if email is None:
        raise RefusedError("Email is required.")
    if "@" not in email:
        raise RefusedError("Email is not valid.")
    customer = site.customer_of(email)
    if customer is not None:
        return _order(site, fields, via="advance", customer=customer.code)
    bill = fields.address("billToAddress") or fields.address("shipAddress")
    if site.settings.advance_needs_address and not bill:
        raise RefusedError("An address is required for a new customer.")
    name = bill.get("name") or fields.address("shipAddress").get("name") or email
    row = {**_flat(bill), "customerName": name, "email": email}
    code = site.book.next_customer()
    new = {"code": code, "made": True, "logged": True, "row": row}
    return _order(site, fields, via="advance", customer=code, new=new)


def post_customer(site: Site, fields: Fields) -> One:
    """A customer. Not idempotent unless it brings its code."""
    code = fields.text("customerCode") or site.book.next_customer()
    if site.customer(code) is not None:
        raise RefusedError(f"Customer '{code[:40]}' already exists.")
    row: Row = {name: value for name in CUSTOMER_TEXTS if (value := fields.text(name))}
    first, last = row.get("contact_Firstname"), row.get("contact_Lastname")
    if "customerName" not in row:
        if not (first and last):
            raise RefusedError("Customer name is required.")
        row["customerName"] = f"{first} {last}"
    for name in ("billingAddress", "shippingAddress"):
        if not fields.address(name):
            raise RefusedError(f"{name[0].upper()}{name[1:]} is required.")
        _check_country(fields.address(name))
    row |= {name: flag for name in CUSTOMER_FLAGS if (flag := fields.flag(name)) is not None}
    row |= {name: value for name, value in _flat(fields.address("billingAddress")).items() if name not in row}
    row |= {"shipping": fields.address("shippingAddress"), "customFields": fields.custom_fields()}
    site.commit({"op": "customer", "customer": {"code": code, "made": True, "logged": True, "row": row}})
    customer = site.book.customers[code.upper()]
    return One("customer", customer.code, customer_view(site, customer))


# ------------------------------------------------------------------ one order


def _order(site: Site, fields: Fields, *, via: str, customer: str, new: dict[str, Any] | None = None) -> One:
    rows = fields.children("items")
    if not rows:
        raise RefusedError("The sales order has no items.")
    header = {name: value for name in TEXTS if (value := fields.text(name))}
    header |= {name: value for name in DATES if (value := fields.moment(name, site.zone))}
    _check_header(site, fields, header, customer, new)
    header["warehouseCode"] = site.warehouse(fields.text("warehouseCode")) or site.settings.warehouses[0]
    ship, bill = fields.address("shipAddress"), fields.address("billToAddress")
    for address in (ship, bill):
        _check_country(address)
    lines = [_line(site, row, header["warehouseCode"]) for row in rows]
    entry = {
        "op": "order",
        "via": via,
        "customer": customer,
        "new": new,
        "quote": fields.flag("isQuote") or False,
        "header": header,
        "ship": ship,
        "bill": bill,
        "lines": lines,
        "amounts": _amounts(site, fields, lines),
        "customFields": fields.custom_fields(),
    }
    site.commit(entry)
    order = next(reversed(site.book.orders.values()))
    return One("salesorder", order.code, order_view(site, order))


def _check_header(site: Site, fields: Fields, header: Row, customer: str, new: dict[str, Any] | None) -> None:
    sources = site.settings.sources
    source = header.get("sourceCode")
    if source and sources is not None and source.upper() not in {known.upper() for known in sources}:
        raise RefusedError(f"Source '{source[:40]}' does not exist.")
    known = None if new else site.customer(customer)
    if known is not None and site.on_hold(known) and not fields.flag("isApprovedCreditHold"):
        raise RefusedError(f"Customer '{known.code}' is on credit hold.")


def _check_country(address: dict[str, str]) -> None:
    country = address.get("country")
    if country and len(country) <= COUNTRY_CODE_LENGTH:
        raise RefusedError(f"Country '{country}' does not exist.")


def _line(site: Site, row: Fields, warehouse: str) -> Row:
    name, quantity = row.text("itemName"), row.number("itemQuantity")
    if name is None:
        raise RefusedError("Item name is required.")
    if not site.has_item(name):
        raise RefusedError(f"Item '{name[:60]}' does not exist.")
    if quantity is None or quantity <= 0:
        raise RefusedError(f"The quantity of item '{name[:60]}' must be more than zero.")
    known = site.book.items.get(name.upper())
    unit, net = row.number("itemUnitPrice"), row.number("netItemPrice")
    price = _rounded(unit if unit is not None else net if net is not None else site.list_price(name), site)
    paid = price if net is None else _rounded(net, site)
    return {
        "itemName": known.name if known else name,
        "itemCode": known.code if known else code_of(site.settings, name),
        **{key: value for key in LINE_TEXTS if (value := row.text(key))},
        "warehouseCode": site.warehouse(row.text("warehouseCode")) or warehouse,
        **({"dueDate": due} if (due := row.moment("dueDate", site.zone)) else {}),
        "quantity": str(quantity),
        "salesPrice": str(price),
        "netPrice": str(paid),
        "extPrice": str(_cents(quantity * paid)),
        "customFields": row.custom_fields(),
    }


def _amounts(site: Site, fields: Fields, lines: list[Row]) -> dict[str, str]:
    """``total = subTotal + freight + other + tax``, and ``tax`` has ``freightTax`` in it (section 6.6)."""
    rate = site.settings.tax_rate
    freight, other = (_money(fields, name) for name in ("freightAmount", "otherAmount"))
    for line in lines:
        line["salesTaxAmount"] = str(_cents(Decimal(line["extPrice"]) * rate))
    sub_total = sum((Decimal(line["extPrice"]) for line in lines), Decimal(0))
    freight_tax = _cents(freight * rate)
    tax = sum((Decimal(line["salesTaxAmount"]) for line in lines), freight_tax)
    amounts = {"subTotal": sub_total, "freight": freight, "freightTax": freight_tax, "other": other, "tax": tax}
    amounts["total"] = sub_total + freight + other + tax
    return {name: str(amount) for name, amount in amounts.items()}


def _money(fields: Fields, name: str) -> Decimal:
    amount = fields.number(name) or Decimal(0)
    if amount < 0:
        raise InvalidError(f"{name} must not be negative.")
    return _cents(amount)


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def _rounded(price: Decimal, site: Site) -> Decimal:
    return price.quantize(Decimal(1).scaleb(-site.settings.price_decimals), ROUND_HALF_UP).normalize() + 0


def _flat(address: dict[str, str]) -> Row:
    return {name: value for name, value in address.items() if name not in ("name", "code", "shippingMethodCode")}
