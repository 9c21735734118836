"""
Write all sources of a stack, with their documents and history, into one file.

The stack goes on meanwhile. Each source is read head, then body, then changes up to that head; and the head once more,
so that a source that is deleted or restored under our hands is left out or read again. Sources are not of one instant
with each other, which nothing in the system ever promises.
"""

import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from api import shown
from api.rows import read_head, read_row
from contracts import bodies
from contracts.bodies import BUCKET
from contracts.clock import iso
from contracts.table import changes, heads, sources
from contracts.table.changes import Change
from contracts.table.heads import Head, Ref
from contracts.table.values import read_item
from local import backup_file
from local.backup_file import Saved
from local.reach import Reach

PAGE_SOURCES_MAX = 100
#: Read side by side, and so in memory at once.
READ_AT_ONCE_MAX = 8
CHANGES_PAGE_MAX = 1_000
#: A source that is another each time we look is somebody's restore under way.
TRIES_MAX = 4


class BackupFailed(RuntimeError):
    """The stack could not be read to the end; there is no file."""


@dataclass(frozen=True, kw_only=True)
class _Reader:
    """Reads sources whole."""

    stack: Reach

    def saved(self, item: dict[str, Any]) -> Saved | None:
        """Read the rest of a source; None if it was deleted meanwhile."""
        for _ in range(TRIES_MAX):
            head = self._head(item["id"])
            if head is None:
                return None
            read = Saved(
                source=_without_credentials(item),
                head=head,
                document=self._document(head),
                changes=list(self._changes(head)),
            )
            again = self._head(item["id"])
            if again and again.incarnation == head.incarnation:
                return read
        raise BackupFailed(f"{item['id']} begins anew all the time: is a restore under way?")

    def _head(self, source_id: str) -> Head | None:
        return read_head(self.stack.dynamodb, self.stack.tables.sheets_data, source_id)

    def _document(self, head: Head) -> bytes | None:
        data = self._stored(head.ref) if head.ref else None
        return None if data is None or head.ref is None else bodies.unpack(head.ref.encoding, data)

    def _stored(self, ref: Ref) -> Any:
        if ref.encoding != BUCKET:
            row = read_row(self.stack.dynamodb, heads.get(self.stack.tables.sheets_data, ref.id))
            return row and row["data"]
        try:
            return self.stack.s3.get_object(Bucket=self.stack.bucket, Key=ref.id)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] not in {"NoSuchKey", "404"}:
                raise
            return None  # the source's owner fetches it again; so will the owner after a restore

    def _changes(self, head: Head) -> Iterator[Change]:
        query = changes.after(self.stack.tables.changes, head.source_id, 0, upto=head.version, limit=CHANGES_PAGE_MAX)
        for item in _pages(self.stack.dynamodb.query, query) if head.version else ():
            change = Change.read(item)
            if change.incarnation == head.incarnation:  # else left by the history before a restore
                yield change


def backup(stack: Reach, file: Path, *, now_ms: int) -> None:
    """Write the file and say what it holds."""
    try:
        counts = backup_file.write(file, _all(stack), taken_at=iso(now_ms), secrets_prefix=stack.secrets_prefix)
    except (BotoCoreError, ClientError) as error:
        raise BackupFailed(f"no backup was written: {error}") from error
    print(f"{file}: {say_counts(counts)}; no keys, they stay in Secrets Manager")


def default_file() -> Path:
    """Name a backup after its time."""
    return Path(time.strftime("backup-%Y%m%dT%H%M%SZ.jsonl.gz", time.gmtime()))


def say_counts(counts: Any) -> str:
    """Say how much of what."""
    return ", ".join(f"{counts.get(kind, 0)} {kind}" for kind in ("sources", "documents", "changes"))


def _all(stack: Reach) -> Iterator[Saved]:
    reader = _Reader(stack=stack)
    page = sources.page(stack.tables.data_sources, limit=PAGE_SOURCES_MAX, after=None)
    with ThreadPoolExecutor(READ_AT_ONCE_MAX) as threads:
        for some in batched(_pages(stack.dynamodb.scan, page), READ_AT_ONCE_MAX, strict=False):
            yield from filter(None, threads.map(reader.saved, map(read_item, some)))


def _pages(ask: Any, request: dict[str, Any]) -> Iterable[dict[str, Any]]:
    start: Any = {}
    while start is not None:
        page = ask(**request, **start)
        yield from page["Items"]
        after = page.get("LastEvaluatedKey")
        start = {"ExclusiveStartKey": after} if after else None


def _without_credentials(item: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is no field of a source, and values of headers that may be somebody's key."""
    return shown.source(item)
