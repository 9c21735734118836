"""Rules of a sheet's poll: one read for all that is due, within the quota, and every failure in words to act on."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest

from contracts.source import Source
from contracts.table.fleet import Shard
from contracts.table.heads import Head
from fetching.outcome import Failed, Reason
from fetching.sheets.account import in_order
from fetching.sheets.settle import HELD_POLLS_MAX
from local.google.book import Tab
from local.memory import NAMES, Memory, MemoryStore
from monitor_fleet.documents import Documents
from monitor_fleet.poll import Looked, Rung
from monitor_fleet.room import Room
from monitor_fleet.sheets.monitor import GoogleSeams, SheetMonitor, reads_together
from monitor_fleet.sheets.rules import GoogleRules
from monitor_fleet.watched import Target, Watched
from tests.fetching.sheets.google import BOOK, Stand, standing
from tests.monitor_fleet.conftest import inline

ROWS = (["Name", "Price"], ["Amber", 1.5], ["Basalt", 2])
DOCUMENT = {
    "columns": ["Name", "Price"],
    "rows": [{"Name": "Amber", "Price": 1.5}, {"Name": "Basalt", "Price": 2}],
}


@dataclass(kw_only=True)
class Desk:
    """One worker's sheets monitor over a Google on loopback; waiting moves the clock."""

    stand: Stand
    monitor: SheetMonitor
    documents: Documents
    targets: list[Target]
    edited: list[str] = field(default_factory=list)
    secret: str | None = None

    def watch(self, number: int = 1, **fields: Any) -> Watched:
        """Watch a sheet."""
        told = {"name": "Prices", "type": "googleSheet", "url": BOOK, "pollingInterval": 60} | fields
        made = {"id": f"googleSheet-{number:08x}", "incarnation": "i", "shard": 1, "createdAt": "", "lastUpdated": ""}
        watched = Watched.begin(Source.model_validate(told | made), Shard(number=1, epoch=1))
        watched.head = Head(source_id=watched.target.id, incarnation="i")
        self.targets.append(watched.target)
        return watched

    async def look(self, watched: Watched) -> Looked | Failed:
        """Poll once, and commit what changed, as far as the next poll can tell."""
        looked = await self.monitor.poller.look(watched, Room().claim())
        if isinstance(looked, Looked):
            if looked.document:
                size, found = len(looked.document.canonical), looked.document.hash
                head = Head(source_id=watched.target.id, incarnation="i", hash=found, encoding="json", bytes=size)
                watched.head = head
                assert head.ref
                self.documents.keep(head.ref, looked.document.canonical)
            looked.remember(watched, self.stand.wall())
        return looked

    async def document(self, watched: Watched) -> Any:
        """Poll once; the document."""
        looked = await self.look(watched)
        assert isinstance(looked, Looked), looked
        assert looked.document is not None
        return json.loads(looked.document.canonical)

    async def failed(self, watched: Watched) -> Failed:
        """Poll once; the failure."""
        looked = await self.look(watched)
        assert isinstance(looked, Failed), looked
        return looked

    def edit(self, row: int, column: int, value: Any) -> None:
        """Write a cell by hand."""
        self.stand.service.edit(BOOK, 0, row, column, value)


@asynccontextmanager
async def at_desk(*rows: list[Any], accounts: int = 1, hints: bool = False) -> AsyncIterator[Desk]:
    """Set a monitor up."""
    async with standing(*(rows or ROWS), accounts=accounts) as stand:

        async def wait(seconds: float) -> None:
            stand.wall.ms += round(seconds * 1_000)
            await asyncio.sleep(0)

        async def secret() -> str | None:
            return desk.secret

        documents = Documents(store=MemoryStore(Memory()), table=NAMES.sheets_data, bucket=NoBucket(), offload=inline)
        targets: list[Target] = []
        edited: list[str] = []
        monitor = SheetMonitor(
            seams=GoogleSeams(google=stand.google, clock=stand.clock, read_secret=secret),
            rules=GoogleRules(hints=hints), store=MemoryStore(Memory()), budget_table=NAMES.budget, worker_id="w1",
            documents=documents, offload=inline, now_ms=stand.wall, sleep=wait, watching=lambda: targets,
            on_edited=edited.extend,
        )  # fmt: skip
        desk = Desk(stand=stand, monitor=monitor, documents=documents, targets=targets, edited=edited)
        desk.secret = json.dumps(stand.keys)
        yield desk


class NoBucket:
    """Holds nothing."""

    async def put(self, key: str, data: bytes) -> None:
        """Refuse."""
        raise AssertionError((key, data))

    async def get(self, key: str) -> bytes | None:
        """Have nothing."""
        raise AssertionError(key)


