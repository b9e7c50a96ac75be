"""Answers of a scripted model, checked by a scripted judge or verifier, without neural networks."""

import asyncio
import threading
from contextlib import aclosing
from dataclasses import dataclass, fields, replace
from functools import partial

import numpy as np
import pytest

from corpus.errors import ModelUnavailable
from corpus.types import Passage, Source
from service.answering.answer_decision import AnswerDecider
from service.answering.answer_windows import answer_windows
from service.answering.evidence_reading import QuestionPart
from service.answering.model_answer import ModelAnswer
from service.answering.question_reading import ReadPassage
from service.answering.sentence_checks import MAX_JUDGE_CALLS, JudgeChecks, VerifierChecks
from service.answering.source_quotes import MAX_IN_PLACE, SourceQuotes
from service.answering.state import AnswerState
from service.catalogue.overview import Overview
from service.generation.prompts import estimate_tokens
from service.judging.evidence import evidence_text, number_evidence
from service.judging.prompt import JUDGED_AT_ONCE, evidence_tokens, judge_messages, reply_tokens
from service.judging.types import JudgeCall, Judgement
from service.types import Claim, Draft, Evidence, Status, Unchecked, Verdict
from service.verification.citation_selection import find_verbatim, make_citation
from tests.support.readings import ANSWERED_FROM, read_all, readings
from tests.support.scripted_judge import ScriptedJudge, names
from tests.support.scripted_model import Script

TEXT = (
    "The Kanda room opened in 1931. It holds 40,000 maps. It is closed on Mondays."
    " Its founder was Aiko Mori. The garden has 12 trees. The roof was mended in 1987."
)
SENTENCES = tuple(f"{each.strip('.')}." for each in TEXT.split(". "))
QUESTION = "How many maps does the Kanda room hold?"
TRUE = ["The room began in 1931.", "There are 40,000 maps.", "There are 12 trees."]


def passage():
    source = Source("kanda", "https://example.org/kanda", "")
    return (Evidence(1, Passage(f"{1:016}", "kanda", 0, len(TEXT), TEXT), source, 1.0),)


def quote(words):
    """Cite the sentence of the passage that has some words."""
    said = next(each for each in SENTENCES if words in each)
    start = TEXT.index(said)
    return make_citation(passage()[0], start, start + len(said))


class Reading:
    """A checker by which only some texts answer the question."""

    name = "reading"

    def __init__(self, answers):
        self.log_odds = answers

    def answers(self, pairs):
        return np.zeros(len(pairs), np.float32)

    def read(self, pairs):
        def odds_of(text, _):
            return max(
                [odds for words, odds in self.log_odds.items() if words in text], default=-3.8
            )

        return readings(pairs, odds_of)


class Plain(ReadPassage):
    """A passage whose log-odds are taken as they are, without calibration."""

    def certainty(self, odds):
        return odds


@dataclass(frozen=True)
class Part(QuestionPart):
    """A question whose evidence answers it as surely as the test says."""

    answerability: float

    @property
    def certainty(self):
        return self.answerability

    @property
    def answered(self):
        return self.answerability > ANSWERED_FROM


def astuple_shallow(passage):
    return tuple(getattr(passage, field.name) for field in fields(passage))


class Blank:
    """An embedder to which all texts are alike."""

    def embed_passages(self, texts):
        return np.zeros((len(texts), 2), np.float32)

    def embed_query(self, text):
        return np.zeros(2, np.float32)


class Verifying:
    """A verifier that supports quotes and sentences with a number of the passage.

    ``labels`` gives the verdict and the words of the nearest quote of other sentences.
    """

    def __init__(self, labels=None, answers=None):
        self.labels = labels or {}
        self.checker, self.embedder = Reading(answers or {}), Blank()
        self.checked = []

    def check(self, draft, evidence, originals):
        self.checked.append(draft)
        places = find_verbatim(draft, evidence)
        label, method, citations = "unsupported", "rules + checker", ()
        if places:
            label, method, citations = "supported", "verbatim", (make_citation(*places[0]),)
        elif draft.text in self.labels:
            label, words = self.labels[draft.text]
            citations = (quote(words),)
        else:
            digits = [word for word in draft.text.split() if word[:1].isdigit()]
            near = [w.strip(".") for w in digits if w.strip(".") in TEXT]
            if near:
                label, citations = "supported", (quote(near[0]),)
        return Claim(draft.text, 0, len(draft.text), citations, Verdict(label, 1.0, method))


