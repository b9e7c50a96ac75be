"""Conversations: stored, listed, opened again, renamed, deleted, shared and exported."""

import re

import httpx
import pytest

from tests.support.browser.axe import violations
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import WHISPER

BLOCK = "How does Block-NeRF render a whole neighbourhood?"
WIDE, NARROW = {"width": 1440, "height": 860}, {"width": 360, "height": 740}


@pytest.fixture
def asked(house, visit):
    """A function that opens the page, asks a question and waits for the answer."""

    def asked(question=WHISPER, **options):
        options = {"viewport": WIDE} | options
        return visit(house.url, **options).ask(question).answered()

    return asked


def named(reader):
    expect(reader.page).to_have_url(re.compile(r"/\?c=.+"))
    return reader.page.url.rpartition("=")[2]


def listed(reader):
    """Open the list of conversations, and return its rows."""
    reader.page.locator("#open-talks").click()
    expect(reader.page.locator(".talks li").first).to_be_visible()
    return reader.page.locator(".talks li")


def act(row, name):
    row.locator("a").hover()
    row.get_by_role("button", name=re.compile(name)).click()


def test_reload_restores_the_conversation(asked):
    reader = asked()
    talk = named(reader)
    assert reader.answer()["conversation_id"] == talk
    reader.ask(BLOCK).answered()
    assert reader.answer()["conversation_id"] == talk  # it goes on
    said = reader.page.locator(".claim").all_text_contents()
    reader.page.reload()
    expect(reader.page.locator(".turn")).to_have_count(2)
    assert reader.page.locator(".claim").all_text_contents() == said
    reader.page.locator(".claim .cite").first.click()
    expect(reader.page.locator("#reader mark").first).to_be_visible()


def test_new_conversation_has_its_title_with_the_first_answer(asked):
    reader = asked()
    title = "Whisper: hours of labelled audio"
    expect(reader.page.locator(".talk-title")).to_have_text(title)
    expect(reader.page).to_have_title(f"{title} – Tenkyo")
    expect(listed(reader).first.locator(".talk-name")).to_have_text(title)


def test_back_and_forward_move_between_conversations(asked):
    reader = asked()
    first = named(reader)
    reader.page.get_by_role("button", name="New question").first.click()
    expect(reader.page.locator(".turn")).to_have_count(0)
    expect(reader.page.locator(".example").first).to_be_visible()
    reader.ask(BLOCK).answered()
    second = named(reader)
    assert second != first
    reader.page.go_back()
    expect(reader.page.locator(".turn")).to_have_count(0)
    reader.page.go_back()
    expect(reader.page.locator(".turn h2")).to_have_text(WHISPER)
    reader.page.go_forward()
    reader.page.go_forward()
    expect(reader.page.locator(".turn h2")).to_have_text(BLOCK)
    assert named(reader) == second


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_list_opens_a_conversation(asked, size):
    reader = asked(viewport=size)
    talk = named(reader)
    reader.page.goto(reader.base + "/")
    rows = listed(reader)
    rows.first.locator("a").click()
    expect(reader.page.locator(".turn h2")).to_have_text(WHISPER)
    assert named(reader) == talk
    assert reader.too_wide() == []
    if size is NARROW:
        expect(reader.page.locator(".sheet")).to_be_hidden()
    else:  # it stays, also after a reload, until it is folded away
        reader.page.reload()
        expect(reader.page.locator(".talks a[aria-current=page]")).to_have_count(1)
        reader.page.get_by_role("button", name="Hide").click()
        expect(reader.page.locator(".talks-aside")).to_be_hidden()
        expect(reader.page.locator("#open-talks")).to_be_focused()


def test_conversation_is_renamed_in_place(asked, house):
    reader = asked()
    talk = named(reader)
    row = listed(reader).first
    act(row, "Rename")
    field = reader.page.get_by_label("New title")
    field.fill("never mind")
    field.press("Escape")
    expect(row.locator(".talk-name")).to_have_text("Whisper: hours of labelled audio")
    act(row, "Rename")
    hostile = "<b onclick=window.executed=1>Hours</b> \u202eesrever"
    field.fill(hostile)
    field.press("Enter")
    expect(row.get_by_role("button", name=re.compile("Rename"))).to_be_focused()
    kept = httpx.get(f"{house.url}/v1/conversations/{talk}").json()["title"]
    assert kept.startswith("<b onclick")
    expect(row.locator(".talk-name")).to_have_text(kept)
    expect(reader.page.locator(".talk-title")).to_have_text(kept)
    assert reader.page.locator(".talks b, .talk-bar b").count() == 0
    row.evaluate("row => row.classList.add('old')")
    reader.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(reader.page.locator(".talks .old")).to_have_count(0)  # the list was read again
    expect(row.get_by_role("button", name=re.compile("Rename"))).to_be_focused()


