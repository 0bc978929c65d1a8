"""The command line: what a person reads at a terminal, what a script reads, what it says when something is amiss."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import text

from sandbox.shops import new_secret
from tests.commands import Cli
from tests.config_file import line_of
from tests.ledgers import DELIVERED, KEY_REFUSED, REFUSED, UNKNOWN_SKU, World, unreadable, webhook
from tests.sandboxed import ROOT, Sandboxed
from worker import cli as command_line
from worker.ledger import migrate as migrations
from worker.ledger.migrate import newest

SHOPS = """
[shops.tea]
platform = "standard"
secrets = ["env:TEA_SECRET"]
number_prefix = "T-"

[shops.mugs]
platform = "standard"
secrets = ["env:MUGS_SECRET"]
"""
DESTINATION = """
[destinations.{name}]
system = "esuite"
base_url = "{url}/esuite/api/v2"
auth = {{ mode = "bearer", token = "env:ESUITE_TOKEN" }}
shipping_sku = "FREIGHT"
fields = {{ AccountRef = "CASH01", BatchType = "SAR", TransType = "SOR", TransLedger = "S" }}
"""
ROUTE = """
[[routes]]
name = "all"
deliver = ["a", "b"]
"""
ABC = SHOPS + "".join(DESTINATION.format(name=name, url="http://127.0.0.1:1") for name in "abc") + ROUTE
CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture
def crossdock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    found = Cli(monkeypatch, tmp_path)
    (tmp_path / "crossdock.toml").write_text(ABC)
    found.set(
        CROSSDOCK_CONFIG=str(tmp_path / "crossdock.toml"),
        CROSSDOCK_HOME=str(tmp_path / "home"),
        TEA_SECRET=new_secret("standard"),
        MUGS_SECRET=new_secret("standard"),
        ESUITE_TOKEN="sandbox-esuite",
    )
    return found


@pytest.fixture
def world(crossdock: Cli, tmp_path: Path) -> Iterator[World]:
    """A ledger at the place where the command line looks: 1001 delivered, 1002 dead, 1003 not understood, 1004 new."""
    (tmp_path / "home").mkdir()
    with World(f"sqlite:///{tmp_path}/home/crossdock.db") as world:
        world.place("1001")
        for name in "ab":
            world.try_once("1001", name, DELIVERED)
        world.place("1002")
        world.try_once("1002", "a", UNKNOWN_SKU)
        world.take(unreadable("1003"))
        world.place("1004")
        yield world


def _ids(found: list[dict[str, object]]) -> list[object]:
    return [item["number"] for item in found]


# ---------------------------------------------------------------- help


def test_help_lists_every_command_and_imports_none_of_them(crossdock: Cli) -> None:
    told = crossdock("--help", width=80)
    for name, command in command_line._COMMANDS.items():
        module = importlib.import_module(f"worker.cli.{command.module}")
        assert isinstance(getattr(module, name), click.Command)
        assert f"\n  {name} " in told
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "from worker.cli import main; main()", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stderr
    heavy = {"sqlalchemy", "celery", "fastapi", "pydantic", "rich", "httpx", "alembic"}
    assert not heavy & {line.rpartition("|")[2].strip() for line in imported.splitlines()}


def test_looking_at_orders_loads_neither_celery_nor_alembic_nor_an_http_client(crossdock: Cli, world: World) -> None:
    code = "import sys; from worker.cli import cli; cli(['orders'], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "1001" in done.stdout
    assert not {"celery", "alembic", "httpx", "aiohttp", "fastapi"} & set(done.stdout.split())


@pytest.mark.parametrize("name", [n for n in command_line._COMMANDS if n not in ("demo", "sandbox")])
def test_the_help_of_each_command_says_what_it_does_and_what_each_option_means(crossdock: Cli, name: str) -> None:
    told = crossdock(name, "--help", width=80)
    assert told.startswith(f"Usage: crossdock {name} ")
    assert max(map(len, told.splitlines())) <= 80
    command = command_line.cli.get_command(click.Context(command_line.cli), name)
    assert command is not None
    unsaid = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert unsaid == []


# ---------------------------------------------------------------- what is amiss


@pytest.mark.parametrize("command", [("orders",), ("dead",), ("show", "1"), ("replay", "1"), ("destinations",)])
def test_without_a_ledger_one_line_says_where_it_was_looked_for(crossdock: Cli, command: tuple[str, ...]) -> None:
    told = crossdock(*command, code=2)
    assert told.startswith(f"Error: there is no ledger at {crossdock.home}/home/crossdock.db")
    assert len(told.splitlines()) == 1
    assert not (crossdock.home / "home").exists(), "looking makes nothing"


@pytest.mark.parametrize("command", [("orders",), ("replay", "1"), ("web",)])
def test_a_ledger_of_another_version_is_left_alone(crossdock: Cli, world: World, command: tuple[str, ...]) -> None:
    world.ledger.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '0000'")))
    told = crossdock(*command, code=2)
    assert f"the ledger is at revision 0000, this version wants {newest()}: run `crossdock migrate`" in told
    world.ledger.write(lambda c: c.execute(text(f"UPDATE alembic_version SET version_num = '{newest()}'")))


def test_a_ledger_without_tables_asks_for_migrate(crossdock: Cli) -> None:
    (crossdock.home / "home").mkdir()
    (crossdock.home / "home" / "crossdock.db").touch()
    assert "the ledger is at revision none" in crossdock("orders", code=2)


@pytest.mark.parametrize("command", [("replay", "1001"), ("suspend", "a"), ("plan", "-"), ("up",), ("web",)])
def test_without_a_configuration_one_line_says_so(crossdock: Cli, world: World, command: tuple[str, ...]) -> None:
    crossdock.set(CROSSDOCK_CONFIG="/nowhere/crossdock.toml")
    told = crossdock(*command, code=2)
    assert told.startswith("Error: /nowhere/crossdock.toml: the file does not exist. Copy crossdock.example.toml")


@pytest.mark.parametrize("command", [("orders",), ("check",), ("migrate",), ("worker",)])
def test_a_wrong_setting_is_named_without_its_value(crossdock: Cli, command: tuple[str, ...]) -> None:
    crossdock.set(CROSSDOCK_DATABASE_URL="mysql://root:hush@db/x")
    told = crossdock(*command, code=2)
    assert told.startswith("Error: CROSSDOCK_DATABASE_URL must be an address that begins with")
    assert "hush" not in told


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://u:hush@127.0.0.1:1/x", "the ledger cannot be used: connection failed"),
        (
            "postgresql://u:hush@127.0.0.1:port/x",
            "CROSSDOCK_DATABASE_URL must have a number from 0 to 65535 as its port",
        ),
        ("postgresql://[u:hush@x", "CROSSDOCK_DATABASE_URL "),
        ("sqlite:///{folder}/crossdock.toml", "the ledger cannot be used: file is not a database"),
        ("sqlite:///{folder}/crossdock.toml/x.db", "Error: "),
    ],
)
def test_a_ledger_that_cannot_be_used_is_one_line(crossdock: Cli, url: str, words: str) -> None:
    crossdock.set(CROSSDOCK_DATABASE_URL=url.format(folder=crossdock.home))
    for command in ("orders", "migrate"):
        told = crossdock(command, code=2)
        assert words in told
        assert "hush" not in told
        assert len(told.splitlines()) == 1


@pytest.mark.parametrize("command", ["worker", "beat", "flower"])
def test_without_a_broker_one_line_says_how_to_get_one(crossdock: Cli, world: World, command: str) -> None:
    assert crossdock(command, code=2).startswith("Error: no broker: set CROSSDOCK_BROKER_URL, or run `crossdock up`")


def test_a_real_process_ends_with_the_same_words_and_code(crossdock: Cli) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker", "orders"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Error: there is no ledger at ")


# ---------------------------------------------------------------- check


def test_check_lists_all_errors_at_once_with_line_and_hint(crossdock: Cli) -> None:
    wrong = ABC.replace('deliver = ["a", "b"]', 'deliver = ["a", "bb"]').replace(
        "[shops.mugs]", "[shops.mugs]\nrelase = 1"
    )
    (crossdock.home / "crossdock.toml").write_text(wrong)
    crossdock.monkeypatch.delenv("ESUITE_TOKEN")
    told = crossdock("check", code=1)
    file = crossdock.home / "crossdock.toml"
    for mark, words in (("relase", "relase"), ("env:ESUITE_TOKEN", "ESUITE_TOKEN"), ("deliver =", "bb")):
        line = line_of(wrong, mark)
        assert re.search(rf"error +{re.escape(str(file))}:{line}[^\n]*\n[^\n]*{words}", told), (line, told)
    assert told.splitlines()[-1] == f"{file} cannot be used: 5 errors"
    problems = crossdock.json("check", code=1)["problems"]
    assert {problem["severity"] for problem in problems} == {"error"}
    assert all(problem["hint"] and problem["line"] for problem in problems)


def test_a_warning_does_not_fail_the_check(crossdock: Cli) -> None:
    (crossdock.home / "crossdock.toml").write_text(ABC.replace('number_prefix = "T-"', ""))
    told = crossdock("check")
    assert "warning" in told
    assert told.splitlines()[-1].startswith(f"{crossdock.home}/crossdock.toml is in order: ")


def test_check_live_tries_every_connection_and_names_what_is_wrong_with_it(crossdock: Cli, sandbox: Sandboxed) -> None:
    wms = """
