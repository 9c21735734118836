"""
The workers' image, carried out instruction by instruction in an empty folder: no machine of ours has a builder.

What this cannot show is the base image itself, and a root that is read-only as a whole: /tmp is this machine's.
"""

import asyncio
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from local.ports import free
from local.task import Task
from tests import owner
from tests.conftest import ROOT
from tests.e2e.outside import Api, until_true
from tests.stack.dockerfile import Build, Stage, base_python, read

WELL_WITHIN_S = 60
DRAINED_WITHIN_S = 60
NOBODY = 10001


@pytest.fixture(scope="module")
def built() -> Iterator[Stage]:
    """Build the image where whoever it runs as can reach it."""
    with tempfile.TemporaryDirectory(prefix="image-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        build = Build(context=ROOT, folder=folder, python=base_python(folder))
        try:
            yield build.run(read(ROOT / "Dockerfile"))
        finally:
            for path in folder.rglob("*"):  # or the folder could not be deleted
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)


async def test_the_image_serves_its_health_and_drains(built: Stage, state: dict[str, Any], tmp_path: Path):
    """As nobody, from files that nobody may write: it joins the fleet, is well, takes a share, and parts in order."""
    environment = {**built.environment, **told(state), "HEALTH_PORT": f"{free(0)}"}
    before = files(built)
    with (tmp_path / "log").open("wb") as log, started(built, environment, log) as worker:
        assert await is_well(built, environment) is False, "it was well before it could be"
        await until_true(lambda: is_well(built, environment), WELL_WITHIN_S)
        async with Api.of(state) as api:
            await until_true(lambda: has_a_share(api, tmp_path), WELL_WITHIN_S)
        assert owner_of(worker.pid) != 0, "it runs as root"

        worker.terminate()
        code = await asyncio.to_thread(worker.wait, DRAINED_WITHIN_S)

    said = (tmp_path / "log").read_text()
    assert (code, "drained" in said) == (0, True), said
    assert files(built) == before


def test_the_image_holds_nothing_that_can_be_written(built: Stage):
    """Whoever breaks out of a parser finds nothing to change."""
    tried = subprocess.run(
        ["/bin/sh", "-c", f"touch {built.root}/app/x {built.root}/venv/x"],
        user=user(),
        check=False,
        capture_output=True,
    )

    assert tried.returncode != 0
    assert not (built.root / "app" / "x").exists()


def told(state: dict[str, Any]) -> Mapping[str, str]:
    """Give what the task definition tells a worker, and the owner's keys in the place of a task's."""
    names, ecs = state["services"]["external"], owner.client(state, "ecs")
    (service,) = ecs.describe_services(cluster=names["cluster"], services=[names["service"]])["services"]
    task = Task.of(ecs.describe_task_definition(taskDefinition=service["taskDefinition"])["taskDefinition"])
    return {
        **task.environment,
        **owner.variables(state),
    }


def started(built: Stage, environment: Mapping[str, str], log: Any) -> subprocess.Popen[bytes]:
    """Start the image's command."""
    return subprocess.Popen(
        built.words(built.command), cwd=built.place(built.workdir), env=dict(environment), user=user(), group=user(),
        extra_groups=None if user() is None else [], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip


async def is_well(built: Stage, environment: Mapping[str, str]) -> bool:
    """Ask as the image's health check does."""
    done = await asyncio.to_thread(
        subprocess.run, built.words(built.health), env=dict(environment), user=user(), capture_output=True, check=False
    )
    return done.returncode == 0


async def has_a_share(api: Api, folder: Path) -> bool:
    """Tell whether the worker that this log is of was given shards."""
    _, fleet = await api.call("GET", "/fleet")
    mine = [one for one in fleet["kinds"]["external"]["workers"] if one["id"] in (folder / "log").read_text()]
    return any(one["owned"] for one in mine)


def user() -> int | None:
    """Name the image's user where this machine's may become another, else none: it is not root then."""
    return NOBODY if os.geteuid() == 0 else None


def owner_of(pid: int) -> int:
    """Say whose process this is."""
    return Path(f"/proc/{pid}").stat().st_uid


def files(built: Stage) -> dict[str, float]:
    """List every file with its time."""
    return {f"{path}": path.lstat().st_mtime for path in built.root.rglob("*")}
