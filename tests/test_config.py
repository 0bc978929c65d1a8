"""Reading ``crossdock.toml``: what is right is read as written, what is wrong is said, all of it, on its line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from schemas.destination import BasicAuth, BearerAuth
from schemas.esuite import EsuiteDestination
from schemas.systems import SYSTEMS
from tests.config_file import ENV, GOOD, STANDARD, found, line_of, write
from tests.paths import SHARED, needs_shared
from worker.config import ConfigErrors, check, load


def test_a_right_file_is_read_as_it_is_written(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    config = load(path, ENV)
    assert check(path, ENV) == []
    assert list(config.shops) == ["au", "b2b"]
    assert [one.get_secret_value() for one in config.shops["au"].secrets] == ["shop-secret"]
    books = config.destinations["books"]
    assert isinstance(books, EsuiteDestination)
    assert books.base_url == "https://erp.example.com/api/v2"
    assert isinstance(books.auth, BearerAuth)
    assert books.auth.token.get_secret_value() == "the-token"
    wms = config.destinations["wms"]
    assert isinstance(wms.auth, BasicAuth)
    assert (wms.auth.username.get_secret_value(), wms.max_in_flight) == ("WSI_ACME", 1)
    assert [route.name for route in config.routes] == ["down-under", "rest"]
    assert config.routes[0].when.country == ("AU", "NZ")


TEN = GOOD
for _was, _is in (
    ('platform = "shopify"', 'platform = "shopfy"'),
    ('secrets = ["env:SHOP"]', 'secrets = ["env:SHOPP"]'),
    ('release = "placed"', 'relaese = "placed"'),
    ('system = "esuite"', 'system = "sap"'),
    ('"https://api.ongoingsystems.se/acme/api/v1"', '"api.ongoingsystems.se"'),
    ('password = "env:WMS"', 'password = "hunter2"'),
    ("goods_owner_id = 159\n", ""),
    ('"AU", "nz"', '"UK"'),
    ('["books", "wms"]', '["book", "wms"]'),
    ('name = "rest"\ndeliver = ["wms"]', 'name = "rest"\ndeliver = ["wms", "wms"]'),
):
    assert _was in TEN
    TEN = TEN.replace(_was, _is)


def test_ten_mistakes_are_ten_problems_each_on_its_line(tmp_path: Path) -> None:
    problems = found(tmp_path, TEN)
    assert [(one.line, one.key) for one in problems] == [
        (line_of(TEN, "shopfy"), "shops.au.platform"),
        (line_of(TEN, "env:SHOPP"), "shops.au.secrets[0]"),
        (line_of(TEN, "relaese"), "shops.b2b.relaese"),
        (line_of(TEN, '"sap"'), "destinations.books.system"),
        (line_of(TEN, "[destinations.wms]"), "destinations.wms.goods_owner_id"),
        (line_of(TEN, '"api.ongoing'), "destinations.wms.base_url"),
        (line_of(TEN, "hunter2"), "destinations.wms.auth.password"),
        (line_of(TEN, '"UK"'), "routes.down-under.when.country[0]"),
        (line_of(TEN, '"book"'), "routes.down-under.deliver[0]"),
        (line_of(TEN, '"wms", "wms"'), "routes.rest.deliver[1]"),
    ]
    assert all(one.severity == "error" for one in problems)


def test_load_raises_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigErrors) as raised:
        load(write(tmp_path, TEN), ENV)
    assert len(raised.value.problems) == 10
    assert str(raised.value).count("\n") == 9


def test_a_problem_reads_as_a_line_of_a_compiler(tmp_path: Path) -> None:
    (problem,) = found(tmp_path, GOOD, {**ENV, "TOKEN": ""})
    unset = found(tmp_path, GOOD, {name: value for name, value in ENV.items() if name != "TOKEN"})
    place = f"{tmp_path}/crossdock.toml:14 destinations.books.auth.token"
    assert str(problem) == f"{place}: the variable TOKEN is empty. Put the secret into it."
    assert [str(one) for one in unset] == [
        f"{place}: the variable TOKEN is not set. Set it, or point to a file with file:PATH."
    ]


def test_a_secret_is_read_from_a_file_beside_the_toml(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "shop.txt").write_text("from-a-file\r\n", encoding="utf-8-sig")
    config = load(write(tmp_path, GOOD.replace("env:SHOP", "file:keys/shop.txt")), ENV)
    assert config.shops["au"].secrets[0].get_secret_value() == "from-a-file"


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe", b"two\nlines"])
def test_a_file_without_a_usable_secret_is_an_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.txt").write_bytes(content)
    (problem,) = found(tmp_path, GOOD.replace("env:SHOP", "file:shop.txt"))
    assert problem.key == "shops.au.secrets[0]"


def test_an_empty_password_may_stand_in_the_file_and_an_empty_user_name_may_not(tmp_path: Path) -> None:
    assert found(tmp_path, GOOD.replace('password = "env:WMS"', 'password = ""')) == []
    (problem,) = found(tmp_path, GOOD.replace('username = "WSI_ACME"', 'username = ""'))
    assert problem.key == "destinations.wms.auth.username"


def test_no_message_ever_repeats_a_secret(tmp_path: Path) -> None:
    text = GOOD.replace("env:SHOP", "hunter2").replace('"env:TOKEN"', "['hunter2']").replace("env:WMS", "hunter2")
    text = text.replace('release = "placed"', 'release = "hunter2"')
    problems = found(tmp_path, text, {"STD": "hunter2\nhunter2"})
    assert len(problems) == 5
    assert "hunter2" not in "\n".join(f"{one} {one!r}" for one in problems)


def skus(folder: Path, csv: str | bytes, inline: str = "") -> tuple[Path, str]:
    (folder / "skus.csv").write_bytes(csv.encode() if isinstance(csv, str) else csv)
    text = GOOD.replace("[destinations.books.fields]", f'skus_file = "skus.csv"\n{inline}\n[destinations.books.fields]')
    return write(folder, text), text


@pytest.mark.parametrize("header", ["", "sku,code\n", "\ufeffSKU, Code\r\n"])
def test_the_sku_file_is_merged_under_skus(tmp_path: Path, header: str) -> None:
    path, _ = skus(tmp_path, header + 'MUG,000250a\n\n"TEE, M",77,,\nCAP,1\n', 'skus = { CAP = "2" }')
    assert load(path, ENV).destinations["books"].skus == {"MUG": "000250a", "TEE, M": "77", "CAP": "2"}


def test_bad_rows_of_the_sku_file_are_reported_with_their_lines(tmp_path: Path) -> None:
    path, _ = skus(tmp_path, "sku,code\nA,1\nB;2\nC,\n,3\nA,1\nA,9\nD,1,2\n")
    problems = check(path, ENV)
    assert [one.line for one in problems] == [3, 4, 5, 7, 8]
    assert {(one.file, one.key) for one in problems} == {(str(tmp_path / "skus.csv"), "destinations.books.skus_file")}


def test_a_sku_file_full_of_bad_rows_does_not_flood(tmp_path: Path) -> None:
    path, _ = skus(tmp_path, "A;1\n" * 500)
    problems = check(path, ENV)
    assert len(problems) == 11
    assert "490 more" in problems[-1].message


@pytest.mark.parametrize(
    "content", [None, b"", b"sku,code\n", b"\xff\xfe,1\n"], ids=["missing", "empty", "header", "binary"]
)
def test_a_sku_file_that_says_nothing_is_an_error_in_the_toml(tmp_path: Path, content: bytes | None) -> None:
    path, text = skus(tmp_path, content or b"")
    if content is None:
        (tmp_path / "skus.csv").unlink()
    (problem,) = check(path, ENV)
    assert (problem.file, problem.line) == (str(path), line_of(text, "skus_file"))


@pytest.mark.parametrize(
    ("text", "line"),
    [("[shops.a]\nplatform = \n", 2), ("[shops.a]\nx = 1\nx = 2\n", 3), ("[a]\n[b]\n[a]\n", 3), ('x = "', 1)],
    ids=["no value", "key twice", "table twice", "open quote"],
)
def test_what_is_no_toml_is_reported_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    (problem,) = found(tmp_path, text)
    assert (problem.line, problem.severity) == (line, "error")
    assert "no valid TOML" in problem.message


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert "does not exist" in check(tmp_path / "none.toml")[0].message
    assert "cannot be read" in check(tmp_path)[0].message
    (tmp_path / "latin.toml").write_bytes(b"[shops.a]\nplatform = '\xe9'")
    assert check(tmp_path / "latin.toml")[0].line == 2
    (tmp_path / "big.toml").write_text(f"x = {'9' * 5000}")
    assert "nobody can read" in check(tmp_path / "big.toml")[0].message


def test_an_empty_file_lacks_shops(tmp_path: Path) -> None:
    assert [(one.key, one.severity) for one in found(tmp_path, "")] == [("shops", "error"), ("routes", "warning")]


def every_secret(path: Path) -> dict[str, str]:
    return dict.fromkeys(re.findall(r"env:([A-Z0-9_]+)", path.read_text()), STANDARD)


def test_our_own_example_is_right() -> None:
    path = Path(__file__).resolve().parents[1] / "crossdock.example.toml"
    assert check(path, every_secret(path)) == []
    assert {one.system for one in load(path, every_secret(path)).destinations.values()} == set(SYSTEMS)


def test_whatever_stands_in_our_example_as_a_comment_can_be_written(tmp_path: Path) -> None:
    path = Path(__file__).resolve().parents[1] / "crossdock.example.toml"
    (tmp_path / "skus.csv").write_text("sku,code\nA,B\n")
    lines = path.read_text().splitlines()
    options = [(place, line[2:]) for place, line in enumerate(lines) if re.match(r"# [a-z_]+ *= ", line)]
    refused = []
    for place, option in options:
        spoiled = [*lines[:place], option, *lines[place + 1 :]]
        key = option.split("=")[0].strip()
        for above in range(place - 1, 0, -1):
            if lines[above].startswith("["):
                break
            if re.match(rf"{key} *=", lines[above]):
                spoiled[above] = ""
        if check(write(tmp_path, "\n".join(spoiled)), every_secret(path)):
            refused.append(key)
    assert refused == ["customer", "api"], "each comes with a change of another key, as its comment says"
    assert len(options) > 30


@needs_shared
def test_the_shared_example_lacks_nothing_but_systems_and_secrets() -> None:
    assert SHARED is not None
    path = SHARED / "crossdock.example.toml"
    raw = tomllib.loads(path.read_text())
    unknown = {f"destinations.{n}.system" for n, one in raw["destinations"].items() if one["system"] not in SYSTEMS}
    problems = check(path, every_secret(path))
    assert {one.key for one in problems if one.severity == "error"} == unknown
    # One shop without a prefix, one address without TLS, one destination that no route delivers to.
    told = ["destinations.enapps-uk", "destinations.iws-uk.base_url", "shops.acme-se.number_prefix"]
    assert sorted(one.key for one in problems if one.severity == "warning") == told
    without = [one for one in check(path, {}) if one.severity == "error" and one.key not in unknown]
    assert all("is not set" in one.message for one in without)
    assert len(without) == len(re.findall(r'"env:', path.read_text()))
