"""The shards this worker holds, against what the rows say."""

from collections.abc import Callable

from contracts.table.fleet import Shard, Why

#: A shard that was handed over stays that long, and does not go back to who gave it: moves must not chase each other.
COOL_DOWN_S = 60.0
_HANDED = frozenset({Why.PLAN, Why.DRAIN})


class Holdings:
    """
    What is held, by number.

    The highest epoch seen of each shard is remembered, so that a row read before a move cannot undo it.
    """

    def __init__(
        self, *, on_claimed: Callable[[Shard], None], on_lost: Callable[[int], None], boot_now: Callable[[], float]
    ) -> None:
        self.owned: dict[int, Shard] = {}
        self.moving: set[int] = set()
        self._epochs: dict[int, int] = {}
        self._on_claimed = on_claimed
        self._on_lost = on_lost
        self._boot_now = boot_now
        self._came_s: dict[int, float] = {}

    def reconcile(self, row: Shard, worker_id: str) -> None:
        """Hold what a row gives to this worker, and let go of what it gives to another."""
        if row.number in self.moving or row.epoch < self._epochs.get(row.number, 0):
            return
        self._epochs[row.number] = row.epoch
        held = self.owned.get(row.number)
        if held and (held.epoch != row.epoch or row.owner != worker_id):
            self._lose(row.number)
            held = None
        if not held and row.owner == worker_id:
            self.owned[row.number] = row
            if row.move and row.move.why in _HANDED:
                self._came_s[row.number] = self._boot_now()
            self._on_claimed(row)

    def young(self) -> frozenset[int]:
        """List the held shards that were handed over less than `COOL_DOWN_S` ago."""
        since_s = self._boot_now() - COOL_DOWN_S
        self._came_s = {n: at_s for n, at_s in self._came_s.items() if at_s > since_s and n in self.owned}
        return frozenset(self._came_s)

    def came_from(self) -> dict[str, frozenset[int]]:
        """Say who handed which of the young shards over, and must not get them back yet."""
        came: dict[str, set[int]] = {}
        for number in self.young():
            move = self.owned[number].move
            if move and move.giver:
                came.setdefault(move.giver, set()).add(number)
        return {giver: frozenset(numbers) for giver, numbers in came.items()}

    def gave(self, row: Shard) -> None:
        """Let go of a shard that was handed off; its polls have ended already."""
        self._epochs[row.number] = max(row.epoch, self._epochs.get(row.number, 0))
        self.owned.pop(row.number, None)

    def lose_all(self) -> None:
        """Let go of everything at once: this worker was declared dead."""
        for number in list(self.owned):
            self._lose(number)

    def _lose(self, number: int) -> None:
        del self.owned[number]
        self._on_lost(number)
