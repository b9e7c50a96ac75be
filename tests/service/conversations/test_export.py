"""Tests of the Markdown and BibTeX exports: nothing in an answer acts as markup."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from service.conversations.bibtex import bibtex, bibtex_entry, citation_key, escape_tex
from service.conversations.markdown import escape, markdown, number_sources, safe_url

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "](javascript:alert(1))",
    "<script>alert(1)</script>",
    "`code` and ``more``",
    "![x](https://evil.example/pixel.png)",
    "one\n\n# two\n\n- three",
    "[^1]: a footnote\n[x]: https://evil.example",
    "&lt;b&gt; &amp; &#x3c;",
    "a | b\n--|--\n1 | 2",
    "$$x$$ ~~y~~ **z** __w__",
    "https://evil.example www.evil.example a@evil.example",
    "\u202egnp.exe\u202c",
    "1. one",
    "10) ten",
    "- a",
    "+ b",
    "=== c",
    "\\",
    "ends with \\",
    "日本語の「題名」＜b＞",
]
ANY = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=40),
    st.text("\\`*_[]()<>#&|~$!^{}+-=.:/@1a \n\t", max_size=20),
)


def shown(text: str) -> str:
    """Return the words of a text on one line, as an export shows them."""
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)
    return " ".join(plain.split())


def source(**changed: Any) -> dict[str, Any]:
    return {
        "id": "s", "url": "https://example.org/s", "title": "Maps", "kind": "paper",
        "authors": ["Ada Lovelace", "本田志温"], "venue": "NeurIPS 2022", "published": "2022-05-03",
        "language": "en", "licence": "", "cited_by": [], "retrieved_at": "2026-01-02T00:00:00",
        "version": "",
    } | changed  # fmt: skip


def answered(
    question: str = "What?", text: str = "It is.", quote: str = "It is so.", **of_source: Any
) -> dict[str, Any]:
    cited = source(**of_source)
    citation = {
        "label": 1, "source_id": cited["id"], "passage_id": "p", "quote": quote, "start": 0,
        "end": 1, "url": cited["url"], "page": 3, "before": "", "after": "",
    }  # fmt: skip
    claim = {
        "text": text, "start": 0, "end": len(text), "citations": [citation], "secondary": False,
        "disputed_by": [], "verdict": {}, "reason": "",
    }  # fmt: skip
    return {
        "question": question, "claims": [claim], "rejected": [], "reason": None,
        "mode": "generated", "evidence": [{"source": cited}],
    }  # fmt: skip


@given(ANY)
def test_escaped_text_is_one_line_without_markup(text: str) -> None:
    made = escape(text)
    tokens = PARSER.parse(made)
    assert [t.type for t in tokens] in ([], ["paragraph_open", "inline", "paragraph_close"])
    inner = [child for t in tokens for child in t.children or ()]
    assert all(child.type in ("text", "text_special") for child in inner)
    assert "".join(child.content for child in inner) == shown(text)
    assert "\n" not in made and not re.search(r"(?<!\\)://|\bwww\.", made, re.IGNORECASE)


@given(ANY, ANY, ANY, ANY, st.lists(ANY, max_size=2), ANY, ANY)
def test_export_has_only_its_own_markup(
    question: str, text: str, quote: str, title: str, authors: list[str], venue: str, reason: str
) -> None:
    answer = answered(question, text, quote, title=title, authors=authors, venue=venue)
    answer["rejected"] = [{"text": text, "reason": reason}]
    answer["reason"] = reason
    tokens = PARSER.parse(markdown(title, [answer]))
    assert {t.tag for t in tokens} <= {"h1", "h2", "p", "ul", "li", ""}
    assert [t.type for t in tokens].count("heading_open") == 2
    inner = [child for t in tokens for child in t.children or ()]
    assert {c.type for c in inner} <= {
        "text", "text_special", "em_open", "em_close", "strong_open", "strong_close", "s_open",
        "s_close", "link_open", "link_close",
    }  # fmt: skip
    assert {c.attrs["href"] for c in inner if c.type == "link_open"} == {"https://example.org/s"}


@given(ANY)
def test_only_web_addresses_are_exported(url: str) -> None:
    assert safe_url(url) == "" or url.lower().startswith(("http://", "https://"))
    for address in (f"https://example.org/{url}", f"javascript:{url}", f"file:///home/{url}"):
        made = safe_url(address)
        assert bool(made) == address.startswith("https")
        assert not re.search(r"""[\s<>"'`\\()\[\]{}|^*~]""", made)
        if made:
            (paragraph,) = [t for t in PARSER.parse(f"<{made}>") if t.type == "inline"]
            assert [c.type for c in paragraph.children] == ["link_open", "text", "link_close"]


