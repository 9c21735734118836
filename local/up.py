"""Run the whole stack until somebody ends it."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local.demo import register_feeds
from local.running import running_stack
from local.state import State

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class AskedToEnd(BaseException):
    """Somebody pressed Ctrl-C or sent a signal; like KeyboardInterrupt it passes every `except Exception`."""


def up(root: Path, folder: Path) -> None:
    """Start everything, say where it is, wait, leave nothing behind."""
    began = time.monotonic()
    try:
        with _signals_end_it(), running_stack(root, workers={}, folder=folder, say=_say) as state:
            register_feeds(state)
            _say(f"{'ready after':<26}{time.monotonic() - began:5.1f} s")
            _welcome(state)
            threading.Event().wait()
    except AskedToEnd:
        _say("stopped")


def _welcome(state: State) -> None:
    _say(f"\ndashboard  {state.dashboard_url}#token={state.token}")
    _say("workers    make scale N=4")
    _say("stop       Ctrl-C\n")


def _say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def _signals_end_it() -> Iterator[None]:
    """Turn signals into an exception, so that every `with` and `finally` on the way does its work."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C must not cut the cleaning short
        raise AskedToEnd

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