class Typing:
    """A model that writes sentences, and waits before each until the test lets it go on."""

    name = "typing"

    def __init__(self, sentences, pause=0.02):
        self.sentences, self.pause = sentences, pause
        self.written, self.closed = 0, False

    async def stream(self, messages):
        try:
            for sentence in self.sentences:
                yield f"{sentence[:-1]} [1]. "
                self.written += 1
                await asyncio.sleep(self.pause)
        finally:
            self.closed = True


def written(text):
    return text if hasattr(text, "stream") else Script(text)


def make(model, *, judge=None, verifier=None, believed=False, answerability=2.0):
    """Make a model's answer and its state; without a judge the verifier checks each sentence."""
    turn = AnswerState("id", "conversation", QUESTION, evidence=passage())
    verifier = verifier or Verifying()
    passages = tuple(
        Plain(*astuple_shallow(each))
        for each in read_all(QUESTION, turn.evidence, verifier.checker)
    )
    windows = tuple(answer_windows(passages, turn.originals, 6))
    turn.parts = (Part(QUESTION, passages, windows, answerability),)
    turn.decide_answers = AnswerDecider(turn, verifier.checker)

    def verify(draft):
        return verifier.check(draft, turn.evidence, turn.originals)

    checks = VerifierChecks(verify, asyncio.to_thread)
    if judge:
        checks = JudgeChecks(turn, judge, verify, asyncio.to_thread)
    quotes = SourceQuotes(turn, verifier)
    made = ModelAnswer(turn, checks, quotes, asyncio.to_thread, believed=believed)
    return made, turn


def run(model, **more):
    """Run an answer to its end; return it, its state and its events without progress."""
    made, turn = make(model, **more)

    async def collect():
        pieces, passing = written(model).stream([]), Status | Unchecked
        events = [e async for e in made.events(pieces) if not isinstance(e.data, passing)]
        events += await asyncio.to_thread(made.finish)
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return events

    return made, turn, asyncio.run(collect())


def said(events):
    return [(e.name, e.data.text) for e in events]


def cite(*sentences):
    return " ".join(f"{each[:-1]} [1]." for each in sentences)


# Groups of a judge


def test_judge_decides_in_order_with_one_call_in_flight():
    model, judge = Typing([*TRUE, "There are 77 doors."]), ScriptedJudge(seconds=0.05)
    made, turn, events = run(model, judge=judge)
    assert said(events) == [
        *(("claim", each) for each in TRUE),
        ("rejected", "There are 77 doors."),
    ]
    assert judge.most == 1 and 2 <= len(judge.calls) <= MAX_JUDGE_CALLS
    assert [each for call in judge.calls for each in call] == [text for _, text in said(events)]
    assert turn.claims[0].verdict.method == "judge: scripted"
    assert set(turn.judgements) == {text for _, text in said(events)}
    assert turn.judge_cost.calls == len(judge.calls)
    assert turn.judge_cost.prompt_tokens == 100 * len(judge.calls)
    assert turn.timings["judge"] >= 0.05 * len(judge.calls)
    assert made.mode == "generated"


def test_first_sentence_is_decided_while_the_model_writes():
    """And the model's text is read while the judge is asked."""
    model, judge = Typing(TRUE, 0.05), ScriptedJudge(seconds=0.12)
    made, _ = make(model, judge=judge)

    async def watch():
        seen = []
        async for event in made.events(model.stream([])):
            if event.name == "claim":
                seen.append((model.written, model.closed))
        return seen

    seen = asyncio.run(watch())
    assert judge.calls[0] == (TRUE[0],) and judge.calls[1] == tuple(TRUE[1:])
    assert seen[0][0] >= 2  # the next sentences had been read meanwhile


def test_fourth_call_waits_for_the_end():
    sentences = [f"There are {n} doors." for n in range(2, 11)]
    model, judge = Typing(sentences, 0.01), ScriptedJudge()
    _, _, events = run(model, judge=judge)
    assert len(judge.calls) == MAX_JUDGE_CALLS == 4
    assert [len(call) for call in judge.calls[:3]] == [1, 1, 1]
    assert judge.calls[3] == tuple(sentences[3:])
    assert [text for _, text in said(events)] == sentences


