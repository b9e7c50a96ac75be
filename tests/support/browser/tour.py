"""A newcomer's tour of the page: each step done as a person does it, timed and photographed.

It asserts what each step must show, so a test of it needs nothing more than a running service.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.browser.adding import add
from tests.support.browser.driver import Reader, expect
from tests.support.browser.first_minutes import SCRIPTS, Script, report

SLOW = 120_000  # milliseconds for what reads documents, or loads models first
SIZE = {"width": 1400, "height": 900}
MODEL = "tour-7b"

WORDS = {
    "en": {
        "list": "List models",
        "connect": "Connect",
        "fill": "Choose from the library",
        "share": "Share, export",
        "link": "Create link",
    },
    "ja": {
        "list": "モデルを表示",
        "connect": "接続",
        "fill": "ライブラリから選ぶ",
        "share": "共有・書き出し",
        "link": "リンクを作成",
    },
}
"""What is written on the buttons that a newcomer looks for."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the tour, and the seconds until the page had done it."""

    name: str
    seconds: float


class Tour:
    """A person's first minutes with a running Tenkyo.

    Args:
        reader: Whose page is empty yet; its browser speaks the language.
        language: "en" or "ja".
        model: The URL of a server of language models that has ``MODEL``, which writes with
            ``first_minutes.write``.
        folder: Where the photographs go, named by the steps.
    """

    def __init__(self, reader: Reader, language: str, model: str, folder: Path) -> None:
        self.reader, self.page = reader, reader.page
        self.script: Script = SCRIPTS[language]
        self.words, self.model, self.folder = WORDS[language], model, folder
        self.steps: list[Step] = []
        folder.mkdir(parents=True, exist_ok=True)

    def run(self) -> list[Step]:
        """Do all steps; returns them."""
        self._opens()
        self._asks_an_example()
        self._adds_a_pdf()
        self._connects_a_model()
        self._asks_about_the_pdf()
        self._opens_the_quote()
        self._makes_a_collection()
        self._asks_in_it()
        self._shares()
        self._exports()
        self._looks_back()
        return self.steps

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.steps.append(Step(name, time.perf_counter() - began))
        self._photograph(name)

    def _photograph(self, name: str) -> None:
        self.reader.shot(self.folder, f"{len(self.steps):02}-{name}")

    def _button(self, name: str, within: str = "body"):
        return self.page.locator(within).get_by_role("button", name=self.words[name], exact=True)

    def _answered(self) -> None:
        expect(self.reader.turn).to_be_visible()
        expect(self.reader.turn.locator(".pending")).to_have_count(0, timeout=SLOW)
        self.reader.answered()
        expect(self.reader.claims.first).to_be_visible()

    # The steps, in their order

    def _opens(self) -> None:
        with self._step("open"):
            self.reader.start()
        painted = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
        self.page.wait_for_function(f"() => {painted}")
        self.steps.append(Step("first paint, of that", self.page.evaluate(painted) / 1000))
        expect(self.page.locator("#facts .newest li").first).to_be_visible()

    def _asks_an_example(self) -> None:
        example = self.page.locator(".example").first
        with self._step("examples"):
            expect(example).to_be_visible(timeout=SLOW)
        asked = example.text_content()
        with self._step("ask an example"):
            example.click()
            self._answered()
        expect(self.reader.turn.locator("h2").first).to_have_text(asked)
        assert self.reader.answer()["claims"]

    def _adds_a_pdf(self) -> None:
        blank = self.page.context.new_page()
        file = report(blank, self.script)
        blank.close()
        with self._step("add a PDF"):
            self.page.locator("#open-library").click()
            expect(self.page.locator("#library .adding")).to_be_visible()
            job = add(self.reader, (f"{self.script.title}.pdf", file))
            expect(job.locator("progress")).to_be_hidden(timeout=SLOW)
            expect(self._listed()).to_have_count(1)
        expect(job.locator(".failed")).to_have_count(0)
        self.page.keyboard.press("Escape")

    def _listed(self):
        title = self.page.locator(".lib-title", has_text=self.script.title)
        return self.page.locator("#library li[data-id]").filter(has=title)

    def _connects_a_model(self) -> None:
        dialog = self.page.locator("#model")
        with self._step("connect a model"):
            self.page.locator("#writer").click()
            dialog.locator("#model-url").fill(self.model)
            self._button("list", "#model").click()
            expect(dialog.locator("#model-pick")).to_have_value(MODEL)
            self._button("connect", "#model").click()
            expect(dialog.locator(".connected strong")).to_have_text(MODEL)
        self.page.keyboard.press("Escape")
        expect(self.page.locator("select#writer")).to_have_value(MODEL)

    def _asks_about_the_pdf(self) -> None:
        self.page.locator(".fresh-start").first.click()  # about something else: a new conversation
        expect(self.page.locator(".turn")).to_have_count(0)
        with self._step("ask about the PDF"):
            self.reader.ask(self.script.question)
            self._answered()
        made = self.reader.answer()
        assert (made["mode"], made["model"]) == ("generated", MODEL)
        cited = {e["source"]["title"] for e in made["evidence"] if e["label"] == made["claims"][0]["citations"][0]["label"]}  # fmt: skip
        assert cited == {self.script.title}, cited
        said = self.script.written
        assert self.script.quote in made["text"] and said[2][0] not in made["text"]
        self.reader.turn.locator(".withheld summary").click()
        expect(self.reader.turn.locator(".withheld")).to_contain_text(said[2][0])
        self._photograph("withheld")

    def _opens_the_quote(self) -> None:
        pane = self.page.locator("#reader")
        with self._step("open the quote"):
            self.reader.claims.first.locator(".cite").first.click()
            expect(pane.locator(".page-sheet .fill").first).to_be_in_viewport(timeout=SLOW)
        expect(pane.locator(".page-at")).to_contain_text(re.compile(r"2\D+3"))
        self.page.keyboard.press("Escape")

    def _makes_a_collection(self) -> None:
        with self._step("make a collection"):
            self.page.locator("#open-library").click()
            self.page.locator("#collection-new").click()
            self.page.locator("#collection-name").fill(self.script.collection)
            self.page.keyboard.press("Enter")
            self._button("fill", "#library").click()
            self._listed().get_by_role("checkbox").first.check()
            self.page.locator("#collection-fill").click()
            expect(self.page.locator("#library li[data-id]")).to_have_count(1)
        self.page.keyboard.press("Escape")
        expect(self.page.locator("#scope")).to_contain_text(self.script.collection)

    def _asks_in_it(self) -> None:
        with self._step("ask in it"):
            self.reader.ask(self.script.again)
            self._answered()
        expect(self.reader.turn.locator(".asked-in")).to_contain_text(self.script.collection)
        found = {e["source"]["title"] for e in self.reader.answer()["evidence"]}
        assert found == {self.script.title}, found

    def _shares(self) -> None:
        with self._step("share"):
            self._button("share").click()
            self._button("link", "#share").click()
            link = self.page.locator("#share .link")
            expect(link).to_have_value(re.compile(r"/shared/\S+$"))
        url = link.input_value()
        context = self.page.context.browser.new_context(locale=self.script.locale, viewport=SIZE, color_scheme=self.script.scheme)  # fmt: skip
        guest = Reader(context.new_page(), self.reader.base)
        with self._step("open the link"):
            guest.page.goto(url)
            expect(guest.page.locator(".turn")).to_have_count(2)
        guest.shot(self.folder, f"{len(self.steps):02}-as the guest sees it")
        assert guest.claims.all_text_contents() == self.reader.claims.all_text_contents()
        guest.nothing_went_wrong()
        context.close()

    def _exports(self) -> None:
        with self._step("export Markdown"), self.page.expect_download() as saved:
            self.page.locator("#share .files a").first.click()
        text = saved.value.path().read_text()
        assert self.script.question in text and "[^1-1]: " in text and self.script.title in text
        self.page.keyboard.press("Escape")

    def _looks_back(self) -> None:
        with self._step("look into the history"):
            self.page.locator("#open-talks").click()
            expect(self.page.locator(".talks li")).not_to_have_count(0)
            expect(self.page.locator(".talks li").first).to_be_visible()
            self.page.evaluate("scrollTo(0, 0)")

    def forget_the_model(self) -> None:
        """Disconnect the model, so that another tour begins where this one did."""
        self.page.locator(".brand").click()
        self.page.locator("#facts section").last.get_by_role("button").click()
        self.page.locator("#model .connected button").click()
        expect(self.page.locator("button#writer")).to_have_count(1)


def table(steps: list[Step]) -> str:
    """Write the steps and their seconds, one a line."""
    width = max(len(step.name) for step in steps)
    return "\n".join(f"{step.name:{width}}  {step.seconds:6.2f} s" for step in steps)
