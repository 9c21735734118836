"""
Google, asked through gspread's client in a few threads of its own.

gspread's own ways that would hurt here are closed off: it waits for ever (every request has time-outs), its back-off
client tries again for hours (one try: the scheduler knows when to come back), and its sessions are not made for
several threads (each has its own). Tokens are refreshed ahead of their end, once for all threads.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
import requests
from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport.requests import Request as AuthRequest
from google.oauth2.service_account import Credentials
from gspread.http_client import HTTPClient
from gspread.urls import SPREADSHEET_URL, SPREADSHEET_VALUES_BATCH_URL

from contracts.clock import NowMs
from fetching.sheets.account import Account
from fetching.sheets.answers import Meaning, Refusal
from fetching.sheets.server_clock import ServerClock
from fetching.sheets.verbs import ANSWER_BYTES_MAX, AnswerTooLarge, GoogleRefused, GoogleUnreachable

SCOPES = (
    "https://www.googleapis.com/auth/spreadsheets.readonly",
    "https://www.googleapis.com/auth/drive.metadata.readonly",
)
SHEETS_ORIGIN = "https://sheets.googleapis.com"
DRIVE_ORIGIN = "https://www.googleapis.com"

CONNECT_TIMEOUT_S = 5.0
#: Google ends a request after 180 s by itself (Google Workspace, "Sheets API usage limits").
READ_TIMEOUT_S = 185.0
TOKEN_TIMEOUT_S = 10.0
_CHUNK_BYTES = 256 * 1_024
_UNAUTHORIZED = 401


class _ValueRange(msgspec.Struct):
    values: msgspec.Raw = msgspec.Raw(b"[]")


class _BatchGet(msgspec.Struct):
    valueRanges: list[_ValueRange] = []  # noqa: N815 - Google's name


@dataclass(frozen=True, kw_only=True, slots=True)
class _Answer:
    body: bytes
    dated_s: int | None
    sent_ms: int
    received_ms: int


class _Client(HTTPClient):
    """gspread's client for one thread: time-outs on everything, answers bounded while they come."""

    def __init__(self, origin: str, read_timeout_s: float) -> None:
        super().__init__(auth=None, session=requests.Session())  # type: ignore[arg-type] # documented for own sessions
        self.session.trust_env = False  # a proxy of the environment is not a way out of the gate
        self.set_timeout((CONNECT_TIMEOUT_S, read_timeout_s))
        self._origin = origin

    def request(self, method: str, endpoint: str, **kwargs: Any) -> requests.Response:  # type: ignore[override] # by name
        """Send to where Google is; whoever reads the body bounds it."""
        if self._origin:
            for origin in (SHEETS_ORIGIN, DRIVE_ORIGIN):
                endpoint = endpoint.replace(origin, self._origin, 1) if endpoint.startswith(origin) else endpoint
        return self.session.request(method, endpoint, timeout=self.timeout, stream=True, **kwargs)


