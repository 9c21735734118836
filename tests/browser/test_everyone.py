"""The dashboard without a pointer, without motion, in a person's own colours, and four times as large."""

import re
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.screens import DIALOGS, SLOW_MS, SOURCES, WIDER, close_dialog, name_of, open_dialog, routes, visit
from tests.browser.test_dashboard import SCREENSHOTS
from tests.e2e.outside import Api, Feeds

#: 1280 at 400 % (WCAG 1.4.10).
ZOOMED = {"width": 320, "height": 256}
#: To the end of the longest of the screens, in windows of that height.
WHEEL_TURNS = 8
TREE_NODES = 51_000
NODES_MAX = 900
#: What the page may stand still while a branch of a long tree is opened or shut, on a shared machine.
TOGGLE_MAX_MS = 50
#: What its browser leaves of a phone's screen, and how much of that a table has at least once it is scrolled to.
PHONE = {"width": 390, "height": 660}
PHONE_TABLE_PX = 300
WIDTHS = (320, 390, 520, 640, 700, 768, 834, 900, 1024, 1100, 1280, 1600)
CHANGES = 5
#: Script for each change of a visible document, on a shared machine; 40 ms a second is the bar on an idle one.
SCRIPT_MAX_MS = 200


async def test_a_source_is_added_read_and_edited_without_a_pointer(page: Page, state: dict[str, Any]):
    """Only keys, from the empty list to a saved setting, and a typed one is not lost by leaving."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("keys", [{"item": "a", "price": 1}, {"item": "b", "price": 2}])
        await expect(page.get_by_role("heading", name="Sources")).to_be_visible(timeout=SLOW_MS)
        await page.keyboard.press("n")
        await expect(page.locator("[name=url]")).to_be_visible(timeout=SLOW_MS)
        await _tab_to(page, "[name=url]")
        await page.keyboard.type(feeds.url("keys"))
        await _tab_to(page, "[name=name]")
        await page.keyboard.press("Control+a")
        await page.keyboard.type("By keys")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_role("link", name="By keys")).to_be_visible(timeout=SLOW_MS)
        await page.keyboard.press("/")
        await page.keyboard.type("By keys")
        await _tab_to(page, ".list .name a")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("grid")).to_be_visible(timeout=SLOW_MS)
        await _tab_to(page, "[role=grid]")
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowRight")
        await expect(page.locator(".picked pre")).to_have_text("b")

        await page.keyboard.press("e")
        await expect(page.locator("[name=pollingInterval]")).to_be_visible(timeout=SLOW_MS)
        await _tab_to(page, "[name=pollingInterval]")
        await page.keyboard.press("Control+a")
        await page.keyboard.type("7")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("g")
        await page.keyboard.press("f")
        await expect(page.get_by_role("heading", name="Throw away what you typed?")).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / "leaving.png")
        await page.keyboard.press("Escape")
        await expect(page.locator("[name=pollingInterval]")).to_have_value("7")
        await _tab_to(page, "[name=pollingInterval]")
        await page.keyboard.press("Control+Enter")
        await expect(page.get_by_text("7 s", exact=True)).to_be_visible(timeout=SLOW_MS)
        await page.keyboard.press("Escape")
        await page.evaluate("document.activeElement.blur()")
        await page.keyboard.press("?")
        await expect(page.get_by_role("heading", name="Keys", exact=True)).to_be_visible()
        await page.screenshot(path=SCREENSHOTS / "keys.png")
        await page.keyboard.press("Escape")
        await page.keyboard.press("g")
        await page.keyboard.press("s")
        await expect(page.locator("table.list")).to_be_visible()
        for source in (await api.call("GET", "/datasources"))[1]["items"]:
            await api.delete(source["id"])


async def test_every_control_of_every_screen_is_reached_by_tab(page: Page, state: dict[str, Any]):
    """And of every dialog: what a pointer can press has the focus at some time, or it is none."""
    await page.evaluate("document.addEventListener('focusin', ({target}) => (window.__had ??= new Set()).add(target))")
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("still", [{"n": 1}])  # each change is some controls more, and none of another kind
        source_id = await api.register(feeds.url("still"), name="Still")
        await expect(page.get_by_text("Fresh", exact=True)).to_be_visible(timeout=SLOW_MS)
        for screen, shows in routes(source_id).items():
            await visit(page, screen, shows)
            await _tab_through(page, screen)
        for dialog in DIALOGS:
            await open_dialog(page, dialog)
            await _tab_through(page, dialog)
            await close_dialog(page)
        await api.delete(source_id)


async def test_no_width_of_a_window_hides_what_a_screen_holds(page: Page, source_id: str):
    """From a phone's to a desktop's: only tables of data scroll sideways, and the name of a source can be read."""
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    for screen, shows in routes(source_id).items():
        await visit(page, screen, shows)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 800})
            await page.screenshot(path=SCREENSHOTS / f"width-{name_of(screen)}-{width}.png")
            assert await page.evaluate(WIDER) == [], (screen, width)
            cut = "[...document.querySelectorAll('.list .name a')].filter((one) => one.scrollWidth > one.clientWidth)"
            assert await page.evaluate(f"({cut}).length") == 0, (screen, width)
    await page.set_viewport_size(PHONE)  # type: ignore[arg-type] # a literal would be a ViewportSize
    await visit(page, f"sources/{source_id}", "[role=grid]")
    assert await page.evaluate("document.querySelector('[role=grid]').clientHeight") >= PHONE_TABLE_PX


async def test_what_had_the_focus_has_it_again(page: Page, state: dict[str, Any]):
    """After each dialog; where what had it is gone, the page has it, and not the browser's first stop."""
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("focus", [{"n": 1}])
        await api.register(feeds.url("focus"), name="Focus")
        opener = page.get_by_role("button", name="Remove Focus")
        await expect(opener).to_be_visible(timeout=SLOW_MS)
        for name in ("Keys", "Add source", "Import…", "Remove Focus"):
            button = page.get_by_role("button", name=name, exact=True)
            await button.press("Enter")
            await expect(page.get_by_role("dialog")).to_be_visible(timeout=SLOW_MS)
            await page.keyboard.press("Escape")
            await expect(page.get_by_role("dialog")).to_have_count(0)
            await expect(button).to_be_focused()
        await opener.press("Enter")
        await page.get_by_role("dialog").get_by_role("button", name="Remove").press("Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0, timeout=SLOW_MS)
        await expect(page.locator("main")).to_be_focused()


async def test_nothing_typed_is_lost_unasked(page: Page, source_id: str):
    """Not by Escape, by going back, or by signing out; a list of choices that is open is what Escape closes first."""
    await visit(page, "fleet", "section.fleet")
    await visit(page, "sources", SOURCES)
    await page.keyboard.press("n")
    await page.locator("[name=url]").fill("https://typed.example/feed", timeout=SLOW_MS)
    asked = page.get_by_role("heading", name="Throw away what you typed?")
    formats = page.locator("[name=dataFormat]")
    await formats.focus()
    await page.keyboard.press("Space")
    await expect(page.locator("select:open")).to_have_count(1)
    await page.keyboard.press("Escape")
    await expect(page.locator("select:open")).to_have_count(0)
    await expect(asked).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(asked).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(asked).to_have_count(0)
    await expect(formats).to_be_focused()
    await page.go_back()
    await expect(asked).to_be_visible()
    await page.screenshot(path=SCREENSHOTS / "leaving-add.png")
    await page.keyboard.press("Escape")
    await expect(page.locator("[name=url]")).to_have_value("https://typed.example/feed")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Throw away").click()
    await expect(page.get_by_role("dialog")).to_have_count(0)

    await page.evaluate(f"location.hash = '#/sources/{source_id}/settings'")
    await page.locator("[name=name]").fill("Not saved", timeout=SLOW_MS)
    await page.get_by_role("button", name="Sign out").click()
    await expect(asked).to_be_visible()
    await page.get_by_role("button", name="Throw away").click()
    await expect(page.get_by_label("API token")).to_be_visible()


async def _tab_through(page: Page, name: str) -> None:
    for _ in range(len(await page.evaluate(_CONTROLS)) + SPARE_TABS):
        await page.keyboard.press("Tab")
    missed = await page.evaluate(f"({_CONTROLS}).filter((one) => !window.__had.has(one)).map((one) => one.outerHTML)")
    assert missed == [], name


#: What can be pressed or typed into, where it is shown; of an open dialog only what is in it.
_CONTROLS = """[...(document.querySelector("dialog") ?? document).querySelectorAll(
  "button:enabled, a[href], input, select, textarea, summary, [role=grid], [role=tree]")]
  .filter((one) => one.checkVisibility() && !one.closest("[role=grid] *"))"""
#: The browser's own stops, and those that the page itself adds while it is walked through.
SPARE_TABS = 12


async def test_nothing_moves_and_nothing_is_lost_in_a_persons_own_colours_and_size(
    page: Page, state: dict[str, Any], source_id: str
):
    """Reduced motion, forced colours, and 400 %: no screen scrolls sideways, and a mark is a border."""
    screens = routes(source_id)
    await expect(page.locator("table.list")).to_be_visible(timeout=SLOW_MS)
    await page.emulate_media(reduced_motion="reduce", forced_colors="active")
    for screen, shows in screens.items():
        await visit(page, screen, shows)
        running = "document.getAnimations().filter(({playState}) => playState === 'running').length"
        assert await page.evaluate(running) == 0, screen
    await page.evaluate(f"location.hash = '#/sources/{source_id}'")
    marked = page.locator("[data-mark]").first
    await expect(marked).to_be_visible(timeout=SLOW_MS)
    await page.screenshot(path=SCREENSHOTS / "forced-colours.png")

    await page.emulate_media(reduced_motion="no-preference", forced_colors="none")
    await page.set_viewport_size(ZOOMED)  # type: ignore[arg-type] # a literal would be a ViewportSize
    for screen, shows in screens.items():
        await visit(page, screen, shows)
        await page.screenshot(path=SCREENSHOTS / f"zoomed-{name_of(screen)}.png", full_page=True)
        assert await page.evaluate(WIDER) == [], screen
        reached = page.locator(shows).first
        # By the wheel: a script could scroll what a person cannot.
        await page.mouse.move(160, 200)
        for _ in range(WHEEL_TURNS):
            if await page.evaluate(_IS_SEEN, shows):
                break
            await page.mouse.wheel(0, 100)
        await expect(reached).to_be_in_viewport()
    assert state["token"] not in page.url


async def test_a_large_tree_is_few_elements_and_turns_over_at_once(page: Page, state: dict[str, Any]):
    """51,000 nodes: what is on the screen exists, and opening a long list does not stop the page."""
    document = {"lists": [{"n": i, "values": list(range(100))} for i in range(TREE_NODES // 102)], "one": 1}
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("tree", document)
        source_id = await api.register(feeds.url("tree"), name="Tree")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await page.get_by_role("button", name="Tree", exact=True).click(timeout=SLOW_MS)
        tree = page.get_by_role("tree")
        await tree.get_by_text("lists").click(timeout=SLOW_MS)
        assert await page.evaluate("document.querySelectorAll('*').length") <= NODES_MAX
        usual = await page.evaluate(_TOGGLED)
        assert usual <= TOGGLE_MAX_MS
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


async def test_changes_of_what_is_seen_cost_little_script(page: Page, state: dict[str, Any]):
    """Ten thousand rows of which five hundred change at once, again and again: script time is counted, not frames."""
    rows = [{f"c{column}": 0 for column in range(12)} for _ in range(10_000)]
    async with Feeds.serving() as feeds, Api.of(state) as api:
        feeds.set("busy", rows)
        source_id = await api.register(feeds.url("busy"), name="Busy")
        await page.evaluate(f"location.hash = '#/sources/{source_id}'")
        await expect(page.get_by_role("grid")).to_have_attribute("aria-rowcount", "10001", timeout=SLOW_MS)
        devtools = await page.context.new_cdp_session(page)
        await devtools.send("Performance.enable")
        before = await _script_s(devtools)
        for change in range(1, CHANGES + 1):
            for row in rows[:500]:
                row["c0"] = change
            feeds.set("busy", rows)
            first = page.locator(".rows .grid-row:not([hidden]) [aria-colindex='2']").first
            await expect(first).to_have_text(re.compile(rf"{change}$"), timeout=SLOW_MS)
        script_ms = (await _script_s(devtools) - before) * 1_000 / CHANGES
        assert script_ms <= SCRIPT_MAX_MS
        assert await page.evaluate("document.querySelectorAll('*').length") <= NODES_MAX
        await page.evaluate("location.hash = '#/sources'")
        await api.delete(source_id)


_IS_SEEN = "(selector) => document.querySelector(selector).getBoundingClientRect().top < innerHeight - 50"

#: Opens and shuts the branch under the cursor ten times, and gives the longest time that took until it was painted.
_TOGGLED = """async () => {
  const tree = document.querySelector("[role=tree]");
  const times = [];
  for (let i = 0; i < 10; i += 1) {
    const start = performance.now();
    tree.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return times.sort((a, b) => a - b)[times.length / 2];
}"""


async def _script_s(devtools: Any) -> float:
    metrics = (await devtools.send("Performance.getMetrics"))["metrics"]
    return float(next(one["value"] for one in metrics if one["name"] == "ScriptDuration"))


async def _tab_to(page: Page, selector: str) -> None:
    """Press Tab until something has the focus, as far as somebody would go."""
    for _ in range(60):
        if await page.evaluate("(selector) => document.activeElement?.matches(selector) ?? false", selector):
            return
        await page.keyboard.press("Tab")
    message = f"Tab does not reach {selector}"
    raise AssertionError(message)
