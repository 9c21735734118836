"""What must be true of a machine before `make up` and `make test` can work. Pure: every look goes through `Probes`."""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from local.doctor_finding import Finding, ok, warn, wrong
from local.ports import DASHBOARD_PORT, EMULATOR_PORT, FEEDS_PORT, GOOGLE_PORT

PYTHON = (3, 13)
NODE_MIN = (22, 18)
PORTS = {
    EMULATOR_PORT: "embedded AWS",
    DASHBOARD_PORT: "dashboard",
    FEEDS_PORT: "demo feeds",
    GOOGLE_PORT: "demo spreadsheet",
}
#: A set-up folder measures 1.4 GB, a build and the end-to-end tests some hundred MB more.
DISK_NEEDED_MB, DISK_WANTED_MB = 500, 3_000
#: What tests use and no lock brings: where it is, and what is missing without it.
TEST_PROGRAMS: Mapping[str, tuple[str, str]] = {
    "/usr/bin/chromium": ("chromium", "tests/browser"),
    "/usr/sbin/nginx": ("nginx-light", "tests/fetching/test_nginx.py"),
}

#: Virtual environment → the lock it is made from.
VENVS: Mapping[str, str] = {".venv": "dev", ".venv-emulator": "emulator"}
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> *;)?", re.MULTILINE)
LIST_INSTALLED = (
    "import importlib.metadata as m, json;print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
)


@dataclass(frozen=True, kw_only=True)
class Probes:
    """
    How to look at a machine.

    `run` gives what a command printed, None if it does not run; `which` knows the person's own PATH, not make's;
    `listener` says who holds a port ("" for nobody); `left_over` counts processes
    of a killed run, None while a run is alive.
    """

    system: str
    root: Path
    pyenv: Path
    run: Callable[[Sequence[str]], str | None]
    which: Callable[[str], str | None]
    exists: Callable[[Path], bool]
    glob: Callable[[Path, str], Sequence[Path]]
    read: Callable[[Path], str | None]
    listener: Callable[[int], str]
    free_mb: Callable[[Path], int]
    left_over: Callable[[Path], int | None]


def machine(probes: Probes) -> Iterator[Finding]:
    """Look at everything."""
    yield system(probes)
    yield python(probes)
    yield node(probes)
    yield from programs(probes)
    yield disk(probes)
    yield from ports(probes)
    yield left_over(probes)
    for venv, lock in VENVS.items():
        yield locked(probes, venv, lock)


def system(probes: Probes) -> Finding:
    """Workers read a clock and the local stack a process table that only Linux has."""
    if probes.system == "Linux":
        return ok("Linux")
    return wrong(f"{probes.system} is not Linux", "use Linux, a Linux container, or WSL 2")


def python(probes: Probes) -> Finding:
    """Python 3.13 with venv, and not the shim of a pyenv that does not select it."""
    wanted = ".".join(map(str, PYTHON))
    shim, candidates = probes.which(f"python{wanted}"), _pythons(probes, wanted)
    found = next((path for path in candidates if _is_wanted(probes, path)), None)
    if found is None:
        why = f"{shim} is a pyenv shim that runs nothing" if shim and "shims" in shim else f"no Python {wanted} runs"
        return wrong(why, f"apt-get install python{wanted} python{wanted}-venv, or pyenv install {wanted}.0")
    if probes.run([found, "-c", "import venv, ensurepip"]) is None:
        return wrong(f"{found} has no venv module", f"apt-get install python{wanted}-venv")
    if shim and "shims" in shim and not _is_wanted(probes, shim):
        return warn(
            f"python{wanted} on PATH is a pyenv shim that runs nothing; make uses {found}",
            f"nothing for make; for your own shell: pyenv shell {wanted}.0",
        )
    return ok(f"Python {wanted}: {found}")


def node(probes: Probes) -> Finding:
    """Node for the dashboard's build: the machine's, else the one that make brings."""
    version = _version(probes.run(["node", "--version"]))
    if version >= NODE_MIN:
        return ok(f"node {'.'.join(map(str, version))}")
    brought = _version(probes.run([str(probes.root / ".venv-node" / "bin" / "node"), "--version"]))
    if brought >= NODE_MIN:
        return ok(f"node {'.'.join(map(str, brought))} from .venv-node")
    least = ".".join(map(str, NODE_MIN))
    had = f"node {'.'.join(map(str, version))} is older than {least}" if version else "there is no node"
    return warn(had, "nothing: make setup brings its own into .venv-node (80 MB)")


