"""
One poll of a Google Sheets source: one read, shared with every source of its spreadsheet, within Google's quota.

It climbs the same ladder as other sources' polls, from the second rung: Sheets knows neither ETag nor 304.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

from contracts.clock import NowMs
from fetching.failures import too_large
from fetching.outcome import Failed, Reason, Validators
from fetching.select import repeats
from fetching.sheets import reading
from fetching.sheets.account import Account, in_order
from fetching.sheets.answers import RATE_LIMITED_WAIT_S, Meaning, failed
from fetching.sheets.asking import TROUBLES, by_any, in_its_tab, in_trouble
from fetching.sheets.reading import Sheet
from fetching.sheets.tabs import Tabs
from fetching.sheets.target import SheetTarget
from fetching.sheets.verbs import GoogleRefused, GoogleVerbs
from monitor_fleet.documents import Documents
from monitor_fleet.offload import Offload, TakesTooMuch
from monitor_fleet.poll import INLINE_JSON_BYTES_MAX, Looked, Rung
from monitor_fleet.room import Claim, weight
from monitor_fleet.schedule import grid_after
from monitor_fleet.sharing import Once
from monitor_fleet.sheets.hints import Hints
from monitor_fleet.sheets.key_book import KeyBook, NoAccounts
from monitor_fleet.sheets.quota import Quota
from monitor_fleet.sheets.reads import Asking, Reads, Wish
from monitor_fleet.watched import Watched

_DIGEST_BYTES = 16
_SPREADSHEETS_MAX = 10_000


class SheetPoller:
    """Asks Google. Failures of a source are returned, ours are raised (StoreError, OffloadFailed)."""

    def __init__(
        self, *, google: GoogleVerbs, keys: KeyBook, reads: Reads, quota: Quota, hints: Hints, documents: Documents,
        offload: Offload, now_ms: NowMs,
    ) -> None:  # fmt: skip
        self._keys = keys
        self._reads = reads
        self._quota = quota
        self._hints = hints
        self._tabs = Tabs(google)
        self._documents = documents
        self._offload = offload
        self._now_ms = now_ms
        self._reader: OrderedDict[str, str] = OrderedDict()
        """Which account could read a spreadsheet last."""

    def once(self) -> None:
        """Leave it to `Reads` that sources of one spreadsheet share a read."""

    async def look(self, watched: Watched, claim: Claim, _: Once | None = None) -> Looked | Failed:
        """Read a source whose head is known, and say whether it changed."""
        if self._hints.may_skip(watched):
            return Looked(rung=Rung.NOT_MODIFIED)
        try:
            tables = await self._read(watched)
        except NoAccounts as error:
            return Failed(reason=Reason.KEY, why=str(error))
        except TROUBLES as error:
            return in_trouble(error)
        if isinstance(tables, Failed):
            return tables
        self._hints.saw_read(watched)
        return await self._climb(watched, claim, tables)

    def pause_ms(self, watched: Watched) -> int | None:
        """Say how long to leave a source alone where all wishes exceed the quota; None to go on by its schedule."""
        email = self._reader.get(watched.target.sheet.spreadsheet_id) if watched.target.sheet else None
        stretch = self._quota.stretch(email) if email else 1.0
        return None if stretch <= 1 else round(watched.target.interval_ms * stretch)

    def reader_of(self, spreadsheet_id: str) -> str | None:
        """Say by which account (its e-mail) a spreadsheet is read; None where that is not known yet."""
        accounts = in_order(self._keys.known, spreadsheet_id)
        return self._reader.get(spreadsheet_id) or (accounts[0].email if accounts else None)

    # Reading.

    async def _read(self, watched: Watched) -> list[bytes] | Failed:
        """Read by the account that could last time, else by each in turn."""
        sheet = _sheet(watched)
        accounts = in_order(await self._keys.accounts(), sheet.spreadsheet_id)

        async def read(account: Account) -> list[bytes]:
            return await in_its_tab(sheet, account, self._asks(account, watched), self._tabs)

        async def refused(error: GoogleRefused, account: Account) -> Failed:
            return await self._refused(error, account, sheet)

        found = await by_any(accounts, read, refused, first=self._reader.get(sheet.spreadsheet_id))
        if isinstance(found, Failed):
            return found
        account, tables = found
        self._remember(sheet.spreadsheet_id, account)
        return tables

    def _asks(self, account: Account, watched: Watched) -> Asking:
        target = watched.target
        due_ms = grid_after(target.request, target.interval_ms, self._now_ms()) - target.interval_ms
        wish = Wish(
            account=account, spreadsheet_id=_sheet(watched).spreadsheet_id, ranges=(), due_ms=due_ms,
            interval_ms=self._hints.patience_ms(watched),
        )  # fmt: skip
        return Asking(wish=wish, reads=self._reads)

    async def _refused(self, error: GoogleRefused, account: Account, sheet: SheetTarget) -> Failed:
        if error.refusal.meaning is Meaning.RATE:
            await self._quota.hold(account.email, RATE_LIMITED_WAIT_S)
        elif self._reader.get(sheet.spreadsheet_id) == account.email:
            del self._reader[sheet.spreadsheet_id]  # it was unshared: the next poll begins with whom to share it with
        return failed(error.refusal, email=account.email, ranges=", ".join(filter(None, sheet.shape.names)))

    def _remember(self, spreadsheet_id: str, account: Account) -> None:
        self._reader[spreadsheet_id] = account.email
        self._reader.move_to_end(spreadsheet_id)
        while len(self._reader) > _SPREADSHEETS_MAX:
            self._reader.popitem(last=False)

    # The ladder.

    async def _climb(self, watched: Watched, claim: Claim, tables: list[bytes]) -> Looked | Failed:
        wire_digest = _digest(tables)
        if wire_digest == watched.wire_digest:
            return Looked(rung=Rung.SAME_WIRE, validators=watched.validators, wire_digest=wire_digest)
        found = await self._document(watched, claim, tables)
        if isinstance(found, Failed):
            return found
        watched.held = found.held
        is_known = watched.head is not None and watched.head.hash == found.document.hash
        if not is_known:
            self._hints.saw_change(watched)
        return Looked(
            rung=Rung.SAME_DOCUMENT if is_known else Rung.CHANGED,
            document=found.document,
            validators=Validators(url=watched.target.url),
            # Cells that are held must be looked at again although nothing else may come.
            wire_digest=b"" if found.held else wire_digest,
        )

    async def _document(self, watched: Watched, claim: Claim, tables: list[bytes]) -> Sheet | Failed:
        known: bytes | None = None
        ref, answer = watched.head.ref if watched.head else None, sum(map(len, tables))
        await claim.grow(weight(answer=answer, last=ref.bytes if ref else 0, document=answer))
        wants_last = reading.may_be_volatile(tables) or watched.target.reading.wants_last(xml=False)
        if wants_last and ref:
            known = await self._documents.get(ref)
        target = watched.target
        size = answer + len(known or b"")
        if size * repeats(target.reading.selector) <= INLINE_JSON_BYTES_MAX:
            return reading.read(tables, _sheet(watched).shape, target.reading, known=known, held=watched.held)
        try:
            return await self._offload(
                reading.read, tables, _sheet(watched).shape, target.reading, known=known, held=dict(watched.held)
            )
        except TakesTooMuch as error:
            return too_large(f"reading the sheet was given up: {error}")


def _sheet(watched: Watched) -> SheetTarget:
    assert watched.target.sheet is not None  # this poller's worker holds no others
    return watched.target.sheet


def _digest(tables: Sequence[bytes]) -> bytes:
    state = hashlib.sha256()
    for table in tables:
        state.update(f"{len(table)}:".encode())
        state.update(table)
    return state.digest()[:_DIGEST_BYTES]
