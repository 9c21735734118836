"""
Two ways in which an epoch alone loses a write, each told once with it alone and once with the fence.

Both end in a head that says something else than the source, and with nobody who would ever notice: the owner believes
that nothing changed. (A model found them; `docs/leases.md` tells the story.)
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from contracts.table import heads
from contracts.table.heads import Head, Next, Ref
from local.memory import NAMES, Memory

TABLE = NAMES.sheets_data

type Load = Callable[[Memory, int], Head]


def fenced(memory: Memory, epoch: int) -> Head:
    """Load as the product does: the load leaves a new trace each time."""
    return Head.read(memory.update_item(**heads.fence(TABLE, "s", epoch=epoch))["Attributes"])


def stamped(memory: Memory, epoch: int) -> Head:
    """Load by stamping the epoch: a trace, but the same one for every load of one owner."""
    request = heads.fence(TABLE, "s", epoch=epoch)
    del request["ExpressionAttributeValues"][":one"]
    return Head.read(memory.update_item(**request | {"UpdateExpression": "SET epoch = :epoch"})["Attributes"])


def read(memory: Memory, epoch: int) -> Head:
    """Load by reading; the epoch is stamped by the first commit (`epoch <= mine` is its condition)."""
    del epoch
    return Head.read(memory.get_item(**heads.get(TABLE, "s"))["Item"])


def commit(head: Head, epoch: int, value: str) -> dict[str, Any]:
    """Build a commit of a value over a loaded head."""
    new = Next(version=head.version + 1, hash=value, ref=Ref(id=value, encoding="json", bytes=1), at_ms=0)
    request = heads.commit(TABLE, head, new)
    condition = request["ConditionExpression"].replace("epoch = :epoch", "epoch <= :epoch")
    values = request["ExpressionAttributeValues"] | {":epoch": {"N": str(epoch)}}
    return request | {"ConditionExpression": condition, "ExpressionAttributeValues": values}


def land(memory: Memory, request: dict[str, Any]) -> None:
    """Let a request land; refused or not, its sender does not hear."""
    with suppress(ClientError):
        memory.update_item(**request)


@pytest.fixture
def memory() -> Memory:
    """Give a head at `0`, as the first owner (epoch 1) committed it."""
    made = Memory()
    made.put_item(**heads.put_new(TABLE, "s", "i"))
    made.update_item(**commit(fenced(made, 1), 1, "0"))
    return made


@pytest.mark.parametrize(("load", "is_lost"), [(read, True), (fenced, False)])
def test_a_dead_hands_write_after_the_new_owner_has_looked(memory: Memory, load: Load, *, is_lost: bool):
    """A sees 1; the source goes back to 0; A dies; B loads and sees 0: no change; then A's commit lands."""
    late = commit(load(memory, 1), 1, "1")
    seen = load(memory, 2)
    assert seen.hash == "0"
    land(memory, late)

    assert (read(memory, 2).hash != seen.hash) is is_lost


@pytest.mark.parametrize(("load", "is_lost"), [(read, True), (stamped, True), (fenced, False)])
def test_an_own_write_after_the_answer_did_not_come(memory: Memory, load: Load, *, is_lost: bool):
    """A commits 1 and hears nothing; it loads again under its own epoch and sees 0; then the first commit lands."""
    late = commit(load(memory, 1), 1, "1")
    seen = load(memory, 1)
    assert seen.hash == "0"
    land(memory, late)

    assert (read(memory, 1).hash != seen.hash) is is_lost
