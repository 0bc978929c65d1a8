"""The stand-ins as a process of their own, on a free port, for tests that need the other side of a destination."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[1]
ESUITE_TOKEN = "sandbox-esuite"
ONGOING_LOGIN = ("WSI-sandbox", "sandbox-ongoing")
MANEX_KEY = "SANDBOX123"
STARTED = "sandbox listening on "


class Sandboxed:
    """A running ``python -m sandbox``. Attributes: ``url``, ``port``, ``http`` (base: ``url``), ``process``."""

    def __init__(self, *args: str) -> None:
        command = [sys.executable, "-m", "sandbox", "--port", "0", *args]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line.startswith(STARTED):
            self.end(signal.SIGKILL)
            raise RuntimeError(f"the sandbox did not start, it said {line!r}")
        self.url = line.removeprefix(STARTED)
        self.port = int(self.url.rpartition(":")[2])
        self.http = httpx.Client(base_url=self.url, timeout=10)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        if hasattr(self, "http"):
            self.http.close()
        return code

    def get(self, name: str, **params: str) -> Any:
        """``GET /_sandbox/{name}``."""
        return self.http.get(f"/_sandbox/{name}", params=params).raise_for_status().json()

    def switch(self, system: str, **settings: object) -> None:
        """Change settings of a system."""
        self.http.post("/_sandbox/settings", json={"system": system, **settings}).raise_for_status()

    def fail(self, system: str, fault: dict[str, object], **rule: object) -> int:
        """Register a fault; the id of its rule."""
        body = {"system": system, "fault": fault, **rule}
        answer = self.http.post("/_sandbox/faults", json=body).raise_for_status()
        return int(answer.json()["id"])

    def reset(self) -> None:
        """Forget everything."""
        self.http.post("/_sandbox/reset").raise_for_status()

    def esuite(self, method: str, path: str = "trans", **kwargs: Any) -> httpx.Response:
        """Call Esuite V2 with its token; ``path`` is below ``/api/v2/``."""
        headers = {"authorization": f"Bearer {ESUITE_TOKEN}", **kwargs.pop("headers", {})}
        return self.http.request(method, f"/esuite/api/v2/{path}", headers=headers, **kwargs)

    def ongoing(self, method: str, path: str = "orders", **kwargs: Any) -> httpx.Response:
        """Call Ongoing with its login; ``path`` is below ``/api/v1/``."""
        return self.http.request(method, f"/ongoing/api/v1/{path}", auth=ONGOING_LOGIN, **kwargs)

    def manex(self, action: str, **fields: object) -> httpx.Response:
        """POST fields as JSON to an action of ManEx's SO controller, with its key."""
        return self.http.post(f"/manex/API/SO/{action}/{MANEX_KEY}", json=fields)


@contextmanager
def sandboxed(*args: str) -> Iterator[Sandboxed]:
    """A sandbox for the time of a ``with``; it ends well or the test fails."""
    running = Sandboxed(*args)
    try:
        yield running
    finally:
        code = running.end()
    assert code == 0, f"the sandbox ended with {code}"


def transaction(reference: str = "WEB-1001", **changes: Any) -> dict[str, Any]:
    """A body for ``POST trans``: the printed sample with what its tables require. ``changes`` replace tables."""
    head = {
        "AccountRef": "CASH01",
        "TransDate": "2020-08-09",
        "TransComment": "",
        "TransIncGST": "True",
        "TransYourRef": reference,
        "CostCentreCode": "ABC",
        "DlvAddressNo": -1,
        "BatchType": "SAR",
        "TransType": "SOR",
        "SegmentCode": "W",
        "TransLedger": "S",
        "LocationNo": 23,
    }
    lines = [
        {"StockCode": "ITEM A", "LineQty": 2, "LineUnitPrice": "39.95", "LineIncGST": "True"},
        {"StockCode": "ITEM B", "LineQty": 1, "LineUnitPrice": "12.00", "LineIncGST": "True"},
    ]
    delivery = {"DlvFirstname": "Person", "DlvLastname": "Incognito", "DlvPostCode": "3188"}
    payment = {"PaymentType": "CASH", "PaymentAmt": "51.95", "AuthBankPosted": "B"}
    return {"T_Trans": head, "T_TrnDet": lines, "T_TrnDlv": delivery, "T_Pay": payment, **changes}


def head(**changes: Any) -> dict[str, Any]:
    """``T_Trans`` of :func:`transaction` with changes; None takes a field out."""
    changed = {**transaction()["T_Trans"], **changes}
    return {name: value for name, value in changed.items() if value is not None}


def goods_order(number: str = "1001", **changes: Any) -> dict[str, Any]:
    """A body for ``PUT /orders``; None takes a member out."""
    body = {
        "goodsOwnerId": 159,
        "orderNumber": number,
        "deliveryDate": "2019-10-10",
        "consignee": {"customerNumber": "CN1", "name": "Name 1", "city": "City", "countryCode": "SE"},
        "orderLines": [{"rowNumber": "1", "articleNumber": "1009", "numberOfItems": 2}],
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def post(sandbox: Sandboxed, reference: str = "WEB-1001", **kwargs: Any) -> httpx.Response:
    """A transaction for Esuite."""
    return sandbox.esuite("POST", json=transaction(reference), **kwargs)


def put(sandbox: Sandboxed, **kwargs: Any) -> httpx.Response:
    """A goods order for Ongoing."""
    return sandbox.ongoing("PUT", json=goods_order(), **kwargs)


def held(sandbox: Sandboxed) -> dict[str, int]:
    """Reference -> how many transactions Esuite has under it."""
    counts: dict[str, int] = sandbox.get("counts")["esuite"]
    return counts
