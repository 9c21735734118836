"""
The workers' image, carried out instruction by instruction in an empty folder: no machine of ours has a builder.

What this cannot show is the base image itself. A root that is read-only as a whole is stood for by a hook in every
Python of the run, which tells of whatever is opened to be written.
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
#: Python reads this before all else, in the worker as in the processes that it starts.
WATCH = """
import os, sys

CHANGES = {"os.mkdir", "os.rename", "os.remove", "os.symlink", "os.link", "os.truncate", "socket.bind"}

def look(event, args):
    opened = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    path = args[1] if event == "socket.bind" else args[0] if args else None
    if (opened or event in CHANGES) and isinstance(path, str | bytes):
        print("written:", os.fsdecode(path), flush=True)

sys.addaudithook(look)
"""
#: What is there, and may be written, in any container: Fargate's have a read-only root and these beside it.
DEVICES = ("/dev/null", "/dev/shm/")


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


@pytest.fixture
def watched(built: Stage) -> Mapping[str, str]:
    """Give the image's environment, in which every Python tells what it writes."""
    folder = built.root.parent / "watch"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text(WATCH)
    folder.chmod(0o755)
    return {**built.environment, "PYTHONPATH": f"{folder}"}


async def test_the_image_serves_its_health_and_drains(
    built: Stage, watched: Mapping[str, str], state: dict[str, Any], tmp_path: Path
):
    """As nobody, writing no file: it joins the fleet, is well, takes a share, and parts in order."""
    environment = {**watched, **told(state), "HEALTH_PORT": f"{free(0)}"}
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
    assert written(said) == set()


@pytest.mark.parametrize(
    ("program", "writes"),
    [
        ("import asyncio; from monitor_fleet.offload import Pool; print(asyncio.run(Pool()(sum, [1, 2])))", False),
        ("import tempfile; print(tempfile.TemporaryFile() and 3)", True),
    ],
    ids=["offload", "planted"],
)
def test_what_is_worked_on_in_other_processes_needs_no_file_either(
    built: Stage, watched: Mapping[str, str], program: str, writes: bool
):
    """They are started with pipes and shared memory alone; and what would write a file is found."""
    done = subprocess.run(
        [*built.words([built.command[0]]), "-c", program], cwd=built.place(built.workdir), env=dict(watched),
        user=user(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "3"
    assert bool(written(done.stdout)) is writes


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


def written(log: str) -> set[str]:
    """Find what was written but devices and shared memory."""
    paths = (line.removeprefix("written: ") for line in log.splitlines() if line.startswith("written: "))
    return {path for path in paths if not path.startswith(DEVICES)}


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
