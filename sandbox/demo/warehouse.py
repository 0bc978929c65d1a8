"""The people at the warehouse: they send an order, and their system tells Crossdock so by webhook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import httpx

from sandbox.demo.folder import Setup
from sandbox.demo.orders import STATUS_SENT, Api, Leg, Row, Sent
from sandbox.demo.verdict import Names, sent_out, waybills
from sandbox.shops.delivery import Json

_TRACK = "https://track.example.com/{}"


class Warehouse:
    """Sends each order whose sample has a waybill, once it is there."""

    def __init__(self, api: Api, setup: Setup) -> None:
        self._api = api
        self._setup = setup
        self._names = Names(setup.config)
        self._login = setup.environment["DEMO_ONGOING_USER"], setup.environment["DEMO_ONGOING_PASSWORD"]
        self._gone: set[int] = set()
        self._reported: set[int] = set()

    def look(self, rows: Sequence[Row], sent: Sequence[Sent]) -> bool:
        """Send and report what is ready; False when Crossdock tells of all that was sent.

        Raises:
            httpx.HTTPError: the warehouse's own system gave no good answer.
        """
        wanted = waybills(sent)
        for row, leg, waybill in self._ready(rows, sent):
            if row.id not in self._gone:
                self._api.send_out(str(leg.reference), waybill, _TRACK.format(waybill), login=self._login)
                self._gone.add(row.id)
            if row.id not in self._reported:
                self._report(row, leg, waybill)
        return any(row.id in self._gone and not sent_out(row, wanted[str(row.id)]) for row in rows)

    def _ready(self, rows: Sequence[Row], sent: Sequence[Sent]) -> Iterator[tuple[Row, Leg, str]]:
        wanted, senders = waybills(sent), self._setup.tokens
        for row in rows:
            for leg in row.legs:
                if str(row.id) in wanted and leg.destination in senders and leg.status == "delivered" and leg.reference:
                    yield row, leg, wanted[str(row.id)]

    def _report(self, row: Row, leg: Leg, waybill: str) -> None:
        body = self._webhook(row, leg, waybill)
        try:
            self._api.report(leg.destination, body, token=self._setup.tokens[leg.destination])
        except httpx.HTTPError:
            return  # web may be being started again; it comes once more, as the warehouse's webhooks do
        self._reported.add(row.id)

    def _webhook(self, row: Row, leg: Leg, waybill: str) -> Json:
        """Order status changed (contracts/ongoing.md section 4)."""
        return {
            "webhookOrdersId": 3,
            "webhookEventId": 7000 + row.id,
            "system": "acme",
            "timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f0"),  # seven digits, and no zone
            "orderId": int(str(leg.reference)),
            "orderNumber": self._names.reference(row, leg.destination),
            "goodsOwnerId": self._setup.config["destinations"][leg.destination]["goods_owner_id"],
            "goodsOwnerName": "Sandbox Goods Owner",
            "path": f"/api/v1/orders/{leg.reference}",
            "byUser": None,
            "byComputer": None,
            "orderStatus": {"number": STATUS_SENT},
            "currentShipmentId": None,
            "webhookTemplate": "OrderStatusChanged",
            "tracking": [{"trackingUrl": _TRACK.format(waybill), "waybill": waybill, "isReturn": False}],
            "parcels": [],
        }
