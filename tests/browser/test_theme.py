"""The colours: like the system, light or dark; kept, and right from the first paint."""

import re

from tests.support.browser.axe import violations
from tests.support.browser.driver import expect

PAPER = {"light": "rgb(250, 246, 238)", "dark": "rgb(16, 17, 19)"}

# What the page looks like as soon as it has a body, before anything is painted.
WATCH = """
new MutationObserver((_, observer) => {
  if (!document.body) return;
  observer.disconnect();
  window.first = document.documentElement.dataset.theme;
}).observe(document, {childList: true, subtree: true});
"""


def looks(reader, theme):
    """Check the colours of the page, and what the browser's own parts are drawn in."""
    expect(reader.page.locator("body")).to_have_css("background-color", PAPER[theme])
    assert reader.page.evaluate("getComputedStyle(document.documentElement).colorScheme") == theme
    colour = reader.page.locator("meta[name=theme-color]").get_attribute("content")
    assert colour == {"light": "#faf6ee", "dark": "#101113"}[theme]


def test_colours_are_chosen_and_kept(quoting, visit):
    reader = visit(quoting, color_scheme="light", viewport={"width": 390, "height": 800})
    reader.page.add_init_script(WATCH)
    switch = reader.page.locator("#theme")
    looks(reader, "light")
    assert switch.get_attribute("aria-label") == "Theme: same as system"
    reader.page.emulate_media(color_scheme="dark")
    looks(reader, "dark")  # the system's, without a reload
    switch.press("Enter")
    expect(switch).to_have_attribute("aria-label", "Theme: light")
    looks(reader, "light")
    reader.page.reload()
    looks(reader, "light")
    assert reader.page.evaluate("window.first") == "light"
    expect(switch).to_have_attribute("title", "Theme: light")
    reader.page.locator("#language").click()
    expect(switch).to_have_attribute("title", "テーマ：ライト")
    expect(switch).to_have_attribute("aria-label", "テーマ：ライト")
    reader.page.locator("#language").click()
    switch.click()
    reader.page.emulate_media(color_scheme="light")
    looks(reader, "dark")
    reader.page.reload()
    looks(reader, "dark")
    assert reader.page.evaluate("window.first") == "dark"
    assert violations(reader) == [] and reader.too_wide() == []
    other = reader.page.context.new_page()
    other.goto(quoting)
    expect(other.locator("body")).to_have_css("background-color", PAPER["dark"])
    switch.click()  # like the system again: in the other window too, and nothing is kept
    looks(reader, "light")
    expect(other.locator("body")).to_have_css("background-color", PAPER["light"])
    assert reader.page.evaluate("localStorage.getItem('tenkyo.theme')") is None
    other.close()


def test_switch_has_room_beside_the_other_buttons(quoting, visit):
    reader = visit(quoting, locale="ja")
    expect(reader.page.locator("#theme")).to_have_attribute("aria-label", re.compile("テーマ"))
    for width in (320, 390, 1400):
        reader.page.set_viewport_size({"width": width, "height": 800})
        buttons = reader.page.locator(".tools button:visible").all()
        tops = {round(each.bounding_box()["y"]) for each in buttons}
        assert len(tops) == 1 and reader.too_wide() == [], width


def test_forbidden_storage_leaves_the_colours_of_the_system(quoting, visit):
    reader = visit(quoting, color_scheme="dark", start=False)
    reader.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('forbidden'); }});"
    )
    reader.start()
    looks(reader, "dark")
    reader.page.locator("#theme").click()
    expect(reader.page.locator("#theme")).to_have_attribute("aria-label", "Theme: light")
    looks(reader, "light")  # for now
