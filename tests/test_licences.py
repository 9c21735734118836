"""Whose work is shipped, and under what terms: of every package in the locks of what is deployed."""

import re
from importlib import metadata
from pathlib import Path

import pytest

LOCKS = Path(__file__).parent.parent / "locks"
SHIPPED = ("lambda", "preview", "worker")
#: Terms that ask for a notice and nothing of our own code; MPL-2.0 asks for it file by file, and none is changed.
ALLOWED = re.compile(
    r"Apache(-2\.0| 2\.0| License 2\.0| Software License)|MIT(-0| License)?|BSD(-[23]-Clause| License)?|ISC|PSF-2\.0"
    r"|Python Software Foundation License|MPL-2\.0|Mozilla Public License 2\.0 \(MPL 2\.0\)"
)


def shipped() -> list[tuple[str, str]]:
    """Read name and version of every package of those locks."""
    locked = "".join((LOCKS / f"{group}.txt").read_text() for group in SHIPPED)
    return sorted(set(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", locked, re.MULTILINE)))


def terms(name: str) -> list[str]:
    """Read what a package says of its licence, in whichever of the three places it says so."""
    said = metadata.metadata(name)
    classified = [one.split(" :: ")[-1] for one in said.get_all("Classifier") or [] if one.startswith("License ::")]
    stated = said.get("License-Expression") or ("" if classified else said.get("License")) or ""
    return [term for term in re.split(r" AND | OR ", stated) if term] or classified


@pytest.mark.parametrize(("name", "version"), shipped())
def test_what_is_shipped_may_be_shipped(name: str, version: str):
    """A package without a word about its licence, or with one that binds us, is noticed when it is locked."""
    assert metadata.version(name) == version, "this environment is not the lock's: make setup"
    assert terms(name), "it says nothing: look, and find another"
    assert all(ALLOWED.fullmatch(term) for term in terms(name)), terms(name)
