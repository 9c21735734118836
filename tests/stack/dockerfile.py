"""
A Dockerfile, read, and carried out without a container: a folder stands for each stage's file system.

What an instruction says of `/x` is done to `<folder>/x`; commands run as they stand, with this machine's Python in the
place of the base image's. Only what our Dockerfile uses is understood; anything else is an error, never a guess.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")
#: What a copy of this machine's Python does without.
NOT_OF_A_BASE = shutil.ignore_patterns("__pycache__", "site-packages", "test", "idlelib", "config-*")
BUILD_TIMEOUT_S = 300
#: Under which a builder runs commands, and makes folders.
UMASK, FOLDER_MODE = 0o022, 0o755


class NotUnderstood(ValueError):
    """An instruction says what this cannot do: teach it, or do without."""


@dataclass(frozen=True, kw_only=True)
class Instruction:
    """One line of a Dockerfile."""

    name: str
    text: str

    @property
    def words(self) -> list[str]:
        """Give the arguments; those of the exec form are JSON."""
        found: list[str] = json.loads(self.text) if self.text.startswith("[") else self.text.split()
        return found


def read(file: Path) -> list[Instruction]:
    """Read the instructions; comments and blank lines say nothing."""
    lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
    return [Instruction(name=name, text=text) for name, text in (line.split(maxsplit=1) for line in lines)]


@dataclass(kw_only=True)
class Stage:
    """What has come together since a FROM."""

    root: Path
    environment: dict[str, str]
    workdir: str = "/"
    user: str = ""
    health: Sequence[str] = ()
    command: Sequence[str] = ()

    def place(self, path: str) -> Path:
        """Find a path of the image in the folder."""
        return self.root / (path if path.startswith("/") else f"{self.workdir}/{path}").lstrip("/")

    def words(self, words: Sequence[str]) -> list[str]:
        """Find every absolute path of a command in the folder."""
        return [f"{self.place(word)}" if word.startswith("/") else word for word in words]


@dataclass(kw_only=True)
class Build:
    """Carries a Dockerfile out. `python` is the folder of the base image's Python, with `bin/python` in it."""

    context: Path
    folder: Path
    python: Path
    stages: dict[str, Stage] = field(default_factory=dict)

    def run(self, instructions: Sequence[Instruction]) -> Stage:
        """Do all of it, and give the last stage, in which nobody may write."""
        for instruction in instructions:
            getattr(self, f"_{instruction.name.lower()}", self._unknown)(instruction)
        last = self._stage
        for path in (last.root, *last.root.rglob("*")):
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
        return last

    @property
    def _stage(self) -> Stage:
        return list(self.stages.values())[-1]

    def _unknown(self, instruction: Instruction) -> None:
        raise NotUnderstood(f"{instruction.name} {instruction.text}")

    def _stopsignal(self, instruction: Instruction) -> None:
        if instruction.text != "SIGTERM":
            self._unknown(instruction)

    def _from(self, instruction: Instruction) -> None:
        name = instruction.words[2] if len(instruction.words) > 1 else "last"
        root = self.folder / name
        root.mkdir()
        root.chmod(FOLDER_MODE)
        path = f"{self.python / 'bin'}{os.pathsep}{os.defpath}"
        self.stages[name] = Stage(root=root, environment={"PATH": path, "LD_LIBRARY_PATH": f"{self.python / 'lib'}"})

    def _env(self, instruction: Instruction) -> None:
        for name, value in (word.split("=", 1) for word in instruction.words):
            here = [f"{self._stage.place(part)}" if part.startswith("/") else part for part in value.split(":")]
            self._stage.environment[name] = ":".join(here).replace("$PATH", self._stage.environment["PATH"])

    def _workdir(self, instruction: Instruction) -> None:
        self._stage.workdir = instruction.text
        place = self._stage.place(instruction.text)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(FOLDER_MODE)

    def _copy(self, instruction: Instruction) -> None:
        *options, source, target = instruction.words
        said = dict(option.removeprefix("--").split("=", 1) for option in options)
        if not said.keys() <= {"from", "chmod"}:
            raise NotUnderstood(instruction.text)
        origin = self.stages[said["from"]].place(source) if "from" in said else self.context / source
        place = self._stage.place(target)
        place.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, place, symlinks=True, ignore=LEFT_OUT, dirs_exist_ok=True)
        else:
            shutil.copy(origin, place)
        if "chmod" in said:
            for path in (place, *place.rglob("*")):
                path.chmod(int(said["chmod"], 8))

    def _run(self, instruction: Instruction) -> None:
        """Run a command in the exec form; of this machine it gets what its package installer is told."""
        if not instruction.text.startswith("["):
            raise NotUnderstood(instruction.text)
        environment = {**_installer(), **self._stage.environment, "HOME": f"{self.folder}"}
        done = subprocess.run(
            self._stage.words(instruction.words),
            cwd=self._stage.place(self._stage.workdir), env=environment, capture_output=True, text=True,
            timeout=BUILD_TIMEOUT_S, check=False, umask=UMASK,
        )  # fmt: skip
        assert done.returncode == 0, f"{instruction.text}\n{done.stdout}{done.stderr}"

    def _user(self, instruction: Instruction) -> None:
        self._stage.user = instruction.text

    def _healthcheck(self, instruction: Instruction) -> None:
        self._stage.health = json.loads(instruction.text.split("CMD ", 1)[1])

    def _cmd(self, instruction: Instruction) -> None:
        self._stage.command = instruction.words


def base_python(folder: Path) -> Path:
    """Put this machine's Python where anybody may run it, as a base image has it."""
    made = folder / "python"
    shutil.copytree(sys.base_prefix, made, symlinks=True, ignore=_all_but_python, ignore_dangling_symlinks=True)
    python = made / "bin" / "python"
    if not python.exists():
        python.symlink_to(f"python{sys.version_info.major}.{sys.version_info.minor}")
    return made


def _all_but_python(folder: str, names: list[str]) -> set[str]:
    """Leave everything out of a prefix but its Python; some are shared with a whole system."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    inside = Path(folder).relative_to(sys.base_prefix).parts
    match inside:
        case ():
            return set(names) - {"bin", "lib"}
        case ("bin",):
            return {name for name in names if name not in {"python", version}}
        case ("lib",):
            return {name for name in names if name != version and not name.startswith(f"lib{version}")}
        case _:
            return set(NOT_OF_A_BASE(folder, names))


def _installer() -> Mapping[str, str]:
    return dict(_settings())


def _settings() -> Iterator[tuple[str, str]]:
    for name, value in os.environ.items():
        if name.startswith(("PIP_", "SSL_")) or name.upper().endswith("_PROXY"):
            yield name, value
