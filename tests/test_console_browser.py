"""The console in a real browser, on a real house: what an operator sees and presses, with JavaScript and without."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import pytest

from sandbox.shops import Delivery
from tests.house import CONFIG, House, parts_order
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.long

SCRIPT = "<script>document.title = 'taken over'</script>"
TOKEN = "a token of the tests"
LINE = {"id": "1", "name": "Bolt", "quantity": "3", "total_incl": "21.90", "tax": "1.99"}

_numbers = count(7001)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    # Unpaid orders are held, and a failed try waits long enough to be seen.
    config = CONFIG.replace('release = "placed"', 'release = "paid"').replace("base_s = 0.2, cap_s = 1", "base_s = 60")
    with House(tmp_path_factory.mktemp("house"), config=config) as house:
        yield house


@pytest.fixture
def house(running: House) -> Iterator[House]:
    """The running house. Esuite knows no stock code RARE-..., until `_mend`; afterwards all is well again."""
    running.switch("esuite", unknown_stock=["RARE*"])
    yield running
    running.clear_faults()
    for name in ("esuite-au", "ongoing-se"):
        httpx.post(f"{running.url}/api/destinations/{name}/resume")


@pytest.fixture
def number() -> str:
    """An order number that no other test uses."""
    return str(next(_numbers))


def _post(house: House, *deliveries: Delivery) -> None:
    """House.post runs an event loop, and the browser has this thread's."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        thread.submit(house.post, deliveries).result(timeout=30)


def _dead(house: House, number: str, **changes: Any) -> int:
    _post(house, parts_order(number, **{"lines": [LINE | {"sku": f"RARE-{number}"}], **changes}))
    return int(house.wait_for(number, "dead", "waiting")["id"])


def _mend(house: House) -> None:
    house.switch("esuite", unknown_stock=[])


