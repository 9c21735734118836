"""The whole program, run once under mocks; tests then read what it declared."""

import fcntl

import pytest

from tests.stack.program import Built, run


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> dict[str, Built]:
    """Declare every variant once, also where several processes share the tests of a run: it takes each some seconds."""
    own = tmp_path_factory.getbasetemp()
    made = (own if worker_id == "master" else own.parent) / "declared.json"
    with made.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            made.write_text(run())
    return Built.read_all(made.read_text())


@pytest.fixture(scope="session")
def built(recorded: dict[str, Built]) -> Built:
    """Give everything that can be switched on, as for production."""
    return recorded["production"]


@pytest.fixture(scope="session")
def plain(recorded: dict[str, Built]) -> Built:
    """Give the least there can be."""
    return recorded["development"]
