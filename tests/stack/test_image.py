"""The workers' image, as far as it can be held by reading it; `tests/e2e/test_image.py` carries it out."""

import json
import re

from stack import fleet
from tests.stack.dockerfile import read
from tests.stack.program import ROOT

INSTRUCTIONS = read(ROOT / "Dockerfile")


def instructions(name: str) -> list[str]:
    """Give the arguments of every instruction of a name."""
    return [one.text for one in INSTRUCTIONS if one.name == name]


def test_the_base_is_pinned_by_digest():
    """A tag moves: the same commit must give the same image. The minor version is the Lambdas' and the lock's."""
    (base,) = instructions("ARG")

    assert re.fullmatch(r"PYTHON=python:3\.13\.\d+-slim@sha256:[0-9a-f]{64}", base)
    assert instructions("FROM") == ["${PYTHON} AS packages", "${PYTHON}"]


def test_the_image_runs_what_the_task_runs_as_the_same_user():
    """In exec form: a shell would swallow SIGTERM, and with it the hand-off."""
    assert json.loads(instructions("CMD")[-1]) == list(fleet.COMMAND)
    assert instructions("USER") == [fleet.USER]


def test_both_ask_after_the_workers_health_in_the_same_way():
    """Fargate goes by the task's check, everybody else by the image's."""
    (check,) = instructions("HEALTHCHECK")

    assert json.loads(check.split("CMD ", 1)[1]) == ["python", "-c", fleet.HEALTH_CHECK]
    assert f"HEALTH_PORT={fleet.HEALTH_PORT}" in " ".join(instructions("ENV"))


def test_packages_come_from_the_lock_with_their_hashes():
    """And as wheels alone: nothing is compiled, so the image needs no compiler."""
    (install,) = [json.loads(one) for one in instructions("RUN") if "pip" in one]

    assert {"--require-hashes", "--only-binary", "--no-cache-dir"} <= set(install)
    assert install[-2:] == ["-r", "/locks/worker.txt"]


def test_the_image_holds_the_worker_and_nothing_else():
    """The rest of the house stays outside, in the build's context as well."""
    copied = [one.split() for one in instructions("COPY")]
    sources = {source for source, _ in (one for one in copied if not one[0].startswith("--"))}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert sources == allowed == {"contracts", "fetching", "monitor_fleet", "locks/worker.txt"}


def test_the_worker_imports_nothing_that_the_image_lacks():
    """Of ours; the lock is held to the imports by the workers that run from it."""
    ours = {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()}
    found = {
        name
        for folder in ("contracts", "fetching", "monitor_fleet")
        for path in (ROOT / folder).rglob("*.py")
        for name in re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
    }

    assert found & ours == {"contracts", "fetching", "monitor_fleet"}
