"""Tokens that are got by logging in: renewed in time, one login at a time, and no secret anywhere."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from structlog.testing import capture_logs

from sandbox.enapps import tokens
from schemas.config import Config
from schemas.enapps import EnappsDestination
from schemas.http import Call, Reply
from tests.enapps_calls import FIXED, LOGIN, SECRET
from tests.ledgers import sqlalchemy_url
from tests.sandboxed import Sandboxed
from tests.servers import free_port
from worker.bell import Bell
from worker.http import Client, LeaseLostError, Recorder
from worker.ledger import feeds
from worker.ledger.engine import Ledger
from worker.ledger.migrate import migrate
from worker.login import RENEW_S, UNKNOWN_LIFE_S, Login, Token, not_logged_in, read_token, refused
from worker.machine import Machine
from worker.settings import Settings

T = TypeVar("T")
NOW = 1_795_000_000.0
LIST = Call("GET", "products/get_basic")
DAY = 86_400


def reply(status: int = 200, body: object = None, **more: Any) -> Reply:
    text = body if isinstance(body, str) else json.dumps(body)
    return Reply(Call("POST", "auth"), status, more.pop("headers", {}), text, **more)


def jwt(**claims: Any) -> str:
    coded = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJIUzI1NiJ9.{coded}.c2lnbmVk"


# ---------------------------------------------------------------- reading a token


@pytest.mark.parametrize(
    ("body", "until"),
    [
        ({"access_token": "T", "expires_in": 3600}, NOW + 3600),
        ({"token": "T", "expires_in": "3600"}, NOW + 3600),
        ({"access_token": "T", "token": "other", "expires_in": 60.5}, NOW + 60.5),
        ({"access_token": " T \n"}, NOW + DAY),
        ({"access_token": "T", "expires_in": None, "error": None}, NOW + DAY),
        ({"access_token": "T", "expires_in": True}, NOW + DAY),
        ({"access_token": "T", "expires_in": 0}, NOW + DAY),
        ({"access_token": "T", "expires_in": -5}, NOW + DAY),
        ({"access_token": "T", "expires_in": "soon"}, NOW + DAY),
        ('{"access_token": "T", "expires_in": Infinity}', NOW + DAY),
    ],
    ids=str,
)
def test_a_token_is_read_with_its_end(body: object, until: float) -> None:
    assert read_token(reply(body=body), now=NOW) == Token("T", NOW, until)


@pytest.mark.parametrize(
    ("claims", "until"),
    [
        ({"exp": NOW + 500}, NOW + 500),
        ({"exp": str(int(NOW) + 500)}, NOW + 500),
        ({"exp": NOW - 500}, NOW + UNKNOWN_LIFE_S),  # the clocks differ: it is good, and who knows how long
        ({"exp": 10**400}, NOW + UNKNOWN_LIFE_S),
        ({}, NOW + UNKNOWN_LIFE_S),
    ],
    ids=["exp", "as text", "behind us", "beyond all", "none"],
)
def test_without_expires_in_the_tokens_own_claim_counts(claims: dict[str, Any], until: float) -> None:
    found = read_token(reply(body={"access_token": jwt(**claims)}), now=NOW)
    assert found is not None
    assert found.until == until


@pytest.mark.parametrize(
    "text", ["T", "a.b", "a.!!!.c", f"a.{base64.urlsafe_b64encode(b'[1]').decode()}.c", "a.AAAA.c"]
)
def test_a_token_that_is_no_jwt_lives_the_standard_life(text: str) -> None:
    assert read_token(reply(body={"token": text}), now=NOW) == Token(text, NOW, NOW + UNKNOWN_LIFE_S)


@pytest.mark.parametrize(
    "answer",
    [
        reply(401, {"access_token": "T"}),
        reply(200, {"error": {"code": 401, "message": "no"}, "access_token": "T"}),
        reply(200, {"access_token": ""}),
        reply(200, {"access_token": 7}),
        reply(200, {"access_token": "two\nlines"}),
        reply(200, {"access_token": "größe"}),
        reply(200, ["T"]),
        reply(200, "<html>"),
        reply(200, ""),
        Reply(Call("POST", "auth"), fault="timeout"),
    ],
    ids=lambda answer: f"{answer.status} {answer.text[:40]}",
)
def test_a_login_that_brought_no_token(answer: Reply) -> None:
    assert read_token(answer, now=NOW) is None


def test_the_stand_ins_token_is_read_by_its_claim() -> None:
    token = tokens.make("key", login="crossdock", now=NOW, life_s=700)
    assert read_token(reply(body={"token": token}), now=NOW) == Token(token, NOW, NOW + 700)


@pytest.mark.parametrize(
    ("life", "left", "fresh"),
    [
        (DAY, DAY, True),
        (DAY, RENEW_S + 1, True),
        (DAY, RENEW_S, False),
        (DAY, -1, False),
        (100, 51, True),
        (100, 50, False),
        (100, 0, False),
    ],
)
def test_a_token_is_renewed_ten_minutes_or_half_its_life_before_its_end(life: float, left: float, fresh: bool) -> None:
    assert Token("T", NOW, NOW + life).fresh(NOW + life - left) is fresh


# ---------------------------------------------------------------- one login at a time, in a process


class Desk:
    """Answers logins; ``now`` is the clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, life_s: float = 1000) -> None:
        self.now, self.life_s, self.logins, self.at_once, self.most = NOW, life_s, 0, 0, 0
        self.answers: list[Reply] = []
        monkeypatch.setattr("worker.login.time.time", lambda: self.now)

    async def ask(self) -> Reply:
        self.logins += 1
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(0.01)
        self.at_once -= 1
        return self.answers.pop(0) if self.answers else self.good()

    def good(self) -> Reply:
        return reply(body={"access_token": f"T{self.logins}", "expires_in": self.life_s})


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def text_of(found: Token | Reply) -> str:
    assert isinstance(found, Token)
    return found.text


