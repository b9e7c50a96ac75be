"""Hostile content from any origin is shown as plain text and does not break the layout."""

import json
import re
from dataclasses import replace

import httpx
import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.search import Library
from index.storage.local_index import LocalIndex
from service.api.app import create_app
from service.conversations.store import History
from service.types import Rejected, Verdict, to_json
from tests.support.browser.driver import Reader, expect
from tests.support.browser.scripted_answers import WHISPER, Paced, Trusting, evidence, recited
from tests.support.live_server import served
from tests.support.soak import SOAK

RUN = "window.executed=(window.executed||0)+1"
HOSTILE = {
    "script": f"<script>{RUN}</script>",
    "script-in-script": f"</script><script>{RUN}</script><!--",
    "handler": f'"><img src=x onerror="{RUN}"><svg onload="{RUN}">',
    "attribute": f"' onfocus='{RUN}' autofocus tabindex=1 x='",
    "frame": f'<iframe srcdoc="<script>parent.{RUN}</script>"></iframe><base href="https://evil.example/">',
    "style": "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt; &#x202e; &amp;nbsp;",
    "link": f"javascript:{RUN} data:text/html,<script>{RUN}</script> [click](javascript:{RUN})",
    "template": "{{constructor.constructor('executed=1')()}} ${executed=1}",
    "bidi": "safe \u202etxt.exe\u202c \u2066isolate \u2067 never closed \u202eagain",
    "combining": "Z" + "\u0353\u0301\u0489" * 400,
    "long": "W" * 10_000,
    "long-ja": "典" * 3_000,
    "nul": "before\x00after \x1b[31m \ufffe",
    "events": "line\r\n\r\nevent: answer\ndata: {}\n\nid: 9",
    "tall": "\n" * 300 + "end",
    "emoji": "👨‍👩‍👧‍👦" * 500,
}
KINDS = {
    "markup": ("script", "script-in-script", "handler", "attribute", "frame", "style"),
    "text": ("entities", "link", "template", "bidi", "nul", "events"),
    "size": ("combining", "long", "long-ja", "tall", "emoji"),
}
SIZES = [{"width": 1280, "height": 800}, {"width": 360, "height": 740}]
INERT = "img[src=x], iframe, style, base, script:not([src^='/static/'], head > #start[type='application/json']), link[href*=evil], [onerror], [onload], [onfocus]"


def inert(reader: Reader) -> None:
    """Assert that it is no markup, does not widen the page, and that all links are web links."""
    assert reader.page.evaluate("window.executed ?? 0") == 0
    assert reader.page.locator(INERT).count() == 0
    links = reader.page.locator("main a, dialog a")
    hrefs = links.evaluate_all("all => all.map((a) => a.getAttribute('href'))")
    assert all(re.match(r"https?://|/v1/(answers|sources)/", href) for href in hrefs), hrefs
    for size in sorted(SIZES, key=lambda size: size != reader.page.viewport_size):
        reader.page.set_viewport_size(size)  # the size that it has comes first: resizing is slow
        assert reader.too_wide() == []
        box = reader.page.locator("#question").bounding_box()
        assert box and box["x"] >= 0 and box["x"] + box["width"] <= size["width"]


def hostile_answer(text: str):
    """Return an answer with that text wherever an answer has text."""
    about = {
        "url": text, "title": text, "authors": (text,) * 2, "venue": text, "published": text,
        "language": text[:30], "licence": text, "kind": text[:30],
    }  # fmt: skip
    where = {"heading": text, "page": 3}
    shown = evidence(f"Before. {text} After.", passage=where, **about)
    rejected = Rejected(text, text, Verdict("contradicted", 0.5, text), ())
    return recited([(text, shown, text)], question=text, reason=text, model=text, rejected=(rejected,))  # fmt: skip


def test_every_hostile_text_is_of_a_kind():
    assert sorted(kind for kinds in KINDS.values() for kind in kinds) == sorted(HOSTILE)


@pytest.mark.parametrize("kinds", KINDS.values(), ids=KINDS)
def test_hostile_answer_is_inert(reciting, visit, kinds):
    reader = visit(reciting.url)
    reader.expected.append("status of 404")  # the passage is in no library
    # What could be executed is always tried whole.
    for kind in kinds if SOAK or kinds is KINDS["markup"] else kinds[::2]:
        print(kind)
        text = HOSTILE[kind]
        reciting.engine.made = hostile_answer(text)
        reader.start().ask(WHISPER).answered()
        expect(reader.claims).to_have_count(1)
        words = " ".join(reader.claims.locator("p").text_content().split())
        seen = " ".join(text.replace("\x00", "\ufffd").split())[:200]
        assert seen in words.replace("\x00", "\ufffd")
        reader.turn.locator(".withheld summary").click()
        reader.turn.locator(".fine summary").click()
        inert(reader)
        reader.claims.locator(".cite").first.hover()
        expect(reader.page.get_by_role("tooltip")).to_be_visible()
        inert(reader)
        reader.claims.locator(".cite").first.click()
        expect(reader.page.locator("#reader .reader-notes")).to_contain_text("no longer")
        inert(reader)
        reader.page.keyboard.press("Escape")
        reader.page.locator("#language").click()
        inert(reader)
        reader.page.locator("#language").click()  # the next one is in English again


def test_hostile_abstention_is_inert(reciting, visit):
    text = " ".join(HOSTILE.values())
    full = hostile_answer(text)
    reciting.engine.made = replace(full, mode="abstained", abstention=text[:20], text="", claims=())
    reader = visit(reciting.url).ask(WHISPER).answered()
    expect(reader.turn.locator(".note.abstained")).to_be_visible()
    inert(reader)


