"""Two ManEx destinations must not count through the same sales order numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.config_file import GOOD, found, line_of

ENV = {"SHOP": "s", "STD": "whsec_" + "A" * 44, "TOKEN": "t", "WMS": "w", "KEY": "SANDBOX123"}


def plant(name: str, base_url: str, prefix: str) -> str:
    return f"""
[destinations.{name}]
system = "manex"
base_url = "{base_url}"
auth = {{ mode = "path", key = "env:KEY" }}
so_prefix = "{prefix}" # of {name}
customer = "8"
shipping_sku = false
line_fields = {{ uOfMeas = "EACH" }}
"""


def config(**plants: tuple[str, str]) -> str:
    """A file with these destinations, base_url and so_prefix by name, each of them on a route."""
    sections = "".join(plant(name, base_url, prefix) for name, (base_url, prefix) in plants.items())
    delivered = ", ".join(f'"{name}"' for name in ("books", "wms", *plants))
    head, routes = GOOD.replace('"books", "wms"', delivered).split("[[routes]]", 1)
    return f"{head}{sections}\n[[routes]]{routes}"


SAME = "https://manex.example"


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        (SAME, "W"),
        (SAME, "w"),
        (f"{SAME}/", "W"),
        ("https://MANEX.example", "W"),
        (SAME, "W1"),
        (SAME, "w00"),
    ],
)
@pytest.mark.parametrize("turned", [False, True], ids=["as it is", "the other way round"])
def test_two_destinations_with_one_series_at_one_manex_are_refused(
    tmp_path: Path, url: str, prefix: str, turned: bool
) -> None:
    (url_1, prefix_1), (url_2, prefix_2) = ((url, prefix), (SAME, "W"))[:: -1 if turned else 1]
    text = config(one=(url_1, prefix_1), two=(url_2, prefix_2))
    (problem,) = found(tmp_path, text, ENV)
    assert (problem.key, problem.severity) == ("destinations.two.so_prefix", "error")
    assert problem.line == line_of(text, f'so_prefix = "{prefix_2}" # of two')
    assert problem.message == "one and two would count through the same sales order numbers of one ManEx"
    assert problem.hint == "Give one of the two another so_prefix, beginning with another letter."


@pytest.mark.parametrize(
    ("url", "prefix"),
    [(SAME, "X"), (SAME, "WX"), (SAME, "WX1"), ("https://other.example", "W"), (f"{SAME}/b", "W")],
)
def test_another_prefix_or_another_manex_is_no_matter(tmp_path: Path, url: str, prefix: str) -> None:
    assert found(tmp_path, config(one=(SAME, "W"), two=(url, prefix)), ENV) == []


def test_prefixes_of_one_length_never_meet(tmp_path: Path) -> None:
    assert found(tmp_path, config(one=(SAME, "W1"), two=(SAME, "W2")), ENV) == []


def test_each_later_one_is_told_once_and_other_mistakes_hide_nothing(tmp_path: Path) -> None:
    text = config(one=(SAME, "W"), two=(SAME, "w"), three=(SAME, "W"))
    problems = found(tmp_path, text.replace("# of three", "\nparallel = 0"), ENV)
    assert [one.key for one in problems] == [
        "destinations.two.so_prefix",
        "destinations.three.so_prefix",
        "destinations.three.parallel",
    ]
    assert problems[1].message.startswith("one and three ")


@pytest.mark.parametrize("broken", ["so_prefix = 7", "base_url = 7", 'system = "esuit"', 'system = "esuite"'])
def test_what_is_not_there_or_of_another_system_is_compared_with_nothing(tmp_path: Path, broken: str) -> None:
    key = broken.partition("=")[0]
    head, two = config(one=(SAME, "W"), two=(SAME, "W")).split("[destinations.two]")
    changed = "\n".join(broken if line.startswith(key) else line for line in two.splitlines())
    problems = found(tmp_path, f"{head}[destinations.two]{changed}\n", ENV)
    assert problems
    assert not [one for one in problems if "sales order numbers" in one.message]