async def test_a_sheet_is_a_table_after_one_read():
    """The way that gspread documents takes three."""
    async with at_desk() as desk:
        assert await desk.document(desk.watch()) == DOCUMENT
        assert len(desk.stand.service.requests) == 1


async def test_an_unchanged_sheet_is_seen_by_its_bytes():
    """Nothing is parsed, nothing is asked of AWS."""
    async with at_desk() as desk:
        watched = desk.watch()
        await desk.look(watched)
        again = await desk.look(watched)
        assert isinstance(again, Looked)
        assert (again.rung, again.document) == (Rung.SAME_WIRE, None)
        desk.edit(1, 1, 7)
        changed = await desk.look(watched)
        assert isinstance(changed, Looked)
        assert changed.rung is Rung.CHANGED


async def test_sources_of_one_spreadsheet_share_a_read():
    """Google counts requests, however many ranges one asks for."""
    async with at_desk() as desk:
        desk.stand.service.books[BOOK].tabs[1].rows = [["City"], ["Bergen"]]
        some = [
            desk.watch(1),
            desk.watch(2, ranges=["A1:A", "'It''s other'"]),
            desk.watch(3, url=f"https://docs.google.com/spreadsheets/d/{BOOK}/edit#gid=7", header=False),
        ]
        await desk.document(some[2])  # the title of its tab is asked for once
        desk.stand.service.requests.clear()
        for watched in some:
            watched.wire_digest = b""
        first, second, third = await asyncio.gather(*map(desk.document, some))
        assert len(desk.stand.service.requests) == 1
        assert first == DOCUMENT
        assert second == {
            "A1:A": {"columns": ["Name"], "rows": [{"Name": "Amber"}, {"Name": "Basalt"}]},
            "'It''s other'": {"columns": ["City"], "rows": [{"City": "Bergen"}]},
        }
        assert third == {"rows": [["City"], ["Bergen"]]}


async def test_a_wrong_range_fails_its_own_source_only():
    """Google refuses a whole request for it."""
    async with at_desk() as desk:
        good, wrong = desk.watch(1), desk.watch(2, ranges=["Nowhere!A1:B"])
        document, failed = await asyncio.gather(desk.document(good), desk.failed(wrong))
        assert document == DOCUMENT
        assert failed.reason is Reason.SELECTOR
        assert "Nowhere!A1:B" in failed.why


async def test_a_wrong_range_costs_the_others_one_read_and_not_each_further_one():
    """What was refused alone is asked for alone until it is there: 2 reads for four sources, and not 5."""
    async with at_desk() as desk:
        good, wrong = [desk.watch(number) for number in range(3)], desk.watch(9, ranges=["Nowhere!A1:B"])
        await asyncio.gather(*map(desk.document, good), desk.failed(wrong))
        desk.stand.service.requests.clear()
        await asyncio.gather(*map(desk.look, good), desk.failed(wrong))
        assert len(desk.stand.service.requests) == 2

        desk.stand.service.books[BOOK].tabs.append(Tab(gid=8, title="Nowhere", rows=[["City"], ["Bergen"]]))
        assert await desk.document(wrong) == {"columns": ["City"], "rows": [{"City": "Bergen"}]}
        desk.stand.service.requests.clear()
        await asyncio.gather(*map(desk.look, [*good, wrong]))
        assert len(desk.stand.service.requests) == 1


async def test_a_tab_that_is_renamed_is_followed_by_its_id():
    """The address of a tab holds its id; only ranges hold its title."""
    async with at_desk() as desk:
        watched = desk.watch(url=f"https://docs.google.com/spreadsheets/d/{BOOK}/edit?gid=0#gid=0")
        assert await desk.document(watched) == DOCUMENT
        desk.stand.service.books[BOOK].tabs[0].title = "2027"
        desk.edit(1, 1, 9)
        assert (await desk.document(watched))["rows"][0]["Price"] == 9


async def test_sources_of_one_tab_ask_for_its_title_together():
    """After a start all of them are due at once."""
    async with at_desk() as desk:
        url = f"https://docs.google.com/spreadsheets/d/{BOOK}/edit#gid=0"
        some = [desk.watch(number, url=url) for number in range(3)]
        await asyncio.gather(*map(desk.look, some))
        assert [path.rpartition("/")[2] for path in desk.stand.service.requests] == [BOOK, "values:batchGet"]


async def test_a_tab_that_is_gone_is_said():
    """A person must paste another address."""
    async with at_desk() as desk:
        watched = desk.watch(url=f"https://docs.google.com/spreadsheets/d/{BOOK}/edit#gid=99")
        failed = await desk.failed(watched)
        assert failed.reason is Reason.SELECTOR
        assert "gid=99" in failed.why


