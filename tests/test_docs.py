"""What the documents name exists: a reader follows every path and every link."""

import ast
import re
from pathlib import Path

import pytest

from api import answers
from api.operations import OPERATIONS
from bench import numbers
from bench.run import names
from contracts.source import Auth, Registration, Status
from contracts.table.schema import FIELDS
from tests.test_house import ROOT, tracked

DOCUMENTS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
#: A file by its ending, a folder by a slash at its end. A bare `*.json` is somebody's own file.
PATH = re.compile(
    r"`((?:[\w.-]+/)+[\w.-]+\.(?:json|toml|txt)|(?:[\w.-]+/)*[\w.-]+\.(?:py|ts|tsx|yaml|md)|(?:[\w.-]+/)+)`"
)
LINK = re.compile(r"\]\(([^)#: ]+)(?:#[^)]*)?\)")
#: Made where it runs, so git does not know it; and what only looks like a folder.
NO_FILES = {".local/state.json", ".local/logs/", "tests/simulation/soak.json", "fleet/"}


def known() -> set[str]:
    """Give every file and folder, with a slash before it and a folder's after it."""
    files = [path.relative_to(ROOT) for path in tracked()]
    return {f"/{file}" for file in files} | {f"/{folder}/" for file in files for folder in file.parents}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_and_link_of_a_document_leads_somewhere(document: Path):
    """A file may be named by its end alone, as text goes on in one folder."""
    text, there = document.read_text(), known()

    named = set(PATH.findall(text)) - NO_FILES
    links = set(LINK.findall(text))

    assert [one for one in sorted(named) if not any(path.endswith(f"/{one}") for path in there)] == []
    assert [one for one in sorted(links) if not (document.parent / one).exists()] == []


def test_the_architecture_names_every_file_of_the_stack():
    """A reader who opens stack/ finds what each is for; a new component brings its line along."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    stack = {path.stem for path in tracked() if path.parent == ROOT / "stack"} - {"__init__"}

    assert {name for name in stack if f"`{name}`" not in text and f"stack/{name}.py" not in text} == set()


def test_the_architecture_names_every_table_and_every_function():
    """Whatever answers or keeps something stands in the picture or beside it."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    endpoints = {path.stem for path in tracked() if path.parent == ROOT / "api" and is_a_function(path)}

    assert {name for name in FIELDS if f"| {name} |" not in text} == set()
    assert {name for name in endpoints if not re.search(rf"\b{name}\b", text)} == set()


def conditions(path: Path) -> set[str]:
    """Give the condition expressions of a module as patterns: what is put in where it runs may be anything."""
    made = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Dict)]
    given = [
        value
        for one in made
        for key, value in zip(one.keys, one.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "ConditionExpression"
    ]
    either = [
        way for value in given for way in ([value.body, value.orelse] if isinstance(value, ast.IfExp) else [value])
    ]
    return {pattern(way) for way in either}


def pattern(expression: ast.expr) -> str:
    """Write an expression's text as a pattern."""
    match expression:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(pattern(part) for part in parts)
        case ast.FormattedValue():
            return "[^`]+"
        case _:
            raise AssertionError(f"a condition that is not read here: {ast.unparse(expression)}")


@pytest.mark.parametrize("module", ["fleet", "heads"])
def test_the_page_of_the_leases_has_every_condition(module: str):
    """Word for word, as a code span."""
    text = (ROOT / "docs" / "leases.md").read_text()
    written = conditions(ROOT / "contracts" / "table" / f"{module}.py")

    assert len(written) >= 5
    assert {one for one in written if not re.search(f"`{one}`", text)} == set()


def test_the_page_of_the_api_names_every_route_field_and_parameter():
    """Whoever reads it alone knows all that may be sent, and what each name in an answer about a source means."""
    text = (ROOT / "docs" / "api.md").read_text()
    words = set(re.findall(r"[A-Za-z_]+", " ".join(re.findall(r"`[^`]+`|^    .*$", text, re.MULTILINE))))
    models = (Registration, answers.Source, Status, answers.Summary, answers.Detail, answers.Preview, Auth)
    fields = {field.alias or name for model in models for name, field in model.model_fields.items()}
    parameters = {one.name for operation in OPERATIONS for one in operation.parameters}
    headers = {one.name for operation in OPERATIONS for one in operation.headers}
    routes = {operation.route.replace("{sourceId}", "{id}") for operation in OPERATIONS}

    assert (fields | parameters) - words == set()
    assert {route for route in routes if route not in text} == set()
    assert {name for name in headers if name not in text} == set()


def test_the_numbers_of_the_readme_are_those_of_the_page():
    """Both are written by the benches: nobody's hand puts a better number into the README."""
    sections = numbers.read(numbers.PAGE.read_text())

    assert numbers.write(sections) == numbers.PAGE.read_text()
    assert numbers.headlines(sections) == numbers.between(numbers.README.read_text())


def test_every_headline_was_measured():
    """A claim that has another name now would leave the README without a word."""
    assert set(numbers.HEADLINES) <= numbers.claims(numbers.read(numbers.PAGE.read_text()))


def test_a_rival_that_is_not_installed_leaves_the_table_without_its_line():
    """Whoever runs the benches need not have it; the rest is written all the same."""
    sections = {"one": ("| poll | 1 s | <= 2 | real |",)}

    assert numbers.headlines(sections) == numbers.SHORT_HEAD


def test_the_page_has_the_numbers_of_every_bench():
    """A bench that was never run to its end claims nothing, and would go unseen."""
    assert set(numbers.read(numbers.PAGE.read_text())) == set(names())


def is_a_function(path: Path) -> bool:
    """Tell whether a Lambda's entry is in a file."""
    return path.suffix == ".py" and bool(re.search(r"^(def handler|handler =)", path.read_text(), re.MULTILINE))
