"""Receipts: made from stored records, re-checked from themselves alone, and hard to forge."""

import asyncio
import copy
import json
import secrets
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.errors import NotFound, ReceiptRefused
from corpus.store.store import Store
from corpus.text.sentences import sentences
from corpus.types import text_hash
from service.answering.engine import Engine
from service.conversations.store import History
from service.receipts.checks import all_passed, summary
from service.receipts.recheck import _at_the_edge, recheck
from service.types import Answer, Decision, Draft, Evidence, Verdict, append_claim, to_json
from service.verification import receipt
from service.verification.verifier import VERIFIER_VERSION
from tests.support.scripted_model import Script

QUESTION = "How many hours of labelled audio was Whisper trained on?"
WRITTEN = (
    "Whisper was trained on 680,000 hours of audio [1]. It cost 90 dollars [1]."
    " Whisperは68万時間の音声で学習した [2]。"
)


def made(library, checker, model=None, question=QUESTION):
    history = History(library.store.database)
    answer = asyncio.run(Engine(library, checker, history, model).answer(question))
    return answer, receipt.make_receipt(history, answer.id)


@pytest.fixture(scope="module")
def generated(library, checker):
    return made(library, checker, Script(WRITTEN))


@pytest.fixture(scope="module")
def made_receipt(generated):
    return generated[1]


def failed(checks):
    return [check.name for check in checks if check.outcome == "failed"]


def test_receipt_contains_every_field(generated, library, checker, history):
    answer, found = generated
    stored = to_json(answer)
    assert {n: found[n] for n in ("id", "question", "text", "mode", "model", "reason")} == {
        n: stored[n] for n in ("id", "question", "text", "mode", "model", "reason")
    }
    for shown in found["evidence"]:
        assert shown["sha256"] == text_hash(shown["passage"]["text"])
        assert shown["source"]["version"] == library.store.source(shown["source"]["id"]).version
    assert found["index"] == {
        "revision": library.store.revision(), "embedder": library.embedder.name,
    }  # fmt: skip
    assert found["checker"]["sha256"] == checker.digest and len(checker.digest) == 64
    assert (found["format_version"], found["checker"]["verifier_version"]) == (2, VERIFIER_VERSION)
    assert QUESTION in found["prompt"][-1]["content"] and found["answered_at"]
    assert len(found["drafts"]) == len(found["claims"]) + len(found["rejected"]) == 3
    assert "conversation_id" not in found
    assert receipt.make_receipt(history, answer.id) == found


def test_record_is_not_part_of_the_answer(generated, history):
    stored = history.answer(generated[0].id)
    assert not {"prompt", "drafts", "works", "index", "checker", "sha256"} & stored.keys()


@pytest.mark.parametrize(
    ("model", "question", "mode"),
    [
        (Script(WRITTEN), QUESTION, "generated"),
        (None, "Whisperは何時間の音声で学習しましたか？", "quoted"),
        (Script("NO ANSWER"), QUESTION, "quoted"),
        (None, "What is the capital of Australia?", "abstained"),
    ],
)
def test_receipt_passes_without_and_with_library(library, verifier, model, question, mode):
    _, found = made(library, verifier.checker, model, question)
    again = receipt.read_receipt(json.dumps(found, ensure_ascii=False).encode())
    assert again["mode"] == mode and bool(again["prompt"]) == (model is not None)
    for store in (None, library.store):
        checks = recheck(again, verifier, store)
        assert {check.outcome for check in checks} == {"ok"}, checks


def test_score_at_threshold_is_not_a_failure():
    """Another processor may round the score to the other side."""
    then, now = Verdict("supported", 0.6, "rules"), Verdict("partial", 0.41, "rules")
    assert _at_the_edge(then, now)
    assert not _at_the_edge(then, Verdict("partial", 0.5, "rules"))
    assert not _at_the_edge(then, Verdict("contradicted", 0.4, "rules"))
    assert not _at_the_edge(then, Verdict("partial", 0.4, "verbatim"))


def test_receipt_rewritten_by_another_program_passes(made_receipt, verifier):
    """As JavaScript would write it: other order, indented, 1.0 as 1."""

    def plain(value):
        if isinstance(value, dict):
            return {name: plain(value[name]) for name in reversed(value)}
        if isinstance(value, list):
            return [plain(item) for item in value]
        return int(value) if isinstance(value, float) and value.is_integer() else value

    text = json.dumps(plain(made_receipt), indent=2)
    assert all_passed(recheck(receipt.read_receipt(b"\xef\xbb\xbf" + text.encode()), verifier))


