"""The console's page of what destinations say about their articles."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection

from tests.web_door import Door
from worker.feeds import Batch, Stock
from worker.ledger import feeds
from worker.outcomes import Retry


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    with Door(tmp_path, f"sqlite:///{tmp_path}/ledger.db") as opened:
        yield opened


def _read(door: Door, *stock: Stock, problem: str = "", feed: str = "stock") -> None:
    """One reading of the warehouse's articles, to their end, or of another feed."""
    now = time.time()

    def save(c: Connection) -> bool:
        turn = feeds.take(c, "ongoing-se", feed, lease_s=60, now=now)
        assert turn is not None
        stuck = Retry(code="500", reason=problem) if problem else None
        batch = Batch(checkpoint={}, stock=stock, whole=frozenset() if problem else frozenset({"stock"}), problem=stuck)
        return feeds.save(c, turn, batch, every_s=0, now=now)

    assert door.ledger.write(save)


def _page(door: Door, query: str = "", *, status: int = 200) -> str:
    answer = door.http.get(f"/stock{query}", headers={"Accept": "text/html"})
    assert answer.status_code == status
    return " ".join(answer.text.split())


def test_it_is_in_the_navigation_and_says_that_nothing_was_told_yet(door: Door) -> None:
    page = _page(door)
    assert '<a href="/stock" aria-current="page">Stock</a>' in page
    assert "No destination has told of its stock yet." in page


def test_it_shows_codes_with_our_words_and_figures(door: Door) -> None:
    _read(
        door,
        Stock(code="000250A", quantity=Decimal("12.50"), name="Mug <b>red</b>"),
        Stock(code="GIFT"),
        Stock(code="OUR-MUG"),
    )
    page = _page(door)
    assert "Mug &lt;b&gt;red&lt;/b&gt;" in page
    assert '<td role="cell" class="ours">OUR-MUG</td>' in page
    assert '<td role="cell" class="number">12.5</td>' in page
    assert "no figure" in page
    assert page.count(">the same<") == 1, "what is called OUR-MUG there is not what we send as OUR-MUG"


def test_a_sku_is_looked_for_in_our_words_and_said_where_it_is_not_known(door: Door) -> None:
    _read(door, Stock(code="000250A", quantity=Decimal(3)))
    assert ">000250A</th>" in _page(door, "?sku=+OUR-MUG+")
    assert "not known there" in _page(door, "?sku=NEVER")
    assert "esuite-au has not told anything of NEVER yet." in _page(door, "?sku=NEVER&destination=esuite-au")
    assert "There is no destination nowhere." in _page(door, "?destination=nowhere", status=404)


def test_long_lists_have_pages_that_keep_what_was_asked(door: Door) -> None:
    _read(door, *(Stock(code=f"A/{number:03}") for number in range(120)))
    first = _page(door, "?destination=ongoing-se")
    assert first.count('scope="row"') == 50
    assert "First page" not in first
    following = first.split('<nav class="pages"')[1].split('href="')[1].split('"')[0].replace("&amp;", "&")
    second = door.http.get(following, headers={"Accept": "text/html"}).text
    assert ">A/050</th>" in second
    assert "First page" in second
    assert "<option selected>ongoing-se</option>" in second


@pytest.mark.parametrize(
    "query", ["?cursor=%00", "?cursor=nonsense", "?cursor=a/b/c", "?sku=%00%ff", "?sku=" + "x" * 4000]
)
def test_odd_questions_are_answered(door: Door, query: str) -> None:
    _read(door, Stock(code="A"))
    _page(door, query)


def test_what_keeps_the_stock_from_being_read_is_said(door: Door) -> None:
    _read(door, problem="The warehouse could not be reached.")
    page = _page(door)
    assert "The warehouse could not be reached." in page
    assert "Not read yet." in page
    _read(door, problem="No status was told.", feed="statuses")
    assert "No status was told." not in _page(door), "it is none of the stock's"
    assert "could not be reached" not in _page(door, "?destination=esuite-au")