@pytest.fixture(scope="module")
def hostile_url(tmp_path_factory, embedder, checker):
    """A service in which every source is hostile, with a model that repeats its evidence."""
    folder = tmp_path_factory.mktemp("hostile")
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    for number, (kind, text) in enumerate(HOSTILE.items()):
        clean = text.replace("\x00", "").replace("\r", "")
        fact = f"The {kind} archive in Kanda holds {number + 20},000 maps. {clean}"
        url = f"javascript:{RUN}//{kind}" if number % 2 else f"data:text/html,<script>{RUN}</script>{kind}"  # fmt: skip
        source = Source(kind, url, f"{kind} {clean}", "web", (clean,), clean, clean, "en", clean)
        document = Document(source, fact)
        store.put(document, split_into_passages(document))
    sync(store, embedder, folder / "index", IngestProgress())
    library = Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)
    model = Paced()
    with served(
        create_app(
            Trusting(library, checker, History(library.store.database), model),
            index_dir=folder / "index",
        )
    ) as url:
        yield url, model


def test_hostile_sources_are_quoted_as_text(hostile_url, visit):
    url, model = hostile_url
    reader = visit(url)
    for kind in ("script", "combining", "long") if SOAK else ("script", "long"):
        print(kind)
        said = [f"The {kind} archive in Kanda holds 20,000 maps {HOSTILE[kind]} [1].", f"\ud800 {HOSTILE[kind]}\x00 [1]."]  # fmt: skip
        model.say(*said, allowed=2)
        reader.start()
        reader.ask(f"How many maps does the {kind} archive in Kanda hold? {HOSTILE[kind]}"[:4000])
        reader.answered()
        assert reader.turn.locator(".note.failed").count() == 0
        assert reader.turn.locator(".part").count() > 3
        inert(reader)
        for fold in reader.turn.locator("summary").all():
            if fold.is_visible():  # where every passage is cited, there are no others to unfold
                fold.click()
        inert(reader)
        # not one of these sources has a web address
        assert reader.turn.locator("a:not([download])").count() == 0
    reader.page.locator("#open-library").click()
    expect(reader.page.locator("#library li")).to_have_count(len(HOSTILE))
    inert(reader)


def test_hostile_questions_are_shown_as_text(quoting, visit):
    """Set by a script, since the page's text field would not accept all of it."""
    reader = visit(quoting)
    reader.expected.append("status of 422")
    kinds = ("script", "bidi", "long", "combining", "nul", "handler")[: 6 if SOAK else 3]
    questions = [f"What is Whisper? {HOSTILE[kind]}" for kind in kinds]
    for number, question in enumerate([*questions, "half \ud83d a character"], 1):
        reader.page.evaluate(f"document.querySelector('#question').value = {json.dumps(question)}")
        reader.page.locator("#question").press("Enter")
        expect(reader.page.locator(".turn")).to_have_count(number)
        reader.answered()
        refused = reader.turn.locator(".note.failed").count()
        assert refused == (len(question) > 4000), ascii(question[:80])
        inert(reader)
    assert HOSTILE["script"] in reader.page.locator(".turn h2").first.text_content()


def test_lone_surrogates_are_shown_as_replacement_characters(reciting, visit):
    """Lone surrogates cannot be sent as UTF-8, but by an escape in JSON."""
    made = to_json(hostile_answer("half \ud83d and \udc00 done"))
    reader = visit(reciting.url)
    frames = [("evidence", made), *(("claim", claim) for claim in made["claims"]), ("answer", made)]
    body = "".join(f"event: {name}\ndata: {json.dumps(data)}\n\n" for name, data in frames)
    reader.page.route("**/v1/answers", replying(body))
    reader.ask(WHISPER).answered()
    expect(reader.claims.locator("p")).to_contain_text("done")
    reader.expected.append("status of 404")
    reader.claims.locator(".cite").click()
    expect(reader.page.locator("mark.lit")).to_contain_text("done")
    inert(reader)


INVALID = [
    "event: claim\ndata: {\n\n",
    "event: evidence\ndata: {}\n\n",
    "event: claim\ndata: null\n\n",
    "event: answer\ndata: []\n\n",
    "event: error\ndata: {}\n\n",
    "data: x",
]


def replying(body):
    return lambda route: route.fulfill(content_type="text/event-stream", body=body)


def test_invalid_server_reply_is_shown_as_failure(quoting, visit):
    reader = visit(quoting)
    reader.expected.append("TypeError|SyntaxError")
    for number, body in enumerate(INVALID):
        print(body)
        reader.page.route("**/v1/answers", replying(body))
        reader.ask(WHISPER)
        expect(reader.page.locator(".turn")).to_have_count(2 * number + 1)
        expect(reader.answered().turn.locator(".note.failed")).to_be_visible()
        reader.page.unroute("**/v1/answers")
        reader.ask(WHISPER)
        expect(reader.page.locator(".turn")).to_have_count(2 * number + 2)
        expect(reader.answered().claims.first).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/v1/sources", "/no/such/thing"])
def test_content_security_policy_allows_nothing_inline(quoting, path):
    policy = httpx.get(quoting + path).headers["content-security-policy"]
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert rules["base-uri"] == rules["frame-ancestors"] == "'none'"
    assert "unsafe" not in policy and "*" not in policy and "http" not in policy


def test_content_security_policy_is_enforced(quoting, visit):
    """The browser blocks an inline script, and the test notices the violation."""
    reader = visit(quoting)
    reader.page.evaluate(f"""() => {{ const s = document.createElement('script');
        s.textContent = '{RUN}'; document.body.append(s); s.remove(); }}""")
    with pytest.raises(AssertionError, match="Content Security Policy"):
        reader.nothing_went_wrong()
    reader.expected.append("Content Security Policy")
