"""Run the whole stack until somebody ends it."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from local.children import Child
from local.demo import register_feeds
from local.running import running
from local.state import State

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
#: A part that died is noticed within this.
LOOK_EVERY_S = 0.5


class AskedToEnd(BaseException):
    """Somebody pressed Ctrl-C or sent a signal; like KeyboardInterrupt it passes every `except Exception`."""


class PartEndedError(RuntimeError):
    """A part of the running stack died; the text says which, and where it said why."""


def up(root: Path, folder: Path) -> None:
    """Start everything, say where it is, wait until told to end or a part dies, leave nothing behind."""
    began = time.monotonic()
    try:
        with _signals_end_it(), running(root, workers={}, folder=folder, say=_say) as started:
            register_feeds(started.state)
            _say(f"{'ready after':<26}{time.monotonic() - began:5.1f} s")
            _welcome(started.state)
            watch(started.parts, pause=lambda: time.sleep(LOOK_EVERY_S))
    except AskedToEnd:
        _say("stopped")


def watch(parts: Mapping[str, Child], *, pause: Callable[[], None]) -> None:
    """Look at the parts for ever; raises PartEndedError for one that ended, as half a stack would fail in silence."""
    while True:
        for name, child in parts.items():
            code = child.process.poll()
            if code is not None:
                where = f"see {child.log}" if child.log else "what it said is above"
                raise PartEndedError(f"{name} ended with {code}, so everything was stopped: {where}")
        pause()


def _welcome(state: State) -> None:
    _say(f"\ndashboard  {state.dashboard_url}#token={state.token}")
    _say(f"sheet      {state.sheet.edit_url}    (type into it)")
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