class Narrow(ScriptedJudge):
    """A judge whose window holds the evidence, and the sentences for which room is kept."""

    def __init__(self):
        super().__init__()
        numbered = number_evidence(passage(), 10_000)
        needed = estimate_tokens(evidence_text(numbered))
        self.window = 10_000 + needed - evidence_tokens(10_000, QUESTION)

    async def judge(self, question, evidence, sentences, before=()):
        """Refuse what does not fit, with the room for two controls."""
        call = await super().judge(question, evidence, sentences, before)
        asked = judge_messages(question, evidence, [*sentences, *sentences[:2]])
        read = sum(estimate_tokens(message["content"]) for message in asked)
        fits = read + reply_tokens(len(sentences) + 2) <= self.window
        return call if fits else JudgeCall(failure="window")


# As long as sentences of answers are: some 50 tokens.
LONG = [
    f"There are 12 trees and {n} lamps in the garden of the room, beside the old gate by which its"
    " visitors come in, and more of them behind the wall."
    for n in range(20, 32)
]


def check_groups(judge, *groups, calls=0):
    """Check groups of LONG, of so many sentences, after some calls; return the state and claims."""
    _, turn = make(Script(""), judge=judge)
    turn.judge_cost.calls = calls
    verify = partial(Verifying().check, evidence=turn.evidence, originals=turn.originals)
    checks = JudgeChecks(turn, judge, verify, asyncio.to_thread)
    drafts = [Draft(text, before=tuple(LONG[:n][-3:])) for n, text in enumerate(LONG)]

    async def check():
        claims = []
        for size in groups:
            begin = len(claims)
            claims += [each async for each in checks.check(drafts[begin : begin + size])]
        return claims

    claims = asyncio.run(check())
    assert [claim.text for claim in claims] == LONG[: sum(groups)]
    return turn, [claim.verdict.method for claim in claims]


def test_group_that_is_too_large_for_one_call_is_split():
    judge = Narrow()
    turn, methods = check_groups(judge, 12)
    assert [len(call) for call in judge.calls] == [JUDGED_AT_ONCE, 4] == [8, 4]
    assert judge.before[1] == tuple(LONG[5:8]) and turn.judge_cost.calls == 2
    assert set(methods) == {"judge: scripted"}


def test_last_call_takes_what_fits_and_the_verifier_decides_the_rest():
    judge = Narrow()
    _, turn, events = run(Typing(LONG, 0.02), judge=judge)
    judged = [len(call) for call in judge.calls]
    assert judged == [1, 1, 1, 8]
    every = {c.text: c.verdict.method for c in (*turn.claims, *turn.rejected)}
    assert every.pop(LONG[-1]) == "rules + checker (judge: window)"
    assert set(every.values()) == {"judge: scripted"} and len(every) == 11
    assert {text for _, text in said(events)} >= set(LONG)


def test_last_call_takes_all_where_all_fits():
    judge = ScriptedJudge()
    _, methods = check_groups(judge, 12, calls=MAX_JUDGE_CALLS - 1)
    assert [len(call) for call in judge.calls] == [12] and set(methods) == {"judge: scripted"}


def test_one_call_is_kept_for_what_the_model_may_still_write():
    """Two calls are left: one for a group of ten, and one for the sentence after it."""
    judge = Narrow()
    _, methods = check_groups(judge, 10, 1, calls=MAX_JUDGE_CALLS - 2)
    assert [len(call) for call in judge.calls] == [8, 1]
    assert methods[8:10] == ["rules + checker (judge: window)"] * 2
    assert {*methods[:8], methods[10]} == {"judge: scripted"}


def test_judge_that_does_not_answer_is_not_asked_about_the_rest_of_a_group():
    judge = ScriptedJudge(failures=["timeout"])
    _, methods = check_groups(judge, 12)
    assert [len(call) for call in judge.calls] == [8]
    assert set(methods) == {"rules + checker (judge: timeout)"}


def test_judge_gets_the_same_evidence_and_the_sentences_before():
    judge = ScriptedJudge()
    run(Typing([*TRUE, "There are 77 doors.", "There are 8 doors."], 0.02), judge=judge)
    assert all(each is judge.evidence[0] for each in judge.evidence)
    assert judge.before == [(), (TRUE[0],), (TRUE[0], TRUE[1]), tuple(TRUE)]
    assert set(judge.questions) == {QUESTION}


