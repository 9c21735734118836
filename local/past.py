"""
A stack's tables as they were at a moment, made beside it by AWS's point-in-time recovery for as long as a backup reads.

A recovery makes new tables, and a stack cannot just be pointed at those: incarnations would not be renewed, and clients
would stay with what they have. So a backup is taken of them, and that one is restored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.backup import BackupFailed
from local.reach import Reach

#: What a backup reads, as fields of `TableNames`.
READ = ("data_sources", "sheets_data", "changes")
#: AWS takes some minutes for an empty table, hours for a very large one.
LOOK_EVERY_S, LOOKS_MAX = 20, 1_080


@contextmanager
def as_of(stack: Reach, moment: datetime) -> Iterator[Reach]:
    """
    Give the stack with tables as of a moment (UTC), and delete these once they were read.

    Where that fails, or somebody ends it, they stay: the same again goes on with them.
    """
    names = {field: f"{getattr(stack.tables, field)}-{moment:%Y%m%dT%H%M%SZ}" for field in READ}
    print(f"as of {moment:%Y-%m-%d %H:%M:%SZ}: {', '.join(names.values())}; AWS takes minutes to hours")
    try:
        for field, name in names.items():
            _make(stack.dynamodb, name, source=getattr(stack.tables, field), moment=moment)
        for name in names.values():
            waiter = stack.dynamodb.get_waiter("table_exists")
            waiter.wait(TableName=name, WaiterConfig={"Delay": LOOK_EVERY_S, "MaxAttempts": LOOKS_MAX})
    except (BotoCoreError, ClientError) as error:
        raise BackupFailed(f"no backup was written: {error}") from error
    yield replace(stack, tables=replace(stack.tables, **names))
    try:
        for name in names.values():
            stack.dynamodb.delete_table(TableName=name)
    except (BotoCoreError, ClientError) as error:
        raise BackupFailed(f"the backup is whole, but tables it was read from are still there: {error}") from error


def _make(dynamodb: Any, name: str, *, source: str, moment: datetime) -> None:
    """Have a table made, unless a run before this one did."""
    try:
        dynamodb.describe_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        dynamodb.restore_table_to_point_in_time(
            SourceTableName=source, TargetTableName=name, RestoreDateTime=moment, UseLatestRestorableTime=False
        )
