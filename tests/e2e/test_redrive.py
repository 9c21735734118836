"""Poison goes to the dead-letter queue alone; an operator sees it there and gives it, or others, another try."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from contracts.messages import Kind, Message
from local.reach import Reach
from local.redrive import redrive, show
from tests.e2e.outside import Api, Feeds, Reader

POISON = '{"v": 1, "kind": "poison"}'


async def test_poison_is_parked_alone_and_redriven(
    state: dict[str, Any], folder: Path, capsys: pytest.CaptureFixture[str]
):
    """What follows it in its own group is delivered; a dead letter that can be served is, once it is moved."""
    stack = await asyncio.to_thread(Reach.of_folder, folder)
    dead = await asyncio.to_thread(stack.dead_letter_url)
    await asyncio.to_thread(stack.sqs.purge_queue, QueueUrl=dead)  # what other tests had parked
    async with Feeds.serving() as feeds, Api.of(state) as api, Reader.connected(state) as reader:
        feeds.set("p", {"n": 0})
        source_id = await api.register(feeds.url("p"))
        await reader.ask(action="subscribe", sourceId=source_id)
        await reader.until_equal(source_id, {"n": 0})

        await asyncio.to_thread(send, stack, stack.queue_url, POISON, source_id)
        feeds.set("p", {"n": 1})
        await reader.until_equal(source_id, {"n": 1})

        await until_lying(stack, dead, 1)
        await asyncio.to_thread(show, stack)
        assert "not a message: " in capsys.readouterr().out

        await asyncio.to_thread(send, stack, dead, status_of(source_id), source_id)
        told = len(statuses(reader))
        await asyncio.to_thread(redrive, stack, force=False, chance=random.SystemRandom())
        await reader.until(lambda: len(statuses(reader)) > told)
        said = capsys.readouterr().out
        assert f"status of {source_id}" in said
        assert "1 moved, 1 left" in said

        await asyncio.to_thread(redrive, stack, force=True, chance=random.SystemRandom())
        assert "1 moved" in capsys.readouterr().out
        await until_lying(stack, dead, 1)  # still poison: parked once more
        await asyncio.to_thread(stack.sqs.purge_queue, QueueUrl=dead)
        await api.delete(source_id)


def send(stack: Reach, url: str, body: str, group: str) -> None:
    """Send a body to a queue."""
    unique = f"{random.getrandbits(64):016x}"
    stack.sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=unique)


def status_of(source_id: str) -> str:
    """Make a message that is told to every subscriber, however often it comes."""
    message = Message(
        kind=Kind.STATUS, source_id=source_id, incarnation="", version=1, at_ms=time.time_ns() // 1_000_000
    )
    return message.encode()


def statuses(reader: Reader) -> list[dict[str, Any]]:
    """Give the status frames that arrived."""
    return [frame for frame in reader.others if frame["type"] == "status"]


async def until_lying(stack: Reach, url: str, count: int) -> None:
    """Wait until so many messages lie in a queue."""
    async with asyncio.timeout(20):
        while True:
            names = ["ApproximateNumberOfMessages"]
            answer = await asyncio.to_thread(stack.sqs.get_queue_attributes, QueueUrl=url, AttributeNames=names)
            if int(answer["Attributes"][names[0]]) == count:
                return
            await asyncio.sleep(0.1)
