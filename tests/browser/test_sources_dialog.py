"""The sources dialog: adding by file, drop or address, and removal, with real ingestion."""

import re
import shutil
from pathlib import Path

import httpx

from tests.support.browser.adding import MAPS, QUESTION, add
from tests.support.browser.driver import expect
from tests.support.browser.scripted_answers import trusting
from tests.support.documents import pdf
from tests.support.library_service import House


def lines(*texts):
    return [(72, 700 - 16 * n, 11, text) for n, text in enumerate(texts)]


def drop(reader, name, text):
    """Drop a file on the middle of the page, by the events of a browser."""
    reader.page.evaluate(
        """([name, text]) => {
             const dataTransfer = new DataTransfer();
             dataTransfer.items.add(new File([text], name));
             for (const type of ['dragenter', 'dragover', 'drop'])
               document.querySelector('main').dispatchEvent(
                 new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
           }""",
        [name, text],
    )


def row(reader, title):
    return reader.page.locator("#library li").filter(has_text=title)


def test_added_source_is_used_and_removed_source_is_not(house, open_sources):
    reader = open_sources()
    job = add(reader, ("maps.md", MAPS.encode()))
    expect(job.locator(".job-state")).to_contain_text("Done: 1 source read", timeout=60_000)
    expect(reader.page.locator("#library li")).to_have_count(15)
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#facts")).to_contain_text("15 sources")
    reader.ask(QUESTION).answered()
    expect(reader.claims.first).to_contain_text("4,711")
    reader.page.locator("#open-library").click()
    kept = row(reader, "Maps of Kanda")
    kept.locator("summary").click()
    kept.get_by_role("button", name=re.compile("Remove")).click()
    question = reader.page.get_by_role("alertdialog")
    expect(question).to_contain_text("Maps of Kanda")
    expect(question).to_contain_text("uploaded file")
    question.get_by_role("button", name="Cancel").click()
    expect(reader.page.locator("#library li")).to_have_count(15)
    kept.get_by_role("button", name=re.compile("Remove")).click()
    question.get_by_role("button", name="Remove").click()
    expect(reader.page.locator("#library li")).to_have_count(14)
    expect(reader.page.locator("#library :focus")).to_have_count(1)
    reader.page.keyboard.press("Escape")
    reader.ask(QUESTION).answered()
    assert "4,711" not in reader.turn.locator(".claims").text_content()


def test_pdf_is_read_and_program_named_pdf_is_refused(open_sources):
    reader = open_sources()
    page = lines("The lighthouse of Inubosaki was first lit in 1874.", "It is 31 metres high, and built of 193,000 bricks.")  # fmt: skip
    job = add(reader, ("lighthouse.pdf", pdf([page])), ("program.pdf", b"\x7fELF" + bytes(3000)))
    expect(job.locator(".job-state")).to_contain_text("1 could not be read", timeout=60_000)
    failed = job.locator("dt.failed + dd")
    expect(failed).to_have_count(1)
    assert len(failed.text_content()) > 30  # a sentence that says why
    expect(reader.page.locator(".unread")).to_contain_text("program.pdf")
    reader.page.keyboard.press("Escape")
    reader.ask("When was the lighthouse of Inubosaki first lit?").answered()
    expect(reader.claims.first).to_contain_text("1874")


