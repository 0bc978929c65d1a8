"""An order, a destination, and an Esuite in memory, for tests of the pure logic. It shares no code with the product."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from schemas.esuite import EsuiteDestination
from schemas.http import Call, Fault, Reply
from schemas.order import Order
from tests.wire import ORDER, CutOff
from worker.system import Job

CENT = Decimal("0.01")

FIELDS: dict[str, str | int | float | bool] = {
    "AccountRef": "CASH01",
    "BatchType": "SAR",
    "TransType": "SOR",
    "TransLedger": "S",
    "LocationNo": 23,
}


def destination(**changes: Any) -> EsuiteDestination:
    """A complete section of ``crossdock.toml``, with changes."""
    section: dict[str, Any] = {
        "name": "esuite-au",
        "system": "esuite",
        "base_url": "https://esuite.example:8443/api/v2",
        "auth": {"mode": "bearer", "token": "secret-token"},
        "reference_prefix": "WEB-",
        "shipping_sku": "FREIGHT",
        "fields": FIELDS,
        "payments": {
            "shopify_payments": {"PaymentType": "WEB", "AuthBankPosted": "B"},
            "*": {"PaymentType": "ACC"},
        },
        "skus": {"MUG-BLUE": "000250a"},
    }
    return EsuiteDestination.model_validate({**section, **changes})


def line(**changes: Any) -> dict[str, Any]:
    """One line: two mugs for 79.90, tax 7.26."""
    mugs = {"id": "1", "sku": "MUG-BLUE", "quantity": "2", "total_incl": "79.90", "tax": "7.26"}
    return {**mugs, **changes}


def order(**changes: Any) -> Order:
    """An order of two mugs and a shirt with shipping, 101.90 in all, with changes."""
    body: dict[str, Any] = {
        **ORDER,
        "currency": "AUD",
        "payments": [{"method": "shopify_payments", "amount": "101.90"}],
        "email": "ada@example.com",
        "phone": "+61 2 5550 1234",
        "ship_to": {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "address1": "1 Analytical St",
            "city": "Alabaster",
            "state": "VIC",
            "postcode": "3188",
            "country": "AU",
        },
        "lines": [
            line(),
            {"id": "2", "sku": "TEE-M", "quantity": "1", "total_incl": "12.00", "total_excl": "10.91"},
        ],
        "shipping": [{"code": "standard", "total_incl": "10.00", "total_excl": "9.09"}],
        "total_incl": "101.90",
    }
    return Order.model_validate({**body, **changes})


def job(**changes: Any) -> Job[EsuiteDestination]:
    """A first attempt at 1,000,000 s, with changes."""
    usual: dict[str, Any] = {
        "order": order(),
        "number": "1001",
        "shop": "acme-au",
        "destination": destination(),
        "now": 1_000_000.0,
    }
    return Job(**{**usual, **changes})


@dataclass(frozen=True)
class Says:
    """One planned answer. ``commit``: the call is carried out all the same; ``late``: only at :meth:`arrive`."""

    status: int | None = None
    text: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    fault: Fault | None = None
    commit: bool = False
    late: bool = False


@dataclass
class FakeEsuite:
    """Transactions, planned answers by method, and every call. A ``Http``.

    Attributes:
        put: lines of a PUT replace those that are there, are merged into them by StockCode, or do nothing.
        kill: methods at whose next call the worker dies, when the call is on its way.
        under_way: calls that are carried out at :meth:`arrive`.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    deleted: list[dict[str, Any]] = field(default_factory=list)
    planned: dict[str, list[Says]] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    filters: bool = True
    pages: bool = True
    deleted_only: bool = True
    shows_deleted: bool = True
    put: str = "replace"
    kill: list[str] = field(default_factory=list)
    under_way: list[Call] = field(default_factory=list)

    async def send(self, call: Call) -> Reply:
        """Answer one call."""
        self.calls.append(call)
        planned = self.planned.get(call.method)
        if planned:
            says = planned.pop(0)
            if says.commit:
                self._write(call)
            if says.late:
                self.under_way.append(call)
            return Reply(call, says.status, says.headers, says.text, says.fault)
        if call.method in self.kill:
            self.kill.remove(call.method)
            self.under_way.append(call)
            raise CutOff
        if call.path == "company":
            return Reply(call, 200, text='{"Company": []}')
        return self._search(call) if call.method == "GET" else self._write(call)

    def arrive(self) -> None:
        """What is under way is carried out now."""
        calls, self.under_way = self.under_way, []
        for call in calls:
            self._write(call)

    def _write(self, call: Call) -> Reply:
        body = json.loads(json.dumps(call.body))
        if call.method == "POST":
            return _answered(call, self.create(body))
        head = body["T_Trans"]
        names = ("CompanyNo", "TransNo", "BatchType")
        row = next((row for row in self.rows if all(row[name] == str(head[name]) for name in names)), None)
        if row is None:
            return Reply(call, 204)
        if call.method == "DELETE":
            self.rows.remove(row)
            self.deleted.append(row)
            return _answered(call, row, Deleted="true")
        if self.put != "ignore":
            row |= {name: str(value) for name, value in head.items()}
            details = dict(enumerate(row["T_TrnDet"])) if self.put == "merge" else {}
            places = {line["StockCode"]: number for number, line in details.items()}
            for line in map(_detail, body["T_TrnDet"]):
                details[places.get(line["StockCode"], len(details))] = line
            row |= _totalled(list(details.values()))
        return _answered(call, row)

    def _search(self, call: Call) -> Reply:
        params = dict(call.params)
        rows = self.rows
        if params.get("ShowDeleted") == "1":
            gone = self.deleted if self.shows_deleted else []
            rows = gone if self.deleted_only else self.rows + gone
        if self.filters:
            rows = [row for row in rows if row["TransYourRef"] == params["TransYourRef"]]
        if "PageNo" in params:
            size, page = int(params["PageSize"]), int(params["PageNo"]) if self.pages else 1
            rows = rows[(page - 1) * size :][:size]
        rows = rows[: int(params.get("Limit", "1000"))]
        if not rows:
            return Reply(call, 204)
        return Reply(call, 200, text=json.dumps({"Trans": rows}))

    def create(self, body: dict[str, Any]) -> dict[str, Any]:
        """A transaction as Esuite shows it: all strings, totals rounded line by line."""
        details = [_detail(line) for line in body["T_TrnDet"]]
        number = 1_464_547 + len(self.rows) + len(self.deleted)
        row = {
            **{name: str(value) for name, value in body["T_Trans"].items()},
            "CompanyNo": "36015",
            "TransNo": str(number),
            "TransRefCode": f"PSOR-{number}",
            "SourceTransRefCode": "",
            **_totalled(list(reversed(details))),
        }
        self.rows.append(row)
        return row

    @property
    def methods(self) -> list[str]:
        """The methods of the calls, in order."""
        return [call.method for call in self.calls]

    @property
    def posted(self) -> int:
        """How many times a transaction was made."""
        return self.methods.count("POST")