@pytest.mark.parametrize("failure", ["unreadable", "control", "no control", "window"])
def test_verifier_decides_a_group_whose_call_failed(failure):
    judge = ScriptedJudge(failures=[failure])
    _, turn, events = run(Typing(TRUE, 0.02), judge=judge)
    assert said(events) == [("claim", each) for each in TRUE]
    methods = [claim.verdict.method for claim in turn.claims]
    assert methods[0] == f"rules + checker (judge: {failure})"
    assert set(methods[1:]) == {"judge: scripted"} and TRUE[0] not in turn.judgements


@pytest.mark.parametrize("failure", ["timeout", "unreachable"])
def test_verifier_decides_the_rest_after_a_judge_that_does_not_answer(failure):
    """Else each group of an answer would wait for the whole of the time limit."""
    judge = ScriptedJudge(failures=[None, failure])
    sentences = [f"There are {n} doors." for n in range(2, 8)]
    _, turn, events = run(Typing([*TRUE[:1], *sentences, *TRUE[1:]], 0.02), judge=judge)
    assert len(judge.calls) == 2 and turn.judge_cost.calls == 2
    every = {claim.text: claim.verdict.method for claim in (*turn.claims, *turn.rejected)}
    assert every.pop(TRUE[0]) == "judge: scripted" and len(every) == len(sentences) + 2
    assert set(every.values()) == {f"rules + checker (judge: {failure})"}
    assert [text for _, text in said(events)] == [TRUE[0], *sentences, *TRUE[1:]]


def test_too_few_judgements_count_as_unreadable():
    class Terse(ScriptedJudge):
        async def judge(self, *args):
            call = await super().judge(*args)
            return replace(call, judgements=call.judgements[:-1])

    _, turn, _ = run(cite(*TRUE), judge=Terse())
    assert {c.verdict.method for c in turn.claims} == {"rules + checker (judge: unreadable)"}


def test_quote_keeps_its_method_where_the_judge_failed():
    _, turn, _ = run(cite(SENTENCES[0]), judge=ScriptedJudge(failures=["timeout"]))
    assert turn.claims[0].verdict.method == "verbatim"


def test_rejected_sentence_says_that_the_judge_failed():
    _, turn, _ = run(cite("There are 77 doors."), judge=ScriptedJudge(failures=["control"]))
    assert turn.rejected[0].verdict.method == "rules + checker (judge: control)"


@pytest.mark.parametrize("judged", [True, False])
def test_closing_the_stream_leaves_nothing_running(judged):
    model = Typing([*TRUE, *TRUE], 10)
    judge = ScriptedJudge(seconds=30 if judged else 0)
    made, _ = make(model, judge=judge)

    async def leave():
        async def read():
            async for event in made.events(model.stream([])):
                if event.name == "claim":
                    return

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.3)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await asyncio.get_running_loop().shutdown_asyncgens()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    model.pause = 0.05 if judged else 10
    asyncio.run(leave())
    assert model.closed and judge.running == 0
    assert judge.cancelled == (1 if judged else 0)


def test_model_is_closed_however_often_its_reader_is_cancelled():
    """As the server does where a client has left: cancelled again at each await."""

    class Connected(Typing):
        async def stream(self, messages):
            try:
                yield f"{TRUE[0][:-1]} [1]. And "
                await asyncio.sleep(30)
            finally:
                await asyncio.sleep(0.05)  # what closing a connection takes
                self.closed = True

    async def leave(model):
        made, _ = make(model, judge=ScriptedJudge(seconds=30))

        async def read():
            async with aclosing(made.events(model.stream([]))) as events:
                async for _ in events:
                    pass

        reading = asyncio.create_task(read())
        await asyncio.sleep(0.1)
        while not reading.done():
            reading.cancel()
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    model = Connected(())
    asyncio.run(leave(model))
    assert model.closed


def test_error_of_a_model_keeps_what_was_decided():
    model = Script(cite(*TRUE) + " And", ModelUnavailable("gone"))
    made, turn, events = run(model, judge=ScriptedJudge())
    assert said(events)[:3] == [("claim", each) for each in TRUE]
    assert "failed partway: it stopped with" in turn.reason and made.mode == "generated"


