"""Abstentions and their reasons; secondary sources; sources that disagree."""

import pytest

from corpus.store.store import Store
from corpus.types import Document, Passage, Source, Unread
from service.answering.abstention import explain_abstention, false_premise, unmentioned
from service.query import language_of
from service.types import Draft, Evidence
from service.verification.provenance import Originals


def source(id, kind="web", cited_by=(), url=""):
    return Source(id, url or f"https://example.org/{id}", f"Title of {id}", kind, cited_by=cited_by)


def shown(*pairs, score=130.0):
    return tuple(
        Evidence(n, Passage(f"{n:016}", s.id, 0, len(text), text), s, score)
        for n, (s, text) in enumerate(pairs, 1)
    )


ARTICLE = source("article", "article")
PAPER = source("paper", "paper", ("article",))
DIGEST = source("digest", "digest", url=PAPER.url)
SAYS = "Whisper was trained on 680,000 hours of audio."


@pytest.mark.parametrize(
    ("question", "supposed", "stated"),
    [
        ("Why was Whisper trained on 90,000 hours of audio?", "90,000", "680,000"),
        ("How was Parti trained on 680,000 hours of audio?", None, None),
        ("On how many hours of audio was Whisper trained?", None, None),
        ("Was Whisper trained on 680,000 hours of audio?", None, None),
        ("Why were 90,000 maps lost?", None, None),
    ],
)
def test_number_contradicted_by_sources_is_a_false_premise(question, supposed, stated):
    found = false_premise(question, shown((PAPER, SAYS)))
    assert (found and (found.supposed, found.stated)) == (supposed and (supposed, stated))


@pytest.mark.parametrize(
    ("question", "says", "supposed"),
    [
        (
            "第三シードのチームはどこに勝ちましたか？",
            "第二シードのチームはデンバーに勝った。",
            "第三",
        ),
        (
            "Which team was the third seed of the AFC in the championship?",
            "The second seed of the AFC in the championship was Denver.",
            "the third",
        ),
    ],
)
def test_rank_contradicted_by_sources_is_a_false_premise(question, says, supposed):
    assert false_premise(question, shown((PAPER, says))).supposed == supposed
    assert false_premise(question, shown((PAPER, says), (PAPER, f"{supposed}もある。"))) is None


def test_reason_names_premise_and_quote():
    question = "Why was Whisper trained on 90,000 hours of audio?"
    evidence = shown((PAPER, SAYS))
    kind, reason = explain_abstention(
        evidence, false_premise(question, evidence), (), language_of(question)
    )
    assert kind == "false_premise" and SAYS in reason and "90,000" in reason


@pytest.mark.parametrize(
    ("question", "score", "expected", "words"),
    [
        ("Who paid for Whisper?", 130.0, "not_enough_evidence", "Title of paper"),
        ("Who won the cup?", 60.0, "outside_library", "Title of paper"),
        ("誰が優勝しましたか。", 60.0, "outside_library", "「Title of paper」"),
    ],
)
def test_abstentions_name_the_nearest_sources(question, score, expected, words):
    kind, reason = explain_abstention(
        shown((PAPER, SAYS), score=score), None, (), language_of(question)
    )
    assert kind == expected and words in reason


def test_abstention_names_sources_that_could_not_be_read():
    unread = [Unread(PAPER.url, "Title of paper", "403 Forbidden", "2026-01-01T00:00:00Z")]
    _, reason = explain_abstention(shown((DIGEST, SAYS)), None, unread, "en")
    assert "403 Forbidden" in reason and "Title of digest" in reason
    _, reason = explain_abstention(shown((ARTICLE, SAYS)), None, unread, "en")
    assert "403" not in reason


@pytest.mark.parametrize("question", ["Who won the cup?", "誰がカップで優勝しましたか。"])
@pytest.mark.parametrize("score", [60.0, 130.0])
def test_abstention_reveals_no_other_failures_and_no_paths(question, score):
    """The reader can neither know whether they matter nor repair them."""
    unread = [
        Unread("https://example.org/cup", "Who won the cup", "timed out", "2026-01-01T00:00:00Z"),
        Unread("https://example.org/tax", "Of taxes", "404 Not Found", "2026-01-01T00:00:00Z"),
        Unread("/home/somebody/cup.pdf", "", "a scan", "2026-01-01T00:00:00Z"),
    ]
    _, reason = explain_abstention(
        shown((PAPER, SAYS), score=score), None, unread, language_of(question)
    )
    assert "Title of paper" in reason
    for other in ("timed out", "404", "cup.pdf", "scan", "taxes", "somebody"):
        assert other not in reason


MASK = (PAPER, "PPR-9088 is a respirator.")


