"""Many slow sheets on hints: none goes unread for longer than a sweep, and edits come before it. Virtual."""

from tests.monitor_fleet.sheets.hinted import end_ms, longest_gap_ms, play

MINUTE_MS = 60_000


def test_three_thousand_sheets_on_hints_are_all_swept():
    """Five accounts of one project read 300 a minute: a tenth of that many sheets, were it not for the hints."""
    world = play(sheets=3_000, workers=4, minutes=60)
    assert world.google.refused == 0
    assert len(world.reads_ms) == 3_000
    assert longest_gap_ms(world, end_ms(world)) <= 20 * MINUTE_MS
    late = sorted(world.lags_ms)
    assert late[len(late) * 99 // 100] <= 3.5 * MINUTE_MS
