"""The API at the door: producers' orders, lists, replays, destinations (DESIGN.md section 7)."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from tests.house import new_number, parts_order
from tests.web_door import Door, shop_order
from worker.ledger import tables as t


def _canonical(number: str, **changes: Any) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(parts_order(number, **changes).body)["data"]
    return data


def _send(door: Door, order: Any, *, key: str | None = None, shop: str = "parts") -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else {}
    return door.http.post("/api/orders", params={"shop": shop}, json=order, headers=headers)


def _accepted(door: Door, **changes: Any) -> int:
    answer = _send(door, _canonical(new_number(), **changes))
    assert answer.status_code == 202, answer.text
    return int(answer.json()["order"])


def _kill(door: Door, order_id: int, *, destination: str = "esuite-au", state: str = "dead", reason: str) -> None:
    """Put a delivery where a worker's rejection would have put it."""
    d = t.deliveries.c
    row = update(t.deliveries).where(d.order_id == order_id, d.destination == destination)
    status = update(t.orders).where(t.orders.c.id == order_id).values(status=state)
    with door.ledger.engine.begin() as connection:
        connection.execute(row.values(state=state, held_by=None, code="refused", reason=reason, attempts=1))
        connection.execute(status)


# Orders from trusted producers


def test_a_canonical_order_is_taken_and_routed(door: Door) -> None:
    number = new_number()
    answer = _send(door, _canonical(number))
    assert (answer.status_code, answer.json()["outcome"]) == (202, "accepted")
    order = door.order(answer.json()["order"])
    assert (order["shop"], order["number"], order["status"]) == ("parts", number, "received")
    assert [(d["destination"], d["status"]) for d in order["deliveries"]] == [
        ("esuite-au", "ready"),
        ("ongoing-se", "waiting"),
    ]


def test_amounts_of_a_canonical_order_stay_exact_whether_text_or_number(door: Door) -> None:
    body = json.dumps(_canonical(new_number())).replace('"total_incl": "31.90"', '"total_incl": 12345678901234.567890')
    answer = door.http.post("/api/orders?shop=parts", content=body)
    assert answer.status_code == 202
    assert door.order(answer.json()["order"])["order"]["total_incl"] == "12345678901234.567890"


def test_one_key_with_one_body_answers_the_same_and_stores_once(door: Door) -> None:
    order, key = _canonical(new_number()), f"key-{new_number()}"
    first, before = _send(door, order, key=key), door.stored()
    again = _send(door, order, key=key)
    assert (again.status_code, again.json()) == (first.status_code, first.json()) == (202, first.json())
    assert first.json()["outcome"] == "accepted"
    assert door.stored() == before


def test_one_key_with_another_body_is_a_conflict_and_changes_nothing(door: Door) -> None:
    number, key = new_number(), f"key-{new_number()}"
    order_id = _send(door, _canonical(number), key=key).json()["order"]
    before = door.stored()
    answer = _send(door, _canonical(number, note="another"), key=key)
    assert answer.status_code == 409
    assert "Idempotency-Key" in answer.json()["error"]
    assert door.stored() == before
    assert door.order(order_id)["order"]["note"] is None


def test_one_key_sent_many_times_at_once_is_one_order(door: Door) -> None:
    order, key = _canonical(new_number()), f"key-{new_number()}"
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: _send(door, order, key=key), range(40)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["outcome"] == "accepted"


def test_a_key_that_came_with_a_wrong_body_may_be_used_for_the_mended_one(open_door: Door) -> None:
    key, number = f"key-{new_number()}", new_number()
    assert _send(open_door, _canonical(number, currency="dollars"), key=key).status_code == 422
    assert _send(open_door, _canonical(number), key=key).status_code == 202


def test_two_shops_may_use_one_key(open_door: Door) -> None:
    key, number = f"key-{new_number()}", new_number()
    first = _send(open_door, _canonical(number), key=key)
    second = _send(open_door, _canonical(number), key=key, shop="books")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["order"] != second.json()["order"]


def test_a_key_of_more_than_200_characters_is_refused(open_door: Door) -> None:
    assert _send(open_door, _canonical(new_number()), key="k" * 201).status_code == 422


