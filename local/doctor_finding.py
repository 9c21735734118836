"""One thing the doctor looked at, and what to do about it."""

# The files of the doctor run on any Python from 3.10 on, without a virtual environment: both may be what is wrong.

from dataclasses import dataclass

OK, WARN, WRONG = "ok", "warn", "wrong"
LEVEL_WIDTH = 6


@dataclass(frozen=True, kw_only=True)
class Finding:
    """`level` is ok, warn or wrong; `todo` says what to do unless it is ok."""

    level: str
    what: str
    todo: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.level:<{LEVEL_WIDTH}}{self.what}" + (f" → {self.todo}" if self.todo else "")


def ok(what: str) -> Finding:
    """Find that something is as it should be."""
    return Finding(level=OK, what=what)


def warn(what: str, todo: str) -> Finding:
    """Find something that works, but not as somebody may expect."""
    return Finding(level=WARN, what=what, todo=todo)


def wrong(what: str, todo: str) -> Finding:
    """Find something that will not work."""
    return Finding(level=WRONG, what=what, todo=todo)
