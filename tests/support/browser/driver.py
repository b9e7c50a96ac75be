"""A reader with a browser, which the tests of the page share; conftest.py has the fixtures."""

from __future__ import annotations

import importlib.util
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

try:
    from playwright.sync_api import Browser, Locator, Page, expect
except ImportError:  # every test is skipped then, with the reason that `lacking` gives
    Browser = Locator = Page = expect = None

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 15_000  # ms that a state may take to come; two cores can be busy


def chromium() -> str | None:
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


def lacking() -> str | None:
    """Return what has to be installed before these tests can run; None if they can."""
    if not all(map(importlib.util.find_spec, ("playwright", "axe_playwright_python"))):
        return "the browser tests need Playwright and axe: make browser"
    if not chromium():
        return "the browser tests need Chromium: apt-get install chromium fonts-noto-cjk"
    return None


class Reader:
    """A reader at the page. Errors on the page are collected until the end of the test.

    ``expected`` are patterns of console errors that a test provokes: a failed request is one,
    whoever handles it.
    """

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.expected: list[str] = []
        self._errors: list[str] = []
        self._strangers: list[str] = []
        # What a test wrote for a recital is in no database: there is nothing to go on with.
        page.route(
            re.compile(r"/v1/answers/recited/related"),
            lambda route: route.fulfill(json={"questions": []}),
        )
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self._errors.append(f"uncaught: {error}"))
        page.on("request", self._requested)
        page.on("dialog", lambda dialog: (self._errors.append("a dialog"), dialog.dismiss()))

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._errors.append(message.text)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((f"{self.base}/", "data:", "about:")):
            self._strangers.append(request.url)

    def nothing_went_wrong(self) -> None:
        """Assert no console error (a CSP violation is one) and no request to another host."""
        unexpected = [e for e in self._errors if not any(re.search(x, e) for x in self.expected)]
        assert not unexpected, unexpected
        assert not self._strangers, self._strangers
        assert self.page.evaluate("window.executed ?? 0") == 0, "something hostile was executed"

    def at_rest(self) -> Reader:
        """Wait until no request is open, so that the server can end."""
        self.page.wait_for_load_state("networkidle")
        return self

    # Asking

    def start(self, path: str = "/") -> Reader:
        self.page.goto(self.base + path)
        expect(self.page.locator("#facts")).not_to_be_empty()
        return self

    def ask(self, question: str) -> Reader:
        self.page.locator("#question").fill(question)
        self.page.locator("#question").press("Enter")
        return self

    def answered(self) -> Reader:
        """Wait until the last question has its answer, or has failed or been stopped."""
        expect(self.turn).to_be_visible()
        expect(self.turn.locator(".pending")).to_have_count(0)
        expect(self.page.locator("#ask.stop")).to_have_count(0)
        return self

    def answer(self) -> dict[str, Any]:
        """Return the last answer as the API has it."""
        answer_id = self.turn.locator(".fine code").text_content()
        return httpx.get(f"{self.base}/v1/answers/{answer_id}").json()

    # What is on the page

    @property
    def turn(self) -> Locator:
        return self.page.locator(".turn").last

    @property
    def claims(self) -> Locator:
        return self.turn.locator(".claim")

    @property
    def status(self) -> Locator:
        return self.page.locator("#status")

    def too_wide(self) -> list[str]:
        """Return the elements that make the page or a dialog scroll sideways; mostly none."""
        return self.page.evaluate(
            """() => {
              const wide = (el) => el.scrollWidth > el.clientWidth;
              const scrolls = [document.documentElement, ...document.querySelectorAll('dialog')].filter(wide);
              const name = (el) => `${el.tagName.toLowerCase()}.${el.className}`;
              return scrolls.flatMap((root) => [name(root), ...[...root.querySelectorAll('*')]
                .filter((el) => wide(el) && getComputedStyle(el).overflowX === 'visible').map(name)]);
            }"""
        )

    def shot(self, folder: Path, name: str, *, whole: bool = False) -> None:
        self.page.evaluate("document.fonts.ready")
        self.page.screenshot(path=folder / f"{name}.png", full_page=whole, animations="disabled")


Visit = Callable[..., Reader]