def test_an_order_that_waits_is_told_to_be_held(open_door: Door) -> None:
    answer = _send(open_door, _canonical(new_number(), payment_state="pending"), shop="books")
    assert (answer.status_code, answer.json()["outcome"]) == (202, "held")


SECRET = "Xq7 Personal"


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"currency": SECRET}, ["currency"]),
        ({"version": SECRET}, ["version"]),
        ({"lines": [{"id": "1", "quantity": SECRET}]}, ["lines.0.quantity", "lines.0.total_incl"]),
        ({"lines": [{"id": "1", "quantity": "1", "total_incl": SECRET, "tax": "0"}]}, ["lines.0.total_incl"]),
        ({"ship_to": {"name": SECRET, "country": SECRET}}, ["ship_to.country"]),
        ({"payment_state": SECRET, "email": [SECRET]}, ["payment_state", "email"]),
        ({"total_incl": "1e999"}, ["total_incl"]),
        ({"shop_order_id": ""}, ["shop_order_id"]),
    ],
    ids=", ".join,
)
def test_what_is_wrong_is_named_by_its_fields_without_their_values(
    open_door: Door, changes: dict[str, Any], fields: list[str]
) -> None:
    before = open_door.stored()
    answer = _send(open_door, _canonical(new_number()) | changes)
    assert answer.status_code == 422
    for field in fields:
        assert field in answer.json()["error"]
    assert SECRET not in answer.text
    assert open_door.stored() == before


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b'{"a": 1, "a": 2}', b"[" * 300_000, b"\xe5", b"9" * 9000],
    ids=["empty", "list", "null", "twice", "deep", "latin-1", "long number"],
)
def test_a_body_that_is_no_object_of_ours_is_422(open_door: Door, body: bytes) -> None:
    paths = ["/api/orders?shop=parts", "/api/replay"]
    if body not in (b"", b"null"):  # who replays one order need not say anything
        paths.append("/api/orders/1/replay")
    for path in paths:
        answer = open_door.http.post(path, content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, bool(answer.json()["error"])) == (422, True), path


@pytest.mark.parametrize("path", ["/api/orders?shop=parts", "/api/replay", "/login"])
@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
def test_a_body_above_two_megabytes_is_413(open_door: Door, path: str, chunked: bool) -> None:
    # As a form, it has three fields, none of which is too long by itself.
    parts = [b'{"a":"' + b"x" * 700_000, b"&b=" + b"x" * 700_000, b"&c=" + b"x" * 700_000 + b'"}']
    content: Any = iter(parts) if chunked else b"".join(parts)
    kind = "application/x-www-form-urlencoded" if path == "/login" else "application/json"
    answer = open_door.http.post(path, content=content, headers={"Content-Type": kind})
    assert (answer.status_code, "2000000" in answer.json()["error"]) == (413, True)


@pytest.mark.parametrize("query", ["?shop=nobody", "?shop=", "?shop=%00", ""])
def test_an_order_for_an_unknown_shop_is_refused(open_door: Door, query: str) -> None:
    answer = open_door.http.post(f"/api/orders{query}", json=_canonical(new_number()))
    assert answer.status_code == (404 if query else 422)
    assert "shop" in answer.json()["error"]


# Lists and details


def _ids(door: Door, **wanted: Any) -> list[int]:
    items = door.http.get("/api/orders", params=wanted).raise_for_status().json()["items"]
    return [item["id"] for item in items]


def test_orders_are_listed_newest_first_and_by_every_filter(door: Door) -> None:
    au, se = new_number(), {"name": "Nell Rowan", "address1": "4 Pier St", "city": "Lund", "country": "SE"}
    first = _send(door, _canonical(au)).json()["order"]
    second = _accepted(door, ship_to=se)
    third = int(door.post(shop_order("tea", new_number(), financial_status="pending")).json()["order"])
    assert _ids(door)[:3] == [third, second, first]
    assert third in _ids(door, status="held")
    assert not {first, second} & set(_ids(door, status="held"))
    assert _ids(door, shop="tea")[0] == third
    assert _ids(door, shop="parts")[:2] == [second, first]
    assert first in _ids(door, destination="esuite-au")
    assert second not in _ids(door, destination="esuite-au")
    assert {first, second} <= set(_ids(door, destination="ongoing-se", limit=200))
    assert _ids(door, q=au) == [first]
    assert _ids(door, q=f"id-{au}") == [first]
    assert _ids(door, q=au, shop="tea") == []


