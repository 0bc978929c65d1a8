"""An order's status follows from its deliveries: the one place that says how."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, case, func, select, update

from worker.ledger.tables import deliveries as d
from worker.ledger.tables import orders as o


def _count(*states: str) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((d.c.state.in_(states), 1), else_=0)), 0)


# One pass over the order's deliveries: dead outranks held, held outranks moving (docs/how-it-works.md).
_of_deliveries = (
    select(
        case(
            (o.c.test, "ignored"),
            (_count("dead") > 0, "dead"),
            (o.c.hold.is_not(None), "held"),
            (_count("held") > 0, "held"),
            (func.count(d.c.id) == 0, case((o.c.cancelled, "cancelled"), else_="received")),
            (
                _count("waiting", "ready", "delivering", "retrying") == 0,
                # What was accepted as it is at a destination goes its way, although the shop cancelled the order.
                case((and_(o.c.cancelled, _count("delivered") == 0), "cancelled"), else_="delivered"),
            ),
            (_count("delivering", "retrying", "delivered") > 0, "delivering"),
            (func.coalesce(func.sum(d.c.attempts), 0) > 0, "delivering"),
            else_="received",
        )
    )
    .select_from(d)
    .where(d.c.order_id == o.c.id)
    .correlate(o)
    .scalar_subquery()
)


def refresh_status(connection: Connection, order_ids: Sequence[int]) -> None:
    """Bring ``orders.status`` of these orders, CHUNK of them at most, in line with their deliveries."""
    if order_ids:
        connection.execute(update(o).where(o.c.id.in_(order_ids)).values(status=_of_deliveries))