# Tampering


def leaves(value, path=()):
    if isinstance(value, dict | list):
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in pairs:
            yield from leaves(item, (*path, key))
    else:
        yield path


def put(value, path, new):
    """Return a copy with the value at a path changed."""
    changed = copy.deepcopy(value)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = new(at[path[-1]])
    return changed


def other(leaf):
    """Return another value of the same kind."""
    match leaf:
        case bool():
            return not leaf
        case int() | float():
            return leaf + 1
        case None:
            return 1
        case "":
            return "x"
    return leaf[:-1] + ("0" if leaf[-1] != "0" else "1")


CHANGES = st.one_of(
    st.just(other),
    st.sampled_from([None, True, False, 0, 1, -1, 2.5, "", "x", [], {}, 10**30]).map(
        lambda new: lambda _: new
    ),
    st.text(max_size=5).map(lambda new: lambda _: new),
)


def test_every_changed_value_changes_the_hash(made_receipt):
    for path in leaves(made_receipt):
        changed = put(made_receipt, path, other)
        assert receipt.seal(changed)["sha256"] != changed["sha256"], path


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_changed_value_fails_without_an_exception(made_receipt, verifier, data):
    path = data.draw(st.sampled_from(list(leaves(made_receipt))))
    changed = put(made_receipt, path, data.draw(CHANGES))
    if receipt.canonical(changed) == receipt.canonical(made_receipt):
        return
    try:
        read = receipt.read_receipt(receipt.canonical(changed))
    except ReceiptRefused:
        return
    assert failed(recheck(read, verifier))[0] == "receipt"
    recheck(receipt.seal(read), verifier)


def digit(text):
    """Return the text with its first digit changed."""
    at = next(i for i, char in enumerate(text) if char.isdigit())
    return f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"


SEALED_AGAIN = [
    ("a quote", ("claims", 0, "citations", 0, "quote"), digit, "quotes of claim 1"),
    ("its place", ("claims", 0, "citations", 0, "start"), other, "quotes of claim 1"),
    ("its label", ("claims", 0, "citations", 0, "label"), other, "quotes of claim 1"),
    ("its URL", ("claims", 0, "citations", 0, "url"), other, "quotes of claim 1"),
    ("a passage", ("evidence", 0, "passage", "text"), digit, "passage [1]"),
    ("a passage's hash", ("evidence", 0, "sha256"), other, "passage [1]"),
    ("its place", ("evidence", 1, "passage", "end"), other, "passage [2]"),
    ("its source's version", ("evidence", 1, "source", "version"), other, "passage [2]"),
    ("a verdict", ("rejected", 0, "verdict", "label"), lambda _: "supported", "verdict on withheld 1"),
    ("a claim's verdict", ("claims", 0, "verdict", "label"), lambda _: "partial", "verdict on claim 1"),
    ("a score", ("claims", 0, "verdict", "score"), lambda score: score - 0.05, "verdict on claim 1"),
    ("a method", ("claims", 0, "verdict", "method"), lambda _: "verbatim", "verdict on claim 1"),
    ("a reason", ("rejected", 0, "reason"), other, "verdict on withheld 1"),
    ("a claim", ("claims", 0, "text"), digit, "verdict on claim 1"),
    ("the text", ("text",), digit, "text"),
    ("where a claim stands", ("claims", 1, "start"), other, "text"),
    ("the mode", ("mode",), lambda _: "abstained", "mode"),
    ("the model", ("model",), lambda _: "", "mode"),
    ("the question", ("question",), lambda asked: asked + " Why?", "prompt"),
    ("the prompt", ("prompt", -1, "content"), lambda said: said.replace("680,000", "90"), "prompt"),
    ("a draft", ("drafts", 0, "text"), digit, "sentences"),
    ("a kind of value", ("claims", 0, "start"), str, "form"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "change", "caught"), [row[1:] for row in SEALED_AGAIN],
                         ids=[row[0] for row in SEALED_AGAIN])  # fmt: skip
