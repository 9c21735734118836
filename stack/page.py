"""The built dashboard, as files."""

from pathlib import Path

from stack import origin


class PageNotBuiltError(RuntimeError):
    """A stack in the cloud would be deployed without its dashboard."""


def built(root: Path, *, required: bool) -> Path:
    """Give the folder of the built page; the embedded AWS does without one, since nobody looks at it there."""
    folder = root / "web" / "dist"
    if required and not (folder / origin.INDEX).is_file():
        raise PageNotBuiltError(f"{folder} is not built: run `make setup` first")
    return folder