def test_a_token_is_kept_until_it_is_to_be_renewed(desk: Desk) -> None:
    async def story() -> None:
        login = Login(desk.ask)
        assert text_of(await login.token()) == "T1"
        desk.now += 499
        assert text_of(await login.token()) == "T1"
        desk.now += 1
        assert text_of(await login.token()) == "T2"

    asyncio.run(story())


def test_many_who_want_a_token_cause_one_login(desk: Desk) -> None:
    async def story() -> None:
        login = Login(desk.ask)
        found = await asyncio.gather(*(login.token() for _ in range(50)))
        assert {text_of(one) for one in found} == {"T1"}
        again = await asyncio.gather(*(login.token(refused=text_is(found[0])) for _ in range(50)))
        assert {text_of(one) for one in again} == {"T2"}

    asyncio.run(story())
    assert (desk.logins, desk.most) == (2, 1)


def text_is(found: Token | Reply) -> Token:
    assert isinstance(found, Token)
    return found


def test_who_was_refused_an_older_token_gets_the_one_that_another_got_meanwhile(desk: Desk) -> None:
    async def story() -> None:
        login = Login(desk.ask)
        first = text_is(await login.token())
        assert text_of(await login.token(refused=first)) == "T2"
        assert text_of(await login.token(refused=first)) == "T2"

    asyncio.run(story())
    assert desk.logins == 2


def test_a_login_that_fails_is_told_and_the_next_one_asks_again(desk: Desk) -> None:
    desk.answers = [reply(401, {"error": "no"}), Reply(Call("POST", "auth"), fault="timeout")]

    async def story() -> None:
        login = Login(desk.ask)
        for told in (401, None):
            found = await login.token()
            assert isinstance(found, Reply)
            assert found.status == told
        assert text_of(await login.token()) == "T3"

    asyncio.run(story())


def test_a_login_that_fails_is_the_answer_for_all_who_waited_for_it(desk: Desk) -> None:
    """Servers lock a user out after so many wrong passwords."""
    desk.answers = [reply(401, {"error": "no"})]

    async def story() -> None:
        login = Login(desk.ask)
        found = await asyncio.gather(*(login.token() for _ in range(20)))
        assert [one.status for one in found if isinstance(one, Reply)] == [401] * 20
        assert desk.logins == 1
        assert text_of(await login.token()) == "T2"

    asyncio.run(story())
    assert desk.logins == 2


def test_a_token_is_not_in_what_is_printed_of_it() -> None:
    assert "T-SECRET" not in repr(Token("T-SECRET", NOW, NOW + 1))


def test_each_login_waits_for_its_gate_and_leaves_it(desk: Desk) -> None:
    inside = 0
    seen: list[int] = []

    @asynccontextmanager
    async def gate() -> AsyncIterator[None]:
        nonlocal inside
        inside += 1
        seen.append(desk.logins)
        yield
        inside -= 1

    async def story() -> None:
        login = Login(desk.ask, gate)
        first = text_is(await login.token())
        await login.token()
        await login.token(refused=first)

    asyncio.run(story())
    assert (seen, inside) == ([0, 1], 0)


