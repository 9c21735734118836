"""The built dashboard, as files; built here, so that no deploy leaves it out or brings an old one."""

import subprocess
from pathlib import Path

from stack import origin

#: From nothing: node, its packages, and the build.
TIMEOUT_S = 900
#: Without what one `make` tells those that it starts: `make deploy` must not hand its own words on.
MAKE = ("env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "make", "--silent")


class PageNotBuiltError(RuntimeError):
    """A stack in the cloud would be deployed without its dashboard; the text is who failed's."""


def built(root: Path, *, required: bool) -> Path:
    """Give the folder of the page, up to date; the embedded AWS does without, since nobody looks at it there."""
    folder = root / "web" / "dist"
    if required:
        _build(root, folder / origin.INDEX)
    return folder


def _build(root: Path, index: Path) -> None:
    """Have `make` bring the page up to date: it knows what that takes, and does nothing where nothing changed."""
    command = [*MAKE, f"{index.relative_to(root)}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own Makefile
            command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PageNotBuiltError(f"the dashboard cannot be built: {error}") from error
    if done.returncode or not index.is_file():
        raise PageNotBuiltError(f"the dashboard cannot be built: {(done.stderr or done.stdout).strip()}")
