"""The dashboard of a deploy is that of the checkout: built by the program itself, as its zips and its image are."""

import subprocess
from pathlib import Path

import pytest

from stack import page
from tests.stack.program import ROOT

#: Builds as the real one does, and notes each time, with what another `make` told it.
MAKEFILE = """
web/dist/index.html: web/index.html
\t@mkdir -p web/dist && cp $< $@ && echo "built $(STACK)" >> log
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a project whose page is its source."""
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_text("new")
    (tmp_path / "Makefile").write_text(MAKEFILE)
    return tmp_path


def test_the_page_is_built_when_it_is_not_there_or_old_and_never_else(root: Path, monkeypatch: pytest.MonkeyPatch):
    """Whoever only runs `pulumi up` must not upload last month's page; and a deploy must not build for nothing."""
    monkeypatch.setenv("MAKEFLAGS", " -- STACK=prod")
    for _ in range(2):
        folder = page.built(root, required=True)

    assert (folder / "index.html").read_text() == "new"
    assert (root / "log").read_text() == "built \n"


def test_the_local_stack_needs_no_page(root: Path):
    """Its own server serves the page; the embedded AWS has nobody who would look."""
    assert not page.built(root, required=False).exists()


@pytest.mark.parametrize(
    ("makefile", "said"), [("", "No rule"), ("web/dist/index.html:\n\t@echo broken >&2; exit 1\n", "broken")]
)
def test_a_page_that_cannot_be_built_stops_the_program_and_says_why(root: Path, makefile: str, said: str):
    """Before anything is declared: else a stack would stand there without its dashboard."""
    (root / "Makefile").write_text(makefile)

    with pytest.raises(page.PageNotBuiltError, match=said):
        page.built(root, required=True)


def test_our_makefile_knows_how():
    """By the same name."""
    done = subprocess.run(
        ["make", "--dry-run", "web/dist/index.html"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stderr
