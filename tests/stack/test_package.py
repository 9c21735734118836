"""The zip of the Lambdas: the same bytes from the same sources, and nothing in it that nobody imports."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack import package
from tests.stack.program import ROOT, Built

#: AWS refuses more, zipped and unzipped.
ZIP_BYTES_MAX, UNZIPPED_BYTES_MAX = 50_000_000, 250_000_000
#: PEP 552: the hash of the source is there, and nobody compares it.
UNCHECKED_HASH = 0b01
#: ELF: `e_machine` of the processors.
MACHINES = {"arm64": 183, "x86_64": 62}
#: Isolated and without site packages: all there is besides Python is the folder we are in.
IMPORT = """
import importlib, json, sys
folder, entries = sys.argv[1], json.loads(sys.argv[2])
sys.path.insert(0, folder)
for entry in entries:
    module, _, name = entry.rpartition(".")
    assert callable(getattr(importlib.import_module(module), name)), entry
strangers = [
    name for name, module in sys.modules.items()
    if (file := getattr(module, "__file__", None)) and "site-packages" in file
]
print(json.dumps(strangers))
"""


@pytest.fixture(scope="module")
def names() -> Iterator[list[str]]:
    """List what the project's own zip holds."""
    with zipfile.ZipFile(package.build(ROOT, architecture="x86_64", packages_for="host")) as archive:
        yield archive.namelist()


