"""ItemMaster/Get and Customer/Get, as far as an order needs them (section 7)."""

from __future__ import annotations

from sandbox.manex.book import link_key
from sandbox.manex.data import FROM_CUSTOMER, NO_CUSTOMER
from sandbox.manex.fields import Fields, RefusedError, padded
from sandbox.manex.shape import char
from sandbox.manex.site import CUSTNO_WIDTH, Done, Site


def get_part(site: Site, fields: Fields) -> Done:
    """A part by partnum and revision, or by uniqkey. Every number there is gets its key when it is first asked."""
    key = (fields.text("uniqkey") or "").upper()
    if key:
        if key not in site.book.parts:
            raise RefusedError("Inventor does not exists.")
        part_no, revision = site.book.parts[key]
    else:
        part_no, revision = fields.text("partnum") or "", fields.text("revision") or ""
        if not part_no or not site.has_part(part_no):
            raise RefusedError("Inventor does not exists.")
        part = site.part(part_no, revision)
        key = part["UNIQ_KEY"]
        if key not in site.book.parts:
            site.commit({"op": "part", **part})
    warehouse = {"W_Key": link_key(key, "warehouse")}
    found = {
        "Uniq_Key": key,
        "Part_No": char(part_no, 25),
        "Revision": char(revision, 8),
        "U_Of_Meas": "EACH",
        "InvtmfHdList": [{"InvtmfGrList": [warehouse]}],
    }
    return Done("Inventor details:", found)


def get_customer(site: Site, fields: Fields) -> Done:
    """A customer by number; the stand-in knows no names."""
    custno = padded(fields.text("CustNumOrName") or "-", CUSTNO_WIDTH)
    if not site.has_customer(custno):
        raise RefusedError(NO_CUSTOMER)
    found = {
        "LinkAddList": None,
        "CUSTNO": custno,
        "CUSTNAME": char(f"Customer {custno}", 35),
        "BLINKADD": link_key(custno, "billing"),
        "SLINKADD": link_key(custno, "shipping"),
        "TERMS": char(FROM_CUSTOMER["TERMS"], 15),
        "CREDLIMIT": 0,
        "CREDITOK": "OK ",
        "STATUS": "Active ",
        "SALEDSCTID": " ",
    }
    return Done("Customer details:", found)
