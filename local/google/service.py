"""
Google over HTTP: the token endpoint, Sheets v4 and Drive v3 as far as a monitor asks them, on one port.

The real client libraries talk to it; `tests/local/google` holds its answers to Google's own discovery documents.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any

from aiohttp import web

from contracts.clock import SECOND_MS, NowMs
from local.google import refusal
from local.google.accounts import Accounts, NotGranted
from local.google.book import Book, Cell, NoSuchRange
from local.google.drive import Changes
from local.google.mask import masked, read_mask
from local.google.read_quota import ReadQuota

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: Whose token came with a request.
ACCOUNT = web.RequestKey("account", str)
FILE_TYPE = "application/vnd.google-apps.spreadsheet"

#: Answers instead of the service: for tests of what Google does on a bad day.
type Trouble = Callable[[web.Request], web.StreamResponse | None]


@dataclass(kw_only=True)
class Service:
    """A Google with some spreadsheets."""

    accounts: Accounts
    now_ms: NowMs
    quota: ReadQuota = field(default_factory=ReadQuota)
    changes: Changes = field(default_factory=Changes)
    books: dict[str, Book] = field(default_factory=dict)
    trouble: Trouble = lambda _: None
    requests: list[str] = field(default_factory=list)
    """The path of each request to Sheets, in order: what counts toward the quota."""

    def edit(self, book_id: str, gid: int, row: int, column: int, value: Cell) -> None:
        """Write a cell as a person would: Drive hears of it."""
        self.books[book_id].tab(gid).set(row, column, value)
        self.changes.edited(book_id, self.now_ms())

    def application(self) -> web.Application:
        """Serve it."""
        app = web.Application(middlewares=[self._guarded])
        app.router.add_post("/token", self._token)
        app.router.add_get("/v4/spreadsheets/{id}/values:batchGet", self._values)
        app.router.add_get("/v4/spreadsheets/{id}/values/{range:.+}", self._value_range)
        app.router.add_get("/v4/spreadsheets/{id}", self._spreadsheet)
        app.router.add_get("/drive/v3/changes/startPageToken", self._start_page_token)
        app.router.add_get("/drive/v3/changes", self._changes)
        app.on_response_prepare.append(self._dated)
        return app

    async def _dated(self, _: web.Request, response: web.StreamResponse) -> None:
        """Date every answer by our own clock: who asks learns the time from it."""
        response.headers["Date"] = formatdate(self.now_ms() // SECOND_MS, usegmt=True)

    @web.middleware
    async def _guarded(self, request: web.Request, handler: Any) -> web.StreamResponse:
        """Let trouble answer first, then want a token and count the read."""
        is_sheets = request.path.startswith("/v4/")
        if is_sheets:
            self.requests.append(request.path)
        trouble = self.trouble(request)
        if trouble is not None:
            return trouble
        if not is_sheets and not request.path.startswith("/drive/"):
            free: web.StreamResponse = await handler(request)
            return free
        account = self.accounts.account_of(request.headers.get("Authorization", ""))
        if account is None:
            return refusal.not_signed_in()
        if is_sheets and not self.quota.allow(account, self.now_ms()):
            return refusal.over_quota(account, "1")
        request[ACCOUNT] = account
        counted: web.StreamResponse = await handler(request)
        return counted

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form.get("grant_type") != GRANT_TYPE:
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        try:
            return web.json_response(self.accounts.grant(str(form.get("assertion", ""))))
        except NotGranted as error:
            return web.json_response({"error": "invalid_grant", "error_description": str(error)}, status=400)

    async def _values(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if not isinstance(found, Book):
            return found
        try:
            ranges = [_value_range(found, a1) for a1 in request.query.getall("ranges", [])]
        except NoSuchRange as error:
            return refusal.not_a_range(str(error))
        return _partial(request, {"spreadsheetId": found.id, "valueRanges": ranges})

    async def _value_range(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if not isinstance(found, Book):
            return found
        try:
            return _partial(request, _value_range(found, request.match_info["range"]))
        except NoSuchRange as error:
            return refusal.not_a_range(str(error))

    async def _spreadsheet(self, request: web.Request) -> web.Response:
        found = self._find(request)
        if not isinstance(found, Book):
            return found
        sheets = [
            {"properties": {"sheetId": tab.gid, "title": tab.title, "index": at, "sheetType": "GRID"}}
            for at, tab in enumerate(found.tabs)
        ]
        told = {"spreadsheetId": found.id, "properties": {"title": found.title}, "sheets": sheets}
        return _partial(request, told)

    def _find(self, request: web.Request) -> Book | web.Response:
        book = self.books.get(request.match_info["id"])
        if book is None:
            return refusal.not_there()
        if request[ACCOUNT] not in book.readers:
            return refusal.not_shared()
        return refusal.an_office_file() if book.is_office_file else book

    async def _start_page_token(self, request: web.Request) -> web.Response:
        told = {"kind": "drive#startPageToken", "startPageToken": self.changes.start(self.now_ms())}
        return _partial(request, told)

    async def _changes(self, request: web.Request) -> web.Response:
        try:
            changed, next_token = self.changes.since(request.query.get("pageToken", ""), self.now_ms())
        except ValueError:
            return refusal.refusal(400, "Invalid Value")
        shared = [book for book in changed if request[ACCOUNT] in self.books[book].readers]
        listed = [
            {
                "kind": "drive#change", "changeType": "file", "fileId": book, "removed": False,
                "file": {"kind": "drive#file", "id": book, "mimeType": FILE_TYPE, "name": self.books[book].title},
            }
            for book in shared
        ]  # fmt: skip
        told = {"kind": "drive#changeList", "changes": listed, "newStartPageToken": next_token}
        return _partial(request, told)


def _value_range(book: Book, a1: str) -> dict[str, Any]:
    name, rows = book.read(a1)
    return {"range": name, "majorDimension": "ROWS", **({"values": rows} if rows else {})}


def _partial(request: web.Request, told: dict[str, Any]) -> web.Response:
    try:
        mask = read_mask(request.query["fields"]) if request.query.get("fields") else {}
    except ValueError:
        return refusal.refusal(400, "Request contains an invalid argument.")
    return web.json_response(masked(told, mask))