def test_unexpected_error_of_a_model_is_raised():
    with pytest.raises(ZeroDivisionError):
        run(Script(cite(*TRUE), ZeroDivisionError()), judge=ScriptedJudge())


# Sentences that lean on others


@pytest.mark.parametrize(
    ("judge", "quotes"), [(None, []), (ScriptedJudge(), [("claim", "The garden has 12 trees.")])]
)
def test_sentence_that_leans_on_a_withheld_one_is_withheld(judge, quotes):
    """What the judge says it is supported by stands in its place."""
    model = cite("The annex has 77 doors.", "They hold 12 trees.", "The maps number 40,000.")
    _, turn, events = run(model, judge=judge)
    assert said(events) == [
        ("rejected", "The annex has 77 doors."),
        ("rejected", "They hold 12 trees."),
        *quotes,
        ("claim", "The maps number 40,000."),
    ]
    leaning = turn.rejected[1]
    assert leaning.verdict == Verdict("unsupported", 1.0, "leans on a withheld sentence")
    assert "withheld" in leaning.reason and leaning.citations[0].quote == "The garden has 12 trees."
    assert turn.drafts[1].before == ("The annex has 77 doors.",)


def test_sentence_that_leans_on_a_leaning_one_is_withheld():
    model = cite(
        "The annex has 77 doors.", "This wing opened in 1931.", "These maps number 40,000."
    )
    _, turn, _ = run(model, believed=True)
    assert not turn.claims
    assert [r.verdict.method for r in turn.rejected][1:] == ["leans on a withheld sentence"] * 2


def test_same_pronoun_leans_on_what_is_before_both():
    model = cite("The room opened in 1931.", "It has 77 doors.", "It holds about 40,000 maps.")
    _, turn, _ = run(model)
    assert [c.text for c in turn.claims] == [
        "The room opened in 1931.",
        "It holds about 40,000 maps.",
    ]


def test_quote_and_first_sentence_do_not_lean():
    _, turn, _ = run(cite("It opened in 1931.", "The annex has 77 doors.", "It holds 40,000 maps."))
    assert [c.text for c in turn.claims] == ["It opened in 1931.", "It holds 40,000 maps."]
    assert turn.claims[1].verdict.method == "verbatim"


# Quotes in place of withheld sentences

WRONG = "There are thousands of doors."
LEANING = "The Kanda room opened in 1931. It holds 40,000 maps."


def test_quote_takes_the_place_of_a_withheld_sentence():
    verifier = Verifying({WRONG: ("partial", "40,000")}, {"40,000": 1.0})
    made, turn, events = run(cite(WRONG, TRUE[2]), verifier=verifier)
    assert said(events) == [
        ("rejected", WRONG),
        ("claim", LEANING),
        ("claim", TRUE[2]),
    ]
    assert turn.claims[0].verdict == Verdict("supported", 1.0, "verbatim")
    assert turn.drafts[1].text == LEANING and made.mode == "generated"
    assert turn.text == f"{LEANING} [1] There are 12 trees. [1]"


def test_quotes_of_a_model_of_which_nothing_holds_make_a_quoted_answer():
    verifier = Verifying({WRONG: ("contradicted", "40,000")}, {"40,000": 1.0})
    made, turn, _ = run(cite(WRONG), verifier=verifier)
    assert made.mode == "quoted" and "sources' own words" in turn.reason


@pytest.mark.parametrize(
    ("label", "odds", "first", "answerability", "shown"),
    [
        ("partial", -2.0, TRUE[2], 0.0, True),  # completes what holds
        ("contradicted", -2.0, TRUE[2], 0.0, True),  # the source's own number
        ("partial", -2.0, "", 0.1, True),  # the evidence more likely answers than not
        ("contradicted", -2.0, "", 0.1, True),
        ("partial", -1.0, "", 0.0, False),  # nothing holds, and that is not sure
        ("contradicted", -1.0, "", 0.0, False),
        ("unsupported", 0.8, TRUE[2], 0.0, True),  # the checker takes it for an answer
        ("unsupported", -0.5, TRUE[2], 2.0, False),
        ("unsupported", -0.5, "", 2.0, False),
    ],
)
def test_quote_has_to_answer_or_to_complete(label, odds, first, answerability, shown):
    """Where the model's word is taken: else they are quoted that would be without one."""
    verifier = Verifying({WRONG: (label, "40,000")}, {"40,000": odds, "12 trees": 1.0})
    text = cite(first, WRONG) if first else cite(WRONG)
    _, turn, _ = run(text, verifier=verifier, answerability=answerability, believed=True)
    assert any("It holds 40,000 maps." in c.text for c in turn.claims) is shown


