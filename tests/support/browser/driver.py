"""A driver for the chat page in Chromium; tests/browser/conftest.py has the fixtures.

The tests use real servers: one in quote mode, one whose model sends a sentence when the test allows
it, and one that sends a given answer. A ``Reader`` records whatever goes wrong on its page, and the
fixture ``visit`` fails the test for it: a console error, a breach of the Content-Security-Policy, a
request to another origin, text that is executed. Tests wait for states and never sleep.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

try:
    from playwright.sync_api import Browser, Locator, Page
    from playwright.sync_api import expect as expect_rarely
except ImportError:  # every test is skipped then, with the reason that `lacking` gives
    Browser = Locator = Page = expect_rarely = None

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    # A process in reserve for each window would start in vain. The others are Playwright's own,
    # whose list this takes the place of.
    "--disable-features=SpareRendererForSitePerProcess,PaintHolding,HttpsUpgrades,MediaRouter,"
    "HttpsFirstBalancedModeAutoEnable,Translate,OptimizationHints,DestroyProfileOnBrowserClose,"
    "AvoidUnnecessaryBeforeUnloadCheckSync",
]
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
PATIENCE = 15_000  # milliseconds to wait for a state; two cores can be busy
ROUND = 2_000  # milliseconds for which Playwright looks ten times a second


def chromium() -> str | None:
    """Return the path of an installed Chromium, if any."""
    return next((path for name in CHROMIUMS if (path := shutil.which(name))), None)


def lacking() -> str | None:
    """Say what must be installed before the browser tests can run; None if nothing."""
    if not all(map(importlib.util.find_spec, ("playwright", "axe_playwright_python"))):
        return "the browser tests need Playwright and axe: make browser"
    if not chromium():
        return "the browser tests need Chromium: apt-get install chromium fonts-noto-cjk"
    return None


class Expectation:
    """Playwright's own, of which it looks ten times a second until it holds.

    With a timeout of more than 2.5 seconds it would look twice a second: the longer waits, for an
    answer or a job, would each take a quarter of a second more than they need.
    """

    def __init__(self, of: Page | Locator) -> None:
        self._of = expect_rarely(of)

    def __getattr__(self, name: str) -> Callable[..., None]:
        check = getattr(self._of, name)

        def hold(*wanted: Any, timeout: float = PATIENCE, **more: Any) -> None:
            until = time.monotonic() + timeout / 1000
            while True:
                began = time.monotonic()
                left = max(1.0, min(ROUND, 1000 * (until - began)))
                try:
                    return check(*wanted, timeout=left, **more)
                except AssertionError:
                    now = time.monotonic()
                    if now >= until or now - began < 0.9 * left / 1000:  # no matter of time
                        raise

        return hold


expect = Expectation


class Reader:
    """A person who uses the chat page. Errors on the page are recorded for the end of the test.

    Attributes:
        page: Playwright's page.
        base: The URL of the server.
        expected: Patterns of console errors that the test provokes, such as failed requests.
    """

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.expected: list[str] = []
        self._errors: list[str] = []
        self._foreign: list[str] = []
        # An answer of a Recital is in no database, so there are no suggestions for it.
        page.route(
            re.compile(r"/v1/answers/recited/related"),
            lambda route: route.fulfill(json={"questions": []}),
        )
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._errors.append(f"uncaught: {error}"))
        page.on("request", self._on_request)
        page.on("dialog", lambda dialog: (self._errors.append("a dialog"), dialog.dismiss()))

    def _on_console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self._errors.append(message.text)

    def _on_request(self, request: Any) -> None:
        if not request.url.startswith((f"{self.base}/", "data:", "about:")):
            self._foreign.append(request.url)

    def nothing_went_wrong(self) -> None:
        """Assert no console errors (nor breaches of the CSP) and no requests to other hosts."""
        unexpected = [e for e in self._errors if not any(re.search(x, e) for x in self.expected)]
        assert not unexpected, unexpected
        assert not self._foreign, self._foreign
        assert self.page.evaluate("window.executed ?? 0") == 0, "something hostile was executed"

    def at_rest(self) -> Reader:
        """Wait until there are no open requests, so that the server can end."""
        self.page.wait_for_load_state("networkidle")
        return self

    def hurried(self) -> Reader:
        """Let the page wait a tenth as long wherever it waits, as before it connects anew."""
        self.page.evaluate("""() => { const later = setTimeout;
            window.setTimeout = (act, ms, ...given) => later(act, ms / 10, ...given); }""")
        return self

    # Questions

    def start(self, path: str = "/") -> Reader:
        """Open the page and wait until it has loaded."""
        self.page.goto(self.base + path)
        expect(self.page.locator("#facts")).not_to_be_empty()
        return self

    def ask(self, question: str) -> Reader:
        """Type a question and send it."""
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
        """Fetch the last answer from the API."""
        answer_id = self.turn.locator(".fine code").text_content()
        return httpx.get(f"{self.base}/v1/answers/{answer_id}").json()

    # Elements of the page

    @property
    def turn(self) -> Locator:
        """Return the element of the last question and its answer."""
        return self.page.locator(".turn").last

    @property
    def claims(self) -> Locator:
        """Return the claims of the last answer."""
        return self.turn.locator(".claim")

    @property
    def status(self) -> Locator:
        """Return the status line."""
        return self.page.locator("#status")

    def too_wide(self) -> list[str]:
        """List elements that make the page wider than the window, or a dialog than itself."""
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
        """Save a screenshot; ``whole`` includes what is below the window."""
        self.page.evaluate("document.fonts.ready")
        self.page.screenshot(path=folder / f"{name}.png", full_page=whole, animations="disabled")


Visit = Callable[..., Reader]