def test_a_search_takes_percent_and_underscore_as_they_stand(door: Door) -> None:
    number = f"{new_number()}_50%"
    order_id = _send(door, _canonical(number)).json()["order"]
    assert _ids(door, q=number[-5:]) == [order_id]
    assert _ids(door, q="%%%") == []
    assert _ids(door, q="\\") == []


@pytest.mark.parametrize(
    "wanted",
    [
        {"status": "lost"},
        {"cursor": "0"},
        {"cursor": "x"},
        {"cursor": str(2**63)},
        {"limit": "0"},
        {"limit": "201"},
        {"q": "\0"},
    ],
    ids=ascii,
)
def test_a_filter_that_cannot_be_is_422_and_names_itself(open_door: Door, wanted: dict[str, str]) -> None:
    answer = open_door.http.get("/api/orders", params=wanted)
    assert answer.status_code == 422
    assert next(iter(wanted)) in answer.json()["error"]


def test_a_search_for_what_is_not_there_finds_nothing(door: Door) -> None:
    for number in ("%ff", "' OR 1=1 --", "\N{GRINNING FACE}", "a" * 5000):
        assert _ids(door, q=number) == []


def test_pages_stay_in_step_while_orders_come_in(door: Door) -> None:
    placed = [_accepted(door) for _ in range(11)]
    seen: list[int] = []
    cursor: int | None = None
    while len(seen) < 11:
        page = door.http.get(
            "/api/orders", params={"limit": 3, "shop": "parts", **({"cursor": cursor} if cursor else {})}
        ).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        _accepted(door)
    assert seen[:11] == placed[::-1]


def test_the_last_page_has_no_next(open_door: Door) -> None:
    number = new_number()
    _send(open_door, _canonical(number))
    answer = open_door.http.get("/api/orders", params={"q": number, "limit": 1}).json()
    assert (len(answer["items"]), answer["next"]) == (1, None)


def test_one_order_tells_what_was_promised(open_door: Door) -> None:
    number = new_number()
    order = open_door.order(_send(open_door, _canonical(number)).json()["order"])
    assert {
        "id",
        "shop",
        "shop_order_id",
        "number",
        "version",
        "status",
        "reason",
        "order",
        "deliveries",
        "events",
    } <= (order.keys())
    assert (order["shop"], order["shop_order_id"], order["number"]) == ("parts", f"id-{number}", number)
    assert (order["status"], order["reason"], order["version"][:19]) == ("received", None, "2026-11-20T10:15:00")
    for delivery in order["deliveries"]:
        assert {"destination", "system", "status", "attempts", "reference", "reason"} <= delivery.keys()
    assert order["deliveries"][0] | {"due_at": "", "changed_at": ""} == order["deliveries"][0] | {
        "destination": "esuite-au",
        "system": "esuite",
        "status": "ready",
        "attempts": 0,
        "reference": None,
        "reason": None,
        "due_at": "",
        "changed_at": "",
    }
    assert order["order"]["lines"][0]["total_excl"] == "19.91"
    assert [event["kind"] for event in order["events"]] == ["received", "routed"]


@pytest.mark.parametrize(("path", "status"), [("999999999", 404), ("0", 422), ("x", 422), (str(2**63), 422)])
def test_an_order_that_is_not_there_is_told_so(open_door: Door, path: str, status: int) -> None:
    for answer in (open_door.http.get(f"/api/orders/{path}"), open_door.http.post(f"/api/orders/{path}/replay")):
        assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


UNREADABLE = [
    pytest.param('{"lines": 3}', id="fields of another kind"),
    pytest.param('{"shop_order_id": "1"}', id="fields that are missing"),
    pytest.param("[]", id="no object"),
]


def _spoilt(door: Door, stored: str) -> int:
    """An order as an older Crossdock may have stored it, which a worker has set aside since."""
    order_id = _accepted(door)
    _kill(door, order_id, state="held", reason=f"this version cannot read {order_id}")
    spoilt = update(t.orders).where(t.orders.c.id == order_id).values(shop_version=stored)
    door.ledger.write(lambda c: c.execute(spoilt))
    return order_id


