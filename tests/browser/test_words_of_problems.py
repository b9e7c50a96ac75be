"""What is wrong is said in the reader's language, without commands and routes of the API."""

from __future__ import annotations

import re
from typing import get_args

from corpus.document_errors import DocumentProblem
from index.ingestion.report import RemarkCode
from service.problems import CODES
from tests.support.browser.adding import add
from tests.support.browser.driver import expect
from tests.support.documents import slides_of_text_and_picture

JAPANESE = re.compile("[ぁ-んァ-ヶ一-龠]")
ENGLISH = re.compile(r"[a-z]{3,} [a-z]{2,} ")  # two words on end; a format or a name is one
COMMAND = re.compile(r"`|/v1/|GET |POST |tenkyo |--\w")
# Codes with words of their own where they are shown, and those that no part of the page can meet.
ELSEWHERE = {"page"}


def words(reader, keys: list[str]) -> dict[str, str | None]:
    """Return the page's words for some keys, after everything was loaded."""
    found = reader.page.evaluate(
        """async (keys) => {
             const { t } = await import("/static/i18n.js");
             return keys.map((key) => t(key, { pages: "2, 5-7" }) ?? null);
           }""",
        keys,
    )
    return dict(zip(keys, found, strict=True))


def test_every_code_has_japanese_words(open_sources):
    reader = open_sources(locale="ja")
    keys = [f"notRead.{problem or 'other'}" for problem in get_args(DocumentProblem)]
    keys += [f"remark.{code}" for code in get_args(RemarkCode)]
    keys += [f"problems.{code}" for code in set(CODES.values()) - ELSEWHERE]
    for key, said in words(reader, keys).items():
        assert said and JAPANESE.search(said) and said.endswith("。"), (key, said)
        assert not ENGLISH.search(said) and not COMMAND.search(said), (key, said)


def test_model_of_the_search_is_not_called_a_language_model(open_sources):
    """Nor may it be said of it that another one could be chosen: readers cannot."""
    keys = ["problems.search_model", "problems.embedder_changed"]
    said = words(open_sources(locale="ja"), keys)
    assert all("管理者" in each and "言語モデル" not in each for each in said.values()), said
    assert "索引の再作成" in said["problems.embedder_changed"]


def test_what_fails_is_explained_in_japanese(house, open_sources):
    reader = open_sources(locale="ja")
    reader.expected += ["status of 422", "status of 409"]
    job = add(
        reader,
        ("cut.pdf", b"%PDF-1.4 cut"),
        ("blank.md", b""),
        ("tool.pdf", b"MZ\x90\0" + b"\0" * 99),
    )
    expect(job.locator("dd")).to_have_count(3, timeout=60_000)
    for name, said in [
        ("cut.pdf", "壊れて"),
        ("blank.md", "文字がありません"),
        ("tool.pdf", "形式"),
    ]:
        expect(job.locator("dt", has_text=name).locator("+ dd")).to_contain_text(said)
    assert not ENGLISH.search(job.inner_text()), job.inner_text()

    box = reader.page.locator("#add-url")
    alert = reader.page.get_by_role("alert")
    for address, said in [
        ("http://router.lan/secret", "非公開"),
        ("ftp://example.org/x", "https://"),
    ]:
        box.fill(address)
        box.press("Enter")
        expect(alert).to_contain_text(said)
        assert not ENGLISH.search(alert.inner_text()), alert.inner_text()
    box.fill("http://example.org/none")
    box.press("Enter")
    job = reader.page.locator(".job").filter(has_text="example.org/none")
    expect(job.locator("dd")).to_contain_text("このアドレスにページはありません", timeout=60_000)

    for _ in range(2):  # the second time there is one already
        reader.page.locator("#collection-new").click()
        reader.page.locator("#collection-name").fill("音声認識")
        reader.page.locator("#collection-name").press("Enter")
        expect(reader.page.locator("#collection-new")).to_have_count(1)
    expect(alert).to_have_text("同じ名前のコレクションがあります。別の名前にしてください。")


def test_unread_documents_and_remarks_are_said_in_japanese(house, open_sources):
    house.store.record_unread("https://example.org/old", "no code was stored with this record")
    reader = open_sources(locale="ja")
    job = add(reader, ("bridges.pptx", slides_of_text_and_picture()), ("cut.pdf", b"%PDF-1.4 cut"))
    expect(job.locator("dd")).to_have_count(2, timeout=60_000)
    read = job.locator("dt", has_text="Bridges of Kanda").locator("+ dd")
    expect(read).to_contain_text("2ページは画像だけ")
    assert not ENGLISH.search(read.inner_text()), read.inner_text()
    expect(job.locator(".job-state")).to_contain_text("完了", timeout=60_000)
    unread = reader.page.locator(".unread")
    expect(unread.locator("dt", has_text="cut.pdf").locator("+ dd")).to_contain_text("壊れて")
    old = unread.locator("dt", has_text="example.org/old").locator("+ dd")
    expect(old).to_contain_text("no code was stored with this record")


def test_refused_question_gets_the_advice_that_fits_it_and_no_other(house, visit):
    reader = visit(house.url, locale="ja")
    reader.expected.append("status of 422")
    reader.ask("？？？").answered()
    note = reader.turn.locator(".note.failed")
    expect(note.locator("p").first).to_have_text(
        "質問を読み取れません。4,000文字以内の文章で入力してください。"
    )
    expect(note).not_to_contain_text("サーバーのログ")


def test_job_that_the_server_could_not_finish_is_explained_in_japanese(
    house, open_sources, monkeypatch
):
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("service.ingestion.job_run.check_index", broken)
    reader = open_sources(locale="ja")
    job = add(reader, ("maps.md", b"# Maps\n\nThe archive holds 4,711 maps of the city.\n"))
    expect(job.locator(".job-state")).to_contain_text("サーバーで問題", timeout=60_000)
    assert not ENGLISH.search(job.inner_text())


def test_what_is_gone_is_said_without_commands(house, open_sources):
    """The service names a command or a route; who reads the page has neither."""
    reader = open_sources()
    reader.expected.append("status of 404")
    made = house.call("POST", "/v1/collections", 201, json={"name": "Harbours"}).json()
    reader.page.reload()
    reader.page.locator("#open-library").click()
    reader.page.get_by_role("button", name=re.compile("^Harbours")).click()
    house.call("DELETE", f"/v1/collections/{made['id']}", 204)
    reader.page.locator("#collection-rename").click()
    reader.page.locator("#collection-name").fill("Ports")
    reader.page.locator("#collection-name").press("Enter")
    alert = reader.page.get_by_role("alert")
    expect(alert).to_contain_text("no longer here")
    assert not COMMAND.search(alert.inner_text()), alert.inner_text()
