"""A credential that a reply quotes back is hidden, whatever it was sent in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import TypeAdapter

from schemas.destination import Auth
from worker.echoes import echoes

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ0IjoiYWNjZXNzIn0.c2ln_bm-VkMQ"


def hidden(auth: dict[str, Any], text: str) -> str:
    read: Auth = TypeAdapter(Auth).validate_python(auth)
    for echo in echoes(read):
        text = echo.hide(text)
    return text


@pytest.mark.parametrize("token", [TOKEN, "onlyletters", "123456"])
@pytest.mark.parametrize(
    "quoted", ["Authorization: Bearer {}", '{{"headers": {{"Authorization": "Bearer {}"}}}}', "token={}", "token: '{}'"]
)
def test_a_fixed_token_that_is_quoted_is_hidden(quoted: str, token: str) -> None:
    told = hidden({"mode": "bearer", "token": token}, quoted.format(token))
    assert token not in told
    assert "***" in told


@pytest.mark.parametrize("quoted", ["X-Api-Key: {}", '"x-api-key": "{}"', "bad key {}"])
def test_a_token_of_a_header_of_its_own_is_hidden(quoted: str) -> None:
    told = hidden({"mode": "header", "name": "X-Api-Key", "token": "k3y-of-a-shop"}, quoted.format("k3y-of-a-shop"))
    assert "k3y" not in told


def test_what_only_looks_like_a_short_token_stays() -> None:
    text = json.dumps({"total": 123456, "name": "onlyletters"})
    for token in ("123456", "onlyletters"):
        assert hidden({"mode": "bearer", "token": token}, text) == text