# ---------------------------------------------------------------- what a login that failed means for a call


@pytest.mark.parametrize(
    ("login", "status", "fault"),
    [
        (reply(400, {"error": "login is required"}), 401, None),
        (reply(401, {"error": "no"}), 401, None),
        (reply(403, {"error": "no"}), 401, None),
        (reply(422, {"error": "no"}), 401, None),
        (reply(200, {"error": {"code": 401}}), 401, None),
        (reply(200, {"jwt": "T"}), 401, None),
        (reply(301, ""), 301, None),
        (reply(404, "<html>"), 404, None),
        (reply(405, ""), 405, None),
        (reply(429, "", headers={"retry-after": "7"}), 429, None),
        (reply(501, ""), 501, None),
        (reply(408, ""), None, "connect"),
        (reply(500, ""), None, "connect"),
        (reply(502, "<html>"), None, "connect"),
        (Reply(Call("POST", "auth"), fault="connect"), None, "connect"),
        (Reply(Call("POST", "auth"), fault="timeout"), None, "connect"),
        (Reply(Call("POST", "auth"), fault="lost"), None, "connect"),
    ],
    ids=lambda value: f"{value.status or value.fault} {value.text[:20]}" if isinstance(value, Reply) else "",
)
def test_a_call_without_a_token_was_refused_or_not_sent(login: Reply, status: int | None, fault: str | None) -> None:
    told = not_logged_in(LIST, login)
    assert (told.call, told.status, told.fault) == (LIST, status, fault)
    assert told.headers == (login.headers if status else {})


@pytest.mark.parametrize(
    "body", [{"jwt": "SECRET-TOKEN"}, {"error": "x", "jwt": "SECRET-TOKEN"}, "SECRET-TOKEN"], ids=str
)
def test_a_success_without_a_token_that_we_know_is_not_quoted(body: object) -> None:
    assert "SECRET-TOKEN" not in not_logged_in(LIST, reply(200, body)).text


@pytest.mark.parametrize(
    ("answer", "is_refused"),
    [
        (reply(401, "<html>"), True),
        (reply(200, {"error": {"code": 401, "message": "expired"}}), True),
        (reply(200, {"error": {"code": "401"}}), True),
        (reply(200, {"error": {"code": 400}}), False),
        (reply(200, {"error": "401"}), False),
        (reply(200, []), False),
        (reply(403, {"error": {"code": 401}}), False),
    ],
)
def test_what_says_that_a_token_is_not_taken(answer: Reply, is_refused: bool) -> None:
    assert refused(answer) is is_refused


# ---------------------------------------------------------------- the client against the stand-in


def place(url: str, **changes: Any) -> EnappsDestination:
    auth = {"mode": "enapps", "secret": SECRET, **LOGIN, **changes.pop("auth", {})}
    section = {"name": "enapps-uk", "system": "enapps", "base_url": f"{url}/enapps/api/v1", "shipping_sku": "CARRIAGE"}
    return EnappsDestination.model_validate({**section, "auth": auth, "timeout_s": 3, **changes})


def sending(destination: EnappsDestination, *steps: Callable[[], None] | Call) -> list[Reply]:
    """Send the calls one after the other, and do what stands between them."""

    async def story() -> list[Reply]:
        client, replies = Client(destination), []
        for step in steps:
            if isinstance(step, Call):
                replies.append(await client.send(step))
            else:
                await asyncio.to_thread(step)
        await client.close()
        return replies

    return asyncio.run(story())


def paths(sandbox: Sandboxed) -> list[str]:
    calls = sandbox.get("calls", system="enapps")["calls"]
    return [f"{one['path'].rpartition('/')[2]} {one['status']}" for one in calls]


def test_one_login_serves_many_calls(sandbox: Sandboxed) -> None:
    replies = sending(place(sandbox.url), LIST, LIST, LIST)
    assert [one.status for one in replies] == [200, 200, 200]
    assert paths(sandbox) == ["auth 200", "get_basic 200", "get_basic 200", "get_basic 200"]


def test_a_fixed_token_needs_no_login(sandbox: Sandboxed) -> None:
    section = place(sandbox.url).model_dump(exclude={"auth"}) | {"auth": {"mode": "bearer", "token": FIXED}}
    [answer] = sending(EnappsDestination.model_validate(section), LIST)
    assert answer.status == 200
    assert paths(sandbox) == ["get_basic 200"]


