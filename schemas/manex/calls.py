"""ManEx: the calls of controller SO, with the field names of both editions (contracts/manex.md sections 3 to 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from schemas.http import Call
from schemas.manex import ManexDestination, Part, Scalar
from schemas.manex.desired import Desired, Item, Price
from schemas.manex.reply import DueRow
from schemas.model import plain

Fields = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A part as ItemMaster/Get tells it; empty where it does not say (section 7)."""

    uniq_key: str = ""
    unit: str = ""
    w_key: str = ""


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes calls for one destination. All values are text, as in the samples."""

    destination: ManexDestination

    def _call(self, action: str, fields: Fields) -> Call:
        how = self.destination.action(action)
        texts = {name: _text(value) for name, value in fields.items()}
        path = f"API/SO/{action}"
        if how.form == "query":
            return Call(how.verb, path, params=tuple(texts.items()))
        return Call(how.verb, path, body=texts)

    def get(self, so_no: str) -> Call:
        """SO/Get."""
        return self._call("Get", {"SoNo": so_no})

    def add(self, order: Desired) -> Call:
        """SO/Add, the header."""
        fields: dict[str, Scalar] = {
            "SoNo": order.so_no,
            "custNo": order.customer,
            "PoNo": order.po_no,
            "orderDate": self.destination.written(order.order_date),
        }
        if order.note:
            fields["SONote"] = order.note
        return self._call("Add", _under(fields, self.destination.fields))

    def edit(self, order: Desired, *, note: bool = False) -> Call:
        """SO/Edit: the header under the order's present number, with its date. ``note``: and with its note."""
        day = self.destination.written(order.order_date)
        fields: dict[str, Scalar] = {
            "SoNo": order.so_no,
            "custNo": order.customer,
            "PoNo": order.po_no,
            "orderDate": day,
        }
        if note and "sonote" not in {name.lower() for name in self.destination.fields}:
            fields["SONote"] = order.note
        return self._call("Edit", fields)

    def item_add(self, so_no: str, item: Item, part: Resolved) -> Call:
        """SO/ItemADD. Its reply has no UNIQUELN (section 4)."""
        fields: dict[str, Scalar] = {"SoNo": so_no, "line_no": str(item.line_no), **_part(item.part)}
        fields |= {"ord_qty": plain(item.quantity), "soDet_Desc": item.description, "status": "Standard"}
        if part.uniq_key:
            fields["uniq_key"] = part.uniq_key
        if part.unit:
            fields["uOfMeas"] = part.unit
        if part.w_key:
            fields["w_key"] = part.w_key
        return self._call("ItemADD", _under(fields, self.destination.line_fields))

    def item_edit(self, so_no: str, unique_ln: str, item: Item, part: Resolved, *, reopen: bool = False) -> Call:
        """SO/ItemEdit: quantity and part. ``reopen``: it is cancelled, and wanted after all."""
        fields = {**_line(so_no, unique_ln), **_part(item.part), "ord_qty": plain(item.quantity)}
        if part.uniq_key:
            fields["uniq_key"] = part.uniq_key
        if reopen:
            fields["status"] = str(self._of_lines("status") or "Standard")
        return self._call("ItemEdit", fields)

    def item_cancel(self, so_no: str, unique_ln: str, uniq_key: str) -> Call:
        """SO/ItemEdit: status Cancel. The inventory key stands for part and revision, which are required."""
        return self._call("ItemEdit", {**_line(so_no, unique_ln), "uniq_key": uniq_key, "status": "Cancel"})

    def price_get(self, unique_ln: str) -> Call:
        """SO/PriceGet: the line's key is all it takes (section 5)."""
        return self._call("PriceGet", {"uniqueLn": unique_ln})

    def price_add(self, so_no: str, unique_ln: str, price: Price) -> Call:
        """SO/PriceAdd."""
        return self._call("PriceAdd", self._price(so_no, unique_ln, price))

    def price_edit(self, so_no: str, unique_ln: str, link: str, price: Price) -> Call:
        """SO/PriceEdit, spelt PLPRICELNK whatever the tables say (section 5)."""
        fields = {"flat": "0", **self._price(so_no, unique_ln, price), "PLPRICELNK": link}
        return self._call("PriceEdit", fields)

    def due_add(self, so_no: str, unique_ln: str, order: Desired, quantity: Decimal) -> Call:
        """SO/DueDateAdd."""
        fields: dict[str, Scalar] = {
            "SoNo": so_no,
            "uniqueLn": unique_ln,
            "Due_DTS1": self.destination.written(order.due),
            "Ship_Dts": self.destination.written(order.ship),
            "Qty": plain(quantity),
        }
        return self._call("DueDateAdd", fields)

    def due_edit(self, so_no: str, unique_ln: str, row: DueRow) -> Call:
        """SO/DueDateEdit: a row as it is to be. Its table says Due_DTS, its samples DUE_DTS1 (section 6)."""
        fields: dict[str, Scalar] = {**_line(so_no, unique_ln), "dueDt_Uniq": row.key}
        if row.due is not None:
            fields |= {"Due_DTS1": self.destination.written(row.due), "Due_DTS": self.destination.written(row.due)}
        if row.ship is not None:
            fields["Ship_Dts"] = self.destination.written(row.ship)
        if row.quantity is not None:
            fields["Qty"] = plain(row.quantity)
        return self._call("DueDateEdit", fields)

    def item_master(self, part: Part) -> Call:
        """ItemMaster/Get, which alone wants its key in the query (section 1)."""
        params = (("partnum", part.part_no), ("revision", part.revision))
        return Call("GET", "API/ItemMaster/Get", params=params, key_param="apiKey")

    def _of_lines(self, name: str) -> Scalar | None:
        return next((value for key, value in self.destination.line_fields.items() if key.lower() == name), None)

    def _price(self, so_no: str, unique_ln: str, price: Price) -> dict[str, Scalar]:
        fields: dict[str, Scalar] = {"SoNo": so_no, "uniqueLn": unique_ln, "price": plain(price.amount)}
        if price.flat:
            fields["flat"] = "1"
        return _under(fields, self.destination.price_fields)


def _under(fields: Fields, fixed: Fields) -> dict[str, Scalar]:
    """``fields``, and over them what the site wants. To ManEx a name is the same in any letter case (section 1)."""
    taken = {name.lower() for name in fixed}
    return {**{name: value for name, value in fields.items() if name.lower() not in taken}, **fixed}


def _line(so_no: str, unique_ln: str) -> dict[str, Scalar]:
    return {"SoNo": so_no, "UNIQUELN": unique_ln}


def _part(part: Part) -> dict[str, Scalar]:
    """``part_num`` in the one edition, ``part_no`` in the other; unknown names are ignored (section 9, trap 8)."""
    return {"part_num": part.part_no, "part_no": part.part_no, "revision": part.revision}


def _text(value: Scalar) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"  # as the samples write yes and no (sections 3 and 5)
    return str(value)
