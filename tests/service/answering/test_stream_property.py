"""Any model output in any chunks: no marker without a citation, no inexact quote."""

import re
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.types import Passage, Source
from index.lexical.tokenizer import tokens
from service.answering.state import AnswerState
from service.generation.citation_parser import SentenceParser, resolve_author_years
from service.types import Evidence
from service.verification.verifier import Verifier
from tests.support.readings import readings

DOCUMENT = (
    "A preface. The Kanda reading room opened in 1931. It holds 40,000 maps. [7] Its founder was"
    " Aiko Mori. 神田閲覧室は月曜日に休む。地図は東館にある。"
)
CUT = DOCUMENT.index(" [7]")


def evidence():
    source = Source(
        "kanda", "https://example.org/kanda", "Kanda", authors=("Aiko Mori",), published="2022-05"
    )
    spans = ((0, CUT), (CUT + 1, len(DOCUMENT)))
    return tuple(
        Evidence(n, Passage(f"{n:016}", "kanda", a, b, DOCUMENT[a:b]), source, 1.0)
        for n, (a, b) in enumerate(spans, 1)
    )


class Overlap:
    """A checker by shared tokens: crude, but it both accepts and rejects."""

    name = "overlap"

    def supports(self, pairs):
        shares = []
        for text, claim in pairs:
            wanted = set(tokens(claim))
            shares.append(len(wanted & set(tokens(text))) / max(len(wanted), 1))
        found = np.array(shares, np.float32)
        return np.stack([found, 1 - found, np.zeros_like(found)], 1)

    def reads_whole(self, claim):
        return True

    def answers(self, pairs):
        return np.zeros(len(pairs), np.float32)

    def read(self, pairs):
        return readings(pairs, lambda *pair: float(self.supports([pair])[0, 0]))


WRITTEN = st.lists(
    st.sampled_from(
        [
            "The Kanda reading room opened in 1931.", "It opened in 1999", "The room holds 40,000 maps",
            "神田閲覧室は月曜日に休む。", "神田閲覧室は毎日開く", " [1]", "[2]", "[1, 2]", "【2】", "[9]", "[Source 1]",
            ". ", "。", "\n", " ", "Aiko Mori was the founder", "[7]", "*", "[[1]", "`[1]`", "(Mori, 2022)",
            " (Atari, 2013)", "According to source 2, ", "資料2によると、", "Source 1 provides this information.",
            " (see source 1)", " [1](https://example.org)", "[1-2]", "[[2]]", "Mori (2022) says that ", "[資料1]",
        ]
    ),
    max_size=12,
).map("".join)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(WRITTEN, st.data())
def test_every_marker_has_a_citation_and_every_quote_is_verbatim(embedder, text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    parser, shown, verifier = SentenceParser(), evidence(), Verifier(Overlap(), embedder)
    drafts = [d for a, b in pairwise(edges) for d in parser.feed(text[a:b])]
    turn = AnswerState("id", "conversation", "question")
    for draft in drafts + parser.finish():
        result = verifier.check(resolve_author_years(draft, shown), shown)
        if result.verdict.label == "supported":
            turn.add(result)
    end = 0
    for claim in turn.claims:
        assert turn.text[claim.start : claim.end] == claim.text and claim.start >= end
        markers = re.match(r" ((?:\[\d+\])+)", turn.text[claim.end :])
        labels = [int(n) for n in re.findall(r"\d+", markers[1])]
        assert labels == [c.label for c in claim.citations] and set(labels) <= {1, 2}
        end = claim.end + markers.end()
        for c in claim.citations:
            assert DOCUMENT[c.start : c.end] == c.quote and c.quote
            assert c.before + c.quote + c.after == shown[c.label - 1].passage.text
    assert turn.text[end:] == ""
