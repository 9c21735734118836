"""
Build what Lambdas run, before anything is declared: Pulumi hashes an archive while the program goes on.

A zip is named after its content and made of nothing that changes by itself (times, order), so the same sources give
the same name anywhere and an unchanged function is not deployed again. It holds compiled files, since a Lambda cannot
keep what it compiles and would do so at each start: of the kind that names no time and is not checked against its
source, compiled in one order by one process without chance.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

type Architecture = Literal["arm64", "x86_64"]
type PackagesFor = Literal["lambda", "host"]

PYTHON_VERSION = "3.13"
PLATFORMS: Mapping[Architecture, str] = {"arm64": "aarch64-manylinux2014", "x86_64": "x86_64-manylinux2014"}
#: botocore describes every service of AWS in 20 MB; these are the ones our handlers call.
SERVICES = frozenset({"dynamodb", "ecs", "s3", "secretsmanager", "sns", "sqs"})
#: Installing takes a second from a warm cache and downloads 10 MB with a cold one.
INSTALL_TIMEOUT_S = 300
HASH_CHARACTERS = 16
#: More than a cloud and a local build, so that none is taken from a deploy that still reads it.
ZIPS_KEPT = 6
#: The earliest time a zip can hold: the same in every build.
EPOCH = (1980, 1, 1, 0, 0, 0)
READABLE_FILE = 0o100644 << 16
#: Where Lambda unpacks a zip: what a trace of errors names.
TASK = "/var/task"
COMPILE_TIMEOUT_S = 300
#: Sets would be stored in an order of chance.
_NO_CHANCE = {"PYTHONHASHSEED": "0"}


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What one zip holds: folders of ours, and the packages of a lock."""

    name: str
    folders: Sequence[str]

    @property
    def lock(self) -> str:
        """Name the file of the lock."""
        return f"{self.name}.txt"


#: What every Lambda runs but those that ask others: the preview, and alerts.
LAMBDA = Bundle(name="lambda", folders=("api", "contracts", "ws"))
#: The preview fetches: aiohttp and the decoders would slow the start of all others.
PREVIEW = Bundle(name="preview", folders=("api", "contracts", "fetching"))
BUNDLES = (LAMBDA, PREVIEW)


class PackagingFailedError(RuntimeError):
    """The packages of a lock could not be installed, or something not be compiled; the text is who failed's."""


def build(root: Path, *, architecture: Architecture, packages_for: PackagesFor, bundle: Bundle = LAMBDA) -> Path:
    """Give the zip of a bundle, made only if it is not there already."""
    platform = sys.platform if packages_for == "host" else PLATFORMS[architecture]
    build_folder = root / "build"
    packages = _packages(root / "locks" / bundle.lock, build_folder, None if packages_for == "host" else platform)
    sources = {f"{path.relative_to(root)}": path for folder in bundle.folders for path in _files(root / folder)}
    made = build_folder / f"{bundle.name}-{_digest([packages.name, *_contents(sources)])}.zip"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=build_folder, prefix="compiling-") as scratch:
            _write(made, {**_installed(packages), **_compiled(sources, Path(scratch))})
        _forget_old(build_folder, bundle)
    return made


def _compiled(sources: Mapping[str, Path], scratch: Path) -> dict[str, Path]:
    """Give copies of our files with what they compile to: those that lie beside the sources are of another kind."""
    for name, path in sources.items():
        copy = scratch / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    _compile(scratch)
    return {f"{path.relative_to(scratch)}": path for path in scratch.rglob("*") if path.is_file()}


def _packages(lock: Path, build_folder: Path, platform: str | None) -> Path:
    """Give the folder of the installed lock, named after what determines it."""
    folder = (
        build_folder / f"packages-{_digest([lock.read_text(), platform or _host(), _compiler(), *sorted(SERVICES)])}"
    )
    if not folder.exists():
        build_folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=build_folder, prefix="installing-") as scratch:
            target = Path(scratch) / "packages"
            _install(lock, target, platform)
            _compile(target)
            _place(target, folder)
    return folder


def _compile(folder: Path) -> None:
    """Compile all of a folder as if it were where Lambda unpacks it."""
    command = [sys.executable, "-m", "compileall", "-q", "-j", "1", "--invalidation-mode", "unchecked-hash"]
    command += ["-s", f"{folder}", "-p", TASK, f"{folder}"]
    done = subprocess.run(  # noqa: S603 - Python's own compiler
        command, env=_NO_CHANCE, capture_output=True, text=True, timeout=COMPILE_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise PackagingFailedError(f"{folder.name}: {done.stdout.strip()}")


def _place(made: Path, final: Path) -> None:
    """Put what was made where it belongs: whole or not at all, and once if two builds made the same."""
    try:
        made.rename(final)
    except OSError:
        if not final.exists():
            raise


def _host() -> str:
    return f"{sys.platform}-{sys.implementation.cache_tag}"


def _compiler() -> str:
    """Name what decides about compiled files: another one makes others of the same sources."""
    return f"{sys.version_info[:3]} {TASK}"


def _install(lock: Path, target: Path, platform: str | None) -> None:
    foreign = ["--python-platform", platform, "--python-version", PYTHON_VERSION] if platform else []
    command: list[str] = [f"{Path(sys.prefix, 'bin', 'uv')}", "pip", "install", "--quiet", "--only-binary", ":all:"]
    command += ["--python", sys.executable, "--target", f"{target}", *foreign, "--require-hashes", "-r", f"{lock}"]
    done = subprocess.run(  # noqa: S603 - our own installer, our own lock
        command, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise PackagingFailedError(f"{lock.name}: {done.stderr.strip()}")


def _installed(packages: Path) -> dict[str, Path]:
    files = (path for path in packages.rglob("*") if path.is_file())
    return {f"{path.relative_to(packages)}": path for path in files if _is_needed(path.relative_to(packages))}


def _is_needed(path: Path) -> bool:
    """Leave out commands, and what botocore knows of services nobody calls."""
    if path.parts[0] == "bin" or path.name == ".lock":
        return False
    match path.parts:
        case ("botocore", "data", service, _, *_):
            return service in SERVICES
        case _:
            return True


def _files(folder: Path) -> Iterable[Path]:
    """Find our modules, and what they read beside them."""
    return sorted([*folder.rglob("*.py"), *folder.rglob("*.json")])


def _contents(files: Mapping[str, Path]) -> Sequence[str]:
    return [text for name, path in sorted(files.items()) for text in (name, path.read_text())]


def _digest(texts: Iterable[str]) -> str:
    digest = hashlib.sha256()
    for text in texts:
        digest.update(f"{len(text)}:{text}".encode())
    return digest.hexdigest()[:HASH_CHARACTERS]


def _write(made: Path, files: Mapping[str, Path]) -> None:
    with tempfile.TemporaryDirectory(dir=made.parent, prefix="writing-") as folder:
        scratch = Path(folder) / made.name
        with zipfile.ZipFile(scratch, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, path in sorted(files.items()):
                entry = zipfile.ZipInfo(name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = READABLE_FILE
                archive.writestr(entry, path.read_bytes())
        _place(scratch, made)


def _forget_old(build_folder: Path, bundle: Bundle) -> None:
    """Keep the newest zips: every edit of a handler makes one."""
    zips = sorted(build_folder.glob(f"{bundle.name}-*.zip"), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in zips[ZIPS_KEPT:]:
        old.unlink(missing_ok=True)
