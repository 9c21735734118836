"""Rules of the repository itself."""

import json
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def tracked() -> list[Path]:
    """Every file git knows."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def test_locks_carry_versions_and_hashes_and_no_addresses():
    """Whoever installs chooses the registry; the hashes make sure it serves the same bytes."""
    for lock in (ROOT / "locks").glob("*.txt"):
        text = lock.read_text()
        pins = re.findall(r"^([a-z0-9._-]+)==", text, re.MULTILINE)
        assert pins, lock.name
        assert "://" not in text, lock.name
        assert text.count("--hash=sha256:") >= len(pins), lock.name


def test_the_dashboards_lock_carries_no_addresses():
    """The same for npm: integrity for everything, `resolved` for nothing."""
    text = (ROOT / "web" / "package-lock.json").read_text()

    assert '"resolved"' not in text
    assert text.count('"integrity"') > 20


def test_every_suppression_says_why():
    """A check that is switched off without a reason is a defect with a licence."""
    bare = re.compile(r"#\s*(noqa: [A-Z0-9, ]+|type: ignore\[[a-z0-9, -]+\])\s*$")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked()
        if path.suffix == ".py"
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if bare.search(line)
    ]

    assert not wrong


def test_no_test_is_skipped_quietly():
    """A test that cannot run where it should fails, with the reason."""
    quiet = re.compile(r"pytest\.(skip|importorskip|xfail)|mark\.(skip|xfail)|unittest\.skip|test\.skip")
    wrong = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.suffix in {".py", ".ts"} and path != Path(__file__) and quiet.search(path.read_text())
    ]

    assert not wrong


def test_json_files_say_nothing_twice():
    """Of two members of one name a reader takes one, and which is anybody's guess."""

    def once(members: list[tuple[str, object]]) -> dict[str, object]:
        assert len({name for name, _ in members}) == len(members), [name for name, _ in members]
        return dict(members)

    found = [path for path in tracked() if path.suffix == ".json"]
    assert found
    for path in found:
        json.loads(path.read_text(), object_pairs_hook=once)