def test_conversation_is_deleted_after_confirmation(asked, house):
    reader = asked()
    talk = named(reader)
    row = listed(reader).first
    act(row, "Delete")
    question = reader.page.get_by_role("alertdialog")
    expect(question).to_contain_text("Whisper: hours of labelled audio")
    question.get_by_role("button", name="Cancel").click()
    act(row, "Delete")
    question.get_by_role("button", name="Delete").click()
    expect(reader.page.locator(".turn")).to_have_count(0)
    expect(reader.page).to_have_url(f"{house.url}/")
    assert httpx.get(f"{house.url}/v1/conversations/{talk}").status_code == 404


def test_deletion_is_seen_in_another_window(asked, house):
    """There the next question starts a new conversation."""
    reader = asked()
    talk = named(reader)
    other = reader.page.context.new_page()
    other.goto(f"{house.url}/?c={talk}")
    expect(other.locator(".turn h2")).to_have_text(WHISPER)
    other.locator("#open-talks").click()
    row = other.locator(".talks li").first
    act(row, "Delete")
    other.get_by_role("alertdialog").get_by_role("button", name="Delete").click()
    expect(reader.page.locator(".lost")).to_contain_text("was deleted")
    expect(reader.page.locator(".turn")).to_have_count(1)  # what is there stays
    reader.ask(BLOCK).answered()
    assert named(reader) != talk
    other.close()


def test_conversation_deleted_elsewhere(asked, house):
    reader = asked()
    reader.expected.append("status of 404")
    talk = named(reader)
    httpx.delete(f"{house.url}/v1/conversations/{talk}")
    reader.ask(WHISPER).answered()
    expect(reader.turn.locator(".note.failed")).to_be_visible()
    expect(reader.page.locator(".lost")).to_be_visible()
    reader.turn.get_by_role("button", name="Try again").click()
    reader.answered()
    assert reader.claims.count() > 0 and named(reader) != talk


def test_unknown_conversation_is_reported(house, visit):
    reader = visit(house.url, "/?c=" + "%3Cimg%20src%3Dx%3E" * 3)
    reader.expected.append("status of 404")
    expect(reader.page.locator("main > .note")).to_contain_text("This conversation does not exist")
    expect(reader.page).to_have_url(f"{house.url}/")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_history_is_searched_by_keyboard(house, visit, size):
    history, kept, tag = house.engine.history, {}, f"s{size['width']}"
    asked = {"question": "Whisper?", "mode": "quoted"}
    answer = httpx.post(f"{house.url}/v1/answers", json=asked, timeout=60).json()
    for name, question, text in (
        ("s1", "How tall is the tower of Sapporo?", "The clock tower was built in 1878."),
        ("s2", "閲覧室はいつ休みですか？", "閲覧室は日曜日に休館します。"),
        (
            "s3",
            "Which ferry goes to Sado?",
            "Sadogashima <img src=x onerror=window.executed=1> of them.",
        ),
    ):
        made = answer | {"question": question, "text": text}
        kept[name] = history.new_conversation()
        history.save_answer(f"{tag}-{name}", kept[name], made)
    reader = visit(house.url, viewport=size)
    rows = listed(reader)
    field = reader.page.get_by_role("searchbox", name="Search conversations")
    field.fill("ＳＡＰＰＯＲＯ 1878")
    expect(rows).to_have_count(1)
    expect(rows.locator(".talk-hit mark")).to_have_text("1878")
    expect(reader.page.locator(".panel [role=status]")).to_have_text("1 conversation found")
    field.fill("休館")
    expect(rows.locator("mark")).to_have_text("休館")
    field.fill("sado?")
    expect(rows.locator(".talk-name mark")).to_have_text("Sado?")
    field.fill("sadogashima")
    expect(rows.locator(".talk-hit")).to_contain_text("<img src=x onerror")
    field.fill("no such thing")
    expect(reader.page.locator(".talks-foot .none")).to_have_text("Nothing found.")
    assert violations(reader) == [] and reader.too_wide() == []
    field.press("Escape")  # empties the field, and leaves the list open
    expect(field).to_have_value("")
    expect(rows.nth(2)).to_be_visible()
    field.fill("tower")
    expect(rows).to_have_count(1)
    field.press("ArrowDown")
    expect(rows.locator("a")).to_be_focused()
    reader.page.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    field.press("ArrowDown")
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".turn h2")).to_have_text("How tall is the tower of Sapporo?")
    assert named(reader) == kept["s1"]
    for each in kept.values():
        history.conversations.delete(each)


def test_search_that_fails_tells_no_number_of_conversations(asked):
    reader = asked()
    listed(reader)
    reader.expected += ["ERR_INTERNET_DISCONNECTED"]
    reader.page.context.set_offline(True)
    reader.page.get_by_role("searchbox", name="Search conversations").fill("Whisper")
    expect(reader.page.locator(".talks-foot").get_by_role("alert")).to_be_visible()
    expect(reader.page.locator(".panel > [role=status]")).to_have_text("")
    reader.page.context.set_offline(False)


