"""What end-to-end, browser and contract tests share: a private local stack for each process that runs them."""

import json
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from local import scale as scaling
from local.running import running_stack
from tests import owner

ROOT = Path(__file__).parent.parent

#: Tests are not timed: a machine with much else to do draws examples slowly, and that is no fault of theirs.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

#: Longer bytes are named by their length: packed ones hold a time, and every process must give a test the same name.
BYTES_SHOWN_MAX = 32

#: What the tests of the fleet start from, and return to.
WORKERS = 2


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name a test the same in every process that runs a share of them."""
    return f"{argname}-{len(val)}" if isinstance(val, bytes) and len(val) > BYTES_SHOWN_MAX else None


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Run a stack of our own, beside any `make up`; give the folder of its state."""
    with tempfile.TemporaryDirectory(prefix="stack-") as name:
        path = Path(name)
        with running_stack(ROOT, workers={"external": WORKERS}, folder=path, say=print):
            yield path


@pytest.fixture(scope="session")
def state(folder: Path) -> dict[str, Any]:
    """Give what an outside script knows: the state file as it was when the stack had started."""
    return _read(folder)


@pytest.fixture
def read_state(folder: Path) -> Callable[[], dict[str, Any]]:
    """Read the state file anew: worker pids change."""
    return lambda: _read(folder)


@pytest.fixture
def scale(folder: Path) -> Iterator[Callable[[int], None]]:
    """Change the desired count of the external workers; put it back at the end."""
    yield lambda count: scaling.scale(folder, kind="external", count=count)
    scaling.scale(folder, kind="external", count=WORKERS)


class Aws:
    """The operator's view: the tables behind the stack."""

    def __init__(self, state: dict[str, Any]) -> None:
        self.tables = state["tables"]
        self.dynamodb = owner.client(state, "dynamodb")

    def subscribers(self, source_id: str) -> list[Any]:
        """Read the subscriber rows of a source's first bucket."""
        answer = self.dynamodb.query(
            TableName=self.tables["Subscribers"],
            KeyConditionExpression="#bucket = :bucket AND connectionId > :cursor",
            ExpressionAttributeNames={"#bucket": "bucket"},
            ExpressionAttributeValues={":bucket": {"S": f"{source_id}#0"}, ":cursor": {"S": "#"}},
            ConsistentRead=True,
        )
        items: list[Any] = answer["Items"]
        return items


@pytest.fixture(scope="session")
def aws(state: dict[str, Any]) -> Aws:
    """Look behind the stack with the operator's credentials."""
    return Aws(state)


def _read(folder: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return known
