"""Collections on the page: made, filled and chosen; asked in, linked to, and kept in conversations."""

import re
import shutil
from pathlib import Path

import httpx
import pytest

from tests.support.browser.adding import MAPS, QUESTION, add
from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import UNKNOWN, WHISPER, trusting
from tests.support.library_service import House


@pytest.fixture(scope="module")
def house(library_folder, tmp_path_factory, embedder, checker):
    """Its own service, since collections of one test would be in the other files' dialogs."""
    folder = tmp_path_factory.mktemp("shelves") / "data"
    house = trusting(House(Path(shutil.copytree(library_folder, folder)), embedder, checker))
    house.engine.warm_up()
    with house.open():
        yield house


@pytest.fixture
def shelf(house):
    """A function that makes a collection with sources; all are deleted after the test."""

    def shelf(name, *source_ids):
        collections = house.store.collections
        return collections.add(collections.make(name).id, source_ids)

    yield shelf
    for each in house.store.collections.all():
        house.store.collections.delete(each.id)


def scope(reader):
    return reader.page.locator("#scope")


def last_request(reader, act):
    """What the page sends when it asks."""
    with reader.page.expect_request(lambda r: r.url.endswith("/v1/answers")) as sent:
        act()
    reader.answered()
    return sent.value.post_data_json


def test_collection_is_made_filled_renamed_and_deleted(house, shelf, visit):
    reader = visit(house.url)
    expect(scope(reader)).to_have_text(re.compile("All sources"))
    reader.page.locator("#open-library").click()
    dialog = reader.page.locator("#library")
    expect(dialog.locator(".shelf")).to_have_count(1)
    dialog.get_by_role("button", name="New collection…").click()
    reader.page.keyboard.type("Speech / 音声")
    reader.page.keyboard.press("Enter")
    expect(dialog.locator(".shelf[aria-pressed=true]")).to_contain_text("Speech / 音声")
    expect(dialog.locator(".library-bar")).to_contain_text("no sources yet")
    expect(dialog.locator(".into")).to_contain_text("Speech / 音声")

    dialog.get_by_role("button", name="Choose from the library").click()
    boxes = dialog.locator("li > input")
    expect(boxes).to_have_count(14)
    for name in ("whisper", "instructgpt"):
        dialog.locator(f'li[data-id="{name}"] > input').click()
        expect(dialog.locator(f'li[data-id="{name}"] > input')).to_be_checked()
    dialog.get_by_role("button", name="Done").click()
    expect(dialog.locator("li[data-id]")).to_have_count(2)
    (held,) = house.store.collections.all()
    assert held.name == "Speech / 音声" and held.source_ids == ("instructgpt", "whisper")

    first = dialog.locator('li[data-id="instructgpt"]')
    first.locator("summary").click()
    first.get_by_role("button", name=re.compile("Remove from")).click()
    expect(dialog.locator("li[data-id]")).to_have_count(1)
    dialog.get_by_role("button", name="Rename").click()
    reader.page.keyboard.type("Hearing")
    reader.page.keyboard.press("Enter")
    expect(dialog.locator(".shelf[aria-pressed=true]")).to_contain_text("Hearing")
    dialog.get_by_role("button", name="New collection…").click()
    reader.expected.append("status of 409")
    reader.page.keyboard.type("HEARING")
    reader.page.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("choose another name")
    reader.page.keyboard.press("Escape")  # ends the naming alone
    expect(dialog.get_by_role("alert")).to_have_count(0)
    expect(dialog).to_be_visible()

    reader.page.keyboard.press("Escape")
    expect(scope(reader)).to_contain_text("Hearing")
    assert last_request(reader, lambda: reader.ask(WHISPER))["collections"] == ["Hearing"]
    expect(reader.turn.locator(".asked-in")).to_have_text("Asked in Hearing")
    reader.page.locator("#open-library").click()
    dialog.get_by_role("button", name="Delete…").click()
    reader.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(dialog.locator("li[data-id]")).to_have_count(14)
    assert house.store.collections.all() == []
    reader.page.keyboard.press("Escape")
    expect(scope(reader)).to_contain_text("All sources")