@dataclass
class Watched:
    """A page, and all that it should not have done."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)


@contextmanager
def _watched(browser: Browser, url: str, **options: Any) -> Iterator[Watched]:
    """A page that must ask nobody but ``url``, and must not complain."""
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(15_000)
    watched = Watched(context.new_page())
    watched.page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
    watched.page.on("request", lambda request: watched.hosts.add(urlsplit(request.url).netloc))
    try:
        yield watched
        assert watched.errors == []
        assert watched.hosts == {urlsplit(url).netloc}
    finally:
        context.close()


@pytest.fixture
def page(browser: Browser, house: House) -> Iterator[Page]:
    with _watched(browser, house.url) as watched:
        yield watched.page


@pytest.fixture
def plain_page(browser: Browser, house: House) -> Iterator[Page]:
    """A browser without JavaScript."""
    with _watched(browser, house.url, java_script_enabled=False) as watched:
        yield watched.page


def _row(page: Page, number: str) -> str:
    return page.get_by_role("row").filter(has_text=number).inner_text()


def test_the_list_shows_the_orders_and_where_each_stands(page: Page, house: House, number: str) -> None:
    _dead(house, number)
    delivered, held = str(next(_numbers)), str(next(_numbers))
    _post(house, parts_order(delivered), parts_order(held, payment_state="pending"))
    house.wait_for(delivered, "delivered", "delivered")
    page.goto("/")
    assert "dead" in _row(page, number)
    assert f"RARE-{number} was not found" in _row(page, number)
    assert _row(page, delivered).count("delivered") == 3
    assert "waits for payment" in _row(page, held)
    page.get_by_role("navigation", name="Orders by status").get_by_role("link", name="held").click()
    assert page.get_by_role("row").filter(has_text=held).count() == 1
    assert page.get_by_role("row").filter(has_text=delivered).count() == 0


def test_an_order_is_found_by_the_reference_that_the_other_side_gave_it(page: Page, house: House, number: str) -> None:
    _post(house, parts_order(number))
    reference = house.wait_for(number, "delivered", "delivered")["deliveries"][0]["reference"]
    page.goto("/")
    page.get_by_label("Number, shop order id or reference").fill(reference)
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name=number, exact=True).click()
    assert page.get_by_role("heading", level=1).inner_text().startswith(f"Order {number}")
    assert page.locator("strong.reference").first.inner_text() == reference


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_dead_letter_is_replayed_once_the_fault_is_mended(
    browser: Browser, house: House, number: str, scripts: bool
) -> None:
    _dead(house, number)
    with _watched(browser, house.url, java_script_enabled=scripts) as watched:
        page = watched.page
        page.goto("/")
        page.get_by_role("link", name=number, exact=True).click()
        assert "dead" in page.get_by_role("heading", level=1).inner_text()
        _mend(house)
        page.get_by_role("button", name="Replay at esuite-au").click()
        assert "on its way" in page.get_by_role("status").inner_text()
        if not scripts:
            house.wait_for(number, "delivered", "delivered")
            page.goto(page.url)
        page.get_by_role("heading", level=1).filter(has_text="delivered").wait_for()
        timeline = page.locator(".timeline").inner_text()
        assert "Replayed at esuite-au, from the console." in timeline
        assert "esuite-au: Delivered as" in timeline
    counts = house.counts()
    assert (counts["esuite"][f"WEB-P-{number}"], counts["ongoing"][f"P-{number}"]) == (1, 1)


def test_the_timeline_shows_what_was_asked_and_what_was_answered(page: Page, house: House, number: str) -> None:
    answer = {"message": "Not today<br/>" + SCRIPT, "count": 1.50}
    house.fault("ongoing", {"kind": "reply", "status": 500, "body": answer}, match=f"P-{number}")
    _post(house, parts_order(number))
    order = house.wait_for(number, "delivered", "retrying")
    page.goto(f"/orders/{order['id']}")
    page.get_by_text("1 request and what came back").click()
    exchange = page.locator(".exchange").inner_text()
    assert "PUT orders" in exchange
    assert f'  "orderNumber": "P-{number}",' in exchange
    assert "500 Internal Server Error" in exchange
    assert "Not today<br/>" + SCRIPT in exchange
    assert page.locator("main br, main script").count() == 0


def test_what_a_shop_writes_is_shown_as_text(page: Page, house: House, number: str) -> None:
    to = {"name": SCRIPT, "address1": "4 Pier St", "city": "Hobart", "postcode": "7000", "country": "AU"}
    lines = [LINE | {"sku": f"RARE-{SCRIPT}", "name": SCRIPT}]
    order_id = _dead(house, number, ship_to=to, note=SCRIPT, lines=lines)
    for path in ("/", f"/orders/{order_id}"):
        page.goto(path)
        assert SCRIPT in page.locator("main").inner_text()
        assert page.locator("main script").count() == 0
        assert "taken over" not in page.title()


def test_a_destination_is_suspended_with_a_reason_and_resumed(plain_page: Page, house: House, number: str) -> None:
    page = plain_page
    page.goto("/destinations")
    card = page.locator("article").filter(has_text="esuite-au")
    card.get_by_text("Suspend esuite-au").first.click()
    card.get_by_label("Why").fill("stocktaking <b>today</b>")
    card.get_by_role("button", name="Suspend esuite-au").click()
    assert "suspended" in card.get_by_role("heading").inner_text()
    assert "stocktaking <b>today</b>" in card.inner_text()
    _post(house, parts_order(number))
    order = house.wait_for(number, "held", "waiting")
    page.goto(f"/orders/{order['id']}")
    assert "It goes on by itself when esuite-au is open again." in page.locator("main").inner_text()
    assert page.get_by_role("button", name="Replay at esuite-au").count() == 0
    page.goto("/")
    assert "esuite-au is suspended" in page.locator("main").inner_text()
    page.get_by_role("link", name="See destinations").click()
    page.get_by_role("button", name="Resume esuite-au").click()
    assert "open" in card.get_by_role("heading").inner_text()
    house.wait_for(number, "delivered", "delivered")


def test_an_unpaid_order_is_released_by_a_button(plain_page: Page, house: House, number: str) -> None:
    page = plain_page
    _post(house, parts_order(number, payment_state="pending"))
    [item] = house.orders(q=number)
    page.goto(f"/orders/{item['id']}")
    assert "It goes by itself when the shop says paid." in page.locator("main").inner_text()
    page.get_by_role("button", name="Release: treat as paid").click()
    order = house.wait_for(number, "delivered", "delivered")
    assert order["edit"] == {"payment_state": "paid"}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"payment_state": "refunded"}, "The shop says refunded", id="the money went back"),
        pytest.param({"currency": "dollars"}, "Not understood", id="not understood"),
    ],
)
def test_only_an_order_that_waits_for_payment_can_be_treated_as_paid(
    page: Page, house: House, number: str, changes: dict[str, Any], says: str
) -> None:
    _post(house, parts_order(number, **changes))
    [item] = house.orders(q=number)
    page.goto(f"/orders/{item['id']}")
    assert says in page.get_by_role("region", name="Why it waits").inner_text()
    assert page.get_by_role("button", name="Release: treat as paid").count() == 0
    page.get_by_role("region", name="Why it waits").get_by_role("button", name="Replay").click()
    assert "Nothing new is on its way" in page.get_by_role("status").inner_text()


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param('{"note": ', "is not JSON that can be read", id="no JSON"),
        pytest.param("[1]", "must be a JSON object", id="no object"),
        pytest.param('{"currency": "dollars"}', "currency: ", id="no valid order"),
        pytest.param("[" * 60_000, "nested", id="nested too deeply"),
    ],
)
def test_a_refused_edit_is_said_and_kept_for_mending(house: House, number: str, edit: str, says: str) -> None:
    order_id = _dead(house, number)
    answer = httpx.post(f"{house.url}/orders/{order_id}/replay", data={"edit": edit}, timeout=20)
    assert answer.status_code == 422
    assert says in answer.text
    assert edit.strip().replace('"', "&#34;") in answer.text
    assert house.order(number)["status"] == "dead"


def _held_cancel(house: House, number: str) -> int:
    """Delivered, then picked at the warehouse, then cancelled by the shop: the warehouse does not let it go."""
    _post(house, parts_order(number))
    order = house.wait_for(number, "delivered", "delivered")
    status = f"{house.sandbox_url}/ongoing/api/v1/orders/{order['deliveries'][1]['reference']}/orderStatus"
    login = ("WSI-sandbox", "sandbox-ongoing")
    httpx.patch(status, json={"orderStatusNumber": 400}, auth=login).raise_for_status()
    _post(house, parts_order(number, version="2026-11-20T11:00:00Z", topic="order.updated", cancelled=True))
    return int(house.wait_for(number, "waiting", "held")["id"])


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without JavaScript"])
def test_a_cancel_that_came_too_late_is_accepted_as_it_is_by_a_button(
    browser: Browser, house: House, number: str, scripts: bool
) -> None:
    order_id = _held_cancel(house, number)
    with _watched(browser, house.url, java_script_enabled=scripts) as watched:
        page = watched.page
        page.goto(f"/orders/{order_id}")
        esuite, ongoing = page.locator(".deliveries > li").all()
        assert "Left as it is until somebody settles the cancel at ongoing-se." in esuite.inner_text()
        assert esuite.get_by_role("button").count() == 0
        assert "was not cancelled there" in ongoing.inner_text()
        assert "The order is cancelled." in page.locator(".lead").inner_text()
        assert ongoing.get_by_role("button").all_inner_texts() == [
            "Replay at ongoing-se",
            "Accept as it is at ongoing-se",
        ]
        assert "and esuite-au keeps the order too." in ongoing.inner_text()
        ongoing.get_by_role("button", name="Accept as it is").click()
        assert "Accepted as it is there." in page.get_by_role("status").inner_text()
        assert "delivered" in page.get_by_role("heading", level=1).inner_text()
        assert page.get_by_role("button", name="Accept as it is").count() == 0
        assert "Accepted as it is there, from the console." in ongoing.inner_text()
        timeline = page.locator(".timeline").inner_text()
    for line in (
        "What changed: cancelled.",
        "ongoing-se: Accepted as it is there, from the console.",
        "esuite-au: The order stays here too, since it goes its way at ongoing-se.",
    ):
        assert line in timeline
    counts = house.counts()
    assert (counts["esuite"][f"WEB-P-{number}"], counts["ongoing"][f"P-{number}"]) == (1, 1)


def test_an_edit_in_the_form_mends_the_order(page: Page, house: House, number: str) -> None:
    page.goto(f"/orders/{_dead(house, number)}")
    page.get_by_text("Replay the whole order, or edit it first").click()
    page.get_by_label("Edit, may stay empty").fill(json.dumps({"lines": [LINE | {"sku": "BOLT-8"}]}))
    page.get_by_role("button", name="Replay the order").click()
    page.get_by_role("heading", level=1).filter(has_text="delivered").wait_for()
    assert "Edited lines, from the console." in page.locator(".timeline").inner_text()


def test_the_list_follows_by_itself(page: Page, house: House, number: str) -> None:
    page.goto("/")
    _post(house, parts_order(number))
    page.get_by_role("row").filter(has_text=number).filter(has_text="delivered").wait_for()


@pytest.mark.parametrize("occupied", ["a field with focus", "open details", "selected text", "a changed field"])
def test_a_page_holds_still_while_somebody_is_at_work_on_it(
    page: Page, house: House, number: str, occupied: str
) -> None:
    order_id = _dead(house, number)
    page.goto(f"/orders/{order_id}" if occupied == "open details" else "/")
    if occupied == "open details":
        page.get_by_text("The order as JSON", exact=True).click()
        page.evaluate("document.activeElement.blur()")
    elif occupied == "selected text":
        page.evaluate("getSelection().selectAllChildren(document.querySelector('h1'))")
    else:
        page.get_by_label("Number").fill("70")
        if occupied == "a changed field":
            page.evaluate("document.activeElement.blur()")
    _mend(house)
    httpx.post(f"{house.url}/api/orders/{order_id}/replay")
    house.wait_for(number, "delivered", "delivered")
    page.wait_for_timeout(4500)
    where = page.get_by_role("heading", level=1) if occupied == "open details" else page.locator("tr", has_text=number)
    assert "dead" in where.inner_text()


def test_a_page_follows_only_when_asked_where_motion_is_unwelcome(browser: Browser, house: House, number: str) -> None:
    with _watched(browser, house.url, reduced_motion="reduce") as watched:
        page = watched.page
        page.goto("/")
        assert page.get_by_role("button", name="Live: off").get_attribute("aria-pressed") == "false"
        _post(house, parts_order(number))
        house.wait_for(number, "delivered", "delivered")
        page.wait_for_timeout(4500)
        assert page.get_by_role("row").filter(has_text=number).count() == 0
        page.get_by_role("button", name="Live: off").click()
        page.get_by_role("row").filter(has_text=number).wait_for()


def test_a_phone_shows_everything_without_scrolling_sideways(browser: Browser, house: House, number: str) -> None:
    order_id = _dead(house, number, note="Please ring. " * 100, email="a" * 200 + "@example.com")
    with _watched(browser, house.url, viewport={"width": 390, "height": 844}) as watched:
        for path in ("/", f"/orders/{order_id}", "/destinations", "/docs", "/login"):
            watched.page.goto(path)
            watched.page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
            assert watched.page.evaluate("document.documentElement.scrollWidth") <= 390, path


def test_the_api_is_described_offline(plain_page: Page) -> None:
    plain_page.goto("/docs")
    text = plain_page.locator("main").inner_text()
    for line in (
        "GET /api/orders",
        "POST /webhooks/{shop}",
        "POST /api/orders/{order_id}/replay",
        "JSON merge patch on the canonical order.",
    ):
        assert line in text
    for target in plain_page.locator("main a[href^='#']").evaluate_all("all => all.map(a => a.getAttribute('href'))"):
        assert plain_page.locator(f"[id='{target[1:]}']").count() == 1, target


def test_the_token_opens_the_console_and_logging_out_closes_it(browser: Browser, house: House) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "worker", "web", "--port", str(port)]
    with (house.folder / "guarded.log").open("wb") as log:
        environment = {**house.environment, "CROSSDOCK_API_TOKEN": TOKEN}
        web = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until(lambda: _listens(url), seconds=40, what="the guarded web answers")
        with _watched(browser, url, java_script_enabled=False) as watched:
            page = watched.page
            page.goto("/")
            assert page.url == f"{url}/login"
            page.get_by_label("Token").fill("not the token")
            page.get_by_role("button", name="Log in").click()
            assert "That is not the token." in page.get_by_role("alert").inner_text()
            watched.errors.clear()  # the browser reports the 401 itself
            page.get_by_label("Token").fill(TOKEN)
            page.get_by_role("button", name="Log in").click()
            assert page.get_by_role("heading", level=1).inner_text() == "Orders"
            [cookie] = page.context.cookies()
            assert TOKEN not in cookie.get("value", "")
            assert cookie.get("httpOnly")
            page.get_by_role("button", name="Log out").click()
            page.goto("/destinations")
            assert page.url == f"{url}/login"
    finally:
        web.terminate()
        web.wait(timeout=30)


def _listens(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/orders/999999", 404, id="no such order"),
        pytest.param("GET", "/orders/99999999999999999999999", 404, id="an id above 64 bits"),
        pytest.param("POST", "/orders/99999999999999999999999/replay", 404, id="replay of an id above 64 bits"),
        pytest.param("GET", "/?cursor=99999999999999999999999", 200, id="a cursor above 64 bits"),
        pytest.param("GET", "/?cursor=%C2%B2", 200, id="a cursor that is a digit, but no number"),
        pytest.param("GET", "/?q=%00&shop=%ff&status=none", 200, id="filters that fit nothing"),
        pytest.param("POST", "/destinations/nowhere/suspend", 404, id="no such destination"),
        pytest.param("POST", "/destinations/esuite-au/paint", 404, id="no such action"),
    ],
)
def test_strange_addresses_get_a_page_that_says_so(house: House, method: str, path: str, status: int) -> None:
    answer = httpx.request(method, house.url + path)
    assert answer.status_code == status
    assert "<h1>" in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
