"""A folder imports only from lower floors, and third parties live where the house says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

#: Folders of the same floor never import each other.
FLOOR = {
    "contracts": 0, "fetching": 1, "monitor_fleet": 2, "api": 2, "ws": 2, "client": 2, "stack": 2,
    "local": 3, "bench": 4, "tests": 4,
}  # fmt: skip

#: Who may use fetching; of the handlers those alone whose zip holds it.
MAY_USE_FETCHING = {"fetching", "monitor_fleet", "local", "bench", "tests"}
FETCHING_HANDLERS = {Path("api", f"{name}.py") for name in ("preview", "kept_key", "sheet_preview", "alerts")}

#: Where a package may be imported; what is not listed may be used anywhere.
HOME = {
    "pulumi": {"stack", "local", "tests", ""},
    "pulumi_aws": {"stack", "tests", ""},
    "aiohttp": {"fetching", "monitor_fleet", "client", "local", "bench", "tests"},
    "uvloop": {"monitor_fleet", "bench", "tests"},
    "boto3": {"monitor_fleet", "api", "ws", "local", "bench", "tests"},
    "moto": {"tests"},
    "hypothesis": {"tests", "bench"},
}


def sources() -> list[Path]:
    """Every Python file of the project."""
    return [*sorted(path for folder in FLOOR for path in (ROOT / folder).rglob("*.py")), ROOT / "__main__.py"]


def folder_of(path: Path) -> str:
    """Name the folder a file lives in; '' for the root."""
    parts = path.relative_to(ROOT).parts
    return parts[0] if len(parts) > 1 else ""


def imports(path: Path) -> Iterator[str]:
    """Give the top-level name of everything a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_from_lower_floors(path: Path):
    """What lies below does not know what stands on it, so every floor can be read, tested and replaced alone."""
    folder = folder_of(path)
    floor = FLOOR.get(folder, 4)
    wrong = {
        name
        for name in imports(path)
        if name in FLOOR and name != folder and (FLOOR[name] >= floor and floor < FLOOR["bench"])
    }

    assert not wrong, f"{folder} (floor {floor}) may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_third_party_is_imported_only_at_home(path: Path):
    """One place to look when a library changes; and no Lambda drags in what it does not use."""
    folder = folder_of(path)
    wrong = {name for name in imports(path) if name in HOME and folder not in HOME[name]}

    assert not wrong, f"{folder or 'the root'} may not import {sorted(wrong)}"
    assert "fetching" not in imports(path) or folder in MAY_USE_FETCHING or path.relative_to(ROOT) in FETCHING_HANDLERS


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_environment_is_read_at_the_door(path: Path):
    """Only a process's `__main__`, a Lambda's handler and the local stack, which starts processes, know os.environ."""
    if folder_of(path) in {"api", "ws", "local", "bench", "tests"} or path.name == "__main__.py":
        return

    assert "environ" not in {
        node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)
    }