COUNT_REPLIES = """() => {
    const json = Response.prototype.json;
    window.replies = 0;
    Response.prototype.json = async function () {
        const reply = await json.call(this);
        setTimeout(() => { window.replies += 1; });  // after what is done with it at once
        return reply;
    };
}"""


def test_click_is_not_lost_while_the_list_is_drawn_anew(house, shelf, visit):
    shelf("Speech", "instructgpt")
    reader = visit(house.url)
    reader.page.locator("#open-library").click()
    dialog = reader.page.locator("#library")
    dialog.locator(".shelf", has_text="Speech").click()
    dialog.get_by_role("button", name="Choose from the library").click()
    reader.page.evaluate(COUNT_REPLIES)
    held = []  # the request for what is in each collection, which is answered when we say so
    reader.page.route("**/v1/collections", lambda route: held.append(route))
    dialog.locator('li[data-id="whisper"] > input').click()
    while not held:
        reader.page.wait_for_timeout(20)
    done = dialog.get_by_role("button", name="Done")
    done.scroll_into_view_if_needed()
    box = done.bounding_box()
    reader.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.page.mouse.down()
    before = reader.page.evaluate("() => window.replies")
    held[0].continue_()
    reader.page.wait_for_function("before => window.replies > before", arg=before)
    reader.page.mouse.up()
    expect(dialog.locator("li[data-id]")).to_have_count(2)


def test_scope_is_chosen_beside_the_question(house, shelf, visit):
    shelf("Speech", "whisper", "article-en")
    shelf("Agents", "instructgpt")
    reader = visit(house.url)
    scope(reader).click()
    menu = reader.page.locator(".scope-menu")
    expect(menu.locator("#scope-all")).to_be_checked()
    menu.get_by_role("checkbox", name="Speech").check()
    expect(scope(reader)).to_contain_text("Speech")
    assert reader.page.url.endswith("/?collection=Speech")
    menu.get_by_role("checkbox", name="Agents").check()
    expect(menu.locator("#scope-all")).not_to_be_checked()
    reader.page.keyboard.press("Escape")
    expect(scope(reader)).to_contain_text("Speech, Agents")
    assert last_request(reader, lambda: reader.ask(WHISPER))["collections"] == ["Speech", "Agents"]
    cards = reader.turn.locator(".side .card")
    expect(cards.first).to_be_visible()
    shown = {e["source"]["id"] for e in reader.answer()["evidence"]}
    assert shown <= {"whisper", "article-en", "instructgpt"}

    scope(reader).click()
    menu.locator("#scope-one").select_option("instructgpt")
    title = menu.locator("#scope-one option:checked").text_content()
    expect(menu.get_by_role("checkbox", checked=True)).to_have_count(0)
    reader.page.keyboard.press("Escape")
    expect(scope(reader)).to_contain_text(title)
    assert last_request(reader, lambda: reader.ask(UNKNOWN))["source_ids"] == ["instructgpt"]
    expect(reader.turn.locator(".abstained .note-title")).to_have_text(
        "Not in the source you chose"
    )
    expect(reader.turn.locator(".asked-in")).to_contain_text(title)
    reader.page.locator("#scope-clear").click()
    expect(scope(reader)).to_contain_text("All sources")
    expect(reader.page.locator("#question")).to_be_focused()
    asked = last_request(reader, lambda: reader.ask(UNKNOWN))
    assert "source_ids" not in asked and "collections" not in asked
    expect(reader.turn.locator(".asked-in")).to_have_count(0)
    expect(reader.turn.locator(".abstained .note-title")).to_have_text("Not in this library")