def test_a_token_is_renewed_before_its_end(sandbox: Sandboxed) -> None:
    sandbox.switch("enapps", token_life_s=2)
    replies = sending(place(sandbox.url), LIST, lambda: time.sleep(1.1), LIST)
    assert [one.status for one in replies] == [200, 200]
    assert paths(sandbox) == ["auth 200", "get_basic 200", "auth 200", "get_basic 200"]


@pytest.mark.parametrize(("in_200", "status"), [(False, 401), (True, 200)], ids=["401", "as an error in a 200"])
def test_a_token_that_was_taken_back_is_renewed_once(sandbox: Sandboxed, in_200: bool, status: int) -> None:
    sandbox.switch("enapps", errors_in_200=in_200)
    replies = sending(place(sandbox.url), LIST, lambda: sandbox.switch("enapps", token_series=1), LIST)
    assert [one.ok for one in replies] == [True, True]
    assert isinstance(replies[1].json(), list)
    assert paths(sandbox)[2:] == [f"get_basic {status}", "auth 200", "get_basic 200"]


POST = Call("POST", "orders", body={})


@pytest.mark.parametrize(
    ("in_200", "expected"),
    [
        (False, ["orders 401", "auth 200", "orders 400"]),
        (True, ["orders 200"]),
    ],
    ids=["a 401 is proof that nothing was done", "an error in a 200 is none"],
)
def test_what_writes_goes_out_again_only_where_nothing_was_done(
    sandbox: Sandboxed, in_200: bool, expected: list[str]
) -> None:
    sandbox.switch("enapps", errors_in_200=in_200)
    sending(place(sandbox.url), LIST, lambda: sandbox.switch("enapps", token_series=1), POST)
    assert paths(sandbox)[2:] == expected


def test_who_waits_for_a_request_of_another_one_is_not_timed_out_meanwhile(sandbox: Sandboxed) -> None:
    """A feed's long page must not look like an order that was sent and not answered."""
    sandbox.fail("enapps", {"kind": "slow", "seconds": 1.2}, path="get_basic$", times=3)

    async def story() -> list[Reply]:
        client = Client(place(sandbox.url, timeout_s=2))
        begun: list[str] = []
        waiting = [asyncio.create_task(client.send(LIST)) for _ in range(3)]
        await asyncio.sleep(0.2)
        last = asyncio.create_task(client.send(POST, begin=lambda: begun.append("sent")))
        await asyncio.sleep(0.5)
        assert begun == []
        replies = [*await asyncio.gather(*waiting), await last]
        await client.close()
        return replies

    assert [(one.status, one.fault) for one in asyncio.run(story())] == [*[(200, None)] * 3, (400, None)]
    lists = [one for one in paths(sandbox) if one.startswith("get_basic")]
    assert len(lists) == 3


def test_a_second_401_is_the_answer(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "documented", "name": "enapps.401_token"}, path="get_basic", times=None)
    [answer] = sending(place(sandbox.url), LIST)
    assert answer.status == 401
    assert paths(sandbox) == ["auth 200", "get_basic 401", "auth 200", "get_basic 401"]


@pytest.mark.parametrize("wrong", [{"secret": "x1"}, {"login": "x1"}, {"password": "x1"}], ids=str)
@pytest.mark.parametrize("in_200", [False, True], ids=["401", "in a 200"])
def test_a_login_that_is_refused_is_a_refused_call(sandbox: Sandboxed, wrong: dict[str, str], in_200: bool) -> None:
    sandbox.switch("enapps", errors_in_200=in_200)
    [answer] = sending(place(sandbox.url, auth=wrong), Call("POST", "orders", body={}))
    assert (answer.status, answer.fault) == (401, None)
    assert "Invalid secret key, login or password" in answer.text
    assert paths(sandbox) == [f"auth {200 if in_200 else 401}"]


def test_a_wrong_address_is_told_by_the_login(sandbox: Sandboxed) -> None:
    destination = place(sandbox.url, base_url=f"{sandbox.url}/elsewhere")
    assert [one.status for one in sending(destination, LIST)] == [404]


FAULTS: list[dict[str, object]] = [
    {"kind": "html502"},
    {"kind": "error500"},
    {"kind": "drop", "commit": False},
    {"kind": "hang", "seconds": 30, "commit": "never"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault["kind"]))
def test_without_a_login_nothing_of_the_call_is_sent(sandbox: Sandboxed, fault: dict[str, object]) -> None:
    sandbox.fail("enapps", fault, path="auth$", times=None)
    [answer] = sending(place(sandbox.url, timeout_s=0.5), Call("POST", "orders", body={}))
    assert (answer.status, answer.fault) == (None, "connect")
    assert not any(path.startswith("orders") for path in paths(sandbox))