def test_quote_put_off_completes_a_later_claim():
    """Where the gate is not sure that the passages answer."""
    verifier = Verifying({WRONG: ("partial", "40,000")}, {"40,000": -1.0, "12 trees": 1.0})
    _, _, events = run(cite(WRONG, TRUE[2]), verifier=verifier, answerability=0.0)
    assert said(events) == [
        ("rejected", WRONG),
        ("claim", TRUE[2]),
        ("claim", LEANING),
    ]


def test_each_quote_is_shown_once_and_not_where_it_is_cited():
    labels = {f"Wrong {c}.": ("partial", "40,000") for c in "ab"} | {
        "Wrong c.": ("partial", "12 trees")
    }
    verifier = Verifying(labels, {"40,000": 1.0, "12 trees": 1.0})
    _, turn, _ = run(cite(TRUE[2], "Wrong a.", "Wrong b.", "Wrong c."), verifier=verifier)
    assert [c.text for c in turn.claims] == [TRUE[2], LEANING]


def test_few_quotes_take_the_place_of_sentences():
    near = ["1931", "40,000", "Mondays", "Aiko Mori", "12 trees", "1987"]
    labels = {f"Wrong {c}.": ("partial", words) for c, words in zip("abcdef", near, strict=True)}
    verifier = Verifying(labels, dict.fromkeys(near, 1.0))
    _, turn, _ = run(cite(*labels), verifier=verifier)
    assert len(turn.claims) == MAX_IN_PLACE == 5
    assert tuple(c.text for c in turn.claims) == SENTENCES[:MAX_IN_PLACE]


@pytest.mark.parametrize(
    ("ruling", "answers", "first", "answerability", "shown"),
    [
        ("contradicted", True, "", 0.0, True),  # the judge's word is enough
        ("contradicted", False, "", 0.0, False),
        ("contradicted", False, "", 0.1, True),  # the evidence more likely answers than not
        # An invented sentence answers, its nearest quote does not.
        ("unsupported", True, "", 0.0, False),
        ("unsupported", True, "", 0.1, True),  # a part of it is supported
        ("unsupported", True, TRUE[2], 0.0, True),
        ("unsupported", False, TRUE[2], 0.0, True),
    ],
)
def test_judge_says_which_quote_answers(ruling, answers, first, answerability, shown):
    """Where the checker sees no answer in it."""
    judge = ScriptedJudge({WRONG: names("40,000", ruling, answers)})
    text = cite(*filter(None, (first, WRONG)))
    made, turn, _ = run(text, judge=judge, answerability=answerability, believed=True)
    assert any("It holds 40,000 maps." in c.text for c in turn.claims) is shown
    assert made.mode == ("generated" if first else "quoted" if shown else "abstained")


def test_quote_that_leans_is_shown_behind_what_it_leans_on():
    """As one verbatim span of the passage."""
    verifier = Verifying({WRONG: ("partial", "40,000")}, {"40,000": 1.0})
    _, turn, _ = run(cite(WRONG), verifier=verifier)
    (claim,) = turn.claims
    assert claim.text == LEANING and claim.verdict.method == "verbatim"
    assert [c.quote for c in claim.citations] == [LEANING]


def test_quote_leans_on_the_first_of_several_pronouns():
    verifier = Verifying({WRONG: ("partial", "Mondays")}, {"Mondays": 1.0})
    _, turn, _ = run(cite(WRONG), verifier=verifier)
    assert [c.text for c in turn.claims] == [f"{LEANING} It is closed on Mondays."]


def test_japanese_quote_that_leans_is_shown_behind_what_it_leans_on():
    text = "庭には木が12本ある。神田室は1931年に開館した。この部屋は4万枚の地図を所蔵する。"
    shown = (Evidence(1, replace(passage()[0].passage, text=text), passage()[0].source, 1.0),)
    state = AnswerState("id", "conversation", "地図は何枚ですか。", evidence=shown)
    near = make_citation(shown[0], text.index("この"), len(text))
    withheld = Claim("地図は百万枚ある。", 0, 9, (near,), Verdict("contradicted", 1.0, "rules"))
    verifier = Verifying(answers={"4万": 1.0})
    found = read_all(state.question, shown, verifier.checker)
    read = tuple(Plain(*astuple_shallow(each)) for each in found)
    state.parts = (Part(state.question, read, (), 2.0),)
    events = SourceQuotes(state, verifier).in_place(withheld)
    assert said(events) == [("claim", text[text.index("神田") :])]