def test_link_opens_the_page_in_a_collection_and_the_conversation_keeps_it(house, shelf, visit):
    shelf("Speech", "whisper")
    reader = visit(house.url, "/?collection=ｓＰＥＥＣＨ")
    expect(scope(reader)).to_contain_text("Speech")
    assert reader.page.url.endswith("/?collection=Speech")
    reader.ask(UNKNOWN).answered()
    expect(reader.turn.locator(".note-title")).to_have_text("Not in the collection you chose")
    reader.ask(WHISPER).answered()
    conversation = reader.page.url
    assert "?c=" in conversation

    again = visit(house.url, conversation.removeprefix(house.url))
    expect(scope(again)).to_contain_text("Speech")
    expect(again.page.locator(".asked-in")).to_have_text(["Asked in Speech"] * 2)
    assert last_request(again, lambda: again.ask(UNKNOWN))["collections"] == ["Speech"]
    everywhere = again.turn.get_by_role("button", name="Ask in all sources")
    assert "collections" not in last_request(again, everywhere.click)
    expect(again.turn.locator(".note-title")).to_have_text("Not in this library")
    again.page.locator(".fresh-start").click()
    expect(again.page.locator(".turn")).to_have_count(0)
    expect(scope(again)).to_contain_text("Speech")
    assert again.page.url.endswith("/?collection=Speech")
    expect(again.page.locator("#facts h2").first).to_have_text("1 of 14 sources")


def test_past_answer_is_made_again_where_it_was_asked(house, shelf, visit):
    shelf("Speech", "whisper")
    reader = visit(house.url, "/?collection=Speech").ask(WHISPER).answered()
    reader.page.locator("#scope-clear").click()
    reader.ask(UNKNOWN).answered()
    reader.page.reload()
    expect(reader.page.locator(".turn")).to_have_count(2)
    expect(scope(reader)).to_contain_text("All sources")

    def again(turn):
        return last_request(reader, turn.get_by_role("button", name="Answer again").click)

    assert again(reader.page.locator(".turn").first)["collections"] == ["Speech"]
    scope(reader).click()
    reader.page.locator(".scope-menu").get_by_role("checkbox", name="Speech").check()
    reader.page.keyboard.press("Escape")
    asked = again(reader.page.locator(".turn").nth(1))
    assert "collections" not in asked and "source_ids" not in asked


def test_start_page_counts_what_is_chosen(house, shelf, visit):
    shelf("Speech", "whisper", "article-en")
    reader = visit(house.url, "/?collection=Speech")
    facts = reader.page.locator("#facts")
    expect(facts.locator("h2").first).to_have_text("2 of 14 sources")
    expect(facts.locator(".newest li")).to_have_count(0)
    reader.page.locator("#scope-clear").click()
    expect(facts.locator("h2").first).to_have_text(re.compile("14 sources, "))
    expect(facts.locator(".newest li")).to_have_count(4)


def test_change_that_fails_is_said_and_is_not_called_done(house, shelf, visit):
    shelf("Speech", "whisper")
    reader = visit(house.url, "/?collection=Speech")
    reader.page.locator("#open-library").click()
    dialog = reader.page.locator("#library")
    delete = dialog.get_by_role("button", name="Delete…")
    expect(delete).to_be_visible()
    reader.expected += ["ERR_INTERNET_DISCONNECTED"]
    reader.page.context.set_offline(True)
    delete.click()
    reader.page.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(dialog.locator(".collections").get_by_role("alert")).to_be_visible()
    expect(dialog).not_to_contain_text("deleted.")
    expect(dialog.locator(".shelf[aria-pressed=true]")).to_contain_text("Speech")
    reader.page.context.set_offline(False)
    assert [each.name for each in house.store.collections.all()] == ["Speech"]


def test_unknown_collection_of_a_link_is_said(house, visit):
    reader = visit(house.url, "/?collection=Nowhere")
    expect(reader.page.locator("main > .note.failed")).to_contain_text(
        "no collection called “Nowhere”"
    )
    expect(scope(reader)).to_contain_text("All sources")
    assert reader.page.url == f"{house.url}/"


def test_collection_renamed_elsewhere_is_not_called_a_deleted_conversation(house, shelf, visit):
    speech = shelf("Speech", "whisper")
    shelf("Customer conversations", "instructgpt")
    reader = visit(house.url, "/?collection=Speech").ask(UNKNOWN).answered()
    conversation = reader.page.url
    house.store.collections.rename(speech.id, "Hearing")
    reader.expected.append("status of 404")
    reader.ask(WHISPER).answered()
    expect(reader.turn.locator(".note.failed")).to_contain_text("Customer conversations")
    expect(reader.page.locator(".lost")).to_have_count(0)
    assert reader.page.url == conversation


