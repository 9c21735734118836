"""
The file of a backup: gzipped lines of JSON, checked to the last byte before any of them is believed.

    {"format", "version", "takenAt", "secretsPrefix", "secrets", "counts": {sources, documents, changes}}
    {"source": item}  {"head": {…}}  {"document": "canonical JSON text"}?  {"change": {…}} …      for each source
    {"sha256": of every line before}

No API key is in it: keys live in Secrets Manager and nothing here reads one. Values of headers that look like
credentials are left out as well (`***`).
"""

import gzip
import hashlib
import json
import os
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Self

from api.rows import SOURCE_ID
from contracts.canonical import digest
from contracts.source import Source
from contracts.steps import Step, Summary
from contracts.table.changes import Change
from contracts.table.heads import Head, Ref

FORMAT, VERSION = "sheet-monitor-fleet backup", 1
SECRETS = "none: API keys stay in Secrets Manager, credential headers are ***; where they are lost, set them again"
OWNER_ONLY = 0o600
#: Far above any document that a worker takes; a guard against a file that is none of ours.
LINE_BYTES_MAX = 256 * 1_024 * 1_024


class BackupRefused(ValueError):
    """The file is not a whole backup of ours; nothing of it was used."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """One source as it was: its item, head, document in canonical form (None: none yet, or gone) and history."""

    source: Mapping[str, Any]
    head: Head
    document: bytes | None
    changes: list[Change]

    def records(self) -> Iterator[dict[str, Any]]:
        """Write the source as records."""
        head = self.head
        yield {"source": self.source}
        yield {
            "head": {
                "incarnation": head.incarnation, "version": head.version, "hash": head.hash,
                "lastUpdated": head.last_updated, "ref": asdict(head.ref) if head.ref else None,
                "untold": list(head.untold),
            }
        }  # fmt: skip
        if self.document is not None:
            yield {"document": self.document.decode()}
        for change in self.changes:
            yield {
                "change": {
                    "version": change.version, "step": change.step, "bytes": change.bytes, "at": change.at_ms,
                    "summary": change.summary and change.summary.row(),
                }
            }  # fmt: skip


@dataclass(kw_only=True)
class _Open:
    """A source whose records are being read."""

    source: Mapping[str, Any]
    head: Head | None = None
    document: bytes | None = None
    changes: list[Change] = field(default_factory=list)

    def take(self, kind: str, value: Any) -> None:
        """Take a record, in the order in which they are written."""
        if kind == "head" and self.head is None:
            self.head = _head(self.source["id"], value)
        elif kind == "document" and self.head and self.document is None and not self.changes:
            self.document = _document(value, self.head)
        elif kind == "change" and self.head:
            self.changes.append(_change(value, self.head, after=self.changes[-1].version if self.changes else 0))
        else:
            raise BackupRefused(f"a record {kind!r} of {self.source['id']} stands where none belongs")

    def done(self) -> Saved:
        """Give the whole source."""
        if self.head is None:
            raise BackupRefused(f"{self.source['id']} has no head")
        return Saved(source=self.source, head=self.head, document=self.document, changes=self.changes)


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A file whose header was read."""

    path: Path
    taken_at: str
    secrets_prefix: str
    counts: Mapping[str, int]

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read and check a whole file: what `sources` gives then can be used as it comes. Raises BackupRefused."""
        _, header = next(_lines(path), (0, {}))
        if header.get("format") != FORMAT:
            raise BackupRefused(f"{path} is not a backup of this project")
        if header.get("version") != VERSION:
            raise BackupRefused(f"{path} has version {header.get('version')}; this program reads {VERSION}")
        with _refusing(path, 1):
            backup = cls(
                path=path, taken_at=header["takenAt"], secrets_prefix=header["secretsPrefix"], counts=header["counts"]
            )
        if count(backup.sources()) != Counter(backup.counts):
            raise BackupRefused(f"{path} does not hold what its header says")
        return backup

    def sources(self) -> Iterator[Saved]:
        """Read source after source."""
        lines = _lines(self.path)
        next(lines)
        current: _Open | None = None
        for number, record in lines:
            with _refusing(self.path, number):
                ((kind, value),) = record.items()
                if kind != "source":
                    if current is None:
                        raise BackupRefused("a record before the first source")
                    current.take(kind, value)
                    continue
                ended = current.done() if current else None
                current = _Open(source=_source(value))
            if ended:
                yield ended
        if current:
            yield current.done()


def count(sources: Iterable[Saved]) -> Counter[str]:
    """Count what there is."""
    counts: Counter[str] = Counter()
    for saved in sources:
        counts += _counts(saved)
    return counts


def write(path: Path, sources: Iterable[Saved], *, taken_at: str, secrets_prefix: str) -> Counter[str]:
    """
    Write a backup whole or not at all, readable by its owner alone; give what it holds.

    The header tells counts that are known only at the end, so the records wait in a nameless file beside it.
    """
    counts: Counter[str] = Counter()
    with tempfile.TemporaryFile(dir=path.parent) as records:
        for saved in sources:
            counts += _counts(saved)
            records.writelines(map(_line, saved.records()))
        records.seek(0)
        header = {
            "format": FORMAT, "version": VERSION, "takenAt": taken_at, "secretsPrefix": secrets_prefix,
            "secrets": SECRETS, "counts": counts,
        }  # fmt: skip
        _replace(path, header, records)
    return counts


def _replace(path: Path, header: Mapping[str, Any], records: Iterable[bytes]) -> None:
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    hashed = hashlib.sha256()
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY), "wb") as out:
        with gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as packed:
            for line in chain([_line(header)], records):
                hashed.update(line)
                packed.write(line)
            packed.write(_line({"sha256": hashed.hexdigest()}))
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def _counts(saved: Saved) -> Counter[str]:
    return Counter(sources=1, documents=int(saved.document is not None), changes=len(saved.changes))


def _line(record: Mapping[str, Any]) -> bytes:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read all lines but the last, with their numbers; the last must fit them and be the last."""
    hashed = hashlib.sha256()
    number = 0
    with _refusing(path, number), gzip.open(path) as packed:
        while line := packed.readline(LINE_BYTES_MAX):
            number += 1
            record = json.loads(line)
            if not isinstance(record, dict):
                raise BackupRefused(f"{path} line {number} is no record")
            if "sha256" in record:
                _check_end(path, record["sha256"] == hashed.hexdigest() and not packed.read(1))
                return
            hashed.update(line)
            yield number, record
    raise BackupRefused(f"{path} is cut short: it has no last line")


