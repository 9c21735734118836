"""`make up` itself is killed with -9 and started again."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local.children import marked
from tests.conftest import ROOT
from tests.e2e.outside import Api, Reader, is_alive

UP = "import sys; from pathlib import Path; from local.up import up; up(Path(sys.argv[1]), Path(sys.argv[2]))"
START_S = 120


@contextlib.contextmanager
def started(folder: Path, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run what `make up` runs, with a folder of its own, until it says that it is ready."""
    with output.open("wb") as out:
        command = [sys.executable, "-c", UP, str(ROOT), str(folder)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START_S
        while b"\nstop " not in output.read_bytes():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < deadline, output.read_text()
            time.sleep(0.1)
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_S)


async def test_a_killed_run_is_started_again_and_works(tmp_path: Path):
    """Nothing of the dead one is in its way: no process, no port, no file; and the new one leaves nothing either."""
    folder = tmp_path / "run"
    with started(folder, tmp_path / "first") as first:
        before = set(marked(folder))
        first.kill()
        first.wait()
    assert len(before) >= 4  # emulator, agent, servers, workers

    with started(folder, tmp_path / "second"):
        assert not before & set(marked(folder))
        await follow_the_demo(json.loads((folder / "state.json").read_text()))

    assert list(marked(folder)) == []
    assert [path.name for path in folder.iterdir()] == ["logs"]
    assert not any(is_alive(pid) for pid in before)


async def follow_the_demo(state: dict[str, Any]) -> None:
    """See a feed change, and the spreadsheet read by the workers of its kind; its page is there to type into."""
    async with Api.of(state) as api, Reader.connected(state) as reader:
        _, found = await api.call("GET", "/datasources")
        ids = {one["name"]: one["id"] for one in found["items"]}
        await reader.follow(ids["Prices"], ids["Stock of the shop"])
        await reader.until(lambda: any(frame["type"] == "patch" for _, frame in reader.copies[ids["Prices"]].frames))
        await reader.until(lambda: reader.copies[ids["Stock of the shop"]].document is not None)
        async with api.session.get(state["sheet"]["editUrl"]) as page:
            assert page.status == 200