def test_protected_pdf_asks_for_its_password_at_its_row(house, open_sources):
    reader = open_sources()
    locked = pdf([lines("The dam of Kurobe is 186 metres high.", "It was finished in 1963.")], password="open sesame")  # fmt: skip
    notes = ("notes.md", b"# Notes\n\nThe ropeway of Kurobe is 1,700 metres long.\n")
    first = add(reader, ("dam.pdf", locked), notes)
    expect(first.locator(".job-state")).to_contain_text("1 could not be read", timeout=60_000)
    failed = first.locator("dt.failed + dd")
    expect(failed).to_have_text(re.compile("protected by a password"))
    assert "--password" not in reader.page.locator("#library").text_content()
    with reader.page.expect_request(lambda r: r.method == "POST") as sent:
        failed.get_by_label("Password: dam.pdf").fill("wrong")
        failed.get_by_role("button", name="Open").click()
    assert "wrong" not in sent.value.url
    jobs = reader.page.locator(".job")
    expect(jobs).to_have_count(2)
    expect(first).to_be_focused()  # the new job, which is the first now
    expect(jobs.last.locator("dt")).to_have_text(["Notes"])
    wrong = first.locator("dt.failed + dd")
    expect(wrong).to_contain_text("This password does not open it", timeout=60_000)
    expect(first.locator(".job-state")).to_have_text("Nothing could be read.")
    wrong.get_by_label("Password: dam.pdf").fill("open sesame")
    wrong.get_by_label("Password: dam.pdf").press("Enter")
    expect(first.locator(".job-state")).to_contain_text("Done: 1 source read", timeout=60_000)
    expect(jobs).to_have_count(2)  # nothing is left of the one with the wrong password
    reader.page.keyboard.press("Escape")
    reader.ask("How high is the dam of Kurobe?").answered()
    expect(reader.claims.first).to_contain_text("186 metres")


FOUND_MEANWHILE = """async () => {
  const { Jobs } = await import("/static/jobs.js");
  const job = { id: "j1", status: "running", progress: {}, asked: {} };
  let answer;
  window.EventSource = class { addEventListener() {} };
  window.fetch = (path, { method }) => method === "POST"
    ? new Promise((resolve) => { answer = () => resolve(Response.json(job)); })
    : Promise.resolve(Response.json({ jobs: [job] }));
  const drawn = [];
  const jobs = new Jobs((changed) => drawn.push(changed.sent?.has("dam.pdf") ?? false));
  const sending = jobs.send([new File(["%PDF"], "dam.pdf")]);
  await jobs.find();
  answer();
  await sending;
  return [jobs.list.length, drawn];
}"""


LISTED_MEANWHILE = """async () => {
  const { Jobs } = await import("/static/jobs.js");
  const job = { id: "j1", status: "running", progress: {}, asked: {} };
  let answer;
  window.EventSource = class { addEventListener() {} };
  window.fetch = (path, { method }) => method === "POST"
    ? Promise.resolve(Response.json(job))
    : new Promise((resolve) => { answer = () => resolve(Response.json({ jobs: [job] })); });
  const jobs = new Jobs(() => {});
  const finding = jobs.find();
  await jobs.send([new File(["%PDF"], "dam.pdf")]);
  answer();
  await finding;
  return [jobs.list.length, jobs.list[0].sent?.has("dam.pdf") ?? false];
}"""


def test_job_keeps_its_files_if_a_list_fetched_meanwhile_has_it_too(reciting, visit):
    """As where a second window is open: the list does not know them."""
    assert visit(reciting.url).page.evaluate(LISTED_MEANWHILE) == [1, True]


def test_job_that_is_found_while_its_files_are_sent_is_drawn_with_them(reciting, visit):
    """Else its protected files would have to be chosen again."""
    found = visit(reciting.url).page.evaluate(FOUND_MEANWHILE)
    assert found == [1, [False, True]]


def test_files_dropped_anywhere_are_added(house, visit):
    reader = visit(house.url)
    drop(
        reader, "harbour.md", "# The harbour\n\nThe harbour of Otaru was opened to trade in 1899.\n"
    )
    job = reader.page.locator("#library .job").first
    expect(job).to_contain_text("harbour.md")
    expect(job.locator(".job-state")).to_contain_text("Done", timeout=60_000)
    expect(row(reader, "The harbour")).to_be_visible()
    expect(reader.page.locator(".veil")).to_be_hidden()


