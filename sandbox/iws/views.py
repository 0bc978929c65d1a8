"""What is held, written out as IWS answers it: camelCase, JSON numbers, local times, nothing that is null."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.iws.book import FIRST_COUNTER, STAFF, Customer, Item, Order, Row
from sandbox.iws.data import NO_DATE
from sandbox.iws.fields import local
from sandbox.iws.site import Site

CURRENCY = "GBP"


def bare(number: Decimal | str) -> int | float:
    """A JSON number; whole ones look like integers."""
    value = Decimal(number)
    return int(value) if value == value.to_integral_value() else float(value)


def plain(number: Decimal | str) -> str:
    """A number as text, without trailing zeros."""
    value = Decimal(number)
    return format(value.normalize() if value else Decimal(0), "f")


def without_nulls(value: Any) -> Any:
    """Null attributes are left out (section 3)."""
    if isinstance(value, dict):
        return {name: without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


def _address(prefix: str, address: dict[str, str], fallback: dict[str, str]) -> Row:
    given = address or fallback
    names = {
        "Name": "name",
        "Address": "address",
        "City": "city",
        "State": "state",
        "PostalCode": "postalCode",
        "County": "county",
        "Country": "country",
        "Phone": "telephone",
    }
    return {f"{prefix}{name}": given.get(key) for name, key in names.items()}


def _money(amounts: dict[str, Decimal]) -> Row:
    """Every money field with its twin in document currency."""
    shown: Row = {}
    for name, amount in amounts.items():
        shown[name] = shown[f"{name}Rate"] = bare(amount)
    return shown


# ------------------------------------------------------------------ orders


def _common(site: Site, order: Order) -> Row:
    header, customer = order.entry["header"], order.customer
    home = {**customer.row, "name": customer.row["customerName"]}
    names = ("subTotal", "freight", "freightTax", "other", "tax", "total")
    amounts = {name: order.amount(name) for name in names}
    return {
        "salesRepOrderCode": order.rep_code or header.get("salesRepOrderCode"),
        "shippingDate": header.get("shippingDate") or local(order.at, site.zone),
        "dueDate": header.get("shippingDate") or local(order.at, site.zone),
        "shipToCode": order.entry["ship"].get("code") or customer.ship_to,
        "billToCode": customer.code,
        "contactCode": header.get("contactCode") or customer.contact,
        "poCode": header.get("poCode"),
        "notes": header.get("notes"),
        "sourceCode": header.get("sourceCode", "Internet"),
        "webSiteCode": header.get("websiteCode"),
        "warehouseCode": header["warehouseCode"],
        "paymentTermGroup": "DEFAULT",
        "paymentTermCode": header.get("paymentTerm", "Net 30"),
        "shippingMethodGroup": "DEFAULT",
        "shippingMethodCode": order.entry["ship"].get("shippingMethodCode", "Standard"),
        "currencyCode": CURRENCY,
        "exchangeRate": 1,
        **_money(amounts),
        **_money(dict.fromkeys(("otherTax", "discount", "amountPaid"), Decimal(0))),
        **_money({"balance": amounts["total"]}),
        "freightTaxCode": header.get("freightTaxCode", "S"),
        "isPaid": False,
        "isVoided": order.voided,
        "isPrinted": False,
        **_address("billTo", order.entry["bill"], home),
        **_address("shipTo", order.entry["ship"], customer.row.get("shipping") or home),
        "customFields": order.entry["customFields"],
    }


def status(order: Order) -> str:
    """orderStatus. Voiding is a flag and leaves it alone (section 6.6)."""
    return "Completed" if order.invoice or order.completed else "Open"


def order_view(site: Site, order: Order) -> Row:
    """A ``salesorder`` or ``customersalesorder``."""
    header = order.entry["header"]
    at, modified = local(order.at, site.zone), local(order.modified or order.at, site.zone)
    return {
        "salesOrderCode": order.code,
        "sourceSalesOrderCode": "",
        "rootDocumentCode": order.code,
        "salesOrderDate": header.get("salesOrderDate", at),
        "poDate": header.get("salesOrderDate", at),
        "cancelDate": header.get("overallDueDate", NO_DATE),
        "type": "Quote" if order.entry["quote"] else "Sales Order",
        "orderStatus": status(order),
        "isProcessed": bool(order.invoice),
        "isOnHold": order.on_hold,
        "isOrderAcknowledged": False,
        "isAllowBackOrder": True,
        "isFromContract": False,
        "couponDiscountIncludesFreeShipping": 0,
        **_common(site, order),
        "userCreated": order.entry["user"],
        "dateCreated": at,
        "userModified": order.modified_by,
        "dateModified": modified,
    }


def line_views(site: Site, order: Order) -> list[tuple[str, Row]]:
    """``salesorderdetail`` rows: with the itemCode, never the itemName."""
    return [
        (str(counter), _line_view(site, order, line, number))
        for number, (counter, line) in enumerate(zip(order.counters, order.lines, strict=True), start=1)
    ]


def _line_view(site: Site, order: Order, line: Row, number: int) -> Row:
    ordered, converted = Decimal(line["quantity"]), bool(order.invoice)
    waiting = Decimal(0) if converted or order.voided else ordered
    return {
        "counter": order.counters[number - 1],
        "salesOrderCode": order.code,
        "itemCode": line["itemCode"],
        "lineNum": number,
        "sourceLineNum": 0,
        "warehouseCode": line["warehouseCode"],
        "quantityOrdered": bare(ordered),
        # Goods leave with the invoice; the order's own figure stays (section 6.6).
        "quantityShipped": 0,
        "quantityBackOrdered": 0,
        "quantityToBeShipped": bare(waiting),
        "quantityAllocated": bare(waiting),
        "quantityReturned": 0,
        "quantityAlreadyRMA": 0,
        "itemDescription": line.get("itemDescription", ""),
        "unitMeasureCode": line.get("unitMeasureCode", "EACH"),
        "unitMeasureQty": 1,
        **_money({name: Decimal(line[name]) for name in ("salesPrice", "netPrice", "extPrice", "salesTaxAmount")}),
        "taxCode": line.get("taxCode", "S"),
        "itemType": "Stock",
        "dueDate": line.get("dueDate") or order.entry["header"].get("overallDueDate") or local(order.at, site.zone),
        "discount": 0,
        "cost": 0,
        "isDropShip": False,
        "isConvert": converted,
        "isConverted": converted,
        "isPickingNotePrinted": False,
        "isConfirmedPickedPacked": False,
        "customFields": line["customFields"],
    }


def invoice_view(site: Site, order: Order) -> Row:
    """A ``customerinvoice``, made of the whole order."""
    at = local(order.invoiced_at or order.at, site.zone)
    tracking = site.settings.tracking.get(order.invoice)
    source = order.code if site.settings.invoice_names == "source" else ""
    shown = _common(site, order)
    # A voided order does not take its invoice with it.
    shown["isVoided"] = order.invoice in site.settings.voided
    gone = order.invoice not in site.settings.undispatched
    shown["customFields"] = [{"field": "TrackingNumber_C", "value": tracking}] if tracking else []
    return {
        "invoiceCode": order.invoice,
        "sourceInvoiceCode": source,
        "rootDocumentCode": order.code,
        "rootOrderCode": None if source else order.code,
        "invoiceDate": at,
        "type": "Invoice",
        "orderStatus": "Close",
        "isPosted": True,
        "isBackOrdered": False,
        "isDeliveryNotePrinted": gone,
        "isDispatch": gone,
        "couponDiscountIncludesFreeShipping": False,
        **shown,
        "userCreated": STAFF,
        "dateCreated": at,
        "userModified": STAFF,
        "dateModified": at,
    }


# ------------------------------------------------------------------ customers


def customer_view(site: Site, customer: Customer) -> Row:
    """A ``customer``."""
    row, at = customer.row, local(customer.at, site.zone)
    kept = ("customerName", "address", "city", "state", "postalCode", "county", "country", "telephone", "email")
    more = ("taxNumber", "businessLicense", "customerTypeCode", "salesRepGroupName")
    return {
        "customerCode": customer.code,
        **{name: row.get(name) for name in (*kept, *more)},
        "currencyCode": row.get("currencyCode", CURRENCY),
        "paymentTermCode": "Net 30",
        "paymentTermGroup": "DEFAULT",
        "shippingMethod": "Standard",
        "shippingMethodGroup": "DEFAULT",
        "warehouseCode": site.settings.warehouses[0],
        "taxCode": "S",
        "classCode": "CC-000001",
        "defaultContact": customer.contact,
        "defaultShipToCode": customer.ship_to,
        "defaultPrice": "Retail",
        "discount": 0,
        "creditLimit": 0,
        "credit": 0,
        "isActive": row.get("isActive", True),
        "isCreditHold": site.on_hold(customer),
        "isProspect": row.get("isProspect", False),
        "isAllowBackOrder": row.get("isAllowBackOrder", True),
        "isWebAccess": False,
        "dateCreated": at,
        "dateModified": at,
        "userModified": site.settings.api_user if customer.made else STAFF,
        "customFields": row.get("customFields", []),
    }


def contact_view(site: Site, customer: Customer) -> tuple[str, Row]:
    """A ``crmcontactview``. It brings password fields that no client should keep (section 7.1)."""
    row = customer.row
    secret = base64.b64encode(hashlib.blake2b(customer.code.encode()).digest()).decode()
    return str(customer.number), {
        "contactCode": customer.contact,
        "entityCode": customer.code,
        "contactFullName": row["customerName"],
        "contactFirstName": row.get("contact_Firstname"),
        "contactLastName": row.get("contact_Lastname"),
        "email1": row.get("email"),
        "businessPhone": row.get("telephone"),
        "isActive": True,
        "password": secret[:44],
        "passwordIV": secret[44:68],
        "passwordSalt": secret[20:44],
        "dateCreated": local(customer.at, site.zone),
        "customFields": [],
    }


def ship_to_view(site: Site, customer: Customer) -> Row:
    """A ``customershipto``."""
    row = customer.row.get("shipping") or {**customer.row, "name": customer.row["customerName"]}
    names = ("address", "city", "state", "postalCode", "county", "country", "telephone", "email")
    return {
        "shipToCode": customer.ship_to,
        "customerCode": customer.code,
        "shipToName": row.get("name", customer.row["customerName"]),
        **{name: row.get(name) for name in names},
        "warehouseCode": site.settings.warehouses[0],
        "isActive": True,
        "dateCreated": local(customer.at, site.zone),
        "customFields": [],
    }


# ------------------------------------------------------------------ items


def item_view(site: Site, item: Item) -> Row:
    """An ``inventoryitem``; no quantity on it (section 8)."""
    at = local(item.at, site.zone)
    return {
        "itemCode": item.code,
        "itemName": item.name,
        "itemType": "Stock",
        "status": "A",
        **dict.fromkeys(("standardCost", "averageCost", "currentCost", "minOrderQuantity"), 0),
        "salesTaxCode": "S",
        "classCode": "IC-000001",
        "isSpecialOrder": False,
        "trackingOption": "None",
        "published": True,
        "photo": "",
        "dateCreated": at,
        "dateModified": at,
        "customFields": [],
    }


def stock_views(site: Site, item: Item) -> list[tuple[str, Row]]:
    """``inventorystocktotal`` rows, one a warehouse."""
    first = site.settings.warehouses[0]
    levels = _by_name(site.settings.stock).get(item.name.upper(), {})
    units: dict[str, Decimal] = levels if isinstance(levels, dict) else {first: levels}
    promised = _by_name(site.settings.allocated).get(item.name.upper(), Decimal(0))
    rows = []
    for number, (warehouse, count) in enumerate(units.items(), start=FIRST_COUNTER):
        allocated = promised if warehouse == first else Decimal(0)
        row = {
            "itemCode": item.code,
            "warehouseCode": warehouse,
            "unitsInStock": bare(count),
            "unitsAllocated": bare(allocated),
            "unitsOnOrder": 0,
            "freeStock": bare(count - allocated),
        }
        rows.append((str(number), row))
    return rows


def _by_name(values: dict[str, Any]) -> dict[str, Any]:
    return {name.upper(): value for name, value in values.items()}


# ------------------------------------------------------------------ what /_sandbox/orders shows


def summary(order: Order) -> Row:
    """One order with its lines; numbers as text."""
    header = order.entry["header"]
    return {
        "code": order.code,
        "type": "Quote" if order.entry["quote"] else "Sales Order",
        "via": order.entry["via"],
        "customer": order.customer.code,
        "email": order.customer.email,
        "status": status(order),
        "voided": order.voided,
        "invoice": order.invoice,
        **{name: header.get(name, "") for name in ("poCode", "salesRepOrderCode", "notes", "sourceCode")},
        **{name: value for name, value in header.items() if name not in ("poCode", "salesRepOrderCode", "notes")},
        "lines": [
            {
                "itemName": line["itemName"],
                "itemCode": line["itemCode"],
                "quantity": plain(line["quantity"]),
                "unitPrice": plain(line["netPrice"]),
                "extPrice": line["extPrice"],
                "description": line.get("itemDescription", ""),
                "warehouseCode": line["warehouseCode"],
                "customFields": line["customFields"],
            }
            for line in order.lines
        ],
        **order.entry["amounts"],
        "shipAddress": order.entry["ship"],
        "billToAddress": order.entry["bill"],
        "customFields": order.entry["customFields"],
    }


def moment_of(site: Site, moment: datetime) -> str:
    """The local time of a changelog row: whole seconds."""
    return local(moment, site.zone, digits=0)
