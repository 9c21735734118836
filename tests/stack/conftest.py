"""The whole program, run once under mocks; tests then read what it declared."""

import pytest

from tests.stack.program import Built


@pytest.fixture(scope="session")
def built() -> Built:
    """Declare everything once."""
    return Built.record()