def test_a_server_that_is_not_there_was_sent_nothing() -> None:
    [answer] = sending(place(f"http://127.0.0.1:{free_port()}"), LIST)
    assert answer.fault == "connect"


def test_patience_that_a_login_asks_for_is_passed_on(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "documented", "name": "enapps.429_limit"}, path="auth$")
    [answer] = sending(place(sandbox.url), LIST)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")


# ---------------------------------------------------------------- no secret anywhere


@pytest.mark.parametrize("refuses", [False, True], ids=["logged in", "login refused"])
def test_no_secret_password_or_token_is_in_exchanges_exceptions_or_logs(
    sandbox: Sandboxed, caplog: pytest.LogCaptureFixture, refuses: bool
) -> None:
    """Of a server that quotes all it was sent."""
    secrets = {"secret": "skdemo0001x", "login": "router", "password": "correcthorse"}
    token = jwt(exp=time.time() + 3600)
    quoted: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next((int(x[15:]) for x in head.split("\r\n") if x.lower().startswith("content-length:")), 0)
            content = (await reader.readexactly(length)).decode()
            quoted.append(head + content)
            is_login = "/auth" in head.split("\r\n")[0]
            if is_login and not refuses:
                status, body = "200 OK", json.dumps({"access_token": token})
            else:
                body = json.dumps({"error": {"code": 401, "message": head + content + json.dumps(secrets)}})
                status = "401 Unauthorized"
            data = body.encode()
            writer.write(
                f"HTTP/1.1 {status}\r\nX-Token: {token}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data
            )
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def story() -> Recorder:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        client = Client(place("", base_url=f"http://127.0.0.1:{port}/api/v1", auth=secrets))
        http = Recorder(client, alive=lambda: True, room=asyncio.Semaphore(1))
        await http.send(Call("POST", "orders", body={"client_order_ref": "1"}))
        await client.close()
        server.close()
        await server.wait_closed()
        return http

    with caplog.at_level(logging.DEBUG), capture_logs() as events:
        http = asyncio.run(story())

    assert any(f"Bearer {secrets['secret']}" in one for one in quoted), "the secret travels, and is quoted"
    assert refuses or any(f"Bearer {token}" in one for one in quoted)
    assert http.exchanges[0]["status"] == 401
    kept = repr(http.exchanges) + caplog.text + repr(events) + repr(place("http://x", auth=secrets))
    for hidden in (*secrets.values(), token):
        assert hidden not in kept


def test_a_call_that_waits_for_its_login_was_not_begun(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "slow", "seconds": 1}, path="auth$")

    async def story() -> None:
        client = Client(place(sandbox.url))
        mine = [True]
        http = Recorder(client, alive=lambda: mine[0], room=asyncio.Semaphore(1))
        waiting = asyncio.create_task(http.send(Call("POST", "orders", body={})))
        await asyncio.sleep(0.3)
        assert not http.may_have_sent
        mine[0] = False
        with pytest.raises(LeaseLostError):
            await waiting
        assert not http.may_have_sent
        await client.close()

    asyncio.run(story())
    assert paths(sandbox) == ["auth 200"]


def test_after_a_login_that_failed_a_call_in_the_air_counts_as_sent(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "html502"}, path="auth$")
    sandbox.fail("enapps", {"kind": "slow", "seconds": 1}, path="get_basic$")

    async def story() -> None:
        client = Client(place(sandbox.url))
        http = Recorder(client, alive=lambda: True, room=asyncio.Semaphore(1))
        assert (await http.send(LIST)).fault == "connect"
        assert not http.may_have_sent
        waiting = asyncio.create_task(http.send(LIST))
        await asyncio.sleep(0.5)
        assert http.may_have_sent
        await waiting
        await client.close()

    asyncio.run(story())


# ---------------------------------------------------------------- one login at a time over all workers


def machine(url: str, destination: EnappsDestination) -> Machine:
    config = Config.model_validate({"shops": {}, "destinations": {destination.name: destination}, "routes": []})
    settings = Settings(database=url.replace("postgresql+psycopg://", "postgresql://"))
    return Machine(settings, config, Bell(None, batch=50))


def migrated(url: str) -> None:
    ledger = Ledger(sqlalchemy_url(url))
    migrate(ledger)
    ledger.close()


