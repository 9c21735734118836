"""A page to type into the demo spreadsheet, as a person would in Sheets: plain forms, no script."""

from html import escape
from typing import Any

from aiohttp import web

from fetching.sheets.table import letters
from local.google.book import Book, Cell, Tab
from local.google.service import Service

#: So many empty rows and columns are offered beyond what is there.
SPARE_ROWS, SPARE_COLUMNS = 3, 1
_TITLE = "Sheets of this laptop"
_STYLE = """
:root { color-scheme: light dark; font: 14px/20px system-ui, sans-serif; }
body { margin: 24px; max-width: 60rem; }
table { border-collapse: collapse; }
th { font-weight: 500; color: GrayText; padding: 2px 8px; text-align: right; }
thead th { text-align: center; }
td { border: 1px solid color-mix(in srgb, CanvasText 20%, transparent); }
input { border: 0; padding: 4px 8px; width: 9rem; font: inherit; background: transparent; color: inherit; }
input:focus { outline: 2px solid AccentColor; }
"""


def add_page(app: web.Application, service: Service) -> None:
    """Serve the page at `/`; a POST to `/cell` writes one cell."""

    async def show(_: web.Request) -> web.Response:
        body = "".join(_book(book) for book in service.books.values())
        head = f"<meta charset=utf-8><title>{_TITLE}</title><style>{_STYLE}</style>"
        page = f"<!doctype html><html lang=en>{head}<h1>{_TITLE}</h1>{body}</html>"
        return web.Response(text=page, content_type="text/html")

    async def write(request: web.Request) -> web.Response:
        form = await request.post()
        book = service.books.get(str(form.get("book")))
        if book is None:
            raise web.HTTPNotFound(text="no such spreadsheet\n")
        try:
            gid, row, column = (_number(form, name) for name in ("gid", "row", "column"))
            service.edit(book.id, gid, row, column, cell_of(str(form.get("value", ""))))
        except (ValueError, StopIteration) as error:
            raise web.HTTPBadRequest(text="no such cell\n") from error
        raise web.HTTPSeeOther("/")

    app.router.add_get("/", show)
    app.router.add_post("/cell", write)


def cell_of(text: str) -> Cell:
    """Take what was typed as Sheets does: numbers and truth values are values, the rest is text."""
    if text.upper() in {"TRUE", "FALSE"}:
        return text.upper() == "TRUE"
    try:
        number = float(text)
    except ValueError:
        return text
    return int(number) if number.is_integer() and "e" not in text.lower() else number


def _number(form: Any, name: str) -> int:
    number = int(str(form.get(name)))
    if not 0 <= number < 1_000:  # noqa: PLR2004 - as large as a new sheet
        raise ValueError(name)
    return number


def _book(book: Book) -> str:
    return f"<h2>{escape(book.title)}</h2><p><code>{escape(book.id)}</code></p>" + "".join(
        _tab(book, tab) for tab in book.tabs
    )


def _tab(book: Book, tab: Tab) -> str:
    width = max(map(len, tab.rows), default=0) + SPARE_COLUMNS
    head = "".join(f"<th>{letters(at)}</th>" for at in range(width))
    rows = "".join(_row(book, tab, at, width) for at in range(len(tab.rows) + SPARE_ROWS))
    return f"<h3>{escape(tab.title)}</h3><table><thead><tr><th></th>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _row(book: Book, tab: Tab, at: int, width: int) -> str:
    cells = tab.rows[at] if at < len(tab.rows) else []
    shown = "".join(
        _cell(book, tab, at, column, cells[column] if column < len(cells) else "") for column in range(width)
    )
    return f"<tr><th>{at + 1}</th>{shown}</tr>"


def _cell(book: Book, tab: Tab, row: int, column: int, value: Cell) -> str:
    """Show one cell as a form of its own: Enter writes it."""
    text = str(value).upper() if isinstance(value, bool) else str(value)
    hidden = {"book": book.id, "gid": tab.gid, "row": row, "column": column}
    fields = "".join(f'<input type=hidden name={name} value="{escape(str(one))}">' for name, one in hidden.items())
    label = f"{letters(column)}{row + 1}"
    box = f'<input name=value aria-label="{label}" value="{escape(text)}" autocomplete=off>'
    return f"<td><form method=post action=/cell>{fields}{box}</form></td>"