@pytest.mark.parametrize(
    ("first", "near", "quoted"),
    [
        (TRUE[0], "40,000", "It holds 40,000 maps."),  # what it leans on is cited
        (LEANING[:30], "40,000", "It holds 40,000 maps."),  # or is quoted itself
        (TRUE[1], "Mondays", "It is closed on Mondays."),
        (TRUE[2], "1987", "The roof was mended in 1987."),  # it leans on nothing
    ],
)
def test_quote_stands_alone_where_it_is_understood(first, near, quoted):
    verifier = Verifying({WRONG: ("partial", near)}, {near: 1.0})
    _, turn, _ = run(cite(first, WRONG), verifier=verifier)
    assert [c.text for c in turn.claims] == [first, quoted]


def test_quote_stands_alone_where_the_verifier_does_not_find_both():
    class Short(Verifying):
        def check(self, draft, evidence, originals):
            claim = super().check(draft, evidence, originals)
            if draft.text == LEANING:
                claim = replace(claim, verdict=Verdict("unsupported", 1.0, "rules"))
            return claim

    _, turn, _ = run(cite(WRONG), verifier=Short({WRONG: ("partial", "40,000")}, {"40,000": 1.0}))
    assert [c.text for c in turn.claims] == ["It holds 40,000 maps."]


# No answer


@pytest.mark.parametrize(
    ("written", "odds", "believed", "mode"),
    [
        # What a small model says, which no judge has tested, hides nothing.
        ("NO ANSWER", -0.5, False, "quoted"),
        ("The sun is green [1].", -0.5, False, "quoted"),
        ("", -0.5, False, "quoted"),
        ("NO ANSWER", 2.0, True, "abstained"),
        ("The sun is green [1].", 0.5, True, "quoted"),
        ("The sun is green [1].", -0.5, True, "abstained"),
        ("", -0.5, True, "quoted"),
    ],
)
def test_quotes_that_stand_in_for_a_model_have_to_answer(written, odds, believed, mode):
    verifier = Verifying(answers={"40,000": odds})
    made, turn, _ = run(written, verifier=verifier, believed=believed)
    assert made.mode == mode
    assert bool(turn.claims) is bool(turn.reason) is (mode == "quoted")
    assert [c.text for c in turn.claims] == [LEANING][: len(turn.claims)]


@pytest.mark.parametrize("believed", [False, True])
def test_quote_in_place_of_a_sentence_hides_no_better_one(believed):
    """Of a model whose word is not taken."""
    verifier = Verifying({WRONG: ("partial", "12 trees")}, {"40,000": -0.2, "12 trees": -1.0})
    made, turn, _ = run(cite(WRONG), verifier=verifier, believed=believed)
    assert made.mode == "quoted"
    quoted = ["The garden has 12 trees.", *([] if believed else [LEANING])]
    assert [c.text for c in turn.claims] == quoted


@pytest.mark.parametrize("reply", ["NO ANSWER", "The sources are silent.\nNO ANSWER"])
def test_no_answer_of_a_model_that_passed_is_believed(reply):
    verifier = Verifying(answers={"40,000": 2.4})
    made, turn, events = run(
        reply, judge=ScriptedJudge(), verifier=verifier, believed=True, answerability=4.0
    )
    assert made.mode == "abstained" and turn.reason is None
    assert not [event for event in events if event.name == "claim"]


def test_empty_reply_of_a_model_that_passed_is_no_answer_to_believe():
    verifier = Verifying(answers={"40,000": 2.4})
    made, _, _ = run("", judge=ScriptedJudge(), verifier=verifier, believed=True)
    assert made.mode == "quoted"