@pytest.mark.parametrize("bundle", package.BUNDLES, ids=lambda bundle: bundle.name)
def test_every_handler_is_imported_from_its_zip(built: Built, tmp_path: Path, bundle: package.Bundle):
    """In an empty folder, by a Python that knows of nothing else: what a Lambda does at its first call."""
    made = package.build(ROOT, architecture="x86_64", packages_for="host", bundle=bundle)
    entries = sorted({one.inputs["handler"] for one in built.of("Function") if one.inputs["code"] == str(made)})
    with zipfile.ZipFile(made) as archive:
        archive.extractall(tmp_path)
        unzipped = sum(entry.file_size for entry in archive.infolist())
        zipped = sum(entry.compress_size for entry in archive.infolist())

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", IMPORT, str(tmp_path), json.dumps(entries)],
        cwd=tmp_path,
        env={"AWS_DEFAULT_REGION": "eu-central-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    fetching = ["api.alerts.handler", "api.preview.handler"]
    assert entries == fetching if bundle is package.PREVIEW else len(entries) > 8
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
    assert zipped < ZIP_BYTES_MAX
    assert unzipped < UNZIPPED_BYTES_MAX


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project without dependencies: building it takes no time."""
    for folder in {folder for bundle in package.BUNDLES for folder in bundle.folders}:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "__init__.py").write_text(f'"""{folder}"""\n')
    (tmp_path / "locks").mkdir()
    for bundle in package.BUNDLES:
        (tmp_path / "locks" / bundle.lock).write_text("")
    monkeypatch.setattr(package, "_install", lambda _lock, target, _platform: target.mkdir())
    return tmp_path


def build(root: Path) -> Path:
    """Build for this machine."""
    return package.build(root, architecture="x86_64", packages_for="host")


@pytest.mark.parametrize(("architecture", "bundle"), [("arm64", package.PREVIEW), ("x86_64", package.LAMBDA)])
def test_what_goes_to_the_cloud_is_for_its_processor_and_python(
    architecture: package.Architecture, bundle: package.Bundle
):
    """Whoever deploys has another machine: a wheel of that one would fail at the first call, as a module not found."""
    with zipfile.ZipFile(package.build(ROOT, architecture=architecture, packages_for="lambda", bundle=bundle)) as made:
        native = [name for name in made.namelist() if re.search(r"\.so(\.|$)", name)]
        machines = {int.from_bytes(made.read(name)[18:20], "little") for name in native}

    assert "_pydantic_core" in {name.rsplit("/", 1)[-1].split(".")[0] for name in native}
    assert machines == {MACHINES[architecture]}
    for tag in re.findall(r"\.cpython-(\d+)-([a-z0-9_]+)-", " ".join(native)):
        assert tag == (package.PYTHON_VERSION.replace(".", ""), package.PLATFORMS[architecture].partition("-")[0])


def test_the_zip_holds_our_folders_and_their_packages(names: list[str]):
    """A function imports from the root of its zip."""
    assert {"api/list.py", "contracts/source.py", "boto3/__init__.py", "msgspec/__init__.py"} <= set(names)


def test_the_zip_holds_no_other_floor(names: list[str]):
    """The rest of the house is none of a Lambda's business."""
    assert not {name.split("/")[0] for name in names} & {
        "stack",
        "local",
        "monitor_fleet",
        "fetching",
        "tests",
        "aiohttp",
    }


@pytest.mark.parametrize("bundle", package.BUNDLES, ids=lambda bundle: bundle.name)
def test_all_that_is_imported_is_compiled_and_never_checked_against_its_source(bundle: package.Bundle):
    """A Lambda cannot write beside its code: what is not compiled, or is taken for stale, is compiled at each start."""
    with zipfile.ZipFile(package.build(ROOT, architecture="x86_64", packages_for="host", bundle=bundle)) as archive:
        held = set(archive.namelist())
        for name in sorted(name for name in held if name.endswith(".py")):
            compiled = importlib.util.cache_from_source(name)
            assert compiled in held, name
            code = archive.read(compiled)
            assert code[:4] == importlib.util.MAGIC_NUMBER, name
            assert int.from_bytes(code[4:8], "little") == UNCHECKED_HASH, name
            assert code[8:16] == importlib.util.source_hash(archive.read(name)), name
        code = archive.read(importlib.util.cache_from_source("api/respond.py"))
    assert b"/var/task/api/respond.py" in code
    assert str(ROOT).encode() not in code


def test_the_zip_describes_only_services_that_are_called(names: list[str]):
    """The descriptions of all others are four fifths of its size."""
    services = {name.split("/")[2] for name in names if name.startswith("botocore/data/") and name.count("/") > 2}

    assert services == package.SERVICES


def test_the_same_sources_give_the_same_bytes(small: Path):
    """An unchanged function must not be deployed again, whatever the time and whoever builds."""
    first = build(small)
    before = first.read_bytes()
    first.unlink()
    os.utime(small / "api" / "__init__.py", (0, 0))

    assert (build(small), build(small).read_bytes()) == (first, before)


def test_compiling_the_same_sources_gives_the_same_bytes_in_another_place(tmp_path: Path):
    """Sets, interned names and folders must leave no trace: Pulumi takes another zip for another function."""
    made = []
    for place in ("here", "there"):
        for folder in ("api", "contracts", "fetching"):
            shutil.copytree(ROOT / folder, tmp_path / place / folder, ignore=shutil.ignore_patterns("__pycache__"))
        package._compile(tmp_path / place)
        found = sorted((tmp_path / place).rglob("*.pyc"))
        made.append([(path.relative_to(tmp_path / place), path.read_bytes()) for path in found])
    assert made[0] == made[1]
    assert len(made[0]) > 100


def test_another_source_gives_another_zip(small: Path):
    """The name is the content's: an old zip is never taken for a new one."""
    first = build(small)
    (small / "ws" / "handler.py").write_text("")

    assert build(small) != first


def test_what_only_the_preview_runs_does_not_deploy_the_others_again(small: Path):
    """Ten functions must not be replaced for a change that they do not hold."""
    first = build(small)
    (small / "fetching" / "fetch.py").write_text("")

    assert build(small) == first
    assert package.build(small, architecture="x86_64", packages_for="host", bundle=package.PREVIEW) != first


def test_a_failed_installation_is_tried_again(small: Path, monkeypatch: pytest.MonkeyPatch):
    """Half a folder of packages must not pass for a whole one."""

    def fail(_lock: Path, target: Path, _platform: str | None) -> None:
        target.mkdir()
        raise package.PackagingFailedError("no network")

    with monkeypatch.context() as broken:
        broken.setattr(package, "_install", fail)
        with pytest.raises(package.PackagingFailedError, match="no network"):
            build(small)

    assert build(small).exists()


def test_old_zips_go(small: Path):
    """Every edit makes one of several megabytes; the newest stay, for deploys that still read them."""
    for number in range(package.ZIPS_KEPT + 3):
        (small / "ws" / "handler.py").write_text(f"N = {number}\n")
        newest = build(small)
        os.utime(newest, (number, number))

    assert len(list((small / "build").glob("lambda-*.zip"))) == package.ZIPS_KEPT
    assert newest.exists()


def test_the_packages_know_every_service_that_a_handler_calls_and_no_other():
    """What botocore is not told of is an error at the first call, and each service more is megabytes."""
    text = "".join(path.read_text() for folder in ("api", "ws") for path in (ROOT / folder).rglob("*.py"))

    assert set(re.findall(r'client\(\s*"([a-z0-9-]+)"', text)) == package.SERVICES