def test_metadata_is_marked_in_the_language_of_the_question() -> None:
    for question, mark in (
        ("Who?", "“Ada Lovelace” (from the catalogue)"),
        ("著者は？", "「Ada Lovelace」（書誌情報）"),
    ):
        answer = answered(question, quote="Ada Lovelace")
        assert mark not in markdown("Maps", [answer])
        answer["claims"][0]["citations"][0] |= {"metadata": "authors", "page": None}
        assert mark in markdown("Maps", [answer])


def test_conversation_as_markdown() -> None:
    first = answered("How many?", "There are 680,000.", "680,000 hours", kind="digest")
    first["claims"][0]["secondary"] = True
    other = dict(first["claims"][0]["citations"][0], quote="690,000 hours", page=None)
    first["claims"][0]["disputed_by"] = [other]
    first["rejected"] = [{"text": "It cost $5.", "reason": "No source supports it."}]
    second = answered("なぜ？") | {
        "claims": [],
        "mode": "abstained",
        "reason": "資料にありません。",
    }
    third = answered("何ですか？", "地図です。", "地図である。", title="神田の地図")
    made = markdown("Hours", [first, second, third])
    work = "Ada Lovelace, 本田志温, NeurIPS 2022, 2022-05-03"
    link = "<https://example.org/s>"
    assert made == (
        "# Hours\n\n## How many?\n\nThere are 680,000.[^1-1] (Another source says otherwise[^1-1])\n\n**Withheld:**\n\n"
        "- ~~It cost \\$5.~~ No source supports it.\n\n"
        "## なぜ？\n\n**回答なし:** 資料にありません。\n\n"
        "## 何ですか？\n\n地図です。[^3-1]\n\n"
        f"[^1-1]: *Maps*, {work}, read in our summary, {link}: “680,000 hours”, p. 3 (second hand);"
        " “690,000 hours” (Another source says otherwise)\n\n"
        f"[^3-1]: *神田の地図*, {work}, {link}: 「地図である。」, 3ページ\n"
    )


@pytest.mark.parametrize(
    ("question", "beside", "catalogue"),
    [
        ("How many?", "(context: it does not answer the question)", "From the catalogue"),
        ("いくつですか？", "（補足：質問への答えではありません）", "書誌情報"),
    ],
)
def test_context_catalogue_and_guide_are_marked(question: str, beside: str, catalogue: str) -> None:
    made = answered(question, "It is.")
    decided = {"score": 0.5, "method": "reading"}
    for answers, after in ((None, ""), ({"holds": True}, ""), ({"holds": False}, beside)):
        made["claims"][0]["answers"] = answers and answers | decided
        (shown,) = (line for line in markdown("T", [made]).split("\n") if line.startswith("It is."))
        assert shown.removeprefix("It is.[^1]").strip() == after
    assert catalogue not in markdown("T", [made])
    assert f"*{catalogue}" in markdown("T", [made | {"mode": "metadata"}])
    guide = made | {"mode": "guide", "claims": [], "reason": "Ask about *maps*."}
    assert markdown("T", [guide]).endswith("\n\nAsk about \\*maps\\*.\n")


def test_quotes_of_one_page_share_a_footnote_entry() -> None:
    answer = answered("How many?", "There are 680,000, in two lists.", "680,000 hours")
    first = answer["claims"][0]["citations"][0]
    more = [first | {"quote": "in two lists"}, first | {"quote": "elsewhere", "page": 4}]
    answer["claims"][0]["citations"] += more
    work = "*Maps*, Ada Lovelace, 本田志温, NeurIPS 2022, 2022-05-03"
    link = "<https://example.org/s>"
    assert markdown("Hours", [answer]).endswith(
        f"[^1]: {work}, {link}: “680,000 hours” “in two lists”, p. 3; “elsewhere”, p. 4\n"
    )


def test_footnotes_have_the_numbers_of_the_page() -> None:
    """One for a source, by its first appearance; its quotes name the sentences they are for."""
    answer = answered("How many?", "There are 680,000.", "680,000 hours")
    (first,) = answer["claims"]
    other = source(id="t", title="Guide", url="https://example.org/t")
    guide = first["citations"][0] | {"source_id": "t", "url": other["url"], "label": 9, "page": 4}
    both = first | {"text": "It is old.", "citations": [guide, first["citations"][0]]}
    answer["claims"] = [first | {"citations": [guide]}, both]
    answer["evidence"].append({"source": other})
    assert number_sources(answer["claims"]) == {"t": 1, "s": 2}
    made = markdown("Hours", [answer])
    assert "There are 680,000.[^1]\n" in made and "It is old.[^1][^2]\n" in made
    assert "“680,000 hours”, p. 4 (sentence 1); “680,000 hours”, p. 4 (sentence 2)\n" in made
    assert made.index("[^1]: *Guide*") < made.index("[^2]: *Maps*")
    assert number_sources([first | {"citations": [], "disputed_by": [guide]}]) == {"t": 1}


