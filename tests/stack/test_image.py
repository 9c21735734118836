"""The workers' image, as far as it can be held by reading it; `tests/e2e/test_image.py` carries it out."""

import json
import re
import shutil
from pathlib import Path

import yaml  # type: ignore[import-untyped]  # ships no types; one call does not need stubs

from stack import fleet, image
from tests.stack.dockerfile import Build, Instruction, read
from tests.stack.program import ROOT, Built

REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/monitor-fleet"

INSTRUCTIONS = read(ROOT / "Dockerfile")


def instructions(name: str) -> list[str]:
    """Give the arguments of every instruction of a name."""
    return [one.text for one in INSTRUCTIONS if one.name == name]


def test_the_base_is_pinned_by_digest():
    """A tag moves: the same commit must give the same image. The minor version is the Lambdas' and the lock's."""
    (base,) = {one.split()[0] for one in instructions("FROM")}

    assert re.fullmatch(r"python:3\.13\.\d+-slim@sha256:[0-9a-f]{64}", base)
    assert not instructions("ARG")  # Dependabot reads none in a FROM


def test_checks_run_on_the_base_of_the_image():
    """What is deployed is what was tested; the workflow's line is renewed by hand, with the Dockerfile's."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "checks.yml").read_text())

    assert {job["container"]["image"] for job in workflow["jobs"].values()} == {
        one.split()[0] for one in instructions("FROM")
    }


def test_the_workers_user_may_read_what_is_copied(tmp_path: Path):
    """A checkout under a strict umask would make an image whose worker cannot read itself."""
    ours = [one.split() for one in instructions("COPY") if "locks/" not in one and "--from" not in one]
    assert {words[0] for words in ours} == {"--chmod=0755"}

    context, python = tmp_path / "context", tmp_path / "python"
    (context / "contracts").mkdir(parents=True)
    (context / "contracts" / "a.py").touch(mode=0o600)
    (tmp_path / "made").mkdir()
    lines = [Instruction(name="FROM", text="base"), Instruction(name="COPY", text=" ".join(ours[0]))]
    made = Build(context=context, folder=tmp_path / "made", python=python).run(lines)

    assert (made.root / "contracts" / "a.py").stat().st_mode & 0o777 == 0o555


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
    sources = {one[-2] for one in copied if not one[0].startswith("--from")}
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert sources == allowed == {"contracts", "fetching", "monitor_fleet", "locks/worker.txt"}


def test_the_program_builds_the_image_of_this_checkout(recorded: dict[str, Built]):
    """One command deploys: for the tasks' own processor, pushed under the name of its content, never in a preview."""
    (built,) = recorded["built"].of("Image")
    inputs = built.inputs

    (cpu,) = {task.inputs["runtimePlatform"]["cpuArchitecture"] for task in recorded["built"].of("TaskDefinition")}
    assert inputs["platforms"] == [{"ARM64": "linux/arm64", "X86_64": "linux/amd64"}[cpu]]
    assert inputs["tags"] == [f"{REPOSITORY}:{image.content_hash(ROOT)}"]
    assert (inputs["push"], inputs["buildOnPreview"]) == (True, False)
    assert [one["address"] for one in inputs["registries"]] == [REPOSITORY]
    assert (inputs["context"]["location"], inputs["dockerfile"]["location"]) == (".", "Dockerfile")


def test_an_image_may_be_built_and_pushed_again(recorded: dict[str, Built]):
    """The way back to an older release, and on after a deploy that broke off: no two builds are the same bytes."""
    (registry,) = recorded["built"].of("Repository")

    assert registry.inputs["imageTagMutability"] == "MUTABLE"


def test_an_image_stays_until_its_registry_goes(recorded: dict[str, Built]):
    """With `workerImage` set the program builds none; the one that it built may be the very one that is named."""
    (built,), (registry,) = recorded["built"].of("Image"), recorded["built"].of("Repository")

    assert built.retained
    assert registry.inputs["forceDelete"] is True


def test_tasks_go_by_the_digest_of_what_was_built_and_may_fetch_it(recorded: dict[str, Built]):
    """A tag may be pushed again by hand; a digest is those bytes."""
    program = recorded["built"]
    tasks = program.of("TaskDefinition")

    assert tasks
    for task in tasks:
        (container,) = json.loads(task.inputs["containerDefinitions"])
        assert container["image"] == f"{REPOSITORY}:{image.content_hash(ROOT)}@sha256:{'1' * 64}"
        may = program.may(task.name.replace("-task", "-execution"))
        fetched = [resource for resource, actions in may.items() if "ecr:BatchGetImage" in actions]
        assert len(fetched) == 1
        assert fetched[0].startswith("arn:aws:ecr:")


def test_an_image_that_is_given_is_not_built(built: Built):
    """Then no builder is needed, and another machine may have made it."""
    assert not built.of("Image")


def test_the_images_name_is_its_content_and_all_of_it(tmp_path: Path):
    """Named by less, a change would not be deployed; by more, every deploy would move every worker."""
    for name in image.CONTEXT:
        origin, place = ROOT / name, tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, place, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, place)
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}

    assert set(image.CONTEXT) == allowed | {"Dockerfile", ".dockerignore"}
    assert image.content_hash(tmp_path) == image.content_hash(ROOT)
    (tmp_path / "monitor_fleet" / "__pycache__").mkdir()
    (tmp_path / "monitor_fleet" / "__pycache__" / "poll.pyc").write_bytes(b"made here")
    assert image.content_hash(tmp_path) == image.content_hash(ROOT)
    (tmp_path / "locks" / "worker.txt").write_text("other packages")
    assert image.content_hash(tmp_path) != image.content_hash(ROOT)


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
