"""The test bench itself: servers that are real, databases that are new, nothing left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis
import sqlalchemy as sa

from tests.servers import (
    LOOPBACK,
    Postgres,
    ServerUnavailableError,
    Valkey,
    free_port,
    server_folder,
    wait_until,
)

ROOT = Path(__file__).resolve().parents[1]


def test_valkey_answers_a_ping_and_keeps_an_append_only_file(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        assert client.ping() is True
        assert client.config_get("appendonly") == {"appendonly": "yes"}


@pytest.mark.parametrize("turn", ["first", "second"])
def test_the_broker_is_empty_for_every_test(broker_url: str, turn: str) -> None:
    with redis.Redis.from_url(broker_url) as client:
        assert client.dbsize() == 0
        client.set("left by", turn)


@pytest.mark.parametrize("turn", ["first", "second"])
def test_every_test_gets_a_new_database_that_takes_a_table(database_url: str, turn: str) -> None:
    engine = sa.create_engine(database_url)
    table = sa.Table("notes", sa.MetaData(), sa.Column("words", sa.Text))
    with engine.begin() as connection:
        assert sa.inspect(connection).get_table_names() == []
        table.create(connection)
        connection.execute(table.insert(), [{"words": f"{turn} åäö"}])
        assert connection.execute(sa.select(table.c.words)).scalars().all() == [f"{turn} åäö"]
    engine.dispose()


def test_a_database_is_dropped_although_someone_is_still_connected(postgres: Postgres) -> None:
    with postgres.database() as url:
        engine = sa.create_engine(url, poolclass=sa.NullPool)
        connection = engine.connect()
        connection.execute(sa.text("SELECT 1"))
    connection.invalidate()
    with pytest.raises(sa.exc.OperationalError, match="does not exist"):
        engine.connect()


def test_postgresql_keeps_away_from_root(postgres: Postgres) -> None:
    assert psutil.Process(postgres.pid).uids().effective != 0


def test_the_server_address_of_postgresql_serves_a_session(postgres_url: str) -> None:
    engine = sa.create_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SHOW server_encoding")).scalar() == "UTF8"
    engine.dispose()


def test_a_killed_valkey_starts_again_on_its_port_with_its_data(tmp_path: Path) -> None:
    with Valkey(tmp_path) as valkey:
        with redis.Redis.from_url(valkey.url) as client:
            client.set("order", "1001")
        before = valkey.url
        valkey.kill()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((LOOPBACK, valkey.port), timeout=1)
        valkey.start()
        assert valkey.url == before
        with redis.Redis.from_url(valkey.url) as client:
            assert client.get("order") == b"1001"


def test_a_killed_postgresql_starts_again_with_its_data() -> None:
    with server_folder("postgres") as folder, Postgres(folder) as postgres:
        engine = sa.create_engine(postgres.url, poolclass=sa.NullPool)
        with engine.begin() as connection:
            connection.execute(sa.text("CREATE TABLE kept AS SELECT 1001 AS number"))
        postgres.kill()
        postgres.start()
        with engine.connect() as connection:
            assert connection.execute(sa.text("SELECT number FROM kept")).scalar() == 1001


def test_a_port_that_somebody_holds_is_reported_with_the_servers_own_words(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        with pytest.raises(ServerUnavailableError, match=r"(?s)Valkey did not start.*[Aa]ddress already in use"):
            Valkey(tmp_path, port=taken.getsockname()[1]).start()


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == len(ports)
    with socket.socket() as probe:
        probe.bind((LOOPBACK, ports[-1]))


def test_wait_until_returns_what_it_waited_for() -> None:
    answers = iter(["", "", "delivered"])
    assert wait_until(lambda: next(answers), seconds=5, what="the order is delivered") == "delivered"


def test_wait_until_fails_with_a_sentence() -> None:
    with pytest.raises(pytest.fail.Exception, match=r"Waited 0\.05 s until the order is delivered"):
        wait_until(lambda: False, seconds=0.05, what="the order is delivered")


RUN_THAT_HANGS = """
from __future__ import annotations
from tests.conftest import *

def test_hangs(valkey, postgres):
    with open("pids", "w") as file:
        file.write(f"{valkey.pid} {postgres.pid} {valkey.folder} {postgres.folder}\\n")
    time.sleep(60)
"""


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGKILL], ids=lambda sign: sign.name)
def test_no_server_outlives_a_test_run_that_is_ended_by(sign: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "test_hangs.py").write_text(RUN_THAT_HANGS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "."]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, start_new_session=True, stdout=subprocess.DEVNULL
    ) as run:
        pids = tmp_path / "pids"
        wait_until(lambda: pids.exists() and pids.read_text().endswith("\n"), seconds=30, what="both serve")
        os.killpg(run.pid, sign)
        run.wait(20)
    valkey, postgres, *folders = pids.read_text().split()
    wait_until(lambda: not any(map(psutil.pid_exists, (int(valkey), int(postgres)))), seconds=10, what="both are gone")
    wait_until(lambda: not any(Path(folder).exists() for folder in folders), seconds=10, what="so is their data")