def test_forged_receipt_with_new_hash_fails_by_content(
    made_receipt, verifier, path, change, caught
):
    changed = put(made_receipt, path, change)
    assert failed(recheck(changed, verifier))[0] == "receipt"
    sealed = receipt.seal(changed)
    names = failed(recheck(sealed, verifier))
    assert caught in names and "receipt" not in names


def test_forged_passage_with_hashes_and_quotes_fails_against_library(
    made_receipt, library, verifier
):
    changed = copy.deepcopy(made_receipt)
    shown = changed["evidence"][-1]
    shown["passage"]["text"] = digit_or_letter(shown["passage"]["text"])
    shown["sha256"] = text_hash(shown["passage"]["text"])
    changed["prompt"] = []
    changed["mode"] = "generated"
    label = shown["label"]
    assert f"library [{label}]" in failed(recheck(receipt.seal(changed), verifier, library.store))


def digit_or_letter(text):
    return ("Y" if text[0] != "Y" else "Z") + text[1:]


@pytest.mark.parametrize("name", ["extra", "works"])
def test_missing_or_additional_fields_fail(made_receipt, verifier, name):
    changed = copy.deepcopy(made_receipt)
    if name in changed:
        del changed[name]
    else:
        changed[name] = 1
    assert failed(recheck(receipt.seal(changed), verifier)) == ["form"]


@pytest.mark.parametrize("name", ["sha256", "verifier_version"])
def test_verdicts_of_another_checker_or_calibration_are_noted_not_failed(
    made_receipt, verifier, name
):
    changed = put(made_receipt, ("checker", name), other)
    for decided in ("verdict", "supports"):
        changed = put(changed, ("claims", 0, decided, "score"), lambda score: score - 0.2)
    checks = recheck(receipt.seal(changed), verifier)
    noted = [check.name for check in checks if check.outcome == "note"]
    assert noted == ["verifier", "verdict on claim 1"] and all_passed(checks)


def test_removed_passages_are_noted(made_receipt, verifier, tmp_path):
    checks = recheck(made_receipt, verifier, Store(f"sqlite:///{tmp_path / 'empty.db'}"))
    assert all_passed(checks) and checks[-1].outcome == "note" and "[1]" in checks[-1].detail


def test_passages_of_changed_sources_are_noted_as_kept(made_receipt, library, verifier, tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    ids = list(dict.fromkeys(e["source"]["id"] for e in made_receipt["evidence"]))
    for source_id in ids:
        rows = library.store.rows([source_id])
        held = [passage for passage, _ in library.store.passages(rows).values()]
        store.put(library.store.document(source_id), held)
    changed, *others = ids
    (fine,) = recheck(made_receipt, verifier, store)[-1:]
    assert (fine.name, fine.outcome) == ("library", "ok") and others
    store.put(replace(library.store.document(changed), text="Otherwise."), [])
    checks = recheck(made_receipt, verifier, store)
    assert all_passed(checks) and checks[-1].outcome == "note"
    labels = [e["label"] for e in made_receipt["evidence"] if e["source"]["id"] == changed]
    assert checks[-1].detail.endswith("as they were read: " + " ".join(f"[{n}]" for n in labels))
    store.delete(others[0])
    *_, kept, gone = recheck(made_receipt, verifier, store)
    assert kept == checks[-1] and "no longer in the library" in gone.detail
    bent = copy.deepcopy(made_receipt)
    shown = bent["evidence"][labels[0] - 1]
    shown["passage"]["text"] = digit_or_letter(shown["passage"]["text"])
    shown["sha256"] = text_hash(shown["passage"]["text"])
    assert f"library [{labels[0]}]" in failed(recheck(receipt.seal(bent), verifier, store))


# Whether claims answer


def hand_made(library, verifier, answers=(), **more):
    """Return the receipt of an answer of verbatim sentences, with whether they answer."""
    history = History(library.store.database)
    passages = [hit.passage for hit in library.search("Whisper training hours", 3)]
    found = enumerate(passages, 1)
    evidence = tuple(Evidence(n, p, library.store.source(p.source_id), 1.0) for n, p in found)
    drafts = [Draft(first_sentence(shown), (shown.label,)) for shown in evidence[: len(answers)]]
    text, claims = "", []
    for draft, decided in zip(drafts, answers, strict=True):
        checked = verifier.check(draft, evidence)
        text, claim = append_claim(text, replace(checked, answers=decided))
        claims.append(claim)
    given = {"mode": "quoted", "evidence": evidence} | more
    made = Answer(
        secrets.token_hex(6), history.new_conversation(), QUESTION, text, model="",
        claims=tuple(claims), **given,
    )  # fmt: skip
    noted = receipt.make_record(library, verifier.checker, "r", drafts, (), ())
    history.save_answer(made.id, made.conversation_id, to_json(made), noted)
    return receipt.read_receipt(receipt.canonical(receipt.make_receipt(history, made.id)))


def first_sentence(shown):
    return sentences(shown.passage.text)[0]


ANSWERS = Decision(True, 0.93, "reading")
BESIDE = Decision(False, 0.12, "reading")


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ((ANSWERS, BESIDE), "the receipt holds; 1 of 2 claims answers the question"),
        ((ANSWERS, ANSWERS), "the receipt holds; 2 of 2 claims answer the question"),
        ((BESIDE, None), "the receipt holds; 0 of 2 claims answer the question"),
        ((None, None), "the receipt holds"),
    ],
)
def test_receipt_records_which_claims_answer(library, verifier, answers, says):
    made = hand_made(library, verifier, answers)
    assert [claim["answers"] for claim in made["claims"]] == [
        each and to_json(each) for each in answers
    ]
    assert all(claim["supports"]["holds"] for claim in made["claims"])
    checks = recheck(made, verifier)
    assert {check.outcome for check in checks} == {"ok"} and summary(made, checks) == says
    assert ("answers" in [check.name for check in checks]) == any(answers)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("supports", "holds"), False),
        (("supports", "score"), 0.5),
        (("supports", "method"), "rules"),
        (("answers", "score"), 1.5),
    ],
)
def test_decision_that_cannot_be_fails(library, verifier, path, value):
    made = hand_made(library, verifier, (ANSWERS,))
    changed = put(made, ("claims", 0, *path), lambda _: value)
    assert failed(recheck(receipt.seal(changed), verifier)) == ["answers"]