@pytest.mark.parametrize("stored", UNREADABLE)
def test_an_order_that_this_version_cannot_read_is_shown_with_its_reason(open_door: Door, stored: str) -> None:
    order_id = _spoilt(open_door, stored)
    reason = f"this version cannot read {order_id}"
    order = open_door.order(order_id)
    assert (order["status"], order["order"], order["reason"]) == ("held", None, f"esuite-au: {reason}")
    assert order["deliveries"][0]["reason"] == reason
    assert order["events"]
    page = open_door.http.get(f"/orders/{order_id}")
    assert page.status_code == 200
    assert reason.capitalize() in page.text
    assert "What was ordered" not in page.text
    assert reason in open_door.http.get("/?status=held").text


def test_an_order_that_this_version_cannot_read_is_replayed_by_an_edit_that_makes_it_whole(open_door: Door) -> None:
    order_id = _spoilt(open_door, '{"lines": 3}')
    path = f"/api/orders/{order_id}/replay"
    refused = open_door.http.post(path, json={"edit": {"note": "still no order"}})
    assert (refused.status_code, "lines" in refused.json()["error"]) == (422, True)
    assert open_door.order(order_id)["order"] is None
    whole = _canonical(new_number()) | {"note": "mended"}
    assert open_door.http.post(path, json={"edit": whole}).status_code == 422, "the order's key stays what it was"
    whole["shop_order_id"] = open_door.order(order_id)["shop_order_id"]
    assert open_door.http.post(path, json={"edit": whole}).json()["deliveries"] == 1
    order = open_door.order(order_id)
    assert (order["status"], order["order"]["note"]) == ("delivering", "mended")


# Replays


def test_a_dead_order_is_replayed_with_an_edit(door: Door) -> None:
    order_id = _accepted(door)
    _kill(door, order_id, reason="unknown SKU BOLT-8")
    assert door.order(order_id)["status"] == "dead"
    edit = {"note": "ring twice", "ship_to": {"city": "Launceston"}}
    answer = door.http.post(f"/api/orders/{order_id}/replay", json={"edit": edit})
    assert (answer.status_code, answer.json()) == (202, {"count": 1, "orders": [order_id], "deliveries": 1})
    order = door.order(order_id)
    # It was tried before: it is on its way, and not only received.
    assert (order["status"], order["reason"], order["edit"]) == ("delivering", None, edit)
    assert (order["order"]["note"], order["order"]["ship_to"]["city"]) == ("ring twice", "Launceston")
    assert order["order"]["ship_to"]["name"] == "Nell Rowan"
    assert {"edit", "replay"} <= {event["kind"] for event in order["events"]}


