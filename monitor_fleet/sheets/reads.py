"""One read of a spreadsheet for all its sources that are due together: Google counts requests, not ranges."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from fetching.sheets.account import Account
from fetching.sheets.answers import Meaning
from fetching.sheets.verbs import GoogleRefused, GoogleVerbs

#: Sources of one spreadsheet are due at the same moment; dispatching them takes a little.
GATHER_S = 0.05
RANGES_MAX = 256
#: So many wrong ranges are remembered; the oldest is forgotten, and found out again.
WRONG_MAX = 10_000


class GivesTurns(Protocol):
    """The quota, as far as reading needs it."""

    async def turn(self, account: str, *, due_ms: int, interval_ms: int) -> None:
        """Wait until one read may be sent."""
        ...


@dataclass(eq=False, kw_only=True)
class _Batch:
    """A read that is not sent yet, and the ranges it will ask for."""

    ranges: dict[str, None] = field(default_factory=dict)
    task: asyncio.Task[dict[str, bytes]] | None = None

    def has_room(self, ranges: Sequence[str]) -> bool:
        """Say whether these fit too."""
        return len(self.ranges.keys() | set(ranges)) <= RANGES_MAX


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What one source wants to read."""

    account: Account
    spreadsheet_id: str
    ranges: tuple[str, ...]
    due_ms: int
    interval_ms: int


class Reads:
    """Gathers wishes that come together."""

    def __init__(self, *, google: GoogleVerbs, quota: GivesTurns, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._google = google
        self._quota = quota
        self._sleep = sleep
        self._open: dict[tuple[str, str], _Batch] = {}
        #: Ranges of spreadsheets that would end the reads of those who share a request with them.
        self._wrong: dict[tuple[str, tuple[str, ...]], None] = {}

    async def together(self, wish: Wish) -> list[bytes]:
        """Read with whoever else wants the same spreadsheet now; each range's rows as JSON."""
        place = (wish.account.email, wish.spreadsheet_id)
        batch = self._open.get(place)
        if batch is None or not batch.has_room(wish.ranges):
            batch = self._open[place] = _Batch()
            batch.task = asyncio.get_running_loop().create_task(self._send(batch, place, wish))
        batch.ranges.update(dict.fromkeys(wish.ranges))
        assert batch.task is not None  # made with its batch
        # One that gives up (its shard moved) must not end the read of the others.
        answer = await asyncio.shield(batch.task)
        return [answer[one] for one in wish.ranges]

    async def turn(self, wish: Wish) -> None:
        """Wait until one read may be sent."""
        await self._quota.turn(wish.account.email, due_ms=wish.due_ms, interval_ms=wish.interval_ms)

    async def alone(self, wish: Wish) -> list[bytes]:
        """Read by itself: Google refuses a whole request for one wrong range in it."""
        await self.turn(wish)
        try:
            found = await self._google.values(wish.account, wish.spreadsheet_id, wish.ranges)
        except GoogleRefused as error:
            if error.refusal.meaning is Meaning.RANGE:
                self._note_wrong(wish)
            raise
        self._wrong.pop((wish.spreadsheet_id, wish.ranges), None)
        return found

    def are_wrong(self, spreadsheet_id: str, ranges: tuple[str, ...]) -> bool:
        """Say whether Google knew no such ranges when they were asked for alone."""
        return (spreadsheet_id, ranges) in self._wrong

    def _note_wrong(self, wish: Wish) -> None:
        self._wrong[wish.spreadsheet_id, wish.ranges] = None
        while len(self._wrong) > WRONG_MAX:
            del self._wrong[next(iter(self._wrong))]

    async def _send(self, batch: _Batch, place: tuple[str, str], first: Wish) -> dict[str, bytes]:
        try:
            await self._sleep(GATHER_S)
            await self.turn(first)
        finally:
            # Whoever comes from here on is not in this request any more.
            if self._open.get(place) is batch:
                del self._open[place]
        ranges = list(batch.ranges)
        found = await self._google.values(first.account, first.spreadsheet_id, ranges)
        return dict(zip(ranges, found, strict=True))


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One source's reads by one account (`fetching.sheets.asking`)."""

    wish: Wish
    reads: Reads

    async def turn(self) -> None:
        """Wait until one read may be sent."""
        await self.reads.turn(self.wish)

    async def together(self, ranges: tuple[str, ...]) -> list[bytes]:
        """Read with whoever else wants the spreadsheet now."""
        return await self.reads.together(replace(self.wish, ranges=ranges))

    async def alone(self, ranges: tuple[str, ...]) -> list[bytes]:
        """Read by itself."""
        return await self.reads.alone(replace(self.wish, ranges=ranges))

    def are_wrong(self, ranges: tuple[str, ...]) -> bool:
        """Say whether Google knew no such ranges the last time."""
        return self.reads.are_wrong(self.wish.spreadsheet_id, ranges)