async def test_who_did_not_share_a_sheet_is_told_with_which_address():
    """There is nothing else that a person could do about it."""
    async with at_desk(accounts=3) as desk:
        desk.stand.service.books[BOOK].readers.clear()
        watched = desk.watch()
        failed = await desk.failed(watched)
        assert failed.reason is Reason.UNAUTHORIZED
        emails = [account.email for account in desk.stand.accounts if account.email in failed.why]
        assert len(emails) == 1
        desk.stand.service.books[BOOK].readers.add(emails[0])
        assert await desk.document(watched) == DOCUMENT


async def test_a_sheet_may_be_shared_with_any_of_the_accounts():
    """People share with the address they know; afterwards it is one read again."""
    async with at_desk(accounts=3) as desk:
        for account in desk.stand.accounts:
            desk.stand.service.books[BOOK].readers = {account.email}
            watched = desk.watch()
            assert await desk.document(watched) == DOCUMENT
            desk.stand.service.requests.clear()
            await desk.look(watched)
            assert len(desk.stand.service.requests) == 1


@pytest.mark.parametrize(
    ("spoil", "reason", "says"),
    [
        (lambda desk: desk.stand.service.books.clear(), Reason.NOT_FOUND, "not shared with poller-0@"),
        (lambda desk: setattr(desk.stand.service.books[BOOK], "is_office_file", True), Reason.STATUS, "Save as Google"),
        (lambda desk: setattr(desk, "secret", None), Reason.KEY, "no Google service account"),
        (lambda desk: setattr(desk, "secret", "half of a k"), Reason.KEY, "not JSON"),
        (lambda desk: setattr(desk, "secret", '{"type": "authorized_user"}'), Reason.KEY, "service account"),
        (lambda desk: desk.stand.service.accounts.delete(desk.stand.keys[0]["client_email"]), Reason.KEY, "poller-0@"),
    ],
)
async def test_a_failure_says_what_to_do(spoil: Callable[[Desk], None], reason: Reason, says: str):
    """Google's own words are for programmers."""
    async with at_desk() as desk:
        spoil(desk)
        failed = await desk.failed(desk.watch())
        assert failed.reason is reason
        assert says in failed.why


async def test_a_deleted_account_does_not_end_what_another_may_read():
    """Keys are rotated one by one; only who alone could read a sheet is told to mend its key."""
    async with at_desk(accounts=2) as desk:
        watched = desk.watch()
        first, other = in_order(desk.stand.accounts, BOOK)
        desk.stand.service.accounts.delete(first.email)
        assert await desk.document(watched) == DOCUMENT
        assert desk.monitor.poller.reader_of(BOOK) == other.email
        desk.stand.service.accounts.delete(other.email)
        failed = await desk.failed(watched)
        assert (failed.reason, first.email in failed.why) == (Reason.KEY, True)


async def test_a_used_up_quota_holds_the_account_for_a_minute():
    """Asking on would only be refused, and somebody else reads with this project too."""
    async with at_desk() as desk:
        desk.stand.service.quota.account_max = 0
        failed = await desk.failed(desk.watch())
        assert failed.reason is Reason.RATE_LIMITED
        desk.stand.service.quota.account_max = 60
        before = desk.stand.wall()
        await desk.look(desk.watch())
        assert desk.stand.wall() - before >= 59_000


async def test_a_cell_that_loads_is_held_and_then_told():
    """The same bytes for three polls are still looked at."""
    async with at_desk(["Name", "Price"], ["Amber", 1]) as desk:
        watched = desk.watch()
        await desk.look(watched)
        desk.edit(1, 1, "#N/A")
        for _ in range(HELD_POLLS_MAX):
            held = await desk.look(watched)
            assert isinstance(held, Looked)
            assert held.rung is Rung.SAME_DOCUMENT
        assert (await desk.document(watched))["rows"][0]["Price"] == "#N/A"


async def test_intervals_stretch_when_all_wishes_exceed_the_quota():
    """And a source is told how long it is left alone."""
    async with at_desk() as desk:
        desk.stand.service.books |= {f"{BOOK}{number}": desk.stand.service.books[BOOK] for number in range(20)}
        some = [desk.watch(number, url=f"{BOOK}{number}", pollingInterval=10) for number in range(20)]
        await desk.look(some[0])  # from here on the accounts are known
        desk.monitor._wish()
        await desk.look(some[0])
        pause_ms = desk.monitor.poller.pause_ms(some[0])
        assert pause_ms is not None
        assert 20_000 < pause_ms < 22_000  # 120 reads a minute of 58