def test_numbers_in_an_edit_stay_exact(door: Door) -> None:
    order_id = _accepted(door)
    answer = door.http.post(
        f"/api/orders/{order_id}/replay",
        content=b'{"edit": {"total_incl": 10.10, "total_tax": 0.1000000000000000055}}',
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code == 202
    order = door.order(order_id)["order"]
    assert (order["total_incl"], order["total_tax"]) == ("10.10", "0.1000000000000000055")


def _nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("edit", "field"),
    [
        ({"currency": SECRET}, "currency"),
        ({"lines": [{"id": "1"}]}, "lines.0.quantity"),
        ({"lines": []} | {"version": None}, "version"),
        ({"shop_order_id": "another"}, "shop_order_id"),
        ({"total_incl": "1e400"}, "total_incl"),
        ({"deep": _nested(400)}, "edit"),
        ([1], "edit"),
        ("note", "edit"),
    ],
)
def test_an_edit_that_makes_no_order_is_422_and_changes_nothing(open_door: Door, edit: Any, field: str) -> None:
    order_id = _accepted(open_door)
    _kill(open_door, order_id, reason="refused")
    before = open_door.order(order_id)
    answer = open_door.http.post(f"/api/orders/{order_id}/replay", json={"edit": edit})
    assert answer.status_code == 422
    assert field in answer.json()["error"]
    assert SECRET not in answer.text
    assert open_door.order(order_id) == before


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"edit": {"zz": "\\ud800"}}', id="half a surrogate pair"),
        pytest.param(b'{"edit": {"note": "a", "note": "b"}}', id="one key twice"),
        pytest.param(b'{"edited": {}}', id="an unknown key"),
    ],
)
def test_an_edit_that_no_ledger_could_keep_is_422(open_door: Door, body: bytes) -> None:
    order_id = _accepted(open_door)
    answer = open_door.http.post(
        f"/api/orders/{order_id}/replay", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422, answer.text
    assert open_door.order(order_id)["edit"] is None


def test_an_edit_with_a_nul_is_kept_without_it(door: Door) -> None:
    order_id = _accepted(door)
    edit = {"note": "a\0b", "z\0z": "\0"}
    assert door.http.post(f"/api/orders/{order_id}/replay", json={"edit": edit}).status_code == 202
    assert door.order(order_id)["order"]["note"] == "ab"


def test_a_replay_may_be_of_one_destination_only(open_door: Door) -> None:
    order_id = _accepted(open_door)
    _kill(open_door, order_id, reason="refused")
    answer = open_door.http.post(f"/api/orders/{order_id}/replay", json={"destination": "ongoing-se"})
    assert answer.json() == {"count": 1, "orders": [order_id], "deliveries": 0}
    assert open_door.order(order_id)["deliveries"][0]["status"] == "dead"
    answer = open_door.http.post(f"/api/orders/{order_id}/replay", json={"destination": "esuite-au"})
    assert answer.json()["deliveries"] == 1
    assert open_door.order(order_id)["deliveries"][0]["status"] == "ready"


def _replay(door: Door, **rules: Any) -> dict[str, Any]:
    answer = door.http.post("/api/replay", json=rules)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_many_are_replayed_by_destination_reason_shop_and_time_and_counted_first(door: Door) -> None:
    mark = new_number()
    by_reason, other = _accepted(door), _accepted(door)
    elsewhere = int(_send(door, _canonical(new_number()), shop="books").json()["order"])
    _kill(door, by_reason, reason=f"unknown SKU_{mark}")
    _kill(door, other, reason=f"customer on stop {mark}")
    _kill(door, elsewhere, reason=f"unknown SKU_{mark}")
    wanted = {"reason": f"sku_{mark}"}
    assert _replay(door, **wanted, dry_run=True) == {"count": 2, "orders": [by_reason, elsewhere], "deliveries": 0}
    assert _replay(door, **wanted, shop="books", dry_run=True)["orders"] == [elsewhere]
    assert _replay(door, **wanted, destination="ongoing-se", dry_run=True)["count"] == 0
    assert _replay(door, **wanted, destination="esuite-au", dry_run=True)["count"] == 2
    assert _replay(door, **wanted, since="2999-01-01T00:00:00Z", dry_run=True)["count"] == 0
    assert _replay(door, **wanted, since="2020-01-01T00:00:00+02:00", dry_run=True)["count"] == 2
    assert {door.order(i)["status"] for i in (by_reason, other, elsewhere)} == {"dead"}
    assert _replay(door, **wanted) == {"count": 2, "orders": [by_reason, elsewhere], "deliveries": 2}
    assert [door.order(i)["status"] for i in (by_reason, other, elsewhere)] == ["delivering", "dead", "delivering"]
    assert other in _replay(door, all=True)["orders"]
    assert door.order(other)["status"] == "delivering"
    assert _replay(door, reason=mark)["count"] == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"dry_run": True, "all": False},
        {"shop": ""},
        {"since": "yesterday"},
        {"since": "2026-11-20T10:00:00"},
        {"reason": "\0"},
        {"everything": True},
        {"all": "perhaps"},
    ],
    ids=ascii,
)
def test_a_replay_of_many_that_names_nothing_or_nonsense_is_422(open_door: Door, body: dict[str, Any]) -> None:
    order_id = _accepted(open_door)
    _kill(open_door, order_id, reason="refused")
    answer = open_door.http.post("/api/replay", json=body)
    assert (answer.status_code, bool(answer.json()["error"])) == (422, True)
    assert open_door.order(order_id)["status"] == "dead"