@pytest.mark.parametrize(("answerability", "mode"), [(-0.2, "quoted"), (-1.0, "abstained")])
def test_quotes_stand_in_for_a_model_that_is_down(answerability, mode):
    model = Script("", ModelUnavailable("it is down"))
    made, turn, _ = run(model, answerability=answerability)
    assert made.mode == mode and "model failed: it stopped with" in turn.reason
    assert ("sources' own words" in turn.reason) is (mode == "quoted")


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Script("", ModelUnavailable("it is down")), "model failed: it stopped with"),
        (Script("NO ANSWER"), "found no answer"),
        (Script("The sun is green [1]."), "None of the language model's"),
    ],
)
def test_beginning_of_a_work_sums_it_up_where_the_model_does_not(model, says):
    judge, verifier = ScriptedJudge({"The sun is green.": Judgement("unsupported")}), Verifying()
    made, turn = make(model, judge=judge, verifier=verifier, believed=True)
    turn.overview = Overview((Draft(SENTENCES[0], (1,)),), turn.evidence, "Its first sentence.")

    async def collect():
        async for _ in made.events(model.stream([])):
            pass
        return made.finish()

    assert said(asyncio.run(collect())) == [("claim", SENTENCES[0])]
    assert made.mode == "quoted" and turn.claims[0].ticked
    assert says in turn.reason and turn.reason.endswith(" Its first sentence.")


def test_quote_in_place_of_a_summary_is_not_called_the_beginning_of_the_work():
    near, model = {"The room is old.": ("partial", "40,000")}, Script("The room is old [1].")
    made, turn = make(model, verifier=Verifying(near, {"40,000": 1.0}))
    turn.overview = Overview((Draft(SENTENCES[0], (1,)),), turn.evidence, "Its first sentence.")

    async def collect():
        async for _ in made.events(model.stream([])):
            pass
        made.finish()

    asyncio.run(collect())
    assert [claim.text for claim in turn.claims] == [LEANING]
    assert "None of the language model's" in turn.reason
    assert "Its first sentence." not in turn.reason


def test_quotes_follow_only_where_they_answer():
    for odds, more in ((1.0, [LEANING]), (-1.0, [])):
        verifier = Verifying(answers={"40,000": odds})
        _, turn, _ = run(cite(TRUE[2]), verifier=verifier)
        assert [c.text for c in turn.claims] == [TRUE[2], *more]
        assert bool(turn.reason) is bool(more)


def test_judgement_of_a_sentence_is_kept():
    says = {WRONG: Judgement("unsupported", (), ("doors",), False)}
    _, turn, _ = run(cite(WRONG, TRUE[0]), judge=ScriptedJudge(says))
    assert turn.judgements[WRONG].unsupported == ("doors",)
    assert turn.judgements[TRUE[0]].ruling == "supported"


class Slow(Verifying):
    """A verifier that checks a sentence only when the test allows it."""

    def __init__(self):
        super().__init__()
        self.allowed = threading.Event()

    def check(self, draft, evidence, originals):
        assert self.allowed.wait(10)
        return super().check(draft, evidence, originals)


def test_draft_shows_what_is_written_until_it_is_decided():
    """Without markers, sentence by sentence, and never what says that there is no answer."""
    verifier, seen = Slow(), []

    async def collect():
        made, _ = make(None, verifier=verifier)
        pieces = Script(f"{TRUE[0][:-1]} [1]. There are 90 cats [1]. NO ANSWER").stream([])
        async for event in made.events(pieces):
            if isinstance(event.data, Unchecked):
                seen.append(event.data.sentences)
            elif not isinstance(event.data, Status):
                seen.append((event.name, event.data.text))
            if seen and len(seen[-1]) == 2 and seen[-1][1].endswith("cats."):
                verifier.allowed.set()

    asyncio.run(collect())
    told = ("claim", TRUE[0]), ("rejected", "There are 90 cats.")
    decided = [seen.index(each) for each in told]
    assert (TRUE[0], "There are 90 cats.") in seen[: decided[0]]
    assert all("[1]" not in sentence for draft in seen for sentence in draft)
    assert seen[decided[0] + 1] == ("There are 90 cats.",)
    assert seen[decided[1] + 1 :] == [()]
    assert not any("NO" in sentence for draft in seen for sentence in draft)


def test_draft_ends_with_a_reader_who_leaves():
    model = Typing([*TRUE, *TRUE], pause=0.05)

    async def leave():
        made, _ = make(model)
        async with aclosing(made.events(model.stream([]))) as events:
            async for event in events:
                if isinstance(event.data, Unchecked):
                    break
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(leave())
    assert model.closed and model.written < 6