@pytest.mark.parametrize(
    ("locale", "says"), [("en", "has no sources yet"), ("ja", "まだ資料がありません")]
)
def test_uploads_go_into_the_chosen_collection_which_was_empty(house, shelf, visit, locale, says):
    shelf("Kanda")
    reader = visit(house.url, "/?collection=Kanda", locale=locale)
    expect(reader.page.locator("#empty-note")).to_contain_text(says)
    reader.ask(QUESTION).answered()
    expect(reader.turn.locator(".abstained")).to_contain_text("no sources yet")
    expect(reader.turn.locator(".abstained .todo")).to_have_count(0)
    expect(reader.turn.locator(".side .card")).to_have_count(0)
    reader.page.locator("#open-library").click()
    job = add(reader, ("maps.md", MAPS.encode()))
    expect(job.locator("progress")).to_be_hidden(timeout=60_000)
    expect(reader.page.locator("#library li[data-id]")).to_have_count(1)
    reader.page.keyboard.press("Escape")
    reader.ask(QUESTION).answered()
    expect(reader.claims.first).to_contain_text("4,711")
    (source,) = {e["source"]["id"] for e in reader.answer()["evidence"]}
    httpx.delete(f"{house.url}/v1/sources/{source}").raise_for_status()


def test_hostile_names_are_text(house, shelf, visit):
    name = '"><img src=x onerror=executed=1>\u202eevil'
    shelf(name, "whisper")
    reader = visit(house.url)
    reader.page.locator("#open-library").click()
    reader.page.locator(".shelf").nth(1).click()
    expect(reader.page.locator(".into")).to_contain_text(name)
    reader.page.keyboard.press("Escape")
    expect(scope(reader)).to_contain_text(name)
    reader.ask(WHISPER).answered()
    expect(reader.turn.locator(".asked-in")).to_contain_text(name)


@pytest.mark.parametrize("look", looks("ja", "dark", (1280, 800), (390, 844)), ids=named)
def test_every_state_is_accessible_fits_and_is_photographed(house, shelf, visit, look, shots):
    names = {"en": ["Speech recognition", "Agents", "To read"], "ja": ["音声認識", "エージェント", "あとで読む"]}  # fmt: skip
    first, second, third = names[look["locale"][:2]]
    shelf(first, "whisper", "article-en")
    shelf(second, "instructgpt")
    shelf(third)
    reader = visit(house.url, **look)
    found, wide = {}, {}

    def state(name):
        found[name], wide[name] = violations(reader), reader.too_wide()
        reader.shot(shots, f"collections-{name}-{named(look)}")

    state("start")
    scope(reader).click()
    expect(reader.page.locator(".scope-menu .choices-list input")).to_have_count(3)
    state("menu")
    reader.page.locator(".scope-menu .choices-list label", has_text=first).click()
    reader.page.keyboard.press("Escape")
    state("chosen")
    reader.page.locator("#open-library").click()
    expect(reader.page.locator("#library li[data-id]")).to_have_count(2)
    reader.page.locator("#library li[data-id] summary").first.click()
    state("dialog")
    reader.page.locator("#collection-fill").click()
    state("filling")
    reader.page.locator("#collection-new").click()
    state("naming")
    reader.page.keyboard.press("Escape")
    reader.page.locator(".shelf", has_text=third).click()
    expect(reader.page.locator("#library li[data-id]")).to_have_count(0)
    state("empty")
    reader.page.keyboard.press("Escape")
    state("empty-start")
    reader.page.locator("#scope-clear").click()
    scope(reader).click()
    reader.page.locator(".scope-menu .choices-list label", has_text=second).click()
    reader.page.keyboard.press("Escape")
    reader.ask(UNKNOWN).answered()
    state("outside")
    assert not any(found.values()), found
    assert not any(wide.values()), wide