def test_a_replay_at_an_unknown_destination_is_404_and_says_which_there_are(open_door: Door) -> None:
    wrong = {"destination": "esuite-nz"}
    one = f"/api/orders/{_accepted(open_door)}/replay"
    for path, body in (("/api/replay", wrong), ("/api/replay", wrong | {"dry_run": True}), (one, wrong)):
        answer = open_door.http.post(path, json=body)
        assert answer.status_code == 404
        assert "esuite-au" in answer.json()["error"]


# Destinations


def _destination(door: Door, name: str) -> dict[str, Any]:
    items = door.http.get("/api/destinations").raise_for_status().json()["items"]
    [found] = [item for item in items if item["name"] == name]
    return dict(found)


def test_a_destination_is_suspended_and_resumed(door: Door) -> None:
    before = _destination(door, "esuite-au")
    assert {"name", "system", "status", "reason", "since", "paused_until", "ready", "retrying", "held", "dead"} <= (
        before.keys()
    )
    assert (before["system"], before["status"], before["reason"]) == ("esuite", "open", None)
    answer = door.http.post("/api/destinations/esuite-au/suspend", json={"reason": "stock count"})
    assert (answer.status_code, answer.json()["status"]) == (200, "suspended")
    assert "stock count" in answer.json()["reason"]
    try:
        order_id = _accepted(door)
        order = door.order(order_id)
        assert (order["status"], order["deliveries"][0]["status"]) == ("held", "held")
        assert "stock count" in order["reason"]
        assert order["deliveries"][0]["attempts"] == 0
        assert _destination(door, "esuite-au")["held"] >= 1
    finally:
        resumed = door.http.post("/api/destinations/esuite-au/resume")
    assert (resumed.status_code, resumed.json()["status"], resumed.json()["reason"]) == (200, "open", None)
    order = door.order(order_id)
    assert (order["status"], order["deliveries"][0]["status"]) == ("received", "ready")


def test_suspend_and_resume_may_be_said_twice_and_without_a_body(open_door: Door) -> None:
    for action, status in (("suspend", "suspended"), ("resume", "open")):
        for _ in range(2):
            answer = open_door.http.post(f"/api/destinations/ongoing-se/{action}")
            assert (answer.status_code, answer.json()["status"]) == (200, status)


@pytest.mark.parametrize("name", ["esuite-nz", "%00", "..", "x" * 3000], ids=["unknown", "a NUL", "dots", "long"])
def test_an_unknown_destination_is_404(open_door: Door, name: str) -> None:
    for action in ("suspend", "resume"):
        assert open_door.http.post(f"/api/destinations/{name}/{action}").status_code == 404


@pytest.mark.parametrize("reason", ["\0", "x" * 501, 7])
def test_a_reason_that_cannot_be_kept_is_422(open_door: Door, reason: Any) -> None:
    assert open_door.http.post("/api/destinations/esuite-au/suspend", json={"reason": reason}).status_code == 422
    assert _destination(open_door, "esuite-au")["status"] == "open"


# Its description


def test_the_document_describes_every_path_that_was_promised(open_door: Door) -> None:
    document = open_door.http.get("/openapi.json").json()
    described = {(path, method) for path, found in document["paths"].items() for method in found}
    assert {
        ("/webhooks/{shop}", "post"),
        ("/api/orders", "post"),
        ("/api/orders", "get"),
        ("/api/orders/{order_id}", "get"),
        ("/api/orders/{order_id}/replay", "post"),
        ("/api/replay", "post"),
        ("/api/destinations", "get"),
        ("/api/destinations/{name}/suspend", "post"),
        ("/api/destinations/{name}/resume", "post"),
        ("/healthz", "get"),
        ("/readyz", "get"),
        ("/metrics", "get"),
    } <= described
    for path, found in document["paths"].items():
        for method, operation in found.items():
            assert operation.get("description"), (method, path)
            assert operation["responses"], (method, path)
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/webhooks/{shop}"]["post"]["security"] == []


def test_every_reference_in_the_document_leads_somewhere(open_door: Door) -> None:
    document = open_door.http.get("/openapi.json").json()
    text = json.dumps(document)
    named = {part.partition('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert named <= document["components"]["schemas"].keys()
    names = [one["operationId"] for found in document["paths"].values() for one in found.values()]
    assert len(names) == len(set(names))