def _answered(call: Call, row: dict[str, Any], **more: str) -> Reply:
    ids = {name: row[name] for name in ("CompanyNo", "TransNo", "TransRefCode")}
    return Reply(call, 200, text=json.dumps({"T_Trans": {**ids, **more}}))


def _totalled(details: list[dict[str, str]]) -> dict[str, Any]:
    totals = {
        f"TransTotal{kind}GST": str(sum(Decimal(line[f"LineTotal{kind}GST"]) for line in details))
        for kind in ("Ex", "Inc")
    }
    return {"T_TrnDet": details, **totals}


def _detail(line: dict[str, Any]) -> dict[str, str]:
    amount = (Decimal(str(line["LineQty"])) * Decimal(line["LineUnitPrice"])).quantize(CENT, ROUND_HALF_UP)
    rate = Decimal("1.1")
    included = line["LineIncGST"] == "True"
    ex = (amount / rate).quantize(CENT, ROUND_HALF_UP) if included else amount
    inc = amount if included else (amount * rate).quantize(CENT, ROUND_HALF_UP)
    return {
        "StockCode": line["StockCode"],
        "LineType": "S",
        "LineQty": str(line["LineQty"]),
        "LineUnitPrice": line["LineUnitPrice"],
        "LineTotalExGST": format(ex.normalize(), "f"),
        "LineTotalIncGST": format(inc.normalize(), "f"),
    }