def test_url_is_read_and_private_url_is_refused_with_a_reason(house, open_sources):
    reader = open_sources()
    reader.expected.append("status of 422")
    box = reader.page.get_by_label(re.compile("Or a web address"))
    box.fill("http://router.lan/secret")
    box.press("Enter")
    expect(reader.page.get_by_role("alert")).to_contain_text("refused to fetch")
    expect(box).to_have_value("http://router.lan/secret")
    text = "<title>Bridges</title><p>" + "The bridge at Nihonbashi was first built in 1603. " * 8
    house.web.pages["bridges.example.org/a"] = ("text/html", text.encode())
    house.web.hold.clear()  # the web is slow
    box.fill("http://bridges.example.org/a")
    reader.page.get_by_role("button", name="Add", exact=True).click()
    expect(box).to_have_value("")
    job = reader.page.locator(".job").first
    expect(job.locator(".job-state")).to_contain_text("Reading")
    reader.page.keyboard.press("Escape")  # it goes on, and shows that
    expect(reader.page.locator("#adding-sign")).to_be_visible()
    reader.page.reload()  # and is found again
    expect(reader.page.locator("#adding-sign")).to_be_visible()
    reader.page.locator("#open-library").click()
    expect(reader.page.locator(".job")).to_contain_text("bridges.example.org")
    house.web.hold.set()
    expect(reader.page.locator(".job .job-state").first).to_contain_text("Done", timeout=60_000)
    expect(reader.page.locator("#adding-sign")).to_be_hidden()
    expect(row(reader, "Bridges")).to_be_visible()


def test_linked_papers_are_read_on_request_and_failures_are_explained(open_sources):
    reader = open_sources()
    reader.page.get_by_label("Also add the papers it links to").check()
    reader.page.locator("#add-url").fill("http://example.org/none")
    with reader.page.expect_request(lambda r: r.method == "POST") as sent:
        reader.page.locator("#add-url").press("Enter")
    assert sent.value.post_data_json == {"urls": ["http://example.org/none"], "follow": "papers"}
    job = reader.page.locator(".job").first
    expect(job.locator(".job-state")).to_contain_text("Nothing could be read", timeout=60_000)
    expect(job.locator("dd")).to_contain_text("404")


def test_ingestion_can_be_cancelled(house, open_sources):
    reader = open_sources()
    house.web.hold.clear()
    reader.page.locator("#add-url").fill("http://slow.example.org/")
    reader.page.locator("#add-url").press("Enter")
    reader.page.get_by_role("button", name=re.compile("Cancel.*slow")).click()
    job = reader.page.locator(".job").first
    expect(job.locator(".job-state")).to_contain_text("Stopped")
    house.web.hold.set()
    job.get_by_role("button", name=re.compile("Dismiss")).click()
    expect(reader.page.locator(".job")).to_have_count(0)


def test_too_large_file_is_refused_before_upload(house, open_sources):
    reader = open_sources()
    posted = []
    reader.page.on("request", lambda r: posted.append(r.url) if r.method == "POST" else None)
    reader.page.evaluate(
        """() => {
             const dataTransfer = new DataTransfer();
             dataTransfer.items.add(new File([new ArrayBuffer(100_000_001)], 'large.pdf'));
             const input = document.querySelector('#library input[type=file]');
             input.files = dataTransfer.files;
             input.dispatchEvent(new Event('change'));
           }"""
    )
    expect(reader.page.get_by_role("alert")).to_contain_text("larger than 100 MB")
    expect(reader.page.get_by_role("alert")).to_contain_text("large.pdf")
    assert not posted


def test_missing_network_is_reported(open_sources):
    reader = open_sources()
    reader.expected.append("ERR_INTERNET_DISCONNECTED")
    reader.page.context.set_offline(True)
    reader.page.locator("#add-url").fill("http://example.org/")
    reader.page.locator("#add-url").press("Enter")
    expect(reader.page.get_by_role("alert")).to_contain_text("You are offline")
    reader.page.context.set_offline(False)