def programs(probes: Probes) -> Iterator[Finding]:
    """Programs that `make test` needs and `make up` does not."""
    for path, (package, tests) in TEST_PROGRAMS.items():
        if probes.exists(Path(path)):
            yield ok(f"{package}: {path}")
        else:
            yield warn(f"there is no {path}, so make test fails in {tests}", f"apt-get install {package}")


def disk(probes: Probes) -> Finding:
    """Room for what make installs and builds."""
    free_mb = probes.free_mb(probes.root)
    if free_mb >= DISK_WANTED_MB:
        return ok(f"{free_mb:,} MB free")
    todo = f"free {DISK_WANTED_MB - free_mb:,} MB on the disk of {probes.root}"
    level = warn if free_mb >= DISK_NEEDED_MB else wrong
    return level(f"{free_mb:,} MB free; all of it needs {DISK_WANTED_MB:,}", todo)


def ports(probes: Probes) -> Iterator[Finding]:
    """Find who holds the usual ports: a run moves to others by itself, which may surprise."""
    own = _own_run(probes)
    for port, what in PORTS.items():
        holder = probes.listener(port)
        if not holder:
            yield ok(f"port {port} ({what}) is free")
        elif own:
            yield ok(f"port {port} ({what}) is held by {holder}; a stack of this folder runs")
        else:
            yield warn(f"port {port} ({what}) is held by {holder}", "nothing: make up takes another and prints it")


def left_over(probes: Probes) -> Finding:
    """Find what a killed run left behind."""
    folder = probes.root / ".local"
    count = probes.left_over(folder)
    if count is None:
        return ok("a stack runs in .local")
    if count or probes.exists(folder / "state.json"):
        return warn(f".local is what a killed run left, {count} processes of it alive", "make down")
    return ok("nothing left over in .local")


def locked(probes: Probes, venv: str, lock: str) -> Finding:
    """Compare what a virtual environment holds with its lock."""
    interpreter = probes.root / venv / "bin" / "python"
    if not probes.exists(interpreter):
        return ok(f"{venv} is not there yet: make up makes it")
    said = probes.run([str(interpreter), "-c", LIST_INSTALLED])
    if said is None:
        return wrong(f"{venv} does not run", f"rm -r {venv} && make setup")
    drift = _drift(json.loads(said), probes.read(probes.root / "locks" / f"{lock}.txt") or "")
    if not drift:
        return ok(f"{venv} holds what locks/{lock}.txt says")
    more = f" and {len(drift) - 1} more" if len(drift) > 1 else ""
    return wrong(f"{venv} drifted from locks/{lock}.txt: {drift[0]}{more}", f"rm -r {venv} && make setup")


def _pythons(probes: Probes, wanted: str) -> list[str]:
    """List where make looks, in its order."""
    of_pyenv = map(str, probes.glob(probes.pyenv / "versions", f"{wanted}*/bin/python{wanted}"))
    usual = (f"/usr/local/bin/python{wanted}", f"/usr/bin/python{wanted}", probes.which("python3"))
    return [path for path in (probes.which(f"python{wanted}"), *of_pyenv, *usual) if path]


def _is_wanted(probes: Probes, path: str) -> bool:
    said = probes.run([path, "-c", "import sys; print(*sys.version_info[:2])"])
    return said is not None and said.split() == [str(part) for part in PYTHON]


def _version(said: str | None) -> tuple[int, ...]:
    found = re.match(r"v(\d+)\.(\d+)", said or "")
    return (int(found[1]), int(found[2])) if found else ()


def _own_run(probes: Probes) -> bool:
    return probes.left_over(probes.root / ".local") is None


def _drift(installed: Mapping[str, str], lock: str) -> list[str]:
    """Name what is missing or of another version; a pin with a marker may rightly be missing here."""
    has = {_normal(name): version for name, version in installed.items()}
    drift = []
    for pin in _PIN.finditer(lock):
        found = has.get(_normal(pin["name"]))
        if found is None and not pin["marker"]:
            drift.append(f"{pin['name']} is missing")
        elif found is not None and found != pin["version"]:
            drift.append(f"{pin['name']} is {found}, not {pin['version']}")
    return drift


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
