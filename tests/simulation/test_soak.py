"""The long run goes on where it was ended."""

import sys
from dataclasses import asdict
from itertools import islice
from pathlib import Path

from tests.simulation import schedule, soak
from tests.simulation.planted import PLANTED
from tests.simulation.soak import ROUND, Chunk, Found, Ran, Record, chunks


def well(chunk: Chunk) -> Ran:
    """Give what a chunk brings that finds nothing."""
    return Ran(chunk=chunk, found=None, calls=chunk.count, seconds=1.0)


def test_what_is_left_of_a_soak_that_was_ended_runs_once_and_nothing_twice(tmp_path: Path):
    """The record is written after each chunk; those that were under way are given again."""
    first, path = Record(), tmp_path / "soak.json"
    for number, chunk in enumerate(islice(chunks(first, short=1_000, long=100), 12)):
        if number % 3:  # some were still under way
            first.note(well(chunk))
            soak.save(first, path, "this")

    second = Record(**soak.load(path)["this"])
    ran = [chunk for chunk in chunks(second, short=1_000, long=100) if not chunk.bug]
    for chunk in ran:
        second.note(well(chunk))

    assert second.seeds == {"short": [[0, 1_000]], "long": [[0, 50]], "wide": [[0, 25]], "restless": [[0, 25]]}
    assert second.calls == sum(second.count(scale) for scale in second.seeds)


def test_what_follows_a_violation_in_its_chunk_is_not_forgotten():
    """A chunk ends with its first violation; the seeds behind it run later."""
    record = Record()
    found = Found(scale="short", seed=7, what="EpochMonotone: …")

    record.note(Ran(chunk=Chunk(scale="short", first=0, count=100), found=found, calls=9, seconds=1.0))

    assert record.seeds == {"short": [[0, 8]]}
    assert "tests.simulation 7 --scale short" in record.violations[0]
    assert Chunk(scale="short", first=8, count=92) in chunks(record, short=100, long=0)


def test_a_bug_is_hunted_until_it_is_caught_or_has_escaped():
    """A soak that was ended before says nothing of the bugs that it had not caught."""
    record = Record()
    bug, other = sorted(PLANTED)[:2]
    caught = Found(scale="long", seed=3, what="NoPingPong: …", bug=bug)

    for chunk in chunks(record, short=0, long=0):
        found = caught if chunk.bug == bug and chunk.first == ROUND else None
        record.note(Ran(chunk=chunk, found=found, calls=0, seconds=0.0))
        if chunk.first == 0:
            assert bug not in record.caught

    assert record.caught[bug] == "NoPingPong, long seed 3"
    assert record.caught[other] is None
    assert record.hunted == {}


def test_each_state_of_the_code_has_a_record_of_its_own(tmp_path: Path):
    """Schedules of code that was changed since prove nothing of the code that is."""
    path = tmp_path / "soak.json"
    soak.save(Record(calls=1), path, "before")
    soak.save(Record(calls=2), path, "after")

    assert {code: one["calls"] for code, one in soak.load(path).items()} == {"before": 1, "after": 2}
    assert soak.code_of({"one": schedule}) != soak.code_of(
        {"one": schedule, "other": sys.modules["tests.simulation.world"]}
    )
    assert soak.code_of({"one": schedule}) == soak.code_of({"one": schedule, "soak": soak})


def test_a_chunk_runs_its_schedules():
    """Nothing is noted that did not run."""
    ran = soak.work(Chunk(scale="short", first=0, count=3))

    assert ran.found is None
    assert ran.calls >= 3
    assert asdict(ran)["seconds"] > 0