def test_receipt_from_before_decisions_holds(library, verifier):
    made = hand_made(library, verifier, (ANSWERS, BESIDE))
    older = copy.deepcopy(made)
    for claim in older["claims"]:
        del claim["answers"], claim["supports"]
    older = receipt.seal(older)
    checks = recheck(older, verifier)
    assert all_passed(checks) and summary(older, checks) == "the receipt holds"


def test_receipt_of_a_guide_holds_without_claims(library, verifier):
    made = hand_made(library, verifier, mode="guide", reason="Ask about the sources.", evidence=())
    checks = recheck(made, verifier)
    assert {check.outcome for check in checks} == {"ok"} and not made["abstained"]
    for changed in ({"reason": None}, {"abstained": True}, {"mode": "quoted"}):
        assert failed(recheck(receipt.seal(made | changed), verifier)) == ["mode"]


# Reading and making


@pytest.mark.parametrize(
    "data", [b"", b"Whisper.", b"{not json", "「本」".encode(), b"[1] Two is two."]
)
def test_non_json_file_is_not_a_receipt(data):
    assert receipt.read_receipt(data) is None


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b'{"a": 1}', "not a receipt"),
        (b"[]", "not a receipt"),
        (b'{"format": "tenkyo-receipt", "format_version": 3, "tenkyo": "9.9"}', "9.9"),
        (b'{"format": "tenkyo-receipt"', "damaged"),
        (b'{"format": "tenkyo-receipt", "a": 1, "a": 2}', "twice"),
        (b'{"format": "tenkyo-receipt", "a": NaN}', "damaged"),
        (b'{"format": "tenkyo-receipt", "a": ' + b"[" * 100_000, "damaged"),
    ],
)  # fmt: skip
def test_json_other_than_a_receipt_is_refused(data, says):
    with pytest.raises(ReceiptRefused, match=says):
        receipt.read_receipt(data)


def test_answer_of_an_earlier_version_has_no_receipt_and_says_so(history):
    conversation = history.new_conversation()
    history.save_answer("earlier", conversation, {"question": "q"})
    with pytest.raises(NotFound, match="ask the question again"):
        receipt.make_receipt(history, "earlier")
    with pytest.raises(NotFound, match="nope"):
        receipt.make_receipt(history, "nope")
