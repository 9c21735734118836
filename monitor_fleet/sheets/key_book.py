"""The service accounts, out of one secret of Secrets Manager: read anew now and then, so that keys can be rotated."""

import logging
from collections.abc import Awaitable, Callable

from contracts.clock import SECOND_MS, NowMs
from fetching.sheets.account import NOT_SET_UP, Account, AccountsUnreadable, read_accounts
from monitor_fleet.errors import StoreError

log = logging.getLogger(__name__)

AGE_MAX_MS = 300 * SECOND_MS
#: A secret that cannot be used is looked at again sooner: somebody may be mending it.
AGAIN_MS = 15 * SECOND_MS

#: Reads the secret; None where nothing was put into it yet.
type ReadSecret = Callable[[], Awaitable[str | None]]


class NoAccounts(Exception):
    """There is no service account to read sheets with; the text says what to do."""


class KeyBook:
    """The accounts as they were read not long ago."""

    def __init__(self, read: ReadSecret, *, now_ms: NowMs) -> None:
        self._read = read
        self._now_ms = now_ms
        self._accounts: tuple[Account, ...] = ()
        self._why = ""
        self._until_ms = 0

    async def accounts(self) -> tuple[Account, ...]:
        """Give them; raises NoAccounts, or a StoreError where nothing is known and AWS does not answer."""
        if self._now_ms() >= self._until_ms:
            await self._look()
        if not self._accounts:
            raise NoAccounts(self._why)
        return self._accounts

    @property
    def known(self) -> tuple[Account, ...]:
        """Give the accounts as last read, without asking anybody."""
        return self._accounts

    async def _look(self) -> None:
        try:
            secret = await self._read()
        except StoreError as error:
            if not self._accounts:
                raise
            log.warning("google_accounts_not_read", extra={"error": str(error)})
            self._until_ms = self._now_ms() + AGAIN_MS
            return
        self._take(secret)

    def _take(self, secret: str | None) -> None:
        """Take what the secret holds; a broken one leaves the accounts that were good until now."""
        self._why = NOT_SET_UP if secret is None else ""
        try:
            self._accounts = read_accounts(secret) if secret is not None else ()
        except AccountsUnreadable as error:
            log.warning("google_accounts_unreadable", extra={"why": str(error), "kept": len(self._accounts)})
            self._why = str(error)
        self._until_ms = self._now_ms() + (AGAIN_MS if self._why else AGE_MAX_MS)
