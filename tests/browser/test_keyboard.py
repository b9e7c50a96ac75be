"""Use by keyboard alone, with a focus that is always visible."""

import pytest

from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER

# What has the focus, by a name that tells it from the others, and whether that shows.
FOCUSED = """() => {
  const el = document.activeElement;
  if (!el || el === document.body) return null;
  const style = getComputedStyle(el);
  const ring = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
  const box = el.closest('.box');
  const boxRing = box && getComputedStyle(box).outlineStyle !== 'none';
  const [at] = el.getClientRects(); // of a link over two lines, the first
  const hit = document.elementFromPoint(at.left + at.width / 2, at.top + at.height / 2);
  el.dataset.order ??= String(document.querySelectorAll('[data-order]').length);
  return {key: el.dataset.order, name: el.id || el.className || el.tagName, ring: ring || Boolean(boxRing),
          seen: hit === el || el.contains(hit) || Boolean(hit?.contains(el) && hit.tagName === 'LABEL')};
}"""
REACHABLE = """() => [...document.querySelectorAll('a[href], button, textarea, input, summary')]
  .filter((el) => el.checkVisibility({visibilityProperty: true}) && !el.closest('dialog:not([open])')
                  && !el.disabled).length"""


def walk(page, at_most=120):
    """Return what has the focus after each press of Tab, once round the page."""
    visited = []
    for _ in range(at_most):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here is None:  # past the last one, before the first
            continue
        if any(here["key"] == before["key"] for before in visited):
            return visited
        visited.append(here)
    raise AssertionError("the focus never comes round")


@pytest.mark.parametrize(("scheme", "width"), [("light", 360), ("dark", 1280)])
@pytest.mark.parametrize("asked", [False, True], ids=["start", "answer"])
def test_every_control_is_reachable_with_visible_focus(quoting, visit, scheme, width, asked):
    reader = visit(quoting, color_scheme=scheme, viewport={"width": width, "height": 800})
    if asked:
        reader.ask(WHISPER).answered()
        expect(reader.turn.locator(".related button")).to_have_count(3)  # they come later
    visited = walk(reader.page)
    assert len(visited) == reader.page.evaluate(REACHABLE), visited
    assert not [v["name"] for v in visited if not v["ring"]], "no sign of the focus"
    assert not [v["name"] for v in visited if not v["seen"]], "the focus is behind something"


def test_question_to_source_by_keyboard(quoting, visit):
    reader = visit(quoting)
    expect(reader.page.locator("#question")).to_be_focused()
    reader.page.keyboard.type(WHISPER)
    reader.page.keyboard.press("Enter")
    reader.answered()
    expect(reader.page.locator("#question")).to_be_focused()
    while not reader.page.evaluate("document.activeElement.matches('.cite')"):
        reader.page.keyboard.press("Shift+Tab")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#reader mark.lit").first).to_be_focused()
    reader.page.keyboard.press("Shift+Tab")
    assert reader.page.evaluate("document.activeElement.closest('#reader') !== null")
    reader.page.keyboard.press("Escape")
    expect(reader.claims.last.locator(".cite").last).to_be_focused()


def test_skip_link_leads_to_the_question(quoting, visit):
    reader = visit(quoting)
    reader.page.locator(".brand").focus()
    reader.page.keyboard.press("Shift+Tab")
    expect(reader.page.locator(".skip")).to_be_focused()
    expect(reader.page.locator(".skip")).to_be_in_viewport()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#question")).to_be_focused()


def test_library_dialog_traps_and_restores_focus(quoting, visit):
    reader = visit(quoting)
    opener = reader.page.locator("#open-library")
    opener.focus()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#library li").first).to_be_visible()
    for _ in range(60):
        reader.page.keyboard.press("Tab")
        assert reader.page.evaluate("""() => document.activeElement === document.body
            || document.querySelector('#library').contains(document.activeElement)""")
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#library")).to_be_hidden()
    expect(opener).to_be_focused()


def test_checkbox_can_be_ticked_by_its_row(quoting, visit):
    reader = visit(quoting)
    reader.page.locator("#open-library").click()
    box = reader.page.locator("#library li input").first
    expect(box).to_be_checked()
    box.focus()
    reader.page.keyboard.press("Space")
    expect(box).not_to_be_checked()
    expect(reader.page.locator("#scope")).to_contain_text("13 of 14")
