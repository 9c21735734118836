"""A backup of the past: out of tables that AWS makes of a moment, and of nothing that a stack runs on."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from local.backup import BackupFailed, backup
from local.backup_file import Backup
from local.past import as_of
from tests.api import stored
from tests.api.account import NOW_MS
from tests.local.conftest import Kept

NOON = datetime(2026, 11, 27, 12, 0, 0, tzinfo=UTC)


def tables(kept: Kept) -> set[str]:
    """List what tables there are."""
    return set(kept.stack.dynamodb.list_tables()["TableNames"])


def recoveries(kept: Kept) -> list[dict[str, Any]]:
    """Note what recoveries are asked for from now on."""
    asked: list[dict[str, Any]] = []
    kept.stack.dynamodb.meta.events.register(
        "provide-client-params.dynamodb.RestoreTableToPointInTime", lambda params, **_: asked.append(dict(params))
    )
    return asked


def test_a_backup_of_the_past_is_read_from_tables_that_go_again(kept: Kept, tmp_path: Path):
    """All three are of the same second, nothing else is recovered, and nobody pays for them afterwards."""
    source_id = kept.register(name="small")
    stored.commit(kept.aws, source_id, {"n": 1})
    before, asked, file = tables(kept), recoveries(kept), tmp_path / "noon.gz"

    with as_of(kept.stack, NOON) as then:
        assert not {then.tables.data_sources, then.tables.sheets_data, then.tables.changes} & before
        assert (then.tables.fleet, then.bucket) == (kept.stack.tables.fleet, kept.stack.bucket)
        stored.commit(kept.aws, source_id, {"n": 2})
        backup(then, file, now_ms=NOW_MS)

    (saved,) = Backup.open(file).sources()
    assert (saved.head.version, len(saved.changes)) == (1, 1)
    assert {one["RestoreDateTime"] for one in asked} == {NOON}
    assert {one["SourceTableName"] for one in asked} == {
        kept.stack.tables.data_sources, kept.stack.tables.sheets_data, kept.stack.tables.changes,
    }  # fmt: skip
    assert tables(kept) == before


def test_what_was_broken_off_goes_on_with_the_tables_that_are_there(kept: Kept, tmp_path: Path):
    """AWS may take hours to make them."""
    kept.register()
    asked = recoveries(kept)
    with pytest.raises(KeyboardInterrupt), as_of(kept.stack, NOON):
        raise KeyboardInterrupt

    with as_of(kept.stack, NOON) as then:
        backup(then, tmp_path / "noon.gz", now_ms=NOW_MS)

    assert len(asked) == 3


def test_a_recovery_that_aws_refuses_is_no_backup(kept: Kept):
    """The reason is AWS's own: too long ago, no right, no table."""
    kept.stack.dynamodb.delete_table(TableName=kept.stack.tables.changes)

    with pytest.raises(BackupFailed, match=r"no backup was written: .*SourceTableNotFound"), as_of(kept.stack, NOON):
        raise AssertionError