[destinations.wms]
system = "ongoing"
base_url = "{url}/ongoing/api/v1"
auth = {{ mode = "basic", username = "WSI-sandbox", password = "env:WMS" }}
goods_owner_id = {owner}
[[routes]]
name = "wms"
deliver = ["good", "wrong-url", "nobody", "wms", "wms-owner"]
"""
    text_ = SHOPS
    text_ += DESTINATION.format(name="good", url=sandbox.url)
    text_ += DESTINATION.format(name="wrong-url", url=sandbox.url + "/elsewhere")
    text_ += DESTINATION.format(name="nobody", url="http://127.0.0.1:1")
    owner = wms.partition("[[")[0].format(url=sandbox.url, owner=7).replace("wms]", "wms-owner]")
    text_ += owner + wms.format(url=sandbox.url, owner=159)
    (crossdock.home / "crossdock.toml").write_text(text_)
    crossdock.set(WMS="sandbox-ongoing")
    before = sandbox.get("counts")
    found = {one["destination"]: one for one in crossdock.json("check", "--live", code=1)["connections"]}
    assert {name: one["ok"] for name, one in found.items()} == {
        "good": True,
        "wrong-url": False,
        "nobody": False,
        "wms": True,
        "wms-owner": False,
    }
    assert "base_url" in found["wrong-url"]["text"]
    assert "7" in found["wms-owner"]["text"]
    crossdock.set(WMS="wrong-password", ESUITE_TOKEN="wrong-token")
    told = crossdock("check", "--live", code=1)
    assert re.search(r"error +wms .*auth in \[destinations.wms\]", told)
    assert re.search(r"error +good .*auth", told)
    assert told.splitlines()[-1].endswith("crossdock.toml is in order. 5 connections cannot be used yet")
    assert not {"wrong-password", "wrong-token"} & set(re.findall(r"[\w-]+", told))
    assert sandbox.get("counts") == before, "only harmless reads"


# ---------------------------------------------------------------- look


def test_orders_is_a_table_for_people_and_one_line_an_order_in_a_pipe(crossdock: Cli, world: World) -> None:
    rows = crossdock("orders").splitlines()
    assert [row.split()[2] for row in rows[1:]] == ["1004", "id-1003", "1002", "1001"]
    assert re.fullmatch(r" *1 +tea +1001 +\S+ +delivered +a, b *", rows[-1])
    assert re.fullmatch(r" *2 +tea +1002 +\S+ +dead +a dead, b waiting +a: no such stock code *", rows[-2])


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", [("orders",), ("dead",), ("show", "1002"), ("destinations",)], ids="-".join)
def test_tables_fit_the_terminal(crossdock: Cli, world: World, command: tuple[str, ...], width: int) -> None:
    world.place("1005")
    world.try_once("1005", "a", KEY_REFUSED)
    told = CONTROL.sub("", crossdock(*command, width=width))
    assert max(map(len, told.splitlines())) <= width
    for words in {"orders": ["a dead, b waiting"], "dead": ["no such stock code"]}.get(command[0], []):
        assert words in told


def test_orders_are_narrowed_down_and_limited(crossdock: Cli, world: World) -> None:
    world.place("2001")
    world.take(webhook("77"), shop="mugs")
    assert _ids(crossdock.json("orders", "--shop", "mugs")["items"]) == ["77"]
    assert _ids(crossdock.json("orders", "--status", "dead")["items"]) == ["1002"]
    assert _ids(crossdock.json("orders", "-q", "200")["items"]) == ["2001"]
    page = crossdock.json("orders", "--limit", "2")
    assert (len(page["items"]), page["next"] is not None) == (2, True)
    assert "There are more than 2" in crossdock("orders", "--limit", "2", width=80)
    assert crossdock("orders", "-q", "nothing").strip() == "no order fits"
    assert "Invalid value for '--status'" in crossdock("orders", "--status", "lost", code=2)


def test_dead_lists_dead_letters_first_and_then_what_is_held(crossdock: Cli, world: World) -> None:
    assert _ids(crossdock.json("dead")["items"]) == ["1002", "id-1003"]
    assert crossdock("dead", "--shop", "mugs").strip() == "nothing waits for a person"


@pytest.mark.parametrize("name", ["1002", "#1002", "id-1002", "T-1002", "id:2", "2"])
def test_an_order_is_found_by_every_name_it_has(crossdock: Cli, world: World, name: str) -> None:
    assert crossdock.json("show", name)["number"] == "1002"
    told = crossdock("show", name)
    assert told.startswith("1002 of tea  dead  id 2")
    assert "no such stock code" in told
    assert "mend the SKU" in told


def test_a_number_that_is_another_orders_id_is_asked_back(crossdock: Cli, world: World) -> None:
    world.place("2")
    told = crossdock("show", "2", code=1)
    assert told.splitlines() == [
        "Error: 2 orders are called 2; say which one by its id:",
        "  id:2  1002 of tea, dead",
        "  id:5  2 of tea, received",
    ]
    assert crossdock.json("show", "id:5")["number"] == "2"
    assert "2 orders are called 2" in crossdock("replay", "2", code=1)


def test_a_number_of_two_shops_is_asked_back(crossdock: Cli, world: World) -> None:
    world.take(webhook("1001"), shop="mugs")
    told = crossdock("show", "#1001", code=1)
    assert "id:1  1001 of tea, delivered" in told
    assert "id:5  1001 of mugs" in told
    assert crossdock.json("show", "T-1001")["shop"] == "tea", "as the destinations call it"


@pytest.mark.parametrize("name", ["4711", "#4711", "id:4711", "id:x", "id:", "Ümläut", "9" * 30])
def test_an_order_that_is_not_there_is_said_so(crossdock: Cli, world: World, name: str) -> None:
    assert crossdock("show", name, code=1).startswith(f"Error: no order is called {name}; try: crossdock orders -q ")


def test_destinations_show_what_waits_there_and_why(crossdock: Cli, world: World) -> None:
    world.try_once("1004", "a", KEY_REFUSED)
    [a, b, c] = crossdock.json("destinations")["items"]
    assert (a["name"], a["status"], a["held"], a["dead"]) == ("a", "suspended", 1, 1)
    assert (b["status"], c["status"]) == ("open", "open")
    for width in (None, 80):
        told = crossdock("destinations", width=width)
        assert "the key is refused. mend the key" in told


# ---------------------------------------------------------------- act


def test_replay_sends_one_order_on(crossdock: Cli, world: World) -> None:
    assert crossdock("replay", "1002").strip() == "1002 of tea (id 2) replayed, 1 delivery on the way"
    assert world.states("1002") == "ready waiting"
    assert "replayed (command line)" in world.events("1002")


def test_replay_says_why_nothing_moves(crossdock: Cli, world: World) -> None:
    world.suspend("a")
    world.place("1005")
    told = crossdock("replay", "1005")
    assert "replayed, and nothing moves now: it is held" in told
    assert "stocktaking" in told


def test_replay_takes_an_edit_and_refuses_a_wrong_one(crossdock: Cli, world: World) -> None:
    crossdock("replay", "1002", "--edit", '{"note": "mended"}')
    assert crossdock.json("show", "1002")["edit"] == {"note": "mended"}
    assert "the edit was refused: currency" in crossdock("replay", "1002", "--edit", '{"currency": "X"}', code=1)
    assert "not JSON" in crossdock("replay", "1002", "--edit", "{note", code=2)
    assert "a JSON object is wanted" in crossdock("replay", "1002", "--edit", "[1]", code=2)


def test_many_are_counted_and_asked_for_before_they_are_replayed(crossdock: Cli, world: World) -> None:
    for number in ("1005", "1006"):
        world.place(number)
        world.try_once(number, "a", UNKNOWN_SKU)
    many = ("replay", "--reason", "stock code")
    told = crossdock(*many, code=1, answer="n\n")
    assert "3 orders wait and fit. Replay? [y/N]: n\nAborted!" in told
    assert world.states("1005") == "dead waiting"
    told = crossdock(*many, answer="y\n")
    assert told.splitlines()[-1] == "3 orders replayed, 3 deliveries on the way"
    assert world.states("1005") == world.states("1006") == "ready waiting"


def test_many_are_replayed_with_a_progress_bar_at_a_terminal(crossdock: Cli, world: World) -> None:
    assert "replaying" in crossdock("replay", "--reason", "unknown_sku", "--yes", width=80)
    assert "replaying" not in crossdock("replay", "--reason", "understood", "--yes")


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (["--destination", "a"], ["1002"]),
        (["--destination", "b"], []),
        (["--reason", "UNKNOWN_sku"], []),
        (["--reason", "unknown_sku"], ["1002"]),
        (["--reason", "is missing"], ["id-1003"]),
        (["--shop", "tea"], ["1002", "id-1003"]),
        (["--shop", "mugs"], []),
        (["--since", "2026-11-20"], ["1002", "id-1003"]),
        (["--since", "2099-01-01T00:00Z"], []),
        (["--shop", "tea", "--destination", "a"], ["1002"]),
    ],
    ids=" ".join,
)
def test_many_are_chosen_by_rules(crossdock: Cli, world: World, rules: list[str], expected: list[str]) -> None:
    done = crossdock.json("replay", *rules, "--yes")
    assert [crossdock.json("show", f"id:{one}")["number"] for one in done["orders"]] == expected
    assert done["count"] == len(expected)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "name an order, or narrow it down"),
        (["--shop", "tea", "--edit", "{}"], "--edit is for a single order"),
        (["--shop", "tea", "--json"], "--json asks nobody: add --yes"),
        (["1002", "--shop", "tea"], "leave them out for a single order"),
        (["--since", "yesterday"], "write 2026-11-20T08:00Z, or 90m, 12h, 3d"),
        (["--since", "d"], "write 2026-11-20T08:00Z, or 90m, 12h, 3d"),
    ],
)
def test_a_replay_that_makes_no_sense_is_refused(
    crossdock: Cli, world: World, arguments: list[str], words: str
) -> None:
    assert words in crossdock("replay", *arguments, code=2)


def test_unknown_names_are_answered_with_the_known_ones(crossdock: Cli, world: World) -> None:
    assert "no destination 'x'; there are: a, b, c" in crossdock("replay", "--destination", "x", code=1)
    assert "no shop 'x'; there are: mugs, tea" in crossdock("replay", "--shop", "x", code=1)
    assert "no destination 'x'; there are: a, b, c" in crossdock("suspend", "x", code=1)
    assert "no destination 'x'; there are: a, b, c" in crossdock("resume", "x", code=1)


def test_suspend_holds_and_resume_lets_go(crossdock: Cli, world: World) -> None:
    told = crossdock("suspend", "a", "--reason", "stocktaking")
    assert told.strip() == "a is suspended; its deliveries are held until: crossdock resume a"
    assert world.states("1004") == "held waiting"
    assert "suspended by hand (command line): stocktaking" in crossdock("orders")
    assert crossdock("resume", "a").strip() == "a is open; 1 delivery held there may go"
    assert crossdock("resume", "a").strip() == "a is open; no delivery was held"
    assert crossdock.json("suspend", "b") == {"name": "b", "status": "suspended"}
    assert crossdock.json("resume", "b") == {"name": "b", "status": "open", "resumed": 0}


def test_retrying_says_when_it_is_tried_again(crossdock: Cli, world: World) -> None:
    world.try_once("1004", "a", REFUSED)
    assert re.search(r"a  retrying  1 attempt, again at \d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ", crossdock("show", "1004"))


def test_migrate_makes_the_ledger_and_does_nothing_the_second_time(crossdock: Cli) -> None:
    assert crossdock("migrate").strip() == f"the ledger went from none to {newest()}"
    assert crossdock("migrate").strip() == f"the ledger is at revision {newest()} already"
    assert crossdock("orders").strip() == "no orders"
    assert crossdock.json("orders") == {"items": [], "next": None}


def test_the_newest_revision_is_the_one_that_alembic_would_migrate_to() -> None:
    assert migrations.newest() == ScriptDirectory.from_config(migrations._config()).get_current_head()
