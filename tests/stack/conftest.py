"""The whole program, run once under mocks; tests then read what it declared."""

import pytest

from tests.stack.program import Built


@pytest.fixture(scope="session")
def recorded() -> dict[str, Built]:
    """Declare every variant once."""
    return Built.record()


@pytest.fixture(scope="session")
def built(recorded: dict[str, Built]) -> Built:
    """Give everything that can be switched on, as for production."""
    return recorded["production"]


@pytest.fixture(scope="session")
def plain(recorded: dict[str, Built]) -> Built:
    """Give the least there can be."""
    return recorded["development"]