def test_list_filter_and_select_all_apply_to_shown_sources(open_sources):
    reader = open_sources()
    shown = reader.page.locator("#library li:visible")
    reader.page.get_by_label(re.compile("Filter")).fill("robust radford")
    expect(shown).to_have_count(1)
    reader.page.get_by_role("button", name="None").click()
    reader.page.get_by_label(re.compile("Filter")).fill("zzz")
    expect(shown).to_have_count(0)
    expect(reader.page.locator("#library .none")).to_have_text("No matching sources.")
    reader.page.get_by_label(re.compile("Filter")).fill("")
    assert reader.page.locator("#library li input:not(:checked)").count() == 1


def test_changed_source_is_marked(house, open_sources):
    first = house.ended(house.upload(("tower.md", b"# Tower\n\nThe tower is 90 metres high.\n")))
    source = first["items"][0]["source_id"]
    house.ended(house.upload(("tower.md", b"# Tower\n\nThe tower is 91 metres high.\n"), source_id=source))  # fmt: skip
    reader = open_sources()
    tower = reader.page.locator(f"#library li[data-id='{source}']")
    expect(tower).to_contain_text("changed since")
    tower.locator("summary").click()
    expect(tower.locator("dl")).to_contain_text("Changed on")


def test_hostile_names_and_titles_are_plain_text(house, open_sources):
    run = "<img src=x onerror='window.executed=1'>"
    reader = open_sources(viewport={"width": 360, "height": 740})
    body = f"# {run} \u202etxt.exe {'W' * 3000}\n\nThe depot in Ueno holds 20 trams.\n"
    add(reader, (f"{run}.md", body.encode()), ("a" * 300 + ".md", b"x"))
    expect(reader.page.locator(".job-state").first).to_contain_text("Done", timeout=60_000)
    expect(reader.page.locator(".job-name")).to_contain_text("onerror")
    expect(reader.page.locator(".job dt.failed + dd")).to_contain_text("rename it")
    expect(row(reader, "txt.exe")).to_be_visible()
    assert reader.page.locator("img[src=x]").count() == 0
    assert reader.too_wide() == []
    row(reader, "txt.exe").locator("summary").click()
    row(reader, "txt.exe").get_by_role("button", name=re.compile("Remove")).click()
    expect(reader.page.get_by_role("alertdialog")).to_be_visible()
    assert reader.too_wide() == []


def test_unreachable_server_is_reported_where_it_happened(library_folder, tmp_path, embedder, checker, visit):  # fmt: skip
    data = Path(shutil.copytree(library_folder, tmp_path / "data"))
    house = trusting(House(data, embedder, checker))
    with house.open():
        reader = visit(house.url)
        reader.page.locator("#open-library").click()
        expect(reader.page.locator("#library .adding")).to_be_visible()
        reader.at_rest()
    reader.expected.append("ERR_CONNECTION")
    add(reader, ("maps.md", MAPS.encode()))
    expect(reader.page.get_by_role("alert")).to_contain_text("could not be reached")


def test_only_start_and_end_of_a_job_are_announced(house, open_sources):
    reader = open_sources()
    reader.page.evaluate(
        """() => { window.said = []; new MutationObserver((list) => { for (const m of list)
             for (const n of m.addedNodes) window.said.push(n.textContent); })
             .observe(document.querySelector('.adding [role=status]'), {childList: true}); }"""
    )
    add(reader, ("ferries.md", b"# Ferries\n\nThe ferry to Sado takes 150 minutes.\n"))
    expect(reader.page.locator(".job-state").first).to_contain_text("Done", timeout=60_000)
    said = reader.page.evaluate("window.said")
    assert len(said) == 2 and "ferries.md" in said[0] and "Done" in said[1], said
    assert httpx.get(f"{house.url}/v1/jobs").json()["jobs"]


def test_unreachable_server_before_library_is_opened(library_folder, tmp_path, embedder, checker, visit):  # fmt: skip
    data = Path(shutil.copytree(library_folder, tmp_path / "data"))
    house = trusting(House(data, embedder, checker))
    with house.open():
        reader = visit(house.url).at_rest()
    reader.expected.append("ERR_CONNECTION|dynamically imported|more.css")
    reader.page.locator("#open-library").click()
    expect(reader.status).to_contain_text("could not be reached")
