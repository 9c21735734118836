"""Rules of the server's clock: what the dates of answers allow to know, and no more."""

from hypothesis import given
from hypothesis import strategies as st

from fetching.sheets.server_clock import ServerClock

START_MS = 1_764_200_000_000


def test_before_an_answer_it_is_the_local_clock():
    """There is nothing better."""
    clock = ServerClock(lambda: START_MS)
    assert clock.now_ms() == START_MS
    assert clock.error_ms is None


@given(
    st.integers(-5_000, 5_000),
    st.lists(st.tuples(st.integers(1, 3_000), st.integers(5, 300)), min_size=1, max_size=60),
)
def test_the_servers_time_lies_within_the_error(behind_ms: int, answers: list[tuple[int, int]]):
    """However far the local clock is off, and however long answers take."""
    local_ms = START_MS
    clock = ServerClock(lambda: local_ms)
    for pause_ms, took_ms in answers:
        sent_ms = local_ms + pause_ms
        local_ms = sent_ms + took_ms
        clock.note((sent_ms + took_ms // 2 + behind_ms) // 1_000, sent_ms=sent_ms, received_ms=local_ms)
    assert clock.error_ms is not None
    assert abs(clock.now_ms() - (local_ms + behind_ms)) <= clock.error_ms + 1


def test_a_minute_of_answers_bounds_it_to_a_tenth_of_a_second():
    """Answers come at all phases of a second, so their bounds narrow each other."""
    local_ms = START_MS
    clock = ServerClock(lambda: local_ms)
    for number in range(60):
        sent_ms = START_MS + number * 1_037
        local_ms = sent_ms + 80
        clock.note((sent_ms + 40 - 1_900) // 1_000, sent_ms=sent_ms, received_ms=local_ms)
    assert clock.error_ms is not None
    assert clock.error_ms <= 100
    assert abs(clock.now_ms() - (local_ms - 1_900)) <= 100


def test_a_clock_that_was_set_is_followed():
    """Bounds that do not meet: the newest answer knows."""
    local_ms = START_MS
    clock = ServerClock(lambda: local_ms)
    clock.note(START_MS // 1_000, sent_ms=local_ms, received_ms=local_ms + 50)
    local_ms += 3_600_000
    clock.note(START_MS // 1_000 + 1, sent_ms=local_ms, received_ms=local_ms + 50)
    assert abs(clock.now_ms() - START_MS - 1_000) <= 1_000
