"""A ManEx section of ``crossdock.toml``: what it may say, and what a person is told of each mistake."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

from schemas.manex import ACTIONS, OWN_FIELDS, ManexDestination, Part, told
from tests.config_file import found, line_of, write
from worker.config import Problem, load

ENV = {"SHOP": "shop-secret", "KEY": "SANDBOX123"}
GOOD = """\
[shops.parts]
platform = "shopify"
secrets = ["env:SHOP"]

[[routes]]
name = "all"
deliver = ["plant"]

[destinations.plant]
system = "manex"
base_url = "https://manex.example"
auth = { mode = "path", key = "env:KEY" }
so_prefix = "W"
customer = "0000000008"
shipping_sku = "FREIGHT"

[destinations.plant.line_fields]
uOfMeas = "EACH"
"""
PLANT = "destinations.plant"


def with_line(line: str, *, text: str = GOOD) -> str:
    """The section with one more line, before its tables; one of that key is replaced."""
    key = line.partition("=")[0]
    kept = [one for one in text.splitlines() if not one.startswith(key)]
    kept.insert(kept.index("[destinations.plant.line_fields]") - 1, line)
    return "\n".join(kept) + "\n"


def problems(folder: Path, text: str) -> list[Problem]:
    return found(folder, text, ENV)


def plant(folder: Path, text: str = GOOD) -> ManexDestination:
    """The section as it is read, without a warning."""
    assert problems(folder, text) == []
    read = load(write(folder, text), ENV).destinations["plant"]
    assert isinstance(read, ManexDestination)
    return read


# ---------------------------------------------------------------- mistakes


class Mistake(NamedTuple):
    """A line that is wrong: which key is reported, and in what words."""

    line: str
    key: str
    words: str


PREFIX = (
    'must be a letter and up to 5 more letters or digits, as "W": numbers that ManEx gives itself have digits only.'
)
CUSTOMER = (
    'must be a ManEx customer number of ten digits, as "0000000008", or "NAME:ref" for the code of the '
    "buyer's company at the destination NAME."
)
CALENDAR = 'is no calendar that Crossdock knows; write a country as "US", or with its part as "US-CA".'
OURS = "is set for each order; take it out."
NO_ACTION = (
    "Crossdock calls no such action; it calls Add, Edit, Get, ItemADD, ItemEdit, PriceAdd, PriceEdit, PriceGet, "
    "DueDateAdd, DueDateEdit."
)
NO_PART = 'must be a part number in quotes, or a table as { part_no = "MUG-11OZ", revision = "A" }.'
SCALAR = "must be a text in quotes, a number or true or false."

MISTAKES = [
    *(Mistake(f"so_prefix = {word}", "so_prefix", PREFIX) for word in ('""', '"7W"', '"W-1"', '"É"', '"W "')),
    Mistake('so_prefix = "ABCDEFG"', "so_prefix", PREFIX),
    Mistake('so_prefix = "W\\n"', "so_prefix", PREFIX),
    Mistake("so_prefix = 7", "so_prefix", "must be a text in quotes."),
    *(Mistake(f"customer = {word}", "customer", CUSTOMER) for word in ('""', '"ACME"', '"00000000081"', "-8", '"٨"')),
    Mistake("customer = 12345678901", "customer", CUSTOMER),
    Mistake("customer = true", "customer", "must be a text in quotes."),
    *(Mistake(f'calendar = "{word}"', "calendar", CALENDAR) for word in ("", "us", "XX", "US-XX", "US-", "US_CA")),
    Mistake('calendar = "HolidayBase"', "calendar", CALENDAR),
    Mistake("calendar = 1", "calendar", "must be a text in quotes."),
    Mistake('date_format = "DD-MM-YYYY"', "date_format", 'must be "YYYY-MM-DD" or "MM-DD-YYYY".'),
    Mistake("ship_days_before_due = 0", "ship_days_before_due", "must be at least 1."),
    Mistake("ship_days_before_due = 61", "ship_days_before_due", "must be at most 60."),
    Mistake("price_decimals = 1", "price_decimals", "must be at least 2."),
    Mistake("price_decimals = 9", "price_decimals", "must be at most 8."),
    Mistake("parallel = 0", "parallel", "must be at least 1."),
    Mistake("parallel = 51", "parallel", "must be at most 50."),
    Mistake('tax_included = "gross"', "tax_included", "must be true or false."),
    Mistake('item_master = "maybe"', "item_master", "must be true or false."),
    Mistake("fields = { FOB = [1] }", "fields.FOB", SCALAR),
    Mistake("fields = { FOB = 2026-11-20 }", "fields.FOB", SCALAR),
    Mistake('fields = "FOB"', "fields", "must be a table."),
    Mistake('actions = { ADD = { verb = "POST", form = "json" } }', "actions.ADD", NO_ACTION),
    Mistake('actions = { ItemDelete = { verb = "POST", form = "json" } }', "actions.ItemDelete", NO_ACTION),
    Mistake(
        'actions = { Get = { verb = "PATCH", form = "json" } }',
        "actions.Get.verb",
        'must be "GET", "POST", "PUT" or "DELETE".',
    ),
    Mistake('actions = { Get = { verb = "GET", form = "xml" } }', "actions.Get.form", 'must be "query" or "json".'),
    Mistake('actions = { Get = { form = "json" } }', "actions.Get.verb", "verb is missing. Write verb = ... here."),
    Mistake('actions = { Get = { verb = "GET" } }', "actions.Get.form", "form is missing. Write form = ... here."),
    Mistake('actions = { Get = "POST" }', "actions.Get", "must be a table."),
    Mistake('skus = { MUG = "" }', "skus.MUG", "must be a text of at least one character."),
    Mistake("skus = { MUG = 7 }", "skus.MUG", NO_PART),
    Mistake('skus = { MUG = ["A"] }', "skus.MUG", NO_PART),
    Mistake(
        'skus = { MUG = { part_no = "", revision = "A" } }',
        "skus.MUG.part_no",
        "must be a text of at least one character.",
    ),
    Mistake('skus = { MUG = { revision = "A" } }', "skus.MUG.part_no", "part_no is missing. Write part_no = ... here."),
    Mistake('skus = { MUG = { part_no = "M", revision = 1 } }', "skus.MUG.revision", "must be a text in quotes."),
    Mistake(
        'skus = { MUG = { part_no = "M", rev = "A" } }',
        "skus.MUG.rev",
        'unknown key "rev". Known here: part_no, revision.',
    ),
    Mistake('so_prefixes = "W"', "so_prefixes", 'unknown key "so_prefixes". Did you mean "so_prefix"?'),
    Mistake(
        'auth = { mode = "bearer", token = "env:KEY" }',
        "auth",
        'must be { mode = "path", key = "env:NAME" }: ManEx takes its key in the address alone.',
    ),
    Mistake('auth = { mode = "path" }', "auth.key", "key is missing. Write key = ... here."),
    Mistake(
        'auth = { mode = "path", key = "SANDBOX123" }',
        "auth.key",
        "here stands a text where a secret belongs. Write env:NAME or file:PATH; secrets are never in the file.",
    ),
    Mistake(
        'skus_file = "parts.csv"',
        "skus_file",
        "the file {folder}/parts.csv does not exist. A relative path begins beside this file.",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=[one.line for one in MISTAKES])
def test_a_mistake_is_one_error_on_its_line_with_its_remedy(tmp_path: Path, mistake: Mistake) -> None:
    text = with_line(mistake.line)
    (problem,) = problems(tmp_path, text)
    words = mistake.words.replace("{folder}", str(tmp_path))
    place = f"{tmp_path}/crossdock.toml:{line_of(text, mistake.line)} {PLANT}.{mistake.key}"
    assert (str(problem), problem.severity) == (f"{place}: {words}", "error")
    assert "SANDBOX123" not in str(problem)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("so_prefix", "so_prefix is missing. Write so_prefix = ... here."),
        ("customer", "customer is missing. Write customer = ... here."),
        (
            "shipping_sku",
            'shipping_sku is missing. Write shipping_sku = "CODE", the stock code that carries the shipping charge, '
            "or shipping_sku = false to leave the charge out.",
        ),
    ],
)
def test_what_is_missing_is_said_where_the_section_begins(tmp_path: Path, key: str, words: str) -> None:
    text = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith(key))
    (problem,) = problems(tmp_path, text)
    assert str(problem) == f"{tmp_path}/crossdock.toml:{line_of(text, f'[{PLANT}]')} {PLANT}.{key}: {words}"


OWN = [(table, name) for table, names in OWN_FIELDS.items() for name in names]


@pytest.mark.parametrize(("table", "name"), OWN, ids=[f"{table} {name}" for table, name in OWN])
@pytest.mark.parametrize("case", [str, str.lower, str.upper], ids=["as it is", "lower", "upper"])
def test_a_field_of_the_order_cannot_be_fixed_in_any_letter_case(
    tmp_path: Path, table: str, name: str, case: type[str]
) -> None:
    unit = 'uOfMeas = "EACH"\n' if table == "line_fields" else ""
    header = f"[{PLANT}.line_fields]"
    other = f'{header}\nuOfMeas = "EACH"\n\n' if not unit else ""
    text = GOOD[: GOOD.index(header)] + f'{other}[{PLANT}.{table}]\n{unit}Mine = 1\n{case(name)} = "1"\n'
    (problem,) = problems(tmp_path, text)
    assert (problem.line, problem.key) == (line_of(text, f'{case(name)} = "1"'), f"{PLANT}.{table}.{case(name)}")
    assert (problem.message + ".", problem.hint) == (OURS, "")


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = with_line('calendar = "XX"', text=with_line('so_prefix = "7"')) + 'ord_qty = 1\nRevision = "A"\n'
    assert [(one.line, one.key) for one in problems(tmp_path, text)] == [
        (line_of(text, "so_prefix"), f"{PLANT}.so_prefix"),
        (line_of(text, "calendar"), f"{PLANT}.calendar"),
        (line_of(text, "ord_qty"), f"{PLANT}.line_fields.ord_qty"),
        (line_of(text, "Revision"), f"{PLANT}.line_fields.Revision"),
    ]


UNIT = (
    'the unit of the lines is missing: write uOfMeas = "EACH" in [destinations.plant.line_fields], or '
    "item_master = true."
)


@pytest.mark.parametrize("unit", ['uOfMeas = ""', 'U_of_Meas = " "', 'status = "Standard"'])
def test_a_line_needs_a_unit(tmp_path: Path, unit: str) -> None:
    text = GOOD.replace('uOfMeas = "EACH"', unit)
    (problem,) = problems(tmp_path, text)
    assert str(problem) == f"{tmp_path}/crossdock.toml:{line_of(text, f'[{PLANT}]')} {PLANT}: {UNIT}"
    assert plant(tmp_path, with_line("item_master = true", text=text)).item_master


@pytest.mark.parametrize("unit", ["uOfMeas", "U_of_Meas", "UOFMEAS"])
def test_the_unit_may_have_the_name_of_either_edition(tmp_path: Path, unit: str) -> None:
    assert plant(tmp_path, GOOD.replace("uOfMeas", unit)).line_fields == {unit: "EACH"}


# ---------------------------------------------------------------- what may stand there


@pytest.mark.parametrize(
    ("prefix", "series", "digits"), [("W", "W", 9), ("w1", "W1", 8), ("Web", "WEB", 7), ("abcdef", "ABCDEF", 4)]
)
def test_a_prefix_is_kept_in_capitals_and_leaves_room_for_digits(
    tmp_path: Path, prefix: str, series: str, digits: int
) -> None:
    read = plant(tmp_path, with_line(f'so_prefix = "{prefix}"'))
    assert (read.so_prefix, read.series_digits) == (series, digits)


@pytest.mark.parametrize("customer", ['"8"', "8", '" 8 "', '"0000000008"', '"00008"'])
def test_a_customer_number_is_filled_up_to_ten_digits(tmp_path: Path, customer: str) -> None:
    assert plant(tmp_path, with_line(f"customer = {customer}")).customer == "0000000008"


@pytest.mark.parametrize(
    ("calendar", "ship"),
    [("US", "2026-07-02"), ("US-CA", "2026-07-02"), ("GB-SCT", "2026-07-03"), (None, "2026-07-03")],
)
def test_a_calendar_knows_the_holidays_of_a_country_or_its_part(
    tmp_path: Path, calendar: str | None, ship: str
) -> None:
    # The Fourth of July of 2026 is a Saturday, so the Friday before it is free.
    read = plant(tmp_path, with_line(f'calendar = "{calendar}"') if calendar else GOOD)
    assert read.dates(date(2026, 7, 6)) == (date(2026, 7, 6), date.fromisoformat(ship))


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    read = plant(tmp_path)
    assert (read.calendar, read.date_format, read.ship_days_before_due) == (None, "YYYY-MM-DD", 1)
    assert (read.tax_included, read.price_decimals, read.item_master) == (True, 5, False)
    assert (read.parallel, read.calls_at_once) == (4, 4)
    reads = {name for name in ACTIONS if (read.action(name).verb, read.action(name).form) == ("GET", "query")}
    writes = {name for name in ACTIONS if (read.action(name).verb, read.action(name).form) == ("POST", "json")}
    assert reads == {"Get", "PriceGet"}
    assert reads | writes == set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_verb_and_form_of_one_action_leave_the_others_alone(tmp_path: Path, action: str) -> None:
    read = plant(tmp_path, with_line(f'actions = {{ {action} = {{ verb = "PUT", form = "query" }} }}'))
    assert (read.action(action).verb, read.action(action).form) == ("PUT", "query")
    assert all(read.action(other) == ACTIONS[other] for other in ACTIONS if other != action)


def test_skus_are_parts_as_a_text_or_as_a_table_and_those_of_the_file_come_first(tmp_path: Path) -> None:
    (tmp_path / "parts.csv").write_text("sku,code\nCAP,CAP-1\nTEE,TEE-OLD\n")
    text = with_line('skus_file = "parts.csv"') + (
        f'\n[{PLANT}.skus]\nTEE = "TEE-M"\n"MUG-BLUE" = {{ part_no = "MUG-11OZ", revision = "A" }}\n'
        'BOX = { part_no = "BOX" }\n'
    )
    read = plant(tmp_path, text)
    assert {sku: str(read.part(sku)) for sku in ("CAP", "TEE", "MUG-BLUE", "BOX", "OTHER")} == {
        "CAP": "CAP-1",
        "TEE": "TEE-M",
        "MUG-BLUE": "MUG-11OZ revision A",
        "BOX": "BOX",
        "OTHER": "OTHER",
    }
    assert read.part("OTHER") == Part(part_no="OTHER", revision="")


def test_a_bad_row_of_the_part_list_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "parts.csv").write_text("sku,code\nCAP,CAP-1,A\n")
    (problem,) = problems(tmp_path, with_line('skus_file = "parts.csv"'))
    said = f"{tmp_path}/parts.csv:2 {PLANT}.skus_file: the row has 3 columns and needs two."
    assert str(problem).startswith(said)


def test_shipping_may_be_left_out(tmp_path: Path) -> None:
    assert plant(tmp_path, with_line("shipping_sku = false")).shipping_sku is False


@pytest.mark.parametrize(
    ("numbers", "words"),
    [((), ""), ((4,), "4"), ((1, 2, 3), "1 to 3"), ((5, 3, 1, 2), "1 to 3, 5"), ((2, 4, 5), "2, 4 to 5")],
)
def test_line_numbers_are_told_in_runs(numbers: tuple[int, ...], words: str) -> None:
    assert told(numbers) == words