def test_more_conversations_are_loaded_on_request(house, visit):
    question = {"question": "Whisper?", "mode": "quoted"}
    made = httpx.post(f"{house.url}/v1/answers", json=question, timeout=60).json()
    for n in range(32):  # the same answer in other conversations: each would take most of a second
        again = made | {"id": f"a{n}", "conversation_id": f"c{n}", "question": f"Whisper {n}?"}
        house.engine.history.save_answer(again["id"], again["conversation_id"], again, begins=True)
    reader = visit(house.url, viewport=NARROW)
    rows = listed(reader)
    expect(rows).to_have_count(30)
    reader.page.get_by_role("button", name="Show more").click()
    expect(rows.nth(32)).to_be_visible()
    assert rows.count() > 32
    expect(rows.nth(30).locator("a")).to_be_focused()


def test_shared_link_is_created_read_and_revoked(asked, house, visit):
    reader = asked()
    reader.page.get_by_role("button", name="Share, export").click()
    dialog = reader.page.locator("#share")
    dialog.get_by_label("Link expires").select_option("7")
    dialog.get_by_role("button", name="Create link").click()
    link = dialog.get_by_label("Link", exact=True)
    expect(link).to_have_value(re.compile(r"/shared/\S+$"))
    url = link.input_value()
    expect(dialog.locator(".when")).to_contain_text("1 answer")
    reader.page.keyboard.press("Escape")
    said = reader.claims.all_text_contents()
    reader.ask(BLOCK).answered()  # not shared

    guest = visit(house.url, url.removeprefix(house.url), start=False)
    expect(guest.claims).to_have_count(len(said))
    assert guest.claims.all_text_contents() == said
    expect(guest.page.locator("h1")).to_have_text("Whisper: hours of labelled audio")
    expect(guest.page.locator(".kicker")).to_have_text("Shared conversation")
    expect(guest.page.locator(".turn h2")).to_have_text(WHISPER)
    expect(guest.page.locator(".intro")).to_contain_text("A read-only snapshot from")
    expect(guest.page.locator(".turn")).to_have_count(1)
    expect(guest.page.locator("mark").first).to_be_visible()
    for gone in ("#question", "#ask", "#open-talks", "#open-library", ".example", ".asked button"):
        expect(guest.page.locator(gone).first).to_be_hidden()
    with guest.page.expect_download() as saved:
        guest.page.get_by_role("link", name="Markdown").click()
    assert "[^1]" in saved.value.path().read_text()
    guest.page.locator("#language").click()
    expect(guest.page.locator(".intro")).to_contain_text("時点の写し")

    reader.page.get_by_role("button", name="Share, export").click()
    dialog.get_by_role("button", name=re.compile("Revoke")).click()
    reader.page.get_by_role("alertdialog").get_by_role("button", name="Revoke").click()
    expect(dialog.locator(".links li")).to_have_count(0)
    guest.expected.append("status of 410")
    guest.page.reload()
    expect(guest.page.get_by_role("alert")).to_contain_text(re.compile("no longer shared|もう"))
    expect(guest.page.locator(".turn")).to_have_count(0)


def test_unknown_shared_link_is_reported(house, visit):
    guest = visit(house.url, "/shared/nothing", start=False)
    guest.expected.append("status of 404")
    expect(guest.page.get_by_role("alert")).to_contain_text("no such shared conversation")


def test_conversation_is_exported(asked):
    reader = asked()
    reader.page.get_by_role("button", name="Share, export").click()
    for name, ending, has in (("Markdown", ".md", "[^1]:"), ("BibTeX", ".bib", "@")):
        with reader.page.expect_download() as saved:
            reader.page.locator("#share").get_by_role("link", name=name).click()
        assert has in saved.value.path().read_text()
        assert saved.value.suggested_filename.endswith(ending)


def test_conversation_list_by_keyboard(asked):
    reader = asked(viewport=NARROW)
    opener = reader.page.locator("#open-talks")
    opener.focus()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator(".talks li").first).to_be_visible()
    for _ in range(12):
        reader.page.keyboard.press("Tab")
        assert reader.page.evaluate("""() => document.activeElement === document.body
            || document.querySelector('.sheet').contains(document.activeElement)""")
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator(".sheet")).to_be_hidden()
    expect(opener).to_be_focused()


def test_skip_link_does_not_change_the_conversation(asked):
    reader = asked()
    expect(reader.page.locator(".talk-title")).not_to_be_empty()  # its title has been asked for
    asks = []
    reader.page.on("request", lambda request: asks.append(request.url))
    reader.page.locator(".skip").focus()
    reader.page.keyboard.press("Enter")
    expect(reader.page.locator("#question")).to_be_focused()
    reader.ask(BLOCK).answered()
    expect(reader.page.locator(".turn")).to_have_count(2)
    assert not [url for url in asks if "/v1/conversations" in url]
