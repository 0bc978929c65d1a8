"""The customers and goods that an Enapps server begins with. Everybody here is made up."""

from __future__ import annotations

from typing import Any

_CREATED = "2025-11-02 08:30:00"
_CHANGED = "2026-01-20 10:02:11"

PARTNERS: dict[str, dict[str, Any]] = {
    number: {"ref": ref, "name": name, "crm_type": kind, "create_date": _CREATED, "write_date": _CHANGED}
    for number, ref, name, kind in (
        ("61239", "HARB01", "Harbour Prints Ltd", "customer"),
        ("61240", "WREN01", "Wren & Daughters", "customer"),
        ("61241", "NORTH1", "Northern Fixings", "customer"),
        ("61242", "NORTH2", "Northern Fixings (Scotland)", "customer"),
        ("61243", "TALLOW", "Tallow Studio", "prospect"),
        ("61244", "SAW01", "Sawdust Supplies", "customer"),
        ("61250", "WEB", "Web sales", "customer"),
    )
}
DISCOUNTS = {61240: "10"}
"""Whose price list is how many percent below the list price."""


def _contact(
    partner: int, name: str, email: str | None, *, kind: str = "primary", address: int | None = None
) -> dict[str, Any]:
    first, _, last = name.partition(" ")
    return {
        "partner_id": partner,
        "first_name": first,
        "last_name": last,
        "email": email,
        "type": kind,
        "crm_type": PARTNERS[str(partner)]["crm_type"],
        "res_adresses_id": address,
        "create_date": _CREATED,
        "write_date": _CHANGED,
    }


# One e-mail is twice there and told apart by `primary`, one cannot be told apart (4.2).
CONTACTS: dict[str, dict[str, Any]] = {
    "953": _contact(61239, "Mina Okafor", "mina@example.test", address=4410),
    "954": _contact(61240, "Desmond Wren", "desmond.wren@example.org", address=4411),
    "955": _contact(61239, "Desmond Wren", "desmond.wren@example.org", kind="contact", address=4410),
    "956": _contact(61241, "Buying Desk", "buying@example.test", address=4412),
    "957": _contact(61242, "Buying Desk", "buying@example.test", address=4413),
    "958": _contact(61241, "Stores Desk", "stores@example.test", kind="contact", address=4412),
    "959": _contact(61243, "Maeve Tallow", "maeve.tallow@example.com", address=4414),
    "960": _contact(61244, "Order Desk", "orders@sawdust.example.com", address=4415),
    "961": _contact(61244, "Roland Lathe", "R.Lathe@example.com", kind="contact", address=4415),
    "962": _contact(61244, "Night Shift", None, kind="contact"),
    "970": _contact(61250, "Web Sales", "websales@example.test", address=4416),
}
_UNITED_KINGDOM = (235, "United Kingdom")
ADDRESSES: dict[str, dict[str, Any]] = {
    number: {
        "partner_id": partner,
        "type": "Default",
        "street": street,
        "street2": "",
        "city": city,
        "zip": postcode,
        "country_id": _UNITED_KINGDOM,
    }
    for number, partner, street, city, postcode in (
        ("4410", 61239, "14 Quay Street", "Bristol", "BS1 4XX"),
        ("4411", 61240, "2 Specimen Road", "Exeter", "EX1 1XX"),
        ("4412", 61241, "Unit 3, Sample Park", "Leeds", "LS1 1XX"),
        ("4413", 61242, "9 Fable Lane", "Perth", "PH1 1XX"),
        ("4414", 61243, "5 Rehearsal Avenue", "Hull", "HU1 1XX"),
        ("4415", 61244, "77 Placeholder Crescent", "Truro", "TR1 1XX"),
        ("4416", 61250, "1 Sample Street", "London", "N1 1XX"),
    )
}