def on(worker: Machine, destination: EnappsDestination) -> Callable[[], Reply]:
    """Send a call there; what is given waits for its reply."""

    async def send() -> Reply:
        return await worker.client(destination).send(LIST)

    return _running(worker, send())


def _running(worker: Machine, work: Coroutine[Any, Any, T]) -> Callable[[], T]:
    future = asyncio.run_coroutine_threadsafe(work, worker.loop)
    return lambda: future.result(timeout=30)


def lanes(sandbox: Sandboxed) -> int:
    return int(sandbox.get("calls")["writes_in_flight"]["enapps"]["auth"]["most"])


def test_without_turns_two_would_log_in_at_the_same_time(sandbox: Sandboxed) -> None:
    sandbox.fail("enapps", {"kind": "slow", "seconds": 0.5}, path="auth$", times=None)

    async def story() -> None:
        clients = [Client(place(sandbox.url)) for _ in range(2)]
        await asyncio.gather(*(client.send(LIST) for client in clients))
        for client in clients:
            await client.close()

    asyncio.run(story())
    assert lanes(sandbox) == 2


def test_three_workers_on_one_ledger_log_in_one_after_the_other(sandbox: Sandboxed, database_url: str) -> None:
    migrated(database_url)
    sandbox.fail("enapps", {"kind": "slow", "seconds": 0.4}, path="auth$", times=None)
    destination = place(sandbox.url)
    workers = [machine(database_url, destination) for _ in range(3)]
    try:
        waiting = [on(worker, destination) for worker in workers]
        assert [wait().status for wait in waiting] == [200, 200, 200]
        assert paths(sandbox).count("auth 200") == 3
        assert lanes(sandbox) == 1
        sandbox.switch("enapps", token_series=1)
        waiting = [on(worker, destination) for worker in workers]
        assert [wait().status for wait in waiting] == [200, 200, 200]
        assert lanes(sandbox) == 1
    finally:
        for worker in workers:
            worker.close()


def test_a_worker_that_died_while_it_logged_in_does_not_keep_its_turn(
    sandbox: Sandboxed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.machine.LOGIN_LEASE_S", 1.0)
    url = f"sqlite:///{tmp_path}/ledger.db"
    migrated(url)
    sandbox.fail("enapps", {"kind": "hang", "seconds": 20, "commit": "never"}, path="auth$")
    destination = place(sandbox.url, timeout_s=15)
    dead, alive = machine(url, destination), machine(url, destination)
    monkeypatch.setattr("worker.ledger.feeds.release", lambda *_: None)
    try:
        on(dead, destination)
        time.sleep(0.4)
        begun = time.monotonic()
        assert on(alive, destination)().status == 200
        assert time.monotonic() - begun < 5
    finally:
        sandbox.http.delete("/_sandbox/faults")
        alive.close()
        dead.close()


def test_a_turn_by_a_clock_that_is_hours_ahead_stops_nobody(
    sandbox: Sandboxed, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    migrated(database_url)
    ledger = Ledger(sqlalchemy_url(database_url))
    ledger.write(lambda c: feeds.take(c, "enapps-uk", "login", lease_s=60, now=time.time() + 7200))
    ledger.close()
    monkeypatch.setattr("worker.machine.LOGIN_WAIT_S", 0.5)
    destination = place(sandbox.url)
    worker = machine(database_url, destination)
    try:
        assert on(worker, destination)().status == 200
    finally:
        worker.close()


@pytest.mark.parametrize("kind", ["no server", "no tables"])
def test_a_ledger_that_is_away_does_not_keep_anyone_from_logging_in(
    sandbox: Sandboxed, tmp_path: Path, kind: str
) -> None:
    url = f"postgresql://nobody@127.0.0.1:{free_port()}/none" if kind == "no server" else f"sqlite:///{tmp_path}/x.db"
    destination = place(sandbox.url)
    worker = machine(url, destination)
    try:
        begun = time.monotonic()
        assert on(worker, destination)().status == 200
        assert time.monotonic() - begun < 8
    finally:
        worker.close()


def test_a_destination_without_a_login_asks_nobody_for_a_turn(sandbox: Sandboxed, tmp_path: Path) -> None:
    section = place(sandbox.url).model_dump(exclude={"auth"}) | {"auth": {"mode": "bearer", "token": FIXED}}
    destination = EnappsDestination.model_validate(section)
    worker = machine(f"sqlite:///{tmp_path}/x.db", destination)
    try:
        assert on(worker, destination)().status == 200
        assert not (tmp_path / "x.db").exists()
    finally:
        worker.close()
