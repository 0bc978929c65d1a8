"""Flower shows what became of the orders by number and reason, and nothing of whose they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest
from celery import Celery

from tests.house import House, parts_order
from tests.sentry_sink import SentrySink
from tests.servers import free_port, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.long

PERSON = {
    "email": "zebulon@quixworth.example",
    "phone": "+61 2 5550 9876",
    "note": "Ring at Marmaduke's",
    "ship_to": {
        "name": "Zebulon Quixworth",
        "company": "Obsidian Umbrellas",
        "address1": "99 Narwhal Crescent",
        "city": "Xanadu",
        "postcode": "7997",
        "country": "AU",
    },
}
MARKS = (
    "Zebulon",
    "Quixworth",
    "quixworth",
    "5550 9876",
    "Marmaduke",
    "Obsidian",
    "Narwhal",
    "Xanadu",
)  # no bare digits: a timestamp may hold any
LINE = {"id": "1", "sku": "BOLT-8", "quantity": "1", "total_incl": "31.90", "tax": "2.90"}


@dataclass(frozen=True, slots=True)
class Watched:
    """A house with Flower and a Sentry, through which every kind of order has gone."""

    house: House
    sentry: SentrySink
    url: str
    login: tuple[str, str]

    def api(self, path: str, **params: str) -> Any:
        """GET below ``/api``."""
        return httpx.get(f"{self.url}/api/{path}", params=params, auth=self.login, timeout=20).raise_for_status().json()

    def tasks(self, number: str) -> list[dict[str, Any]]:
        """Tasks that name an order, oldest first."""
        found = [task for task in self.api("tasks").values() if number in str(task["args"]).split()]
        return sorted(found, key=lambda task: float(task["received"]))


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    port = free_port()
    with (
        SentrySink() as sentry,
        House(
            tmp_path_factory.mktemp("house"),
            timeout_s=1.0,
            arguments=["--flower", "--flower-port", str(port)],
            environment={"SENTRY_DSN": sentry.dsn, "CROSSDOCK_API_TOKEN": ""},
        ) as house,
    ):
        file = house.home / "flower.login"
        wait_until(file.exists, seconds=20, what="Flower's login is there")
        user, _, password = file.read_text().strip().partition(":")
        found = Watched(house, sentry, f"http://127.0.0.1:{port}", (user, password))
        # A worker tells of its tasks from when Flower asks it to.
        wait_until(lambda: "enabled by remote" in house.log(), seconds=40, what="the worker tells Flower")
        _send_all_kinds(house)
        yield found


def _person(number: str, **changes: Any) -> Any:
    return parts_order(number, **{**PERSON, **changes})


def _send_all_kinds(house: House) -> None:
    house.post([_person("7301")])
    house.wait_for("7301", "delivered", "delivered")
    house.post([_person("7302", lines=[{**LINE, "sku": "UNKNOWN-9"}], shipping=[])])
    house.wait_for("7302", "dead", "waiting")
    faults: dict[str, dict[str, Any]] = {
        "7303": {"kind": "html502"},
        "7304": {"kind": "hang", "seconds": 3, "commit": "before"},
        "7305": {"kind": "drop", "commit": True},
        "7306": {"kind": "error500", "commit": False},
    }
    for number, fault in faults.items():
        house.fault("esuite", fault, match=f"P-{number}")
        house.post([_person(number)])
        house.wait_for(number, "delivered", "delivered")
    # The other side quotes the customer in what it says.
    quoting = {"kind": "reply", "status": 400, "body": {"Error": "Zebulon Quixworth, 99 Narwhal Crescent is unknown"}}
    house.fault("esuite", quoting, match="P-7307", times=1)
    house.post([_person("7307")])
    house.wait_for("7307", "dead", "waiting")
    house.post([_person("7308", lines=[{**LINE, "sku": None}])])
    house.wait_for("7308", "held", "waiting")
    house.post([_person("7309", lines=[{**LINE, "quantity": "Zebulon"}], ship_to={"country": "Xanadu"})])
    house.fault("ongoing", {"kind": "documented", "name": "ongoing.401"}, times=2)
    house.post([_person("7310")])
    house.wait_for("7310", "delivered", "held")
    house.wait_for("7310", "delivered", "delivered", seconds=60)
    _send_from_elsewhere(house)


def _send_from_elsewhere(house: House) -> None:
    producer = Celery("elsewhere", broker=(house.home / "valkey.url").read_text())
    order: dict[str, Any] = {
        "shop_order_id": "id-7311",
        "number": "7311",
        "version": "2026-11-20T10:15:00Z",
        "currency": "AUD",
    }
    order |= {"lines": [LINE], **PERSON}
    producer.send_task("tasks.intake.accept", args=["parts", order])
    producer.send_task("tasks.intake.accept", kwargs={"shop": "nowhere", "order": order})
    producer.send_task("tasks.intake.accept", args=["parts", order, order])
    producer.send_task("tasks.intake.except", args=["parts", order])
    wait_until(lambda: house.orders(q="7311"), seconds=20, what="the producer's order is in the ledger")
    house.wait_for("7311", "delivered", "delivered")
    wait_until(lambda: "tasks.intake.except" in house.log(), seconds=10, what="the unknown task has come")
    producer.close()


# ---------------------------------------------------------------- who may look


def test_it_listens_on_loopback_only(watched: Watched) -> None:
    port = int(watched.url.rpartition(":")[2])
    up = psutil.Process(watched.house.pid("up"))
    listening = {c.laddr for p in up.children() for c in p.net_connections(kind="tcp") if c.status == "LISTEN"}
    assert [address.ip for address in listening if address.port == port] == ["127.0.0.1"]


@pytest.mark.parametrize("path", ["/", "/tasks", "/workers", "/api/workers", "/api/tasks", "/broker"])
def test_it_asks_for_a_password(watched: Watched, path: str) -> None:
    assert httpx.get(watched.url + path).status_code == 401
    assert httpx.get(watched.url + path, auth=("crossdock", "guess")).status_code == 401
    assert httpx.get(watched.url + path, auth=watched.login, follow_redirects=True).status_code == 200


def test_its_password_is_its_own_and_nobody_elses_to_read(watched: Watched) -> None:
    file = watched.house.home / "flower.login"
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(watched.login[1]) >= 16
    assert watched.login[1] not in json.dumps([p.cmdline() for p in psutil.Process(watched.house.pid("up")).children()])


@pytest.mark.parametrize(
    "path",
    [
        "worker/shutdown/{worker}",
        "worker/pool/restart/{worker}",
        "worker/pool/grow/{worker}",
        "worker/queue/cancel-consumer/{worker}",
        "task/async-apply/tasks.upkeep.sweep",
        "task/send-task/tasks.upkeep.sweep",
        "task/revoke/1234",
        "task/timeout/tasks.esuite.deliver",
        "task/rate-limit/tasks.esuite.deliver",
    ],
)
def test_it_only_looks(watched: Watched, path: str) -> None:
    [worker] = watched.api("workers")
    answer = httpx.post(f"{watched.url}/api/{path.format(worker=worker)}", auth=watched.login, json={"args": []})
    assert answer.status_code == 403
    assert "Read only" in answer.text
    assert len(watched.house.children("worker")) == 1


# ---------------------------------------------------------------- what there is to see


def _state(watched: Watched, number: str, name: str) -> list[tuple[str, str]]:
    return [
        (task["state"], str(task["result"] or task["exception"]).strip("'"))
        for task in watched.tasks(number)
        if task["name"] == name and "nothing to do" not in str(task["result"])
    ]


def test_a_task_has_destination_and_order_numbers_as_args_and_ends_as_its_order_did(watched: Watched) -> None:
    esuite = "tasks.esuite.deliver"
    assert _state(watched, "7301", esuite) == [("SUCCESS", "7301 delivered")]
    assert _state(watched, "7301", "tasks.ongoing.deliver") == [("SUCCESS", "7301 delivered")]
    assert watched.tasks("7301")[0]["args"] == "esuite-au 7301"
    assert _state(watched, "7302", esuite) == [("FAILURE", "DeadLettersError('7302 dead (refused)')")]
    states = _state(watched, "7303", esuite)
    assert states[0] == ("RETRY", "Retry('7303 retrying (502)')")
    assert states[-1] == ("SUCCESS", "7303 delivered")
    assert _state(watched, "7304", esuite)[0] == ("RETRY", "Retry('7304 retrying (timeout)')")
    assert _state(watched, "7308", esuite) == [("SUCCESS", "7308 held (no_sku)")]


def test_an_order_from_elsewhere_is_shown_by_its_number_only(watched: Watched) -> None:
    found = [task for task in watched.api("tasks").values() if task["name"] == "tasks.intake.accept"]
    told = sorted((task["state"], str(task["result"] or task["exception"]).strip("'")) for task in found)
    [(failed, kind), (unknown, words), (stored, result)] = told
    assert (failed, kind) == ("FAILURE", "TypeError")
    assert unknown == "FAILURE"
    assert words.startswith("UnknownShopError(\"no shop 'nowhere' in ")
    assert stored == "SUCCESS"
    assert result.startswith("parts 7311: accepted (id ")
    assert {task["args"] for task in found} == {""}


def test_upkeep_does_not_crowd_out_the_orders(watched: Watched) -> None:
    names = {task["name"] for task in watched.api("tasks").values()}
    assert {name for name in names if name and ".upkeep." in name} == set()


def test_the_page_shows_the_orders_in_a_browser(watched: Watched, browser: Browser) -> None:
    user, password = watched.login
    context = browser.new_context(
        http_credentials={"username": user, "password": password}, viewport={"width": 1400, "height": 900}
    )
    page = context.new_page()
    page.goto(f"{watched.url}/tasks")
    page.get_by_text("tasks.esuite.deliver").first.wait_for()
    shown = page.inner_text("body")
    context.close()
    for words in ("tasks.esuite.deliver", "esuite-au 7307", "DeadLettersError('7307 dead (refused)')", "RETRY"):
        assert words in shown
    assert [mark for mark in MARKS if mark in shown] == []


# ---------------------------------------------------------------- what there must not be


def _flower(watched: Watched) -> str:
    tasks = watched.api("tasks")
    found = [tasks, watched.api("workers", refresh="1"), watched.api("queues/length")]
    found += [watched.api(f"task/info/{one}") for one in tasks]
    for path in ("metrics", "tasks", "workers", *(f"task/{one}" for one in tasks)):
        found.append(httpx.get(f"{watched.url}/{path}", auth=watched.login, timeout=20, follow_redirects=True).text)
    return json.dumps(found, ensure_ascii=False)


def _timeline(watched: Watched) -> str:
    """Texts of all events, but of the order at which the other side quoted the customer: that is kept verbatim."""
    orders = [httpx.get(f"{watched.house.url}/api/orders/{o['id']}").json() for o in watched.house.orders()]
    return json.dumps(
        [event["text"] for order in orders if order["number"] != "7307" for event in order["events"]],
        ensure_ascii=False,
    )


@pytest.mark.parametrize(
    "read",
    [
        pytest.param(lambda w: w.house.log(), id="logs"),
        pytest.param(lambda w: w.sentry.text, id="Sentry"),
        pytest.param(_flower, id="Flower"),
        pytest.param(_timeline, id="timeline"),
        pytest.param(lambda w: httpx.get(f"{w.house.url}/metrics").text, id="metrics"),
    ],
)
def test_nothing_tells_whose_order_it_was_nor_a_secret(watched: Watched, read: Callable[[Watched], str]) -> None:
    found = read(watched)
    assert found
    secrets = [*watched.house.secrets.values(), "sandbox-esuite", "sandbox-ongoing", "WSI-sandbox", watched.login[1]]
    assert [mark for mark in (*MARKS, *secrets) if mark in found] == []


def test_every_line_of_the_log_is_json(watched: Watched) -> None:
    others = [line for line in watched.house.log().splitlines() if line and not line.startswith("{")]
    assert [line for line in others if not line.startswith(("crossdock is up: ", "flower: "))] == []


def test_sentry_has_heard_of_dead_letters_suspension_and_crash_and_of_nothing_else(watched: Watched) -> None:
    wait_until(lambda: len(watched.sentry.events) >= 4, seconds=15, what="Sentry has heard")
    told = sorted(
        str(event.get("message") or event["exception"]["values"][-1]["type"]) for event in watched.sentry.events
    )
    assert told == [
        "TypeError",
        "dead letter: esuite-au: refused",
        "dead letter: esuite-au: refused",
        "destination suspended: ongoing-se: unauthorized",
    ]
    dead = [e for e in watched.sentry.events if str(e.get("message")).startswith("dead letter")]
    assert {tuple(e["fingerprint"]) for e in dead} == {("dead letter", "esuite-au", "refused")}
