"""A running stack is whole or it is ended."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.children import Child, clean_environment, spawn, stop
from local.up import PartEndedError, watch

SLEEPER = [sys.executable, "-c", "import sys; sys.stdin.read()"]


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[dict[str, Child]]:
    """Give two living parts."""
    environment = clean_environment(tmp_path, tmp_path)
    logs: dict[str, Path | None] = {"the servers": tmp_path / "servers.log", "the agent": None}
    made = {name: spawn(SLEEPER, environment=environment, log=log, cwd=tmp_path) for name, log in logs.items()}
    yield made
    for child in made.values():
        stop(child, timeout_s=5)


@pytest.mark.parametrize(
    ("name", "words"), [("the servers", "see .*servers.log"), ("the agent", "what it said is above")]
)
def test_a_part_that_dies_ends_the_run_and_is_named(parts: dict[str, Child], name: str, words: str):
    """Half a stack looks like a stack in which nothing changes; whoever watches it must be told where to look."""

    def kill() -> None:
        process: subprocess.Popen[bytes] = parts[name].process
        process.kill()
        process.wait()

    with pytest.raises(PartEndedError, match=f"{name} ended with -9, so everything was stopped: {words}"):
        watch(parts, pause=kill)


def test_living_parts_are_watched_for_ever(parts: dict[str, Child]):
    """Only a signal ends a healthy run."""
    looks = iter(range(3))

    def pause() -> None:
        if next(looks, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        watch(parts, pause=pause)
