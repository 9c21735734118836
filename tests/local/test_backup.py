"""The file of a backup: everything but keys, closed to others, whole or absent, believed only when it fits."""

import gzip
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.canonical import canonical
from local.backup import backup
from local.backup_file import Backup, BackupRefused
from tests.api import stored
from tests.api.account import NOW_MS
from tests.local.conftest import Kept, rewrite


def test_a_backup_holds_sources_documents_and_history(kept: Kept, tmp_path: Path):
    """Also those in the bucket, exact to the last digit."""
    small, large, new = kept.register(name="small"), kept.register(name="large"), kept.register(name="new")
    for step in range(3):
        stored.commit(kept.aws, small, {"n": 2**60 + step})
    body = stored.commit(kept.aws, large, {"rows": ["x" * 40] * 2_000}, bucket=True)
    kept.stack.s3.put_object(Bucket="documents", Key=body.ref.id, Body=body.data)
    file = tmp_path / "b.gz"

    backup(kept.stack, file, now_ms=NOW_MS)

    opened = Backup.open(file)
    saved = {str(one.source["id"]): one for one in opened.sources()}
    assert opened.counts == {"sources": 3, "documents": 2, "changes": 4}
    assert opened.taken_at == "2026-11-18T11:06:40.000Z"
    assert saved[small].document == canonical({"n": 2**60 + 2})
    assert [change.version for change in saved[small].changes] == [1, 2, 3]
    assert saved[large].document == canonical({"rows": ["x" * 40] * 2_000})
    assert (saved[new].head.version, saved[new].document, saved[new].changes) == (0, None, [])


def test_no_key_is_in_it_and_nobody_else_can_read_it(kept: Kept, tmp_path: Path):
    """A backup gets copied to places that are nobody's vault."""
    kept.register(apiKey="k-e-y-31415", headers={"Authorization": "Bearer t-o-k-e-n", "Accept": "text/csv"})
    file = tmp_path / "b.gz"

    backup(kept.stack, file, now_ms=NOW_MS)

    text = gzip.decompress(file.read_bytes()).decode()
    assert "k-e-y-31415" not in text
    assert "t-o-k-e-n" not in text
    assert "text/csv" in text
    assert "API keys stay in Secrets Manager" in text.splitlines()[0]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["b.gz"]


def test_a_source_that_is_being_deleted_is_left_out(kept: Kept, tmp_path: Path):
    """Its head is gone, so there is nothing to go back to."""
    stays, goes = kept.register(name="stays"), kept.register(name="goes")
    kept.stack.dynamodb.delete_item(TableName=kept.stack.tables.sheets_data, Key={"id": {"S": goes}})
    file = tmp_path / "b.gz"

    backup(kept.stack, file, now_ms=NOW_MS)

    assert [one.source["id"] for one in Backup.open(file).sources()] == [stays]


def test_a_document_that_is_gone_is_left_to_its_owner(kept: Kept, tmp_path: Path):
    """The head is kept: the next poll that finds the same document stores it again."""
    source_id = kept.register()
    body = stored.commit(kept.aws, source_id, {"n": 1})
    kept.stack.dynamodb.delete_item(TableName=kept.stack.tables.sheets_data, Key={"id": {"S": body.ref.id}})
    file = tmp_path / "b.gz"

    backup(kept.stack, file, now_ms=NOW_MS)

    (saved,) = Backup.open(file).sources()
    assert (saved.head.version, saved.head.ref, saved.document) == (1, body.ref, None)


def _flip(packed: bytes) -> bytes:
    text = gzip.decompress(packed)
    return gzip.compress(text.replace(b'"name":"Prices"', b'"name":"Pricey"'))


def _cut(packed: bytes) -> bytes:
    return packed[: len(packed) // 2]


def _without_end(packed: bytes) -> bytes:
    return gzip.compress(b"".join(gzip.decompress(packed).splitlines(keepends=True)[:-1]))


def _of_tomorrow(packed: bytes) -> bytes:
    return gzip.compress(gzip.decompress(packed).replace(b'"version":1,"takenAt"', b'"version":2,"takenAt"'))


def _more(packed: bytes) -> bytes:
    return packed + gzip.compress(b'{"source":{}}\n')


@pytest.mark.parametrize("harm", [_flip, _cut, _without_end, _of_tomorrow, _more, lambda _: b"", lambda _: b"{}"])
def test_a_file_that_is_not_whole_is_refused_as_a_whole(kept: Kept, tmp_path: Path, harm: Callable[[bytes], bytes]):
    """Found before the first row is written, not in the middle."""
    stored.commit(kept.aws, kept.register(), {"n": 1})
    file = tmp_path / "b.gz"
    backup(kept.stack, file, now_ms=NOW_MS)
    file.write_bytes(harm(file.read_bytes()))

    with pytest.raises(BackupRefused):
        Backup.open(file)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("source", {"url": "ftp://x"}),
        ("source", {"id": "../x"}),
        ("source", {"unheard": 1}),
        ("head", {"version": -1}),
        ("head", {"hash": "0" * 16}),
        ("head", {"untold": "r/a/b"}),
        ("change", {"version": 9}),
        ("change", {"step": "no list"}),
        ("change", {"summary": {"added": 1}}),
    ],
)
def test_what_no_stack_would_have_written_is_refused(kept: Kept, tmp_path: Path, kind: str, change: dict[str, Any]):
    """A checksum says that nobody damaged the file, not that it is right."""
    stored.commit(kept.aws, kept.register(), {"n": 1})
    file = tmp_path / "b.gz"
    backup(kept.stack, file, now_ms=NOW_MS)

    def harm(record: dict[str, Any]) -> None:
        if kind in record:
            record[kind] |= change

    rewrite(file, harm)

    with pytest.raises(BackupRefused):
        Backup.open(file)
