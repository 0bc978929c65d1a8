"""What the GETs answer: rows in the names of sections 4, 5, 7 and 8, before paging. [SIM] where those are silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.enapps.book import Order
from sandbox.enapps.data import MOST_IN_FULL, ApiError, Product, Record
from sandbox.enapps.fields import WHOLE, Params, days_later, shifted
from sandbox.enapps.site import Site
from sandbox.system import Request

Row = dict[str, Any]
"""One record; None where it has nothing, which goes out as :attr:`EnappsSettings.empty` says."""

TERMS_DAYS = 30
FIRST_INVOICE = 40_000


@dataclass(frozen=True, slots=True)
class Call:
    """One GET at one site."""

    site: Site
    params: Params

    @classmethod
    def of(cls, request: Request, site: Site) -> Call:
        """Raises ApiError for parameters that cannot be read."""
        return cls(site, Params(request))

    def passes(self, row: Mapping[str, Any], *names: str) -> bool:
        """Whether a row has what these texts ask for, to the letter."""
        return all(self.params.text(name) in (None, row[name]) for name in names)

    def since(self, row: Mapping[str, Any], *names: str) -> bool:
        """Whether these times of a row, in UTC, are not before what is asked for."""
        hours = self.site.settings.utc_offset_h
        return all((self.params.time(name, hours) or "") <= row[name] for name in names)

    def wanted(self, **numbers: int) -> bool:
        """Whether these numbers are what is asked for; ``id`` is asked for as ``_id`` (section 9, trap 2)."""
        return all(
            self.params.whole("_id" if name == "id" else name) in (None, number) for name, number in numbers.items()
        )

    def local(self, stamp: str) -> str:
        """A time as this server shows it."""
        return shifted(stamp, self.site.settings.utc_offset_h)


def bare(number: Decimal) -> int | float:
    """A JSON number."""
    return int(number) if number == number.to_integral_value() else float(number)


def _extra(record: Record) -> Row:
    return dict(record.model_extra or {})


# ------------------------------------------------------------------ section 4


def partners(call: Call) -> Iterator[Row]:
    """4.1."""
    for number, partner in call.site.partners.items():
        row = {"id": number, **partner.model_dump()}
        if (
            call.wanted(id=number)
            and call.passes(row, "crm_type", "ref", "website")
            and call.since(row, "write_date", "create_date")
        ):
            named = {name: row[name] for name in ("id", "ref", "name", "crm_type")}
            times = {name: call.local(row[name]) for name in ("write_date", "create_date")}
            yield {**named, **times, **_extra(partner)}


def contacts(call: Call) -> Iterator[Row]:
    """4.2; an e-mail is compared to the letter."""
    for number, contact in call.site.contacts.items():
        row = {"id": number, **contact.model_dump()}
        if (
            call.site.may_see(contact.partner_id)
            and call.wanted(id=number, partner_id=contact.partner_id)
            and call.passes(row, "email")
            and call.since(row, "write_date", "create_date")
        ):
            yield row | {name: call.local(row[name]) for name in ("create_date", "write_date")}


def addresses(call: Call) -> Iterator[Row]:
    """4.3."""
    for number, address in call.site.addresses.items():
        if call.wanted(id=number, partner_id=address.partner_id):
            yield {"id": number, **address.model_dump()}


# ------------------------------------------------------------------ section 5


def get_basic(call: Call) -> Iterator[Row]:
    """The whole catalogue with list prices."""
    for number, (sku, product) in call.site.products.items():
        yield _basic(call.site, number, sku, product)


def _basic(site: Site, number: int, sku: str, product: Product) -> Row:
    as_number = site.settings.numeric_codes and WHOLE.fullmatch(sku) and str(int(sku)) == sku
    return {
        "id": number,
        "default_code": int(sku) if as_number else sku,
        "name": product.name or sku,
        "family_id": product.family_id,
        "list_price": bare(product.list_price),
        "parameter_ids": {name: list(options) for name, options in product.parameters.items()},
        "web_category_ids": [[name, category] for category, name in product.web_category_ids],
        "currency": site.settings.currency,
    }


def get_full(call: Call) -> Iterator[Row]:
    """Price and stock of at most ten products; variants and quantity breaks do not count."""
    wanted = call.params.several("product_ids")
    if not wanted:
        raise ApiError("product_ids is required")
    if len(wanted) > MOST_IN_FULL:
        raise ApiError(f"product_ids may hold {MOST_IN_FULL} products at most")
    if not all(WHOLE.fullmatch(one) for one in wanted):
        raise ApiError("product_ids must be integers")
    partner = call.params.whole("partner_id")
    call.site.check_partner(partner)
    for number in dict.fromkeys(map(int, wanted)):
        if number in call.site.products:
            sku, product = call.site.products[number]
            price = call.site.price(product, partner=partner, options={})
            stock = {"price": bare(price), "qty_available": product.qty_available}
            yield {**_basic(call.site, number, sku, product), **stock}


def get_detail(call: Call) -> Row | None:
    """Price and stock of one product for a quantity, options and a partner; None if there is no such product."""
    number = call.params.required("product_id")
    qty = call.params.whole("qty")
    qty = 1 if qty is None else qty
    if qty < 1:
        raise ApiError("qty must be a whole number of at least 1")
    partner = call.params.whole("partner_id")
    call.site.check_partner(partner)
    if number not in call.site.products:
        return None
    sku, product = call.site.products[number]
    price = call.site.price(product, partner=partner, qty=qty, options=call.params.options("parameters"))
    code = _basic(call.site, number, sku, product)["default_code"]
    return {
        "id": number,
        "default_code": code,
        "price_unit": bare(price),
        "qty": qty,
        "qty_available": product.qty_available,
        "currency": call.site.settings.currency,
    }


# ------------------------------------------------------------------ section 7


def orders(call: Call) -> Iterator[Row]:
    """There is no filter for client_order_ref, write_date or state."""
    for order in call.site.orders:
        if call.wanted(id=order.id, partner_id=order.partner) and call.since(
            {"create_date": order.created}, "create_date"
        ):
            yield order_row(call.site, order)


def order_row(site: Site, order: Order) -> Row:
    """One order; relations are pairs here."""
    contact, partner = site.contacts.get(order.contact), site.partners.get(order.partner)
    created = shifted(order.created, site.settings.utc_offset_h)
    ordering = [order.contact, contact.full_name if contact else ""]
    return {
        "id": order.id,
        "name": order.name,
        "client_order_ref": order.client_order_ref,
        "delivery_address_id": order.delivery_address,
        "state": site.state(order),
        "amount_total": bare(order.untaxed + order.tax),
        "amount_tax": bare(order.tax),
        "amount_untaxed": bare(order.untaxed),
        "date_order": created[:10],
        "partner_id": [order.partner, partner.name if partner else ""],
        "shop_id": [order.shop, site.settings.shops.get(order.shop, "")],
        "partner_shipping_id": ordering,
        "partner_order_id": ordering,
        "create_date": created,
        "order_line": [line.id for line in order.lines],
        "currency": order.currency,
    }


def order_lines(call: Call) -> Iterator[Row]:
    """The lines of one order."""
    wanted = call.params.required("order_id")
    for order in call.site.orders:
        for line in order.lines if order.id == wanted else ():
            yield {
                "id": line.id,
                "order_id": order.id,
                "product_id": line.product_id,
                "qty": line.qty,
                "price_unit": bare(line.price),
                "price_subtotal": bare(line.subtotal),
            }


# ------------------------------------------------------------------ section 8


@dataclass(frozen=True, slots=True)
class _Picking:
    """What leaves together: what has left of an order, or the rest of it. ``moves``: quantities by product."""

    id: int
    order: Order
    name: str
    state: str
    gone: bool
    moves: tuple[tuple[int, int], ...]

    def move_ids(self) -> list[int]:
        return [self.id * 100 + place for place in range(1, len(self.moves) + 1)]


def _pickings(site: Site, orders: Iterable[Order]) -> Iterator[_Picking]:
    for order in orders:
        shipped = site.shipped(order)
        gone = tuple((line.product_id, shipped[line.id]) for line in order.lines if shipped[line.id])
        open_ = tuple((li.product_id, li.qty - shipped[li.id]) for li in order.lines if shipped[li.id] < li.qty)
        if gone:
            yield _Picking(order.id * 10 + 1, order, f"OUT{order.id}", "done", True, gone)
        if open_:
            state = "cancel" if site.cancelled(order) else "confirmed"
            number, name = (2, f"OUT{order.id}/2") if gone else (1, f"OUT{order.id}")
            yield _Picking(order.id * 10 + number, order, name, state, False, open_)


def _one_customer(call: Call) -> None:
    if call.site.settings.partner_required:
        call.params.required("partner_id")


def stock_pickings(call: Call) -> Iterator[Row]:
    """Deliveries; several of one order where a part has left."""
    _one_customer(call)
    for picking in _pickings(call.site, call.site.orders):
        order = picking.order
        created = {"create_date": order.created}
        if call.wanted(id=picking.id, partner_id=order.partner, order_id=order.id) and call.since(
            created, "create_date"
        ):
            yield {
                "id": picking.id,
                "name": picking.name,
                "delivery_note_ref": call.site.tracking(order) if picking.gone else None,
                # Planned or actual, nobody can tell (section 8).
                "delivery_date": days_later(order.created, 1),
                "state": picking.state,
                "move_lines": picking.move_ids(),
            }


def stock_moves(call: Call) -> Iterator[Row]:
    """What one delivery holds."""
    wanted = call.params.required("picking_id")
    for picking in _pickings(call.site, call.site.orders):
        if picking.id == wanted:
            for number, (product, qty) in zip(picking.move_ids(), picking.moves, strict=True):
                yield {
                    "id": number,
                    "picking_id": picking.id,
                    "product_id": product,
                    "qty": qty,
                    "state": picking.state,
                }


def invoices(call: Call) -> Iterator[Row]:
    """Invoices, one an order, of its day."""
    _one_customer(call)
    for order in call.site.orders:
        state, number, day = call.site.invoiced(order), FIRST_INVOICE + order.id, order.created[:10]
        since = call.params.day("invoice_date") or ""
        if state and day >= since and call.wanted(id=number, partner_id=order.partner):
            yield {
                "id": number,
                "number": f"INV{number}",
                "partner_id": order.partner,
                "address_invoice_id": order.delivery_address,
                "payment_term": f"{TERMS_DAYS} days",
                "reference": order.client_order_ref,
                "currency": order.currency,
                "invoice_date": day,
                "due_date": days_later(order.created, TERMS_DAYS),
                "state": state,
                "total_net": bare(order.untaxed),
                "total_gross": bare(order.untaxed + order.tax),
                "amount_tax": bare(order.tax),
            }
