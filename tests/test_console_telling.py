"""How the console tells the timeline: sentences, times, requests and answers. Pure functions."""

from __future__ import annotations

from typing import Any

import pytest

from worker.web.telling import day, exchange, moment, span, timeline, told

AT = "2026-11-20 10:15:00Z"


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("received", f"order.created, version {AT}", f"The shop sent the order (order.created, version {AT[:-1]})."),
        (
            "updated",
            f"order.updated, version {AT}: nothing that a destination sees has changed",
            f"The shop sent a newer version (order.updated, version {AT[:-1]}). "
            "Nothing that a destination sees has changed.",
        ),
        (
            "stale",
            f"order.updated of {AT}: older than what we have, set aside",
            f"The shop sent a version that is not newer (order.updated of {AT[:-1]}). "
            "Older than what we have, set aside.",
        ),
        ("removed", "order.deleted: the shop removed the order", "The shop removed the order (order.deleted)."),
        ("routed", "route all: esuite-au -> ongoing-se", "It takes route all: esuite-au, then ongoing-se."),
        ("held", "waits for payment: the shop says pending", "Waits for payment: the shop says pending."),
        ("held", "the shop says refunded", "Waits. The shop says refunded."),
        ("dead", "gave up after 24 h: no answer", "Set aside as a dead letter. Gave up after 24 h: no answer."),
        ("delivered", "delivered as 7: found there", "Delivered as 7. Found there."),
        ("delivered", "delivered: nothing to ship", "Delivered. Nothing to ship."),
        ("retrying", "No answer.; next try in 86 s", "Tried, not yet with success. No answer. Next try in 86 s."),
        ("retrying", "No answer; next try in 2824 s", "Tried, not yet with success. No answer. Next try in 47 min."),
        ("retrying", "no time was said", "Tried, not yet with success. No time was said."),
        ("replay", "replayed at esuite-au (command line)", "Replayed at esuite-au, from the command line."),
        ("edit", "edited note (api)", "Edited note, over the API."),
        ("step", "line 1: quantity 4 -> 6", "Line 1: quantity 4 → 6."),
        ("changes", "line 1 quantity 4 -> 6; note changed", "What changed: line 1 quantity 4 → 6; note changed."),
        ("note", "orderRemark was cut", "orderRemark was cut."),
        ("note", "", ""),
    ],
)
def test_an_event_is_told_as_a_sentence(kind: str, text: str, says: str) -> None:
    assert told(kind, text) == says


def _said(**changes: Any) -> Any:
    return exchange(
        {"method": "GET", "path": "trans", "params": {"Limit": "50"}, "request": None, "status": 200, "fault": None}
        | {"response": "", "ms": 1234.4}
        | changes
    )


def test_a_request_is_told_with_its_parameters_and_its_time() -> None:
    told = _said()
    assert (told.asked, told.answered, told.took, told.request) == ("GET trans?Limit=50", "200 OK", "1,234 ms", "")


@pytest.mark.parametrize(
    ("status", "fault", "says"),
    [
        (204, None, "204 No Content"),
        (599, None, "599"),
        (None, "connect", "no connection, nothing was sent"),
        (None, "timeout", "no answer in time"),
        (None, "lost", "connection lost"),
    ],
)
def test_an_answer_is_told_by_its_status_or_why_there_is_none(status: int | None, fault: str | None, says: str) -> None:
    assert _said(status=status, fault=fault).answered == says


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param('{"a":1.90,"b":[]}', '{\n  "a": 1.90,\n  "b": []\n}', id="numbers as they came"),
        pytest.param('{"a":"{,}\\"[:"}', '{\n  "a": "{,}\\"[:"\n}', id="brackets in a text"),
        pytest.param('{"a":1,"a":2}', '{\n  "a": 1,\n  "a": 2\n}', id="a key twice"),
        pytest.param("<br/>\nOut of office", "<br/>\nOut of office", id="no JSON"),
        pytest.param('{"a":', '{"a":', id="cut off"),
        pytest.param("[" * 90_000, "[" * 90_000, id="nested beyond reason"),
    ],
)
def test_a_body_is_indented_where_it_is_json_and_verbatim_where_not(text: str, shown: str) -> None:
    assert _said(response=text).response == shown


def test_the_timeline_is_told_day_by_day() -> None:
    events = [
        {"at": f"2026-11-{date}T23:59:59.000Z", "kind": "note", "destination": None, "text": "x", "data": None}
        for date in (20, 21, 21)
    ]
    assert [(day(at), len(lines)) for at, lines in timeline(events)] == [
        ("20 Nov 2026", 1),
        ("21 Nov 2026", 2),
    ]


@pytest.mark.parametrize(
    ("seconds", "says"), [(1, "1 s"), (119, "119 s"), (120, "2 min"), (7199, "120 min"), (7200, "2 h")]
)
def test_a_span_is_told_in_the_unit_that_people_use(seconds: float, says: str) -> None:
    assert span(seconds) == says


def test_a_moment_is_told_to_the_second_and_nothing_where_there_is_none() -> None:
    assert (moment("2026-11-20T03:04:05.678Z"), moment(None)) == ("20 Nov 2026, 03:04:05", "")
