"""Screenshots of the dialogs and lists, in ``tests/browser/shots``, for people to look at."""

import pytest

from tests.support.browser.adding import MAPS, add
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import WHISPER, WHISPER_JA
from tests.support.documents import column, pdf

WIDE, NARROW = (1440, 900), (320, 740)


@pytest.mark.parametrize("look", looks("en", "dark", WIDE, NARROW), ids=named)
def test_dialog_screenshots_without_axe_violations(house, visit, shots, look):
    reader = visit(house.url, **look, reduced_motion="reduce")
    name = f"desk-{named(look)}"
    found = {}

    def shot(state):
        found[state] = violations(reader) + reader.too_wide()
        reader.shot(shots, f"{name}-{state}")

    reader.page.locator("#open-library").click()
    expect(reader.page.locator("#library .adding")).to_be_visible()
    house.web.hold.clear()
    reader.page.locator("#add-url").fill("http://slow.example.org/a-page")
    reader.page.locator("#add-url").press("Enter")
    expect(reader.page.locator(".job progress")).to_be_visible()
    add(reader, ("maps.md", MAPS.encode()), ("program.pdf", b"\x7fELF" + bytes(3000)))
    expect(reader.page.locator(".job")).to_have_count(2)
    shot("1-adding")
    reader.page.keyboard.press("Escape")
    shot("2-start")
    house.web.hold.set()
    expect(reader.page.locator("#adding-sign")).to_be_hidden(timeout=60_000)
    reader.page.locator("#open-library").click()
    expect(reader.page.locator(".job dt.failed").first).to_be_visible()
    reader.page.locator("#library li summary").nth(4).click()
    shot("3-added")
    locked = pdf([column(["The dam of Kurobe is 186 metres high."])], password="sesame")
    add(reader, ("kurobe dam report.pdf", locked))
    expect(reader.page.locator(".unlock input")).to_be_visible(timeout=60_000)
    shot("3-password")
    reader.page.locator(".unlock input").fill("wrong")
    reader.page.locator(".unlock input").press("Enter")
    expect(reader.page.locator(".job")).to_have_count(3)
    expect(reader.page.locator(".unlock input")).to_be_visible(timeout=60_000)
    shot("3-wrong")
    reader.page.keyboard.press("Escape")
    reader.ask({"en": WHISPER, "ja": WHISPER_JA}[look["locale"][:2]]).answered()
    reader.page.locator("#open-talks").click()
    expect(reader.page.locator(".talks li").first).to_be_visible()
    reader.page.locator(".talks li a").first.hover()
    shot("4-list")
    search = reader.page.locator(".talk-search")
    search.fill("680,000")
    expect(reader.page.locator(".talk-hit mark").first).to_be_visible()
    shot("4-search")
    search.fill("penguins")
    expect(reader.page.locator(".talks-foot .none")).to_be_visible()
    shot("4-nothing")
    search.press("Escape")
    expect(reader.page.locator(".talks li").first).to_be_visible()
    reader.page.locator(".talks li a").first.hover()
    reader.page.locator(".talks li").first.locator(".delete").click()
    shot("5-delete")
    reader.page.keyboard.press("Escape")
    if look["viewport"]["width"] == NARROW[0]:
        reader.page.keyboard.press("Escape")
    reader.page.locator("#talk-bar button").first.click()
    reader.page.locator(".make button").click()
    expect(reader.page.locator(".links li")).to_have_count(1)
    shot("6-share")
    url = reader.page.locator(".link").input_value()
    reader.page.goto(url)
    expect(reader.claims.first).to_be_visible()
    shot("7-shared")
    reader.page.goto(f"{house.url}/?c=")
    assert not {state: list_ for state, list_ in found.items() if list_}
