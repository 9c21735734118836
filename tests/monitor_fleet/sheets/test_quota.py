"""Rules of the quota: all of it but a little is used, never more, and everybody is late alike. All time is virtual."""

import pytest

from local.google.read_quota import Window
from tests.monitor_fleet.sheets.rush import Sheet, cycle_s, play

MINUTES = 12


@pytest.mark.parametrize("window", ["fixed", "sliding"])
@pytest.mark.parametrize("workers", [1, 4, 16])
def test_nearly_all_of_the_quota_is_used_and_never_more(workers: int, window: Window):
    """400 sheets at 60 s wish for 400 reads a minute of 300, by clocks up to 2 s off."""
    sheets = [Sheet(number=number, interval_s=60) for number in range(400)]
    world = play(sheets, workers=workers, window=window, minutes=MINUTES)
    assert world.google.refused == 0
    assert 0.95 <= world.google.reads.total() / (300 * MINUTES) <= 0.99


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_everybody_is_late_in_proportion(workers: int):
    """Sheets of 10 s must not starve those of 150 s, nor the other way round, when the wishes exceed the quota."""
    fast = [Sheet(number=number, interval_s=10) for number in range(60)]
    slow = [Sheet(number=number, interval_s=150) for number in range(60, 160)]
    world = play([*fast, *slow], workers=workers, window="sliding", minutes=30)
    ratios = [cycle_s(times) / sheet.interval_s for sheet, times in world.reads.items()]
    assert world.google.refused == 0
    assert len(ratios) == len(fast) + len(slow)
    assert max(ratios) / min(ratios) <= 1.5


def test_without_a_rush_every_sheet_is_read_at_its_interval():
    """250 reads a minute of 300: nobody's interval is stretched."""
    sheets = [Sheet(number=number, interval_s=60) for number in range(250)]
    world = play(sheets, workers=4, window="sliding", minutes=20)
    assert world.google.refused == 0
    assert all(abs((times[-1] - times[0]) / (len(times) - 1) - 60_000) <= 1_000 for times in world.reads.values())
