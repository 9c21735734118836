"""Whose fault it is when many fail at once."""

from fetching.outcome import Failed, Reason
from monitor_fleet.outlook import BLAME_MAX_MS, WINDOW_MS, Outlook

NOW_MS = 1_795_000_000_123
LATE = Failed(reason=Reason.TIMEOUT, why="no answer in time")


def an_outlook(hosts: int) -> Outlook:
    """Give one that has just heard of so many hosts."""
    outlook = Outlook()
    for number in range(hosts):
        outlook.good(f"h{number}", NOW_MS)
    return outlook


def test_when_half_the_hosts_fail_at_once_the_fault_is_ours():
    """And it is over as soon as most of them answer again."""
    outlook = an_outlook(10)
    verdicts = [outlook.failed(f"h{number}", LATE, NOW_MS + 1_000, was_well=True) for number in range(8)]
    assert verdicts == [False] * 5 + [True] * 3
    outlook.good("h0", NOW_MS + 9_000)
    assert outlook.blames_us(NOW_MS + 9_000)
    for number in range(1, 5):
        outlook.good(f"h{number}", NOW_MS + 9_000)
    assert not outlook.blames_us(NOW_MS + 9_000)


def test_few_hosts_prove_nothing():
    """Who watches three sites and loses two wants to hear of it."""
    outlook = an_outlook(4)
    assert not any(outlook.failed(f"h{number}", LATE, NOW_MS, was_well=True) for number in range(4))


def test_a_list_of_dead_hosts_is_no_alarm():
    """They failed before as well: only hosts that have just ceased to answer count."""
    outlook = an_outlook(4)
    assert not any(outlook.failed(f"dead{number}", LATE, NOW_MS, was_well=False) for number in range(50))
    assert outlook.tell() == {"hosts": 4, "turned": 0, "blamesItself": False}


def test_what_was_heard_half_a_minute_ago_is_forgotten():
    """Hosts that fail one after the other, over an hour, are no outage of ours."""
    outlook = Outlook()
    for number in range(20):
        now_ms = NOW_MS + number * WINDOW_MS // 3
        assert not outlook.failed(f"h{number}", LATE, now_ms, was_well=True)
    assert outlook.tell()["hosts"] == 4


def test_a_server_that_answers_badly_is_never_our_fault():
    """A 500 came through the network."""
    outlook = an_outlook(10)
    broken = Failed(reason=Reason.SERVER_ERROR, why="500")
    assert not any(outlook.failed(f"h{number}", broken, NOW_MS, was_well=True) for number in range(10))


def test_after_five_minutes_people_hear_of_it_all_the_same():
    """However sure: nothing comes in, and that is what they must know."""
    outlook = an_outlook(10)
    for number in range(10):
        outlook.failed(f"h{number}", LATE, NOW_MS, was_well=True)
    assert outlook.failed("h1", LATE, NOW_MS + BLAME_MAX_MS - 1_000, was_well=True)
    assert not outlook.failed("h1", LATE, NOW_MS + BLAME_MAX_MS + 1_000, was_well=True)