async def test_a_hint_of_drive_is_read_and_silence_leaves_slow_sheets_alone():
    """An edit shows in Drive up to three minutes later; until a sweep is due nothing else is read."""
    async with at_desk(hints=True) as desk:
        watched, hints = desk.watch(pollingInterval=300), desk.monitor._hints
        await desk.look(watched)
        await hints._ask(desk.stand.accounts)
        desk.stand.service.requests.clear()
        skipped = await desk.look(watched)
        assert isinstance(skipped, Looked)
        assert (skipped.rung, desk.stand.service.requests) == (Rung.NOT_MODIFIED, [])
        desk.edit(1, 1, 3)
        desk.stand.wall.ms += 180_000
        await hints._ask(desk.stand.accounts)
        assert desk.edited == [BOOK]
        assert (await desk.document(watched))["rows"][0]["Price"] == 3


async def test_silence_counts_only_while_drive_is_heard():
    """A Drive that does not answer says nothing."""
    async with at_desk(hints=True) as desk:
        watched = desk.watch(pollingInterval=300)
        await desk.look(watched)
        await desk.monitor._hints._ask(desk.stand.accounts)
        desk.stand.wall.ms += 61_000
        desk.stand.service.requests.clear()
        await desk.look(watched)
        assert len(desk.stand.service.requests) == 1


async def test_a_sheet_that_changes_without_a_hint_is_never_left_alone_again():
    """What formulas compute is nothing that Drive tells of."""
    async with at_desk(hints=True) as desk:
        watched, hints = desk.watch(pollingInterval=300), desk.monitor._hints
        await desk.monitor._keys.accounts()
        await hints._ask(desk.stand.accounts)
        await desk.look(watched)
        desk.stand.wall.ms += 20 * 60_000  # a sweep
        desk.stand.service.books[BOOK].tab(0).set(1, 1, 99)
        await desk.look(watched)
        for _ in range(20):
            desk.stand.wall.ms += 15_000
            await hints._ask(desk.stand.accounts)
        desk.stand.service.requests.clear()
        await desk.look(watched)
        assert len(desk.stand.service.requests) == 1


async def test_a_change_that_nobody_could_have_heard_of_proves_nothing():
    """The first document of a new source, and what changed before its worker listened to Drive."""
    async with at_desk(hints=True) as desk:
        new, old, hints = desk.watch(1, pollingInterval=300), desk.watch(2, pollingInterval=300), desk.monitor._hints
        await desk.look(old)
        desk.stand.wall.ms += 60_000
        await hints._ask(desk.stand.accounts)
        desk.stand.service.books[BOOK].tab(0).set(1, 1, 99)
        await desk.look(new)
        await desk.look(old)
        for _ in range(20):
            desk.stand.wall.ms += 15_000
            await hints._ask(desk.stand.accounts)
        desk.stand.service.requests.clear()
        for watched in (new, old):
            skipped = await desk.look(watched)
            assert isinstance(skipped, Looked)
            assert skipped.rung is Rung.NOT_MODIFIED
        assert desk.stand.service.requests == []


async def test_no_sheet_goes_unread_for_longer_than_a_sweep():
    """Turns come every 3 min, and one at 18 is the last within 20; where in it a sheet is read depends on its hash."""
    async with at_desk(hints=True) as desk:
        watched, hints = desk.watch(pollingInterval=180), desk.monitor._hints
        await desk.look(watched)
        read_at = [0]
        for turn in range(1, 41):
            desk.stand.service.requests.clear()
            desk.stand.wall.ms += 180_000
            await hints._ask(desk.stand.accounts)
            await desk.look(watched)
            read_at += [turn] * len(desk.stand.service.requests)
        apart = [later - earlier for earlier, later in pairwise(read_at)]
        assert max(apart) == 6
        assert min(apart) >= 3
        assert apart[2:] == [6] * (len(apart) - 2)


def test_due_times_that_hold_others_cost_one_read():
    """Sources on one spreadsheet are due together where one interval is a multiple of the other."""
    assert reads_together([60_000, 60_000]) == 1
    assert reads_together([10_000, 60_000, 300_000]) == 6
    assert reads_together([40_000, 60_000]) == 2.5
    assert reads_together([]) == 0


async def test_several_tabs_of_a_large_spreadsheet_are_read_elsewhere():
    """More than 256 KB of cells would hold the event loop up."""
    async with at_desk() as desk:
        rows: list[list[Any]] = [["Name", "Price"], *([f"item {number}", number] for number in range(20_000))]
        desk.stand.service.books[BOOK].tabs[0] = Tab(gid=0, title="Sheet1", rows=rows)
        assert len((await desk.document(desk.watch(keyColumn="Name")))["rows"]) == 20_000
