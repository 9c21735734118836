"""Dead letters: seen without being moved, moved once, and what is no message left where it is."""

from dataclasses import replace
from typing import Any

import pytest

from contracts.messages import Kind, Message
from local.redrive import redrive, show
from tests.api.account import NOW_MS
from tests.local.conftest import Kept

MESSAGE = Message(kind=Kind.CHANGE, source_id="external-1a2b3c4d", incarnation="i", version=3, at_ms=NOW_MS, hops=65)


def bury(kept: Kept, *bodies: str, group: str = "g") -> None:
    """Put bodies into the dead-letter queue."""
    for number, body in enumerate(bodies):
        kept.stack.sqs.send_message(
            QueueUrl=kept.stack.dead_letter_url(),
            MessageBody=body,
            MessageGroupId=group,
            MessageDeduplicationId=f"{group}{number}",
        )


def lying(kept: Kept, url: str) -> list[dict[str, Any]]:
    """Look at a queue."""
    answer = kept.stack.sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"], VisibilityTimeout=0
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def test_listing_moves_nothing(kept: Kept, capsys: pytest.CaptureFixture[str]):
    """It can be asked again and says the same."""
    bury(kept, MESSAGE.encode(), "{nonsense")

    show(kept.stack)
    show(kept.stack)

    said = capsys.readouterr().out
    assert said.count("change of external-1a2b3c4d version 3") == 2
    assert said.count("not a message: ") == 2
    assert said.count("2 seen; about 2 lie") == 2
    assert lying(kept, kept.stack.queue_url) == []


def test_messages_go_back_and_what_is_none_stays(kept: Kept, capsys: pytest.CaptureFixture[str]):
    """In their group, as if they had never hopped: the count is what parked them."""
    bury(kept, MESSAGE.encode(), group="external-1a2b3c4d#2")
    bury(kept, "{nonsense")

    redrive(kept.stack, force=False, chance=kept.chance())

    (moved,) = lying(kept, kept.stack.queue_url)
    assert Message.decode(moved["Body"]) == replace(MESSAGE, hops=0)
    assert moved["Attributes"]["MessageGroupId"] == "external-1a2b3c4d#2"
    assert [letter["Body"] for letter in lying(kept, kept.stack.dead_letter_url())] == ["{nonsense"]
    assert "1 moved, 1 left" in capsys.readouterr().out


def test_the_same_letter_can_be_moved_twice(kept: Kept):
    """Under its old deduplication id a second try within five minutes would be swallowed."""
    for _ in range(2):
        bury(kept, MESSAGE.encode(), group=str(kept.chance().random()))
        redrive(kept.stack, force=False, chance=kept.chance())

    assert len(lying(kept, kept.stack.queue_url)) == 2


def test_force_moves_everything_as_it_is(kept: Kept):
    """After a roll-back an older program may know what this one does not."""
    bury(kept, "{nonsense")

    redrive(kept.stack, force=True, chance=kept.chance())

    assert [message["Body"] for message in lying(kept, kept.stack.queue_url)] == ["{nonsense"]
    assert lying(kept, kept.stack.dead_letter_url()) == []


def test_many_letters_of_one_group_all_move(kept: Kept):
    """A receive gives ten at most, and no more of the group until those are gone."""
    bury(kept, *(replace(MESSAGE, version=version).encode() for version in range(25)))

    redrive(kept.stack, force=False, chance=kept.chance())

    assert lying(kept, kept.stack.dead_letter_url()) == []


def test_what_is_parked_again_at_once_is_not_moved_for_ever(kept: Kept, monkeypatch: pytest.MonkeyPatch):
    """The reader is faster than this command: poison that is forced would go round until somebody stops it."""
    bury(kept, "{nonsense")
    sent: list[str] = []
    send = kept.stack.sqs.send_message

    def parked_at_once(**request: Any) -> None:
        sent.append(request["MessageBody"])
        send(**request | {"QueueUrl": kept.stack.dead_letter_url()})

    monkeypatch.setattr(kept.stack.sqs, "send_message", parked_at_once)

    redrive(kept.stack, force=True, chance=kept.chance())

    assert sent == ["{nonsense"]
    assert [letter["Body"] for letter in lying(kept, kept.stack.dead_letter_url())] == ["{nonsense"]
