"""Where log lines lie: the files that workers write, and the log groups of the Lambdas. Each gives what is new."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.clock import SECOND_MS

#: How far before its end a file is begun.
FIRST_READ_BYTES_MAX = 1_000_000
#: How many events are read of a stream at once.
EVENTS_MAX = 1_000
#: A stream is one Lambda process; of these, the ones that spoke last are read.
STREAMS_MAX = 10
#: What the runtime writes around each call: three lines that say nothing a handler's own line does not.
FRAMES = ("START RequestId:", "END RequestId:", "REPORT RequestId:")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a log, and whose it is."""

    at_ms: int
    name: str
    text: str


@dataclass(kw_only=True)
class WorkerFiles:
    """The files `<kind>-<number>.log` of a folder."""

    folder: Path
    kinds: Collection[str]
    _read_bytes: dict[Path, int] = field(default_factory=dict)
    _last_ms: dict[str, int] = field(default_factory=dict)
    """A line without a time of its own, such as a traceback's, belongs to the line before it."""

    def names(self) -> list[str]:
        """List the workers that wrote."""
        return sorted(path.stem for kind in self.kinds for path in self.folder.glob(f"{kind}-*.log"))

    def new(self, names: Collection[str]) -> Iterator[Line]:
        """Give the lines written since the last time, whole ones only."""
        for name in names:
            path = self.folder / f"{name}.log"
            for text in self._text(path).splitlines():
                at_ms = self._last_ms[name] = _at_ms(text) or self._last_ms.get(name, 0)
                yield Line(at_ms=at_ms, name=name, text=text)

    def _text(self, path: Path) -> str:
        size = path.stat().st_size
        begin = self._read_bytes.get(path, max(0, size - FIRST_READ_BYTES_MAX))
        if begin > size:
            begin = 0  # another run began it anew
        with path.open("rb") as file:
            file.seek(begin)
            whole, end, _ = file.read().rpartition(b"\n")
        self._read_bytes[path] = begin + len(whole) + len(end)
        return whole.decode(errors="replace")


@dataclass(kw_only=True)
class LambdaGroups:
    """The log groups whose names begin with `prefix`, read with a client of CloudWatch Logs."""

    client: Any
    prefix: str
    _tokens: dict[tuple[str, str], str] = field(default_factory=dict)
    """Group and stream → where it was read to."""

    def names(self) -> list[str]:
        """List the groups, without the prefix."""
        pages = self.client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=self.prefix)
        return [group["logGroupName"].removeprefix(self.prefix) for page in pages for group in page["logGroups"]]

    def new(self, names: Collection[str]) -> Iterator[Line]:
        """Give the lines that came since the last time."""
        for name in names:
            for stream in self._streams(self.prefix + name):
                for event in self._events(self.prefix + name, stream):
                    if not event["message"].startswith(FRAMES):
                        yield Line(at_ms=event["timestamp"], name=name, text=event["message"].rstrip())

    def _streams(self, group: str) -> list[str]:
        answer = self.client.describe_log_streams(
            logGroupName=group, orderBy="LastEventTime", descending=True, limit=STREAMS_MAX
        )
        return [stream["logStreamName"] for stream in answer["logStreams"]]

    def _events(self, group: str, stream: str) -> list[Mapping[str, Any]]:
        token = self._tokens.get((group, stream))
        where = {"nextToken": token} if token else {}
        answer = self.client.get_log_events(logGroupName=group, logStreamName=stream, limit=EVENTS_MAX, **where)
        self._tokens[group, stream] = answer["nextForwardToken"]
        events: list[Mapping[str, Any]] = answer["events"]
        return events


def readable(text: str) -> str:
    """Leave out what turns a line into metrics: longer than the rest, and only CloudWatch reads it."""
    if '"_aws"' not in text:
        return text
    try:
        line = json.loads(text)
    except ValueError:
        return text
    line.pop("_aws", None)
    return json.dumps(line, ensure_ascii=False)


def _at_ms(text: str) -> int | None:
    """Read the time that our own lines carry."""
    try:
        moment = datetime.fromisoformat(json.loads(text)["at"]).astimezone(UTC)
    except (ValueError, TypeError, KeyError):
        return None
    return int(moment.timestamp() * SECOND_MS)