def _check_end(path: Path, holds: bool) -> None:
    if not holds:
        raise BackupRefused(f"{path} was changed or damaged: its checksum does not fit")


@contextmanager
def _refusing(path: Path, number: int) -> Iterator[None]:
    """Say in our words, and where, what is wrong with a file."""
    try:
        yield
    except BackupRefused:
        raise
    except (EOFError, OSError, zlib.error) as error:
        raise BackupRefused(f"{path} cannot be read to its end: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise BackupRefused(f"{path} line {number}: {error}") from error


def _source(item: Mapping[str, Any]) -> Mapping[str, Any]:
    source = Source.from_item(item)
    if not SOURCE_ID.fullmatch(source.id) or not source.id.startswith(f"{source.type}-"):
        raise BackupRefused(f"{source.id!r} is no id of a source")
    return item


def _head(source_id: str, value: Mapping[str, Any]) -> Head:
    head = Head(
        source_id=source_id,
        incarnation=str(value["incarnation"]),
        version=int(value["version"]),
        hash=str(value["hash"]),
        last_updated=value["lastUpdated"],
        # A file of before these were saved has none: the document alone then says what is a list.
        untold=_texts(value.get("untold", [])),
    )
    head = head.keeping(Ref(**value["ref"])) if value["ref"] else head
    if head.version < 0 or bool(head.version) != bool(head.ref):
        raise BackupRefused(f"{source_id} has a head that no worker writes")
    return head


def _document(text: str, head: Head) -> bytes:
    document = text.encode()
    if head.version == 0 or digest(document) != head.hash:
        raise BackupRefused(f"the document of {head.source_id} is not the one its head names")
    return document


def _change(value: Mapping[str, Any], head: Head, *, after: int) -> Change:
    step: Step | None = value["step"]
    version = int(value["version"])
    if not after < version <= head.version or not isinstance(step, list | None):
        raise BackupRefused(f"the history of {head.source_id} is out of order at version {version}")
    return Change(
        source_id=head.source_id,
        incarnation=head.incarnation,
        version=version,
        step=step,
        bytes=int(value["bytes"]),
        at_ms=int(value["at"]),
        summary=Summary.from_row(value["summary"]) if value.get("summary") else None,
    )


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise TypeError(f"{value!r} is no list of texts")
    return tuple(value)
