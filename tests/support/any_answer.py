"""Any answer, as a strategy of Hypothesis: claims with markers, an abstention, or a guide."""

from hypothesis import strategies as st

from corpus.types import Passage, Source
from service.types import (
    Answer,
    Citation,
    Claim,
    Decision,
    Event,
    Evidence,
    EvidenceFound,
    Rejected,
    Verdict,
    append_claim,
)

SOURCES = st.sampled_from(
    [
        Source("web", "https://example.org/a?b=c#d", "A title"),
        Source("plain", "http://example.org", "", published="2022-05"),
        Source("upload/ä b", "file:///home/me/secret.pdf", "𝒜 file 😀"),
        Source("note", "", ""),
    ]
)
WORDS = st.text(st.sampled_from("ab 1[]。😀𝒜日本\u2028é"), min_size=1, max_size=20)


@st.composite
def answers(draw):
    evidence = tuple(
        Evidence(n, Passage(f"p{n}", source.id, 0, 4, "Text"), source, 1.0)
        for n, source in enumerate(draw(st.lists(SOURCES, min_size=1, max_size=12)), 1)
    )
    text, claims = "", []
    for said in draw(st.lists(WORDS, max_size=4)):
        cited = draw(st.lists(st.sampled_from(evidence), min_size=1, max_size=3))
        citations = tuple(
            Citation(e.label, e.source.id, e.passage.id, "Text", 0, 4, e.source.url) for e in cited
        )
        decided = draw(st.sampled_from([None, Decision(True, 0.9, "r"), Decision(False, 0.1, "r")]))
        verdict = Verdict("supported", 0.9, "verbatim")
        claim = Claim(said, 0, 0, citations, verdict, answers=decided)
        text, placed = append_claim(text, claim)
        claims.append(placed)
    rejected = (Rejected("No.", "Why not", Verdict("unsupported", 0.9, "rules")),)
    more = {} if claims else {"reason": draw(WORDS), "abstention": "outside_library"}
    mode = "generated" if claims else draw(st.sampled_from(["abstained", "guide"]))
    return Answer("id", "talk", "question?", text, mode, "m", tuple(claims), evidence, rejected, **more)  # fmt: skip


def events_of(answer):
    """Return the events of the stream that ends with an answer."""
    found = EvidenceFound(answer.id, answer.conversation_id, answer.question, answer.evidence)
    placed = [Event("claim", claim) for claim in answer.claims]
    rejected = [Event("rejected", r) for r in answer.rejected]
    return [Event("evidence", found), *placed, *rejected, Event("answer", answer)]
