"""The state file: whole or absent, exact in its names, closed to everybody else."""

import json
import stat
from pathlib import Path

import pytest

from local import state
from local.aws import ROOT
from local.state import Feed, Pids, Service, Sheet, State

STATE = State(
    dashboard_url="http://127.0.0.1:1/",
    api_url="http://127.0.0.1:2/api",
    web_socket_url="ws://127.0.0.1:2/live",
    token="smf_a_b",
    aws_endpoint="http://127.0.0.1:2",
    region="eu-central-1",
    credentials=ROOT,
    services={"external": Service(cluster="c", service="s")},
    tables={"Fleet": "fleet-1"},
    queue_url="http://127.0.0.1:2/q",
    feeds={"prices": Feed(url="http://127.0.0.1:3/prices", set_url="http://127.0.0.1:3/set/prices")},
    sheet=Sheet(url="https://docs.google.com/spreadsheets/d/x/edit", edit_url="http://127.0.0.1:4/"),
    pids=Pids(emulator=1, agent=2, workers={"external": (3, 4)}),
)


def test_its_names_are_the_documented_ones(tmp_path: Path):
    """Scripts of others read this file and nothing else."""
    state.write(tmp_path, STATE)

    assert json.loads((tmp_path / "state.json").read_text()) == {
        "dashboardUrl": "http://127.0.0.1:1/",
        "apiUrl": "http://127.0.0.1:2/api",
        "webSocketUrl": "ws://127.0.0.1:2/live",
        "token": "smf_a_b",
        "awsEndpoint": "http://127.0.0.1:2",
        "region": "eu-central-1",
        "credentials": {"accessKeyId": "test", "secretAccessKey": "test"},
        "services": {"external": {"cluster": "c", "service": "s"}},
        "tables": {"Fleet": "fleet-1"},
        "queueUrl": "http://127.0.0.1:2/q",
        "feeds": {"prices": {"url": "http://127.0.0.1:3/prices", "setUrl": "http://127.0.0.1:3/set/prices"}},
        "sheet": {"url": "https://docs.google.com/spreadsheets/d/x/edit", "editUrl": "http://127.0.0.1:4/"},
        "pids": {"emulator": 1, "agent": 2, "workers": {"external": [3, 4]}},
    }


def test_what_was_written_is_read(tmp_path: Path):
    """Both directions agree on every field."""
    state.write(tmp_path, STATE)

    assert state.read(tmp_path) == STATE
    assert state.read(tmp_path / "elsewhere") is None


def test_only_its_owner_may_read_it(tmp_path: Path):
    """It holds a token that may write; it is created closed, whatever the umask and whatever lay there before."""
    (tmp_path / "state.json.part").write_text("left by a killed run")
    (tmp_path / "state.json.part").chmod(0o644)
    state.write(tmp_path, STATE)

    assert stat.S_IMODE((tmp_path / "state.json").stat().st_mode) == 0o600


def test_a_reader_never_sees_half_of_it(tmp_path: Path):
    """A new state replaces the old one at once; an open file stays what it was."""
    state.write(tmp_path, STATE)
    with (tmp_path / "state.json").open() as opened:
        state.write(tmp_path, STATE.with_workers({"external": (5,)}))

        assert json.load(opened)["pids"]["workers"] == {"external": [3, 4]}
    found = state.read(tmp_path)
    assert found is not None
    assert found.pids.workers == {"external": (5,)}
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A full disk must not cost the running stack its state."""
    state.write(tmp_path, STATE)

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(json, "dump", fail)
    with pytest.raises(OSError, match="no space"):
        state.write(tmp_path, STATE.with_workers({}))

    assert state.read(tmp_path) == STATE
