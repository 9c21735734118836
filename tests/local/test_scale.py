"""Whoever scales is told when nobody would obey."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from local import scale as scaling
from local import state
from local.scale import NotRunningError, scale
from tests.local.test_state import STATE


def scaled(folder: Path) -> str:
    """Scale, and give the words of the refusal."""
    with pytest.raises(NotRunningError) as refused:
        scale(folder, kind="external", count=3)
    return str(refused.value)


def test_without_a_stack_it_says_how_to_start_one(tmp_path: Path):
    """The first thing an operator may forget."""
    assert scaled(tmp_path) == "no stack runs: make up, or name one in the cloud with STACK=…"


def test_a_dead_agent_is_noticed(tmp_path: Path):
    """ECS would take the count and nobody obey it. A living process without the run's mark is not the agent."""
    state.write(tmp_path, replace(STATE, pids=replace(STATE.pids, agent=os.getpid())))

    assert scaled(tmp_path) == f"the agent (process {os.getpid()}) is dead: make down, then make up"


def test_an_endpoint_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A traceback of botocore tells an operator nothing."""
    monkeypatch.setattr(scaling, "marked", lambda _: [STATE.pids.agent])
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    state.write(tmp_path, replace(STATE, aws_endpoint="http://127.0.0.1:1"))
    said = scaled(tmp_path)

    assert said.startswith("ECS did not take the count: Could not connect")
    assert "\n" not in said