class Google:
    """Google's answers about spreadsheets, by account. `origin` is another place than Google's own, for a stand-in."""

    def __init__(
        self, threads: Executor, *, clock: ServerClock, now_ms: NowMs, origin: str = "",
        read_timeout_s: float = READ_TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._threads = threads
        self._clock = clock
        self._now_ms = now_ms
        self._origin = origin
        self._read_timeout_s = read_timeout_s
        self._own = threading.local()
        self._clients: list[_Client] = []
        self._tokens: dict[str, Credentials] = {}
        self._refreshing = threading.Lock()

    async def values(self, account: Account, spreadsheet_id: str, ranges: Sequence[str]) -> list[bytes]:
        """Read ranges in one request; each one's rows as JSON, in the order asked for."""
        params = {
            "ranges": list(ranges),
            "majorDimension": "ROWS",
            "valueRenderOption": "UNFORMATTED_VALUE",
            "dateTimeRenderOption": "SERIAL_NUMBER",
            "fields": "valueRanges(values)",
            "prettyPrint": "false",
        }
        body = await self._get(account, SPREADSHEET_VALUES_BATCH_URL % spreadsheet_id, params)
        found = msgspec.json.decode(body, type=_BatchGet).valueRanges
        if len(found) != len(ranges):
            raise GoogleUnreachable(f"Google answered {len(found)} ranges of {len(ranges)}")
        return [bytes(one.values) for one in found]

    async def tabs(self, account: Account, spreadsheet_id: str) -> dict[int, str]:
        """Read the titles of a spreadsheet's tabs by their ids (gid)."""
        params = {"fields": "sheets.properties(sheetId,title)", "prettyPrint": "false"}
        told = msgspec.json.decode(await self._get(account, SPREADSHEET_URL % spreadsheet_id, params))
        return {tab["properties"].get("sheetId", 0): tab["properties"]["title"] for tab in told.get("sheets", [])}

    async def drive(self, account: Account, path: str, params: dict[str, Any]) -> Any:
        """Ask Drive; the answer decoded."""
        return msgspec.json.decode(await self._get(account, f"{DRIVE_ORIGIN}/drive/v3/{path}", params))

    def close(self) -> None:
        """End the connections; the threads are their owner's."""
        for client in self._clients:
            client.session.close()

    async def _get(self, account: Account, url: str, params: dict[str, Any]) -> bytes:
        answer = await asyncio.get_running_loop().run_in_executor(self._threads, self._answer, account, url, params)
        if answer.dated_s is not None:
            self._clock.note(answer.dated_s, sent_ms=answer.sent_ms, received_ms=answer.received_ms)
        return answer.body

    # What runs in the threads.

    def _answer(self, account: Account, url: str, params: dict[str, Any]) -> _Answer:
        """Ask once, and once more with a new token if the one at hand is not accepted any more."""
        used = self._token(account)
        try:
            return self._ask(url, params, used)
        except GoogleRefused as error:
            if error.refusal.meaning is not Meaning.TOKEN:
                raise
        # Another thread that was refused with the same token may have a new one already.
        fresh = self._refresh(account, unless=lambda known: str(known.token) != used)
        return self._ask(url, params, str(fresh.token))

    def _ask(self, url: str, params: dict[str, Any], token: str) -> _Answer:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "gzip"}
        try:
            sent_ms = self._now_ms()
            with self._client().request("get", url, params=params, headers=headers) as response:
                received_ms = self._now_ms()
                body = _bounded(response)
        except requests.Timeout as error:
            raise GoogleUnreachable("Google did not answer in time") from error
        except requests.RequestException as error:
            raise GoogleUnreachable("Google closed the connection before its answer was complete") from error
        if not response.ok:
            raise GoogleRefused(Refusal.read(response.status_code, body))
        dated_s = _dated_s(response.headers.get("Date", ""))
        return _Answer(body=body, dated_s=dated_s, sent_ms=sent_ms, received_ms=received_ms)

    def _client(self) -> _Client:
        client: _Client | None = getattr(self._own, "client", None)
        if client is None:
            client = self._own.client = _Client(self._origin, self._read_timeout_s)
            self._clients.append(client)
        return client

    def _token(self, account: Account) -> str:
        known = self._tokens.get(account.email)
        if known is None or not _is_fresh(known):
            known = self._refresh(account, unless=_is_fresh)
        return str(known.token)

    def _refresh(self, account: Account, *, unless: Callable[[Credentials], bool]) -> Credentials:
        """Get a token, one thread for all: who waited for it finds it there."""
        with self._refreshing:
            known = self._tokens.get(account.email)
            if known is not None and unless(known):
                return known
            try:
                made: Credentials = Credentials.from_service_account_info(account.key, scopes=SCOPES)  # type: ignore[no-untyped-call] # the package ships no types
                with _TokenSession() as session:
                    made.refresh(AuthRequest(session))  # type: ignore[no-untyped-call] # likewise
            except TransportError as error:
                raise GoogleUnreachable("Google's token endpoint did not answer") from error
            except (GoogleAuthError, ValueError):
                # The cause is left out on purpose: its text may hold a piece of the key.
                raise GoogleRefused(Refusal(status=_UNAUTHORIZED, meaning=Meaning.TOKEN)) from None
            self._tokens[account.email] = made
            return made


class _TokenSession(requests.Session):
    """A session whose requests end: google-auth would wait two minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        return super().request(*args, **{**kwargs, "timeout": (CONNECT_TIMEOUT_S, TOKEN_TIMEOUT_S)})


def _is_fresh(credentials: Credentials) -> bool:
    """Say whether a token is good for a while: google-auth calls it stale some minutes before it ends."""
    return bool(credentials.token_state.name == "FRESH")


def _bounded(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > ANSWER_BYTES_MAX:
            raise AnswerTooLarge
    return bytes(body)


def _dated_s(date: str) -> int | None:
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return None
