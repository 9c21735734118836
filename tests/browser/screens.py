"""Every screen there is: its address and what shows that it is there; and every dialog, with how it is opened."""

from collections.abc import Mapping

from playwright.async_api import Page, expect

#: However long a page takes on a machine with much else to do: what is promised of its speed is measured apart.
SLOW_MS = 60_000
#: The fleet has a list too, in which nothing is chosen.
SOURCES = "table.list:has(.tick)"
#: Each is opened from the list of sources, by its key or by what is pressed there; what shows it.
DIALOGS: Mapping[str, tuple[str, str]] = {
    "add": ("n", "dialog [name=url]"), "import": ("Import…", "dialog [type=file]"), "keys": ("?", "dialog .keys"),
}  # fmt: skip

#: What can be scrolled sideways though it is not made for it, as tables are: the page clips what its parts hold.
WIDER = """[document.documentElement, ...document.querySelectorAll("main, dialog, .changes, .charts, .settings")]
  .filter((one) => one.scrollWidth > one.clientWidth && getComputedStyle(one).overflowX !== "visible")
  .map((one) => `${one.tagName}.${one.className}: ${one.scrollWidth} in ${one.clientWidth}`)"""

#: Gives the text of what a selector finds, as soon as it is there: looking now and then may miss what is there shortly.
SEEN = """(selector) => new Promise((found) => {
  const look = () => {
    const text = document.querySelector(selector)?.textContent;
    if (text !== undefined) { observer.disconnect(); found(text); }
  };
  const observer = new MutationObserver(look);
  observer.observe(document.body, { subtree: true, childList: true, attributes: true });
  look();
})"""


def routes(source_id: str) -> Mapping[str, str]:
    """Give every address, and what is seen at it."""
    return {
        "sources": SOURCES,
        f"sources/{source_id}": "[role=grid], [role=tree]",
        f"sources/{source_id}/changes": ".version",
        f"sources/{source_id}/charts": ".chart svg",
        f"sources/{source_id}/settings": ".settings form",
        "fleet": "section.fleet",
    }


def name_of(route: str) -> str:
    """Name a screen for a file, whichever source it shows."""
    parts = route.split("/")
    return "-".join(parts[:1] if len(parts) == 1 else ["source", *parts[2:]])


async def visit(page: Page, route: str, shows: str) -> None:
    """Go to a screen and wait until it is there."""
    await page.evaluate(f"location.hash = '#/{route}'")
    await expect(page.locator(shows).first).to_be_attached(timeout=SLOW_MS)


async def open_dialog(page: Page, name: str) -> None:
    """Open a dialog over the list of sources."""
    opened_by, shows = DIALOGS[name]
    await visit(page, "sources", SOURCES)
    if len(opened_by) == 1:
        await page.keyboard.press(opened_by)
    else:
        await page.get_by_role("button", name=opened_by).click()
    await expect(page.locator(shows)).to_be_visible(timeout=SLOW_MS)


async def close_dialog(page: Page) -> None:
    """Close what is open."""
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