COUNTRIES = {
    "AU": (13, "Australia"),
    "DE": (57, "Germany"),
    "GB": _UNITED_KINGDOM,
    "IE": (101, "Ireland"),
    "NO": (166, "Norway"),
    "NZ": (170, "New Zealand"),
    "SE": (198, "Sweden"),
    "US": (233, "United States"),
}

_GOODS = (
    ("TEA-EARL", "Earl Grey, 100 g", "6.50", 400),
    ("TEA-SENCHA", "Sencha, 50 g", "8.25", 120),
    ("TEA-CHAI", "Masala chai, 250 g", "9.90", 260),
    ("TEA-MINT", "Peppermint, 100 g", "5.20", 0),
    ("MUG-BLUE", "Mug, blue", "11.50", 140),
    ("MUG-RED", "Mug, red", "11.50", 60),
    ("MUG-ÖL", "Mug “Öland”", "13.00", 24),
    ("POT-IRON", "Cast iron teapot, 0.8 l", "42.00", 18),
    ("POT-GLASS", "Glass teapot, 1 l", "24.00", 33),
    ("TIN-S", "Tin, small", "3.10", 900),
    ("TIN-L", "Tin, large", "4.60", 500),
    ("CLOTH-NAVY", "Tea towel, navy", "7.00", 80),
    ("SET-SAILOR", "Sailor's set", "55.00", 12),
    ("TEE-M", "T-shirt M", "12.00", 45),
    ("TEE-L", "T-shirt L", "12.00", 51),
    ("BOOK-TIDES", "A Calendar of Tides", "18.00", 70),
    ("BOOK-KNOTS", "Knots & Splices", "22.50", 41),
    ("MAP-HARBOUR", "Harbour chart, folded", "9.00", 200),
    ("CLASS-ONLINE", "Online class", "35.00", 9999),
    ("GIFT-50", "Gift card", "50.00", 9999),
    ("PART-10", "Hex bolt M10, 25 pieces", "15.75", 300),
    ("PART-22", "Bearing 22 mm", "6.40", 85),
    ("BOLT-1", "Bolt M1", "0.05", 20000),
    ("BOLT-2", "Bolt M2", "0.06", 20000),
    ("BOLT-8", "Bolt M8", "0.32", 12500),
    ("NUT-8", "Nut M8", "0.11", 15000),
    ("WASHER-6", "Washer 6 mm", "0.04", 30000),
    ("SCREW-25", "Screw 25 mm", "0.03", 50000),
    ("CLAMP-BAR", "Bar clamp", "27.90", 64),
    ("VISE-BENCH", "Bench vise", "149.00", 7),
    ("SAW-BLADE", "Saw blade", "19.95", 110),
    ("SANDPAPER-120", "Sandpaper 120, 10 sheets", "4.99", 640),
    ("GLUE-WOOD", "Wood glue, 500 ml", "8.80", 150),
    ("PLATE-STEEL", "Door plate, steel", "31.00", 40),
    ("HINGE-BRASS", "Hinge, brass", "14.20", 95),
    ("PAPER-A2", "Printing paper A2, 50 sheets", "21.00", 77),
    ("INK-BLACK", "Ink, black", "16.30", 58),
    ("100200", "Gasket 100/200", "2.75", 310),
    ("CARRIAGE", "Carriage", "8.50", 9999),
    ("FREIGHT", "Freight", "8.50", 9999),
)
PRODUCTS: dict[str, dict[str, Any]] = {
    sku: {"name": name, "list_price": price, "qty_available": stock} for sku, name, price, stock in _GOODS
}
PRODUCTS["PLATE-STEEL"]["parameters"] = {"FINISHING": {"MATT": "0", "GLOSS": "2.50", "DBZW": "4"}}
PRODUCTS["BOLT-8"]["breaks"] = {"100": "0.28", "1000": "0.24"}
PRODUCTS["MUG-BLUE"]["web_category_ids"] = [[3, "Kitchen"]]

SEED = {"partners": PARTNERS, "contacts": CONTACTS, "addresses": ADDRESSES, "products": PRODUCTS}
