"""What travels on the queue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.messages import Kind, Message, MessageRefused, send

messages = st.builds(
    Message,
    kind=st.sampled_from(Kind),
    source_id=st.text(min_size=1),
    incarnation=st.text(),
    version=st.integers(0),
    at_ms=st.integers(0),
    bucket=st.none() | st.integers(0, 99),
    after=st.none() | st.text(),
    hops=st.integers(0, 64),
)


@given(messages)
def test_a_message_survives_the_queue(message: Message):
    """Decode is the inverse of encode."""
    assert message == Message.decode(message.encode())


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        "null",
        '{"v":2}',
        '{"v":1,"kind":"party"}',
        '{"v":1,"kind":"change","sourceId":"a"}',
        "[" * 9_999,
    ],
)
def test_what_is_not_a_message_is_refused(body: str):
    """It belongs in the dead-letter queue, not in an endless retry."""
    with pytest.raises(MessageRefused):
        Message.decode(body)


def test_order_is_kept_per_source_and_per_bucket():
    """One FIFO group for each: a slow source delays nobody else."""
    change = Message(kind=Kind.CHANGE, source_id="a", incarnation="i", version=1, at_ms=0)
    job = Message(kind=Kind.FAN_OUT, source_id="a", incarnation="i", version=1, at_ms=0, bucket=2)

    assert [send("q", message, unique="1")["MessageGroupId"] for message in (change, job)] == ["a", "a#2"]
