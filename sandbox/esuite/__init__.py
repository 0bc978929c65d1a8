"""The stand-in of one Esuite database (contracts/esuite.md; its section 11 has the rules for stand-ins).

``/esuite/api/v2/{endpoint}`` and, for V1, ``/esuite/api/{endpoint}``. Transactions are kept; companies,
stock and accounts can be read; the rest answers its documented errors and nothing else.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any, ClassVar

from sandbox.esuite.data import (
    COMPANIES,
    COMPANY_NO,
    COMPANY_PREFIX,
    ENDPOINTS,
    MADE,
    OTHER_OPTIONS,
    REPLIES,
    STOCK_OPTIONS,
    TRANS_OPTIONS,
    EsuiteSettings,
)
from sandbox.esuite.query import Params, account_row, matches, shows, window
from sandbox.esuite.stock import stock_rows
from sandbox.esuite.trans import (
    RefusedError,
    Row,
    Transaction,
    check_serials,
    is_true,
    read_delivery,
    read_header,
    read_lines,
    read_payments,
    stock_no,
    text,
    trans_type,
)
from sandbox.system import (
    JSON_TYPE,
    WRITES,
    Answer,
    Documented,
    Entry,
    Request,
    Settings,
    System,
    make_answer,
)

FIRST_TRANS_NO = 1_464_547
FIRST_REF_NO = 123_456


class Esuite(System):
    """One database with one company."""

    name: ClassVar[str] = "esuite"
    settings_type: ClassVar[type[Settings]] = EsuiteSettings
    credentials_default: ClassVar[Mapping[str, str]] = {
        "token": "sandbox-esuite",
        "username": "sandbox",
        "password": "sandbox-esuite",
        "header": "Token",
        "query": "token",
    }
    replies: ClassVar[Mapping[str, Documented]] = REPLIES
    server_error: ClassVar[str] = "500_web_request_failed"
    settings: EsuiteSettings

    def clear(self) -> None:
        """Forget every transaction and every account that one created."""
        self._transactions: dict[str, Transaction] = {}
        self._by_your_ref: dict[str, list[Transaction]] = {}
        self._new_accounts: list[str] = []

    def lane(self, request: Request) -> str | None:
        """Writes are counted for the company."""
        return COMPANY_NO if request.method in WRITES else None

    def orders(self) -> dict[str, list[dict[str, Any]]]:
        """Transactions by TransYourRef."""
        return {ref: [t.summary() for t in found] for ref, found in self._by_your_ref.items()}

    def counts(self) -> dict[str, int]:
        """Transactions that are not deleted, by TransYourRef."""
        return {ref: sum(not t.deleted for t in found) for ref, found in self._by_your_ref.items()}

    # ------------------------------------------------------------------ requests

    async def handle(self, request: Request) -> Answer:
        """Answer one request, as sections 2, 3 and 11 say."""
        params = dict(request.params())
        if not self._authorized(request, params):
            return self.documented("403_not_authorized" if self.settings.unauthorized == 403 else "401_unauthorized")
        params.pop(self.credentials["query"], None)
        try:
            return self._route(request, params)
        except RefusedError as refused:
            return _error(400, str(refused))

    def _authorized(self, request: Request, params: Params) -> bool:
        own = self.credentials
        pair = base64.b64encode(f"{own['username']}:{own['password']}".encode()).decode()
        authorization = request.headers.get("authorization", "")
        ways = {
            "bearer": (authorization, f"Bearer {own['token']}"),
            "basic": (authorization, f"Basic {pair}"),
            "header": (request.headers.get(own["header"].lower(), ""), own["token"]),
            "query": (params.get(own["query"], ""), own["token"]),
        }
        asked = ways.values() if self.settings.auth == "any" else [ways[self.settings.auth]]
        return any(hmac.compare_digest(given.encode(), wanted.encode()) for given, wanted in asked)

    def _route(self, request: Request, params: Params) -> Answer:
        root, *rest = request.path.strip("/").split("/")
        version = 2 if rest[:1] == ["v2"] else 1
        parts = rest[version - 1 :]
        if root != "api":
            return self.documented("404_resource_not_found")
        if not parts:
            return self.documented("400_error_with_url")
        if request.method not in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            return self.documented("501_method_not_supported")
        endpoint = ENDPOINTS.get(parts[0])
        if endpoint is None or len(parts) > 1 + (version == 1):
            return self.documented("404_resource_not_found")
        if request.method not in endpoint.methods.split():
            return self.documented("405_not_implemented")
        if request.method == "GET":
            return self._get(parts[0], params, version, key=parts[1] if len(parts) > 1 else None)
        if request.method == "OPTIONS":
            return _options(parts[0])
        return self._write(parts[0], request)

    def _get(self, endpoint: str, params: Params, version: int, key: str | None) -> Answer:
        if endpoint == "trans":
            return self._get_trans(params) if version == 2 else self._get_one_trans(params, key)
        if endpoint == "company":
            return make_answer(200, COMPANIES)
        if endpoint in ("stock", "cust", "supp", "custdisc"):
            if self._too_much(endpoint, params, key):
                return self.documented("406_too_much_data")
            if endpoint == "stock":
                return self._get_stock(params, key, version)
            if endpoint == "cust":
                return self._get_accounts(params, key)
        elif endpoint in ("code", "codes", "campaign", "voucher", "files") and not params:
            return self.documented("406_no_parameters")
        return self.documented("204_no_data")

    def _write(self, endpoint: str, request: Request) -> Answer:
        payload = _payload(request)
        if payload is None:
            return self.documented("400_no_payload")
        head = payload.get(ENDPOINTS[endpoint].root) if isinstance(payload, dict) else None
        if not isinstance(payload, dict) or not head or not isinstance(head, dict):
            return _error(400, ENDPOINTS[endpoint].no_root)
        if self.settings.read_only:
            return self.documented("403_read_only" if endpoint == "trans" else "403_account_read_only")
        if endpoint != "trans":
            return _error(405, "Method chosen is not implemented for that endpoint." + MADE)
        if request.method == "POST":
            return self._post_trans(head, payload)
        return self._put_trans(head, payload) if request.method == "PUT" else self._delete_trans(head)

    # ------------------------------------------------------------------ trans: read

    def _get_one_trans(self, params: Params, key: str | None) -> Answer:
        """V1 knows one record by its reference, in the path or as a parameter (section 1)."""
        reference = key or params.get("TransRefCode")
        if not reference:
            return self.documented("400_error_with_url")
        return self._get_trans({"TransRefCode": reference, "InclDelivery": "1"})

    def _get_trans(self, params: Params) -> Answer:
        settings = self.settings
        found = [
            t
            for t in self._candidates(params)
            if shows(t, params, settings.show_deleted) and matches(t, params, settings.filter)
        ]
        page = found[window(params)]
        if not page:
            return self.documented("204_no_data")
        if is_true(params.get("PK", "0")):
            return make_answer(200, {"Trans": [t.key() for t in page]})
        details = is_true(params.get("InclDetails", "1"))
        delivery = is_true(params.get("InclDelivery", "0"))
        return make_answer(200, {"Trans": [t.row(details=details, delivery=delivery) for t in page]})

    def _candidates(self, params: Params) -> Iterable[Transaction]:
        if self.settings.filter == "exact" and "TransYourRef" in params:
            return self._by_your_ref.get(params["TransYourRef"], [])
        return self._transactions.values()

    # ------------------------------------------------------------------ trans: write

    def _post_trans(self, head: dict[str, Any], payload: dict[str, Any]) -> Answer:
        strict = self.settings.strict == "table"
        _require(head, "BatchType", "TransLedger", *(("TransType",) if strict else ()))
        if self.settings.batch_types is not None and text(head["BatchType"]) not in self.settings.batch_types:
            raise RefusedError(f"BatchType {head['BatchType']} was not found")
        if strict and payload.get("T_TrnDlv") and text(head.get("DlvAddressNo")) != "-1":
            raise RefusedError("DlvAddressNo must be -1 where T_TrnDlv overrides the address")
        header = {**read_header(head), **self._account(head)}
        header["TransType"] = trans_type(header)
        header.setdefault("TransDate", f"{_now()[:10]} 00:00:00")
        check_serials(payload.get("T_Serial"))
        self.commit({"op": "post", "at": _now(), "header": header, **self._tables(payload, header)})
        created = next(reversed(self._transactions.values()))
        return make_answer(self.settings.post_status, {"T_Trans": created.key()})

    def _put_trans(self, head: dict[str, Any], payload: dict[str, Any]) -> Answer:
        """Merges the header; what a table that is sent does is a switch (undocumented, section 13)."""
        _require(head, "BatchType", "TransLedger", "CompanyNo", "TransNo")
        transaction = self._target(head)
        if transaction is None:
            return self.documented("204_no_data")
        header = read_header(head)
        shown = {**transaction.header, **header}
        tables = {name: rows for name, rows in self._tables(payload, shown).items() if _sent(payload, name)}
        if self.settings.put != "ignore":
            merge, number = self.settings.put == "merge", transaction.get("TransNo")
            self.commit({"op": "put", "at": _now(), "no": number, "merge": merge, "header": header, **tables})
        return make_answer(200, {"T_Trans": transaction.key()})

    def _delete_trans(self, head: dict[str, Any]) -> Answer:
        _require(head, "CompanyNo", "TransNo", "BatchType")
        transaction = self._target(head)
        if transaction is None:
            return self.documented("204_no_data")
        self.commit({"op": "delete", "at": _now(), "no": transaction.get("TransNo")})
        return make_answer(200, {"T_Trans": {"Deleted": "true", **transaction.key()}})

    def _target(self, head: dict[str, Any]) -> Transaction | None:
        transaction = self._transactions.get(text(head["TransNo"]))
        if transaction is None or transaction.deleted or text(head["CompanyNo"]) != COMPANY_NO:
            return None
        if transaction.get("BatchType") != text(head["BatchType"]):
            raise RefusedError(f"BatchType of the transaction is {transaction.get('BatchType')}")
        if transaction.get("TransYourRef") in self.settings.begun:
            raise RefusedError("transaction has been invoiced")
        return transaction

    def _tables(self, payload: dict[str, Any], header: Row) -> dict[str, Any]:
        settings = self.settings
        lines = read_lines(
            payload.get("T_TrnDet"), rate=settings.gst_rate, inclusive=header.get("TransIncGST") or "True"
        )
        for number, line in enumerate(lines, start=1):
            if not self._has_stock(line["StockCode"]):
                raise RefusedError(f"StockCode {line['StockCode']} was not found (line {number})")
        payments = read_payments(
            payload.get("T_Pay"),
            types=settings.payment_types,
            banked=settings.banked_payments,
            strict=settings.strict == "table",
        )
        return {"lines": lines, "delivery": read_delivery(payload.get("T_TrnDlv")), "payments": payments}

    def apply(self, entry: Entry) -> None:
        """Carry out ``post``, ``put`` or ``delete``."""
        if entry["op"] == "post":
            self._create(entry)
            return
        transaction = self._transactions[entry["no"]]
        transaction.header["TransModified"] = entry["at"]
        if entry["op"] == "delete":
            transaction.deleted = True
            return
        previous = transaction.get("TransYourRef")
        transaction.change(entry["header"], entry, merge=entry.get("merge", False))
        self._unindex(previous, transaction)
        self._index(transaction)

    def _create(self, entry: Entry) -> None:
        header, count = dict(entry["header"]), len(self._transactions)
        if header["AccountNo"] == "-1":
            # Every such call makes another account (section 10).
            header["AccountRef"] = f"NEW{len(self._new_accounts) + 1:05}"
            header["AccountNo"] = str(stock_no(header["AccountRef"]))
            self._new_accounts.append(header["AccountRef"])
        reference = str(FIRST_REF_NO + count)
        header |= {"TransNo": str(FIRST_TRANS_NO + count), "TransRefNo": reference, "InvoiceNo": reference}
        header["TransRefCode"] = f"{COMPANY_PREFIX}{header['TransType']}-{reference}"
        header["TransCreated"] = header["TransModified"] = entry["at"]
        transaction = Transaction(header, entry["lines"], entry["delivery"], entry["payments"])
        transaction.settle()
        self._transactions[header["TransNo"]] = transaction
        self._index(transaction)

    def _index(self, transaction: Transaction) -> None:
        # A second transaction with the same TransYourRef is as welcome as the first (section 10).
        self._by_your_ref.setdefault(transaction.get("TransYourRef"), []).append(transaction)

    def _unindex(self, your_ref: str, transaction: Transaction) -> None:
        self._by_your_ref[your_ref].remove(transaction)
        if not self._by_your_ref[your_ref]:
            del self._by_your_ref[your_ref]

    # ------------------------------------------------------------------ accounts and stock

    def _account(self, head: dict[str, Any]) -> Row:
        given = next(
            (n for n in ("AccountRef", "AccountNo", "AccountAltRef", "AccountBusinessNumber") if text(head.get(n))),
            "",
        )
        if not given:
            raise RefusedError("an account identifier is missing in T_Trans")
        value = text(head[given])
        if given == "AccountNo":
            if value == "-1":
                return {"AccountNo": "-1"}
            reference = next((ref for ref in self._accounts() if str(stock_no(ref)) == value), None)
        else:
            reference = value if self._has_account(value) else None
        if reference is None:
            raise RefusedError(f"{given} {value} was not found")
        return {"AccountRef": reference, "AccountNo": str(stock_no(reference))}

    def _accounts(self) -> list[str]:
        return [*(self.settings.accounts or ()), *self._new_accounts]

    def _has_account(self, reference: str) -> bool:
        return self.settings.accounts is None or reference in self._accounts()

    def _get_accounts(self, params: Params, key: str | None) -> Answer:
        asked = key or params.get("AccountRef")
        found = ([asked] if self._has_account(asked) else []) if asked else self._accounts()
        rows = [account_row(reference) for reference in found[window(params)]]
        return make_answer(200, {"Acc": rows}) if rows else self.documented("204_no_data")

    def _has_stock(self, code: str) -> bool:
        if self.settings.stock is not None:
            return code in self.settings.stock
        return not any(fnmatchcase(code.upper(), pattern.upper()) for pattern in self.settings.unknown_stock)

    def _too_much(self, endpoint: str, params: Params, key: str | None) -> bool:
        settings = self.settings
        if key is not None or settings.return_all:
            return False
        paging = ("PageNo", "PageSize", "Limit") if endpoint == "stock" and settings.stock_pages == "refuse" else ()
        return not params.keys() - set(paging)

    def _get_stock(self, params: Params, key: str | None, version: int) -> Answer:
        asked = params if key is None else {"StockCode": key}
        rows = stock_rows(self.settings, self._transactions.values(), asked, known=self._has_stock)
        if not rows:
            return self.documented("204_no_data")
        if version == 1:
            rows = [{name: value if isinstance(value, list) else text(value) for name, value in rows[0].items()}]
        return make_answer(200, {"Stk" if version == 2 else "Stock": rows})


def _sent(payload: dict[str, Any], table: str) -> bool:
    names = {"lines": "T_TrnDet", "delivery": "T_TrnDlv", "payments": "T_Pay"}
    return payload.get(names[table]) is not None


def _payload(request: Request) -> Any:
    """The body, or None where it is empty or unreadable: ``No Payload Found`` (section 3.2)."""
    try:
        return request.json() or None
    except (ValueError, RecursionError):
        return None


def _require(head: dict[str, Any], *names: str) -> None:
    for name in names:
        if not text(head.get(name)):
            raise RefusedError(f"{name} is missing in T_Trans")


def _options(endpoint: str) -> Answer:
    if endpoint == "trans":
        return make_answer(200, TRANS_OPTIONS, {"content-type": JSON_TYPE})
    return make_answer(200, STOCK_OPTIONS if endpoint == "stock" else OTHER_OPTIONS)


def _error(status: int, description: str) -> Answer:
    return make_answer(status, {"StatusCode": str(status), "Description": description})


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