@pytest.mark.parametrize(
    ("question", "unread", "unnamed", "helps"),
    [
        ("Who paid for Whisper?", [], (), "Adding a source"),
        ("誰が払いましたか。", [], (), "資料を追加すれば"),
        ("What is PPR-9099?", [], ("PPR-9099",), "Check the spelling"),
        ("PPR-9099とは？", [], ("PPR-9099",), "表記を確かめる"),
        (
            "Who paid for Whisper?",
            [Unread(PAPER.url, "", "[Errno 13] Permission denied: '/srv/x'", "")],
            (),
            "Adding the original",
        ),
        (
            "誰が払いましたか。",
            [Unread(PAPER.url, "", "/srv/my x/a.pdf is a scan", "")],
            (),
            "原文を追加すれば",
        ),
    ],
)
@pytest.mark.parametrize("score", [60.0, 130.0])
def test_abstention_is_nearest_source_and_advice(question, unread, unnamed, helps, score):
    _, reason = explain_abstention(
        shown(MASK, score=score), None, unread, language_of(question), unnamed=unnamed
    )
    japanese = "。" in helps + reason
    nearest, help_, *more = reason.split("。" if japanese else ". ")
    assert "Title of paper" in nearest and helps in help_ and more in ([], [""])
    assert all(code in nearest for code in unnamed)
    assert "Errno" not in reason and "denied" not in reason and "/srv" not in reason


def test_digit_of_an_identifier_is_not_a_false_premise():
    question = "How many amperes is the fuse of the RX-3100 rated at?"
    evidence = shown((PAPER, "The fuse of the oven is rated at 16 amperes."))
    assert false_premise(question, evidence) is None


@pytest.mark.parametrize(
    ("things", "missing"),
    [
        (("Whisper", "Zorblat"), ("Zorblat",)),
        (("whisper", "zorblat"), ()),  # which may be called something else
        (("Whisper", "the Zorblat model"), ("the Zorblat model",)),
        (("Whisper", "Harbour pilots"), ()),  # elsewhere in the source
        ((), ()),
    ],
)
def test_compared_thing_that_no_source_names_is_missing(things, missing, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    store.put(Document(PAPER, f"{SAYS} It helps harbour pilots."), [])
    assert unmentioned(things, shown((PAPER, SAYS)), store) == missing


def test_latin_name_may_be_written_otherwise_in_japanese(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    evidence = shown((PAPER, "ウィスパーは音声を認識します。"))
    assert unmentioned(("Whisper", "Zorblat"), evidence, store) == ()


def test_abstention_without_sources():
    assert explain_abstention((), None, (), "en")[0] is None


def test_which_sources_report_on_which():
    known = Originals([ARTICLE, PAPER, DIGEST])
    assert known.reports(ARTICLE) and known.reports(DIGEST) and not known.reports(PAPER)
    assert known.secondary(["article"]) and known.secondary(["digest", "article"])
    assert not known.secondary(["article", "paper"]) and not known.secondary([])
    assert not Originals([ARTICLE, DIGEST]).secondary(["article"])


def test_original_work_is_cited_before_reports(verifier):
    evidence = shown((ARTICLE, SAYS), (PAPER, "Intro. " + SAYS))
    claim = verifier.check(Draft(SAYS, (1,)), evidence)
    assert claim.citations[0].source_id == "paper" and not claim.secondary
    alone = verifier.check(Draft(SAYS, (1,)), evidence[:1], Originals([ARTICLE, PAPER]))
    assert [c.source_id for c in alone.citations] == ["article"] and alone.secondary


def test_disagreeing_sources_are_both_quoted(verifier):
    other = "Whisper was trained on 500,000 hours of audio."
    evidence = shown((PAPER, SAYS), (source("blog"), other))
    claim = verifier.check(Draft(SAYS, (1,)), evidence)
    assert claim.verdict.label == "supported" and claim.citations[0].quote == SAYS
    assert [c.quote for c in claim.disputed_by] == [other]


RESTATED = "Whisper learned from 680,000 hours of audio with transcripts."
OTHERWISE = "Whisper was trained on 500,000 hours of audio data."


def test_source_with_the_claims_number_is_disputed_not_overruled(verifier):
    """Though the wording of the other source is closer to the claim."""
    claim = verifier.check(Draft(SAYS, (1,)), shown((PAPER, RESTATED), (ARTICLE, OTHERWISE)))
    assert claim.verdict.label == "supported" and claim.citations[0].quote == RESTATED
    assert [c.quote for c in claim.disputed_by] == [OTHERWISE]


def test_contradiction_by_a_closer_sentence_shows_it(verifier):
    said = "Whisper was trained on 90,000 hours of audio."
    claim = verifier.check(Draft(said, (1,)), shown((PAPER, RESTATED), (ARTICLE, OTHERWISE)))
    assert claim.verdict.label == "contradicted"
    assert claim.citations[0].quote in (RESTATED, OTHERWISE) and not claim.disputed_by
    assert any(number in claim.reason for number in ("680,000", "500,000"))


def test_contradicted_claim_shows_the_quote(verifier):
    claim = verifier.check(Draft("Whisper was trained on 500,000 hours of audio.", (1,)),
                                    shown((PAPER, SAYS)))  # fmt: skip
    assert claim.verdict.label == "contradicted" and claim.citations[0].quote == SAYS
    assert "680,000" in claim.reason
