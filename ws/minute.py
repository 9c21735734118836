"""
Each minute: what nobody else comes back to.

Buckets that lag are queued again. Connections are cut whose right has ended or was revoked, which are over without a
goodbye, and which could not be cut before. A connection is looked for under the minute in which it is over; the row
`swept#` remembers up to which minute everything was done, so that a sweep that was late, or had no time, leaves nothing
behind. Until it is cut a connection hears nothing: each pass leaves out whose right has ended.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import batched

from contracts.clock import MINUTE_MS, SECOND_MS
from contracts.table import connections, sweeps
from contracts.table.connections import CONNECTION_TTL_S, INDEX_SPARE_S
from contracts.table.revocations import LATE_MS
from contracts.table.sweeps import CUT, LATE, Late
from contracts.table.values import Item, read_item
from ws import lagging, revoked, rows
from ws.connections import Connection, cut, give_up
from ws.fan_out import CUT_WITHIN_S, STOP_BEFORE_END_MS, TimeLeftMs
from ws.rows import Request
from ws.world import World

#: Rows of a minute may be written while it ends.
MINUTES_BACK = 2
#: Older rows are gone.
MINUTES_BACK_MAX = (CONNECTION_TTL_S + INDEX_SPARE_S) * SECOND_MS // MINUTE_MS
#: Revocations are looked at for so long: after that everyone they mean has met a sweep.
REVOKED_FOR_MS = LATE_MS + 10 * MINUTE_MS
#: Connections that are looked up and cut, and buckets that are looked at, side by side.
AT_ONCE_MAX = 64


@dataclass(kw_only=True)
class Swept:
    """What became of the connections and buckets that were found; `stuck` ones are tried again."""

    cut: int = 0
    living: int = 0
    stuck: int = 0
    requeued: int = 0
    lagging: int = 0
    unfinished: bool = False


class _NoTimeLeft(Exception):
    """The invocation is nearly over."""


def sweep(world: World, time_left_ms: TimeLeftMs) -> Swept:
    """
    Do the minute's work, the most urgent first.

    Buckets that lag get half of the time at most: after an hour of trouble there is one for each source, and those
    whose right was revoked must not live on behind them. Nor behind a bucket that cannot be looked at: what was raised
    there comes out when all else is done.
    """
    swept = Swept()
    kept_ms = max(0, time_left_ms() - STOP_BEFORE_END_MS) // 2
    try:
        _as_far_as_time_goes(swept, lambda: _queue_the_late(world, swept, lambda: time_left_ms() - kept_ms))
    finally:
        _as_far_as_time_goes(swept, lambda: _end_the_over(world, swept, time_left_ms))
    return swept


def _as_far_as_time_goes(swept: Swept, do: Callable[[], None]) -> None:
    try:
        do()
    except _NoTimeLeft:
        swept.unfinished = True


def _queue_the_late(world: World, swept: Swept, time_left_ms: TimeLeftMs) -> None:
    """Look at each; one that cannot be looked at keeps none of the others waiting."""
    query = sweeps.listed(world.tables.connections, LATE, now_ms=world.now_ms())
    troubles: list[Exception] = []
    try:
        for found in _found(world, query, time_left_ms):
            looking = [world.pool.submit(lagging.look, world, Late.from_row(each)) for each in found]
            for lags, is_queued in _results(looking, troubles):
                swept.lagging += lags
                swept.requeued += is_queued
    finally:
        if troubles:  # also where there was no time for all
            raise ExceptionGroup("buckets that could not be looked at", troubles)


def _results[T](futures: Sequence[Future[T]], troubles: list[Exception]) -> Iterator[T]:
    for future in futures:
        try:
            result = future.result()
        except Exception as error:  # noqa: BLE001 - whatever it was, it is raised when the others were looked at
            troubles.append(error)
        else:
            yield result


def _end_the_over(world: World, swept: Swept, time_left_ms: TimeLeftMs) -> None:
    for principal in _revoked_lately(world):
        _end(world, f"who#{principal}", swept, time_left_ms)
    _end_the_stuck(world, swept, time_left_ms)
    _end_by_minute(world, swept, time_left_ms)


def _revoked_lately(world: World) -> list[str]:
    world.revoked.at_ms = -MINUTE_MS  # a second ago is not good enough here
    since_ms = world.now_ms() - REVOKED_FOR_MS
    return [each.principal for each in revoked.standing(world).values() if each.at_ms >= since_ms]


def _end_by_minute(world: World, swept: Swept, time_left_ms: TimeLeftMs) -> None:
    this_minute = world.now_ms() // MINUTE_MS
    mark = rows.get(world, sweeps.get_swept(world.tables.connections))
    first = min(mark["minute"] if mark else this_minute, this_minute - MINUTES_BACK)
    if mark is None:
        world.dynamodb.put_item(**sweeps.put_swept(world.tables.connections, first))
    for minute in range(max(first, this_minute - MINUTES_BACK_MAX), this_minute + 1):
        _end(world, f"exp#{minute}", swept, time_left_ms)
    world.dynamodb.put_item(**sweeps.put_swept(world.tables.connections, this_minute))


def _end(world: World, index: str, swept: Swept, time_left_ms: TimeLeftMs) -> None:
    """Cut who is over among those that an index names, and let go of the rows that named them."""
    now_ms, is_of_minute = world.now_ms(), index.startswith("exp#")
    for found in _found(world, connections.rows_of(world.tables.connections, index), time_left_ms):
        due = [each["sheetId"] for each in found if not is_of_minute or each["at"] <= now_ms]
        held = dict(zip(due, world.pool.map(lambda each: Connection.load(world, each), due), strict=True))
        over = [each for each, connection in held.items() if connection.is_over(world)]
        swept.living += len(due) - len(over)
        _cut(world, over, swept)
        # The row of a minute has done its work even if its connection lives on: a renewed right has another.
        done = due if is_of_minute else over
        rows.delete_all(world, [connections.delete_row(world.tables.connections, index, each) for each in done])


def _end_the_stuck(world: World, swept: Swept, time_left_ms: TimeLeftMs) -> None:
    query = sweeps.listed(world.tables.connections, CUT, now_ms=world.now_ms())
    for found in _found(world, query, time_left_ms):
        names = [each["sheetId"] for each in found]
        stuck = set(cut(world, names, CUT_WITHIN_S))
        swept.cut += len(names) - len(stuck)
        swept.stuck += len(stuck)
        done = [sweeps.delete(world.tables.connections, CUT, each) for each in names if each not in stuck]
        rows.delete_all(world, done)


def _cut(world: World, over: Sequence[str], swept: Swept) -> None:
    stuck = cut(world, over, CUT_WITHIN_S) if over else []
    for each in stuck:
        give_up(world, each)
    swept.cut += len(over) - len(stuck)
    swept.stuck += len(stuck)


def _found(world: World, query: Request, time_left_ms: TimeLeftMs) -> Iterator[Sequence[Item]]:
    """Read rows and give them by the handful, each only if there is time for it."""
    for page in rows.pages(world, query):
        for found in batched(map(read_item, page), AT_ONCE_MAX, strict=False):
            if time_left_ms() < STOP_BEFORE_END_MS:
                raise _NoTimeLeft
            yield found
