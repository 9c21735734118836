"""Every way of posting keeps the same promises: ours and boto3's against the stand-in gateway, and the tests' own."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.ws.boto_post import BotoPost
from tests.ws.fake_post import FakePost
from tests.ws.far_end import FarEnd, far_end, poster
from ws.post import Letter, Outcome, Post

WITHIN_S = 60.0


class Memory:
    """`FakePost` by the names of the far end."""

    def __init__(self, fake: FakePost) -> None:
        self.fake = fake

    def open(self, *connection_ids: str) -> None:
        """Open connections."""
        self.fake.open |= set(connection_ids)

    def always(self, connection_id: str, _answer: int, verb: str = "POST") -> None:
        """Fail always."""
        (self.fake.failing if verb == "POST" else self.fake.stuck).add(connection_id)

    def opened(self) -> set[str]:
        """Say which connections are open."""
        return self.fake.open

    def take(self, connection_id: str) -> list[Any]:
        """Take what a connection received."""
        return self.fake.take(connection_id)


type End = Memory | FarEnd


@pytest.fixture(params=["memory", "boto3", "ours"])
def posted(request: pytest.FixtureRequest) -> Iterator[tuple[Post, End]]:
    """Give a post, and the connections at its other end."""
    if request.param == "memory":
        fake = FakePost()
        yield fake, Memory(fake)
        return
    with far_end() as end:
        if request.param == "boto3":
            boto = BotoPost(end.gateway.post_url)
            yield boto, end
            boto.client.close()
        else:
            with poster(end.gateway.post_url) as ours:
                yield ours, end


def letter(connection_id: str, *frames: Any) -> Letter:
    """Write a letter."""
    return Letter(connection_id=connection_id, frames=[json.dumps(frame).encode() for frame in frames])


def test_frames_of_one_letter_arrive_in_order(posted: tuple[Post, End]):
    """A snapshot's chunks, and `subscribed` before them."""
    post, end = posted
    end.open("a=/+ä")

    assert post.deliver([letter("a=/+ä", 1, 2, 3)], WITHIN_S) == [Outcome.SENT]
    assert end.take("a=/+ä") == [1, 2, 3]


def test_outcomes_come_in_the_order_of_the_letters(posted: tuple[Post, End]):
    """And one that fails is no other's trouble."""
    post, end = posted
    end.open("a", "bad", "b")
    end.always("bad", 500)

    outcomes = post.deliver([letter("gone", 1), letter("a", 1), letter("bad", 1), letter("b", 1)], WITHIN_S)

    assert outcomes == [Outcome.GONE, Outcome.SENT, Outcome.FAILED, Outcome.SENT]
    assert end.take("a") == end.take("b") == [1]


def test_a_letter_ends_where_it_fails(posted: tuple[Post, End]):
    """The second half of a document is of no use to anybody."""
    post, end = posted

    assert post.deliver([letter("gone", 1, 2)], WITHIN_S) == [Outcome.GONE]
    assert end.take("gone") == []


def test_an_empty_letter_is_delivered(posted: tuple[Post, End]):
    """Who is up to date hears nothing, and nobody asks whether it is there."""
    post, end = posted

    assert post.deliver([letter("anybody")], WITHIN_S) == [Outcome.SENT]
    assert post.deliver([], WITHIN_S) == []
    assert end.opened() == set()


def test_a_message_over_128_kb_is_too_large_and_the_connection_lives_on(posted: tuple[Post, End]):
    """The gateway says 413; what comes next may fit."""
    post, end = posted
    end.open("a")

    assert post.deliver([letter("a", "x" * 128 * 1_024)], WITHIN_S) == [Outcome.TOO_LARGE]
    assert post.deliver([letter("a", 1)], WITHIN_S) == [Outcome.SENT]


def test_closing_says_whether_the_connection_was_there(posted: tuple[Post, End]):
    """Cut, gone already, or not to be cut now."""
    post, end = posted
    end.open("a", "stuck")
    end.always("stuck", 500, "DELETE")

    assert post.close(["a", "stuck", "none"], WITHIN_S) == [Outcome.SENT, Outcome.FAILED, Outcome.GONE]
    assert post.close(["a"], WITHIN_S) == [Outcome.GONE]
    assert post.close([], WITHIN_S) == []
    assert end.opened() == {"stuck"}
