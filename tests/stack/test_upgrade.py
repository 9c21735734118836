"""An upgrade leaves alone what holds state: the program's graph now against the graphs of earlier versions."""

import json
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.stack.program import ROOT, Built
from tests.stack.stateful import KEPT, kept, replaced

RECORDED = sorted((ROOT / "tests" / "stack" / "recorded").glob("*.json"))


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_nothing_that_holds_state_is_replaced_or_deleted(built: Built, file: Path):
    """A name, a parent or a key changed in passing would cost the data: it takes an alias, or a migration."""
    assert replaced(json.loads(file.read_text()), kept(built)) == []


def test_the_version_at_hand_is_recorded():
    """The next one is compared with it."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

    assert version in {file.stem for file in RECORDED}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "tables-Sources"}, "tables-DataSources would be deleted"),
        ({"parent": "urn:pulumi:local::p::fleet:stack:Store::store"}, "tables-DataSources would be deleted"),
        ({"inputs": {"hashKey": "sourceId"}}, "would be replaced: hashKey is 'sourceId', was 'id'"),
        ({"inputs": {"hashKey": "id", "rangeKey": "version"}}, "would be replaced: rangeKey is 'version', was None"),
    ],
)
def test_a_planted_replacement_is_found(built: Built, change: dict[str, Any], said: str):
    """A check that finds nothing must be one that could."""
    table = built.named("tables-DataSources")
    changed = replace(built, resources=[replace(table, **change) if one is table else one for one in built.resources])

    found = replaced(kept(built), kept(changed))

    assert len(found) == 1
    assert said in found[0]


def test_keys_of_sources_stay_where_they_are_looked_for(built: Built):
    """They are no resources of the program, so nothing else would notice."""
    changed = replace(built, exports={**built.exports, "secretsPrefix": "keys/"})

    (found,) = replaced(kept(built), kept(changed))
    assert "secretsPrefix is 'keys/', was 'sheet-monitor-fleet-" in found


@pytest.mark.parametrize("typ", KEPT)
def test_there_is_something_of_each_kind_that_is_kept(built: Built, typ: str):
    """A type that was misspelt would hold nobody to anything."""
    assert [one for one in built.resources if one.type == typ]