@pytest.mark.parametrize(
    ("mode", "method", "marked"),
    [("generated", "verbatim", True), ("generated", "judge: m", False), ("quoted", "verbatim", False)],
)  # fmt: skip
def test_quote_among_sentences_of_a_model_has_quotation_marks(mode, method, marked) -> None:
    answer = answered(text="It is.", quote="It is.") | {"mode": mode}
    answer["claims"][0]["verdict"] = {"label": "supported", "score": 1.0, "method": method}
    sentence = markdown("", [answer]).split("\n\n")[2]
    assert sentence == ("“It is.”[^1]" if marked else "It is.[^1]")


def test_blank_rejected_sentence_has_no_empty_strikethrough() -> None:
    answer = answered(title="", authors=[], venue="", published="", url="file:///home/me/x.pdf")
    made = markdown("", [answer | {"rejected": [{"text": "\n", "reason": ""}]}])
    assert "/home/me" not in made and "**" in made and "~~~~" not in made


@given(st.lists(st.tuples(ANY, ANY, st.lists(ANY, max_size=3), ANY, ANY), max_size=6))
def test_bibtex_of_any_source_is_well_formed(
    works: list[tuple[str, str, list[str], str, str]],
) -> None:
    answers = [
        answered(id=f"s{n}", title=title, authors=authors, venue=venue, url=url, published=date)
        for n, (title, venue, authors, url, date) in enumerate(works)
    ]
    keys = read(bibtex(answers))
    assert len(keys) == len(works) == len(set(keys))
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z]+)?", key) for key in keys)


def read(text: str) -> list[str]:
    """Parse BibTeX as BibTeX does, counting braces whether escaped or not; return the keys."""
    keys, at = [], 0
    while found := re.compile(r"\s*@(misc|article|inproceedings)\{([^,]+),\n").match(text, at):
        keys.append(found[2])
        at, depth = found.end(), 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if depth >= 2:  # in a field: characters special to TeX must be escaped
                assert not re.match(r"(?<!\\)[$&#~^](?!.*urldate)", text[at]) or in_url(text, at)
            at += 1
    assert not text[at:].strip()
    return keys


def in_url(text: str, at: int) -> bool:
    line = text[text.rfind("\n", 0, at) + 1 : text.find("\n", at)]
    return line.startswith("  url = ") or text[at - 1] == "\\"


def test_bibtex_entries_by_kind_of_source() -> None:
    assert bibtex_entry(source(), "k") == (
        "@inproceedings{k,\n  author = {Ada Lovelace and {本田志温}},\n  title = {{Maps}},\n"
        "  booktitle = {NeurIPS 2022},\n  year = {2022},\n  month = {5},\n"
        "  url = {https://example.org/s},\n  urldate = {2026-01-02},\n  langid = {english},\n}\n"
    )
    nature = bibtex_entry(source(venue="Nature 602, 223-228"), "k")
    assert nature.startswith("@article{k,") and "journal = {Nature}" in nature
    assert "volume = {602}" in nature and "pages = {223--228}" in nature
    arxiv = bibtex_entry(
        source(venue="", url="https://arxiv.org/abs/2212.04356", kind="digest"), "k"
    )
    assert arxiv.startswith("@misc{k,") and "eprint = {2212.04356}" in arxiv
    assert "note = {Read in a summary, not in the original}" in arxiv
    blog = bibtex_entry(source(venue="www.example.org", authors=["Smith and Sons", "OpenAI"]), "k")
    assert blog.startswith("@misc{k,") and "howpublished = {www.example.org}" in blog
    assert "author = {{Smith and Sons} and {OpenAI}}" in blog
    assert "@inproceedings" in bibtex_entry(source(venue="言語処理学会第29回年次大会"), "k")
    assert escape_tex("50 % of {A_b} \\ & ~#$^") == (
        r"50 \% of \textbraceleft{}A\_b\textbraceright{} \textbackslash{} \& \textasciitilde{}"
        r"\#\$\textasciicircum{}"
    )


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({}, "lovelace2022maps"),
        ({"authors": ["Dürr, Peter"], "title": "The Ångström of it"}, "durr2022angstrom"),
        ({"authors": []}, "maps2022"),
        ({"authors": ["本田志温"], "title": "地図", "id": "kanda-1"}, "kanda12022"),
        ({"authors": [" "], "title": "", "id": "地図", "published": ""}, "source"),
    ],
)
def test_citation_keys(changed: dict[str, Any], key: str) -> None:
    assert citation_key(source(**changed)) == key


def test_bibliography_has_each_cited_source_once() -> None:
    answers = [answered(id=f"s{n // 2}") for n in range(60)]
    answers[0]["evidence"].append({"source": source(id="read", title="Not cited")})
    keys = read(made := bibtex(answers))
    assert len(keys) == len(set(keys)) == 30 and "Not cited" not in made
    assert keys[:3] == ["lovelace2022maps", "lovelace2022maps-a", "lovelace2022maps-b"]
    assert keys[27] == "lovelace2022maps-aa"
    assert bibtex([answered() | {"claims": []}]) == ""
