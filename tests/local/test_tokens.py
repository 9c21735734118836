"""Tokens: shown once, kept as hashes, ended for good together with what their bearer is in the middle of."""

import json
import random
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from api.authorize import find_right
from contracts.access import Right
from contracts.clock import DAY_S, SECOND_MS
from contracts.table import revocations
from contracts.table.revocations import Revocation
from local import tokens
from local.reach import NotReachableError
from local.tokens import TokenRefused, Tokens
from tests.api.account import ENVIRON, NOW_MS, REGION
from tests.local.conftest import Kept

CHANCE = random.SystemRandom()


@pytest.fixture
def known(kept: Kept) -> Tokens:
    """Reach the tables of a stack."""
    tables = kept.stack.tables
    sts = boto3.client("sts", region_name=REGION)
    return Tokens(dynamodb=kept.stack.dynamodb, access=tables.access, connections=tables.connections, sts=sts)


def make(known: Tokens, name: str = "ada", *, scopes: str = "read", days: int = 90) -> str:
    """Make a token."""
    return known.make(name, scopes=scopes, days=days, now_ms=NOW_MS, chance=CHANCE)


def right_of(kept: Kept, token: str) -> Right | None:
    """Ask the authorizer."""
    event = {"headers": {"authorization": f"Bearer {token}"}}
    stack = kept.stack
    find = partial(
        find_right, dynamodb=stack.dynamodb, tables=stack.tables, now_ms=lambda: NOW_MS, foreign=lambda _: None
    )
    return find(event)


def test_a_token_opens_what_it_was_made_for(kept: Kept, known: Tokens):
    """Name, scopes and end are those that were asked for."""
    right = right_of(kept, make(known, scopes="read,write", days=1))
    assert right == Right(principal="ada", scopes=frozenset({"read", "write"}), expires_ms=NOW_MS + DAY_S * SECOND_MS)
    assert right_of(kept, make(known, days=0)) == Right(principal="ada", scopes=frozenset({"read"}))


def test_a_list_shows_neither_tokens_nor_hashes(known: Tokens, capsys: pytest.CaptureFixture[str]):
    """Whoever looks over a shoulder gets nothing; what has ended is said to have."""
    made = [make(known, "first", days=1), make(known, "second", days=0)]
    tokens.show(known, now_ms=NOW_MS + 2 * DAY_S * SECOND_MS)
    said = capsys.readouterr().out
    first, second = sorted(said.splitlines(), key=lambda line: "second" in line)
    assert made[0].split("_")[1] in first
    assert "ended" in first
    assert "never ends" in second
    assert not any(token.split("_")[2] in said for token in made)
    assert not any("hash" in row for row in known.all())


def test_an_ended_token_opens_nothing_and_its_name_is_to_be_cut(kept: Kept, known: Tokens):
    """Others of the same name go on."""
    ended, other = make(known), make(known)
    tokens.end(known, ended.split("_")[1], now_ms=NOW_MS)
    assert right_of(kept, ended) is None
    assert right_of(kept, other) is not None
    standing = kept.stack.dynamodb.query(**revocations.standing(known.connections, now_ms=NOW_MS))["Items"]
    assert list(map(Revocation.read, standing)) == [Revocation(principal="ada", at_ms=NOW_MS)]
    with pytest.raises(TokenRefused, match="there is no token"):
        known.end(ended.split("_")[1], now_ms=NOW_MS)


def test_making_and_ending_leave_a_line_of_who_what_and_when(known: Tokens, capsys: pytest.CaptureFixture[str]):
    """On standard error, so that what is piped is the token alone; the token is in no line."""
    tokens.make(known, "ada", scopes="read", days=1, now_ms=NOW_MS, chance=CHANCE)
    made, said = capsys.readouterr()
    identity, secret = made.strip().split("_")[1:]
    tokens.end(known, identity, now_ms=NOW_MS)
    said += capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    assert [(line["what"], line["token"], line["name"]) for line in lines] == [
        ("token_made", identity, "ada"), ("token_ended", identity, "ada"),
    ]  # fmt: skip
    assert all(line["principal"].startswith("arn:aws:") and line["from"] and line["at"] for line in lines)
    assert secret not in said


def test_ending_that_breaks_off_can_be_repeated(kept: Kept, known: Tokens):
    """The token is there until its connections are sure to be cut."""
    made = make(known)

    class Broken:
        def __getattr__(self, name: str) -> Any:
            if name == "delete_item":
                raise ConnectionError
            return getattr(kept.stack.dynamodb, name)

    broken = replace(known, dynamodb=Broken())
    with pytest.raises(ConnectionError):
        broken.end(made.split("_")[1], now_ms=NOW_MS)
    assert known.end(made.split("_")[1], now_ms=NOW_MS + 1) == "ada"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "oidc:ada"},
        {"name": "a#b"},
        {"name": "x" * 65},
        {"scopes": "admin"},
        {"scopes": ""},
        {"days": -1},
        {"days": 4_000},
    ],
)
def test_what_cannot_be_a_token_is_refused_by_name(known: Tokens, wrong: dict[str, Any]):
    """Nothing is written."""
    with pytest.raises(TokenRefused):
        make(known, **wrong)
    assert list(known.all()) == []


def test_a_stack_in_the_cloud_is_reached_by_its_outputs(kept: Kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Before it has workers, too; a file that is none says so."""
    monkeypatch.setenv("AWS_REGION", REGION)
    file = tmp_path / "outputs.json"
    named = {"Access": ENVIRON["TABLE_ACCESS"], "Connections": ENVIRON["TABLE_CONNECTIONS"]}
    file.write_text(json.dumps({"tables": named, "services": {}}))
    known = tokens.tokens(tmp_path, str(file))
    assert right_of(kept, make(known)) is not None
    file.write_text("{}")
    for outputs in (str(file), str(tmp_path / "none"), None):
        with pytest.raises(NotReachableError):
            tokens.tokens(tmp_path, outputs)
