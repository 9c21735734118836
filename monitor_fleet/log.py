"""
Logs: one JSON object a line on stdout, an event with its fields.

Written as `log.info("shard_claimed", extra={"shard": 7})`. Keys, header values and query strings are never fields.
"""

import json
import logging
from collections import Counter
from typing import Any, TextIO

from contracts.clock import SECOND_MS, iso

#: What every LogRecord has by itself; whatever else is there came as `extra`.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """Writes a record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one line: time, level, event, where it was decided, the fields, and the traceback if there is one."""
        line: dict[str, Any] = {
            "at": iso(int(record.created * SECOND_MS)),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **{name: value for name, value in vars(record).items() if name not in _OWN},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


class Count(logging.Handler):
    """Counts what is logged, by event: what deserves a line when it happens deserves a number per minute."""

    def __init__(self, events: Counter[str]) -> None:
        super().__init__()
        self._events = events

    def emit(self, record: logging.LogRecord) -> None:
        """Count one."""
        self._events[record.getMessage()] += 1


def configure(stream: TextIO, *, level: int = logging.INFO) -> Counter[str]:
    """
    Let every logger write JSON lines to `stream`; libraries are heard from warnings upward.

    Gives how often each event of ours was logged, as it goes on.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    events: Counter[str] = Counter()
    ours = logging.getLogger("monitor_fleet")
    ours.setLevel(level)
    ours.addHandler(Count(events))
    return events
