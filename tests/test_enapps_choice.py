"""Which contact orders, and which product is meant (contracts/enapps.md sections 4.2 and 5)."""

from __future__ import annotations

import pytest

from tests.enapps_wire import Copies, Story, Wire, destination, line, order
from tests.wire import tell
from worker.outcomes import Delivered, Reject, Retry


@pytest.fixture
def wire() -> Wire:
    return Wire()


def copied(wire: Wire) -> Copies:
    shelf = Copies()
    assert tell(lambda: shelf.read(wire, destination())) == []
    return shelf


def test_a_contact_is_not_chosen_while_the_primary_one_may_be_still_to_come(wire: Wire) -> None:
    shelf = copied(wire)
    primary = shelf.rows.pop(("contact", "954"))  # on a page that was not read yet
    shelf.whole.discard("contact")
    story = Story(wire, order(email="desmond.wren@example.org"), destination(), shelf)
    for _ in range(2):
        outcome = tell(story.attempt)
        assert isinstance(outcome, Retry)
        assert (outcome.code, outcome.counts, wire.writes()) == ("not_copied", False, 0)
        assert "contacts" in outcome.reason
    shelf.rows["contact", "954"] = primary
    shelf.whole.add("contact")
    assert isinstance(tell(story.attempt), Delivered)
    assert wire.orders()[0]["contact"] == 954


def test_a_product_is_not_chosen_while_its_namesake_may_be_still_to_come(wire: Wire) -> None:
    shelf = copied(wire)
    shelf.whole.discard("product")
    outcome = tell(Story(wire, order(), destination(), shelf).attempt)
    assert isinstance(outcome, Retry)
    assert (outcome.code, wire.writes()) == ("not_copied", 0)
    assert "products" in outcome.reason


def test_one_contact_for_all_orders_waits_for_no_contacts(wire: Wire) -> None:
    shelf = copied(wire)
    shelf.whole.discard("contact")
    assert isinstance(tell(Story(wire, order(), destination(contact=970), shelf).attempt), Delivered)


@pytest.mark.parametrize("email", ["MINA@EXAMPLE.TEST", " mina@example.test "])
def test_an_e_mail_address_is_compared_without_case_and_blanks(wire: Wire, email: str) -> None:
    assert isinstance(tell(Story(wire, order(email=email), destination(), copied(wire)).attempt), Delivered)
    assert wire.orders()[0]["contact"] == 953


def test_products_with_one_sku_are_named_and_none_is_chosen(wire: Wire) -> None:
    shelf = copied(wire)
    [mug] = shelf.copies("enapps-uk", "product", ref="MUG-BLUE")
    shelf.rows["product", "77"] = type(mug)(kind="product", key="77", ref="MUG-BLUE")
    outcome = tell(Story(wire, order(lines=[line()]), destination(), shelf).attempt)
    assert isinstance(outcome, Reject)
    assert (outcome.code, wire.writes()) == ("unknown_sku", 0)
    assert f"{mug.key}, 77" in outcome.reason
    assert "Leave the SKU to one of them there" in outcome.hint
