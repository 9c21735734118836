"""
Each minute: connections whose right has ended are cut.

A right that ended within some minute is looked for under that minute, once it is over; what could not be cut then is
tried again for some minutes more. Until it is cut a connection hears nothing: each pass leaves the ended out.
"""

from dataclasses import dataclass

from contracts.clock import MINUTE_MS
from contracts.table import connections
from contracts.table.values import read_item
from ws import rows
from ws.connections import Connection, cut
from ws.fan_out import STOP_BEFORE_END_MS, TimeLeftMs
from ws.world import World

#: EventBridge calls at least once a minute, late or twice now and then.
MINUTES_BACK = 5


@dataclass(kw_only=True)
class Swept:
    """What became of the connections that were found; `renewed` ones go on, `stuck` ones are tried again."""

    cut: int = 0
    renewed: int = 0
    stuck: int = 0
    unfinished: bool = False


def sweep(world: World, time_left_ms: TimeLeftMs) -> Swept:
    """Cut whose right ended in the last minutes, the oldest first."""
    swept = Swept()
    this_minute = world.now_ms() // MINUTE_MS
    for minute in range(this_minute - MINUTES_BACK, this_minute):
        query = connections.rows_of(world.tables.connections, f"exp#{minute}")
        for page in rows.pages(world, query):
            for item in page:
                if time_left_ms() < STOP_BEFORE_END_MS:
                    swept.unfinished = True
                    return swept
                row = read_item(item)
                _end(world, row["connectionId"], row["sheetId"], swept)
    return swept


def _end(world: World, index: str, connection_id: str, swept: Swept) -> None:
    """Cut one connection unless its right was renewed since, and let go of the row that named it."""
    if _still_right(world, connection_id):
        swept.renewed += 1
    elif cut(world, connection_id):
        swept.cut += 1
    else:
        swept.stuck += 1
        return
    world.dynamodb.delete_item(**connections.delete_row(world.tables.connections, index, connection_id))


def _still_right(world: World, connection_id: str) -> bool:
    right = Connection.load(world, connection_id).right
    return right is not None and (right.expires_ms is None or right.expires_ms > world.now_ms())
