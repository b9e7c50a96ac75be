"""Receipts of answers from the catalogue: re-checked against metadata, and hard to forge."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, PageSpan, Section, Source, text_hash
from index.inference.parsed_question import FIELDS, Field
from service.catalogue.replies import CatalogueReply, describe, list_works
from service.catalogue.requests import ListingRequest
from service.catalogue.snapshot import read_catalogue
from service.disclosure import public
from service.receipts.checks import Check, all_passed
from service.receipts.recheck import recheck
from service.types import Claim, append_claim
from service.verification.receipt import seal
from service.verification.verifier import VERIFIER_VERSION


class Unused:
    """A checker and an embedder that are never asked: metadata needs no model."""

    name, digest = "unused", "0" * 64


class CatalogueVerifier:
    """A verifier that fails if it is asked to read a sentence."""

    checker, embedder = Unused(), Unused()

    def check(self, *_: object) -> Claim:
        raise AssertionError("no sentence is read")


VERIFIER: Any = CatalogueVerifier()


@pytest.fixture
def store(tmp_path: Any) -> Store:
    store = Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")
    for source, text in (
        (Source("a", "file:///home/me/react.pdf", "ReAct: Acting in Language Models", "upload",
                ("Shunyu Yao", "Yuan Cao"), "ICLR", "2022-11-27", "en", "CC BY 4.0",
                cited_by=("b",)), "Models act as they reason, and reason as they act."),
        (Source("b", "https://ex.com/b", "A Year of Language Models", language="en"),
         "The year was long. It had a paper, “ReAct: Acting in Language Models”, in it."),
        (Source("c", "file:///home/me/notes.txt", "notes.txt", "upload"), "These are notes only."),
    ):  # fmt: skip
        document = Document(source, text, pages=(PageSpan(1, 0, len(text)),))
        store.put(document, split_into_passages(document))
    return store


def receipt_of(reply: CatalogueReply, question: str) -> dict[str, Any]:
    """Make the receipt that a service sends for a reply."""
    text, claims = "", []
    for claim in reply.claims:
        text, placed = append_claim(text, claim)
        claims.append(placed)
    evidence = [asdict(e) | {"sha256": text_hash(e.passage.text)} for e in reply.evidence]
    answer = {
        "id": "answer", "question": question, "text": text, "mode": "quoted", "model": "",
        "claims": [asdict(claim) for claim in claims], "evidence": evidence, "rejected": [],
        "reason": reply.reason, "abstention": None, "abstained": False, "timings": {},
        "understood": None,
    }  # fmt: skip
    noted = {
        "tenkyo": "test", "index": {"revision": "r", "embedder": "unused"},
        "checker": {"name": "unused", "sha256": "0" * 64, "verifier_version": VERIFIER_VERSION},
        "drafts": [asdict(draft) for draft, _ in reply.decided], "works": [], "prompt": [],
        "judge": None, "judgements": [],
    }  # fmt: skip
    whole = {"format": "tenkyo-receipt", "format_version": 2, "answered_at": "2026-01-02T00:00:00"}
    return seal(whole | public(answer) | noted)


def described(store: Store, *ids: str, language: str = "en") -> dict[str, Any]:
    catalogue = read_catalogue(store)
    reply = describe(store, catalogue, [store.source(id) for id in ids], FIELDS, language)
    return receipt_of(reply, "What is known?" if language == "en" else "何が分かりますか？")


def named(checks: list[Check], outcome: str) -> list[str]:
    return [check.name for check in checks if check.outcome == outcome]


@pytest.mark.parametrize("language", ["en", "ja"])
def test_receipt_of_metadata_holds(store: Store, language: str) -> None:
    found = described(store, "a", language=language)
    fields = {c["metadata"] for claim in found["claims"] for c in claim["citations"]}
    assert fields == set(FIELDS) - {"references"}
    alone, with_library = recheck(found, VERIFIER), recheck(found, VERIFIER, store)
    assert all_passed(alone) and all_passed(with_library), [*alone, *with_library]
    assert with_library[-1].outcome == "ok"
    noted = [c for c in alone if c.outcome == "note"]
    assert [c.detail for c in noted] == ["only the library can show its pages"]


def test_receipt_of_a_list_and_of_a_reference_holds(store: Store) -> None:
    catalogue = read_catalogue(store)
    reply = list_works(catalogue, ListingRequest(), "en", lambda _: [])
    assert "“notes.txt”" in "".join(claim.text for claim in reply.claims)
    for found in (receipt_of(reply, "What do you have?"), described(store, "b", "a")):
        assert found["claims"]
        for library in (None, store):
            checks = recheck(found, VERIFIER, library)
            assert all_passed(checks), checks


def stated(store: Store, heading: str, section: str, field: Field) -> dict[str, Any]:
    """Return the receipt of a field of a work whose text has a section of its own for it."""
    text = f"Bread is old. It is baked daily.\n# {heading}\n\n{section}"
    sections = (Section(heading, 1, text.index("#"), len(text)),)
    document = Document(Source("d", "file:///d.md", "Loaves", language="en"), text, sections)
    store.put(document, split_into_passages(document))
    reply = describe(store, read_catalogue(store), [store.source("d")], [field], "en")
    return receipt_of(reply, "What about it?")


def test_receipt_of_a_list_of_references_holds_only_for_its_entries(store: Store) -> None:
    found = stated(store, "References", "[1] A. Miller. On Flour. 2001.", "references")
    assert len(found["claims"]) == 1
    alone, with_library = recheck(found, VERIFIER), recheck(found, VERIFIER, store)
    assert all_passed(alone) and all_passed(with_library), [*alone, *with_library]
    assert [c.detail for c in alone if c.outcome == "note"] == [
        "only the library can show its entry"
    ]
    bent = copy.deepcopy(found)
    for claim, draft in zip(bent["claims"], bent["drafts"], strict=True):
        quote = claim["citations"][0]["quote"]
        claim["citations"][0]["quote"] = quote.replace("2001", "1901")
        bent["text"] = bent["text"].replace("2001", "1901")
        claim["text"] = draft["text"] = claim["text"].replace("2001", "1901")
    assert not all_passed(recheck(seal(bent), VERIFIER, store))


def test_receipt_of_a_field_that_only_a_text_states_holds_only_for_its_words(store: Store) -> None:
    found = stated(store, "License", "These pages are under CC BY 4.0.", "licence")
    assert len(found["claims"]) == 1
    alone, with_library = recheck(found, VERIFIER), recheck(found, VERIFIER, store)
    assert all_passed(alone) and all_passed(with_library), [*alone, *with_library]
    assert [c.detail for c in alone if c.outcome == "note"] == [
        "only the library can show its licence"
    ]
    bent = json.loads(json.dumps(found).replace("CC BY 4.0", "CC BY 3.0"))
    bent["evidence"] = found["evidence"]
    assert not all_passed(recheck(seal(bent), VERIFIER, store))


def forged(receipt: dict[str, Any], claim: int, **changed: Any) -> dict[str, Any]:
    """Change a claim's citation, and seal the receipt again."""
    bent = copy.deepcopy(receipt)
    bent["claims"][claim]["citations"][0] |= changed
    return seal(bent)


@pytest.mark.parametrize(
    "changed",
    [
        {"quote": "Shunyu Yao"},
        {"quote": ""},
        {"metadata": "venue"},
        {"metadata": "id"},
        {"metadata": "nothing"},
        {"metadata": ""},
        {"start": 1},
        {"end": 5},
        {"page": 1},
        {"before": "B"},
        {"url": "https://evil.example"},
        {"source_id": "b"},
        {"label": 2},
        {"label": 9},
        {"passage_id": "0" * 16},
    ],
    ids=str,
)
def test_forged_metadata_citation_fails(store: Store, changed: dict[str, Any]) -> None:
    found = described(store, "a")
    assert found["claims"][0]["citations"][0]["metadata"] == "authors"
    assert "quotes of claim 1" in named(recheck(forged(found, 0, **changed), VERIFIER), "failed")


def test_forged_sentence_fails(store: Store) -> None:
    found = described(store, "a")
    bent = copy.deepcopy(found)
    for part in (bent["claims"][0], bent["drafts"][0]):
        part["text"] = part["text"].replace("Shunyu Yao", "Shinyu Yao")
    bent["text"] = bent["text"].replace("Shunyu Yao", "Shinyu Yao")
    assert named(recheck(seal(bent), VERIFIER), "failed") == ["verdict on claim 1"]
    other_rules = copy.deepcopy(bent)
    other_rules["checker"]["verifier_version"] = VERIFIER_VERSION + 1
    assert "verdict on claim 1" in named(recheck(seal(other_rules), VERIFIER), "note")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("verdict", {"label": "supported", "score": 0.9, "method": "metadata"}),
        ("verdict", {"label": "supported", "score": 1.0, "method": "verbatim"}),
        ("works", 2),
        ("secondary", True),
        ("reason", "because"),
    ],
)
def test_forged_claim_fails(store: Store, name: str, value: object) -> None:
    bent = copy.deepcopy(described(store, "a"))
    bent["claims"][0][name] = value
    assert "verdict on claim 1" in named(recheck(seal(bent), VERIFIER), "failed")


def test_quote_cannot_pass_for_metadata(store: Store) -> None:
    bent = copy.deepcopy(described(store, "a"))
    bent["claims"][0]["citations"][0]["metadata"] = ""
    failed = named(recheck(seal(bent), VERIFIER), "failed")
    assert {"quotes of claim 1", "verdict on claim 1"} <= set(failed)


def test_metadata_forged_throughout_fails_against_the_library(store: Store) -> None:
    text = json.dumps(described(store, "a"))
    for true, false in (
        ("Shunyu Yao", "Nobody Yao"),
        ("2022-11", "2001-11"),
        ("er 2022", "er 2001"),
    ):
        text = text.replace(true, false)
    bent = seal(json.loads(text))
    assert all_passed(recheck(bent, VERIFIER))
    failed = named(recheck(bent, VERIFIER, store), "failed")
    assert failed == ["catalogue of claim 1", "catalogue of claim 2"]


@pytest.mark.parametrize(("field", "value"), [("pages", "7"), ("cited_by", "notes.txt")])
def test_what_only_the_library_shows_fails_against_it(store: Store, field: str, value: str) -> None:
    found = described(store, "a", "c") if field == "pages" else described(store, "a")
    catalogue = read_catalogue(store)
    fields = (field,)
    reply = describe(store, catalogue, [store.source("a")], fields, "en")  # type: ignore[arg-type]
    shown = catalogue.cards([store.source("a"), store.source("c")])
    (claim,) = reply.claims
    told = replace(claim.citations[0], quote=value)
    words = "ReAct has 7 pages." if field == "pages" else "ReAct is cited by “notes.txt”."
    bent = replace(claim, text=words, citations=(told,), works=1)
    found = receipt_of(CatalogueReply((bent,), shown), "What is known?")
    alone = recheck(found, VERIFIER)
    assert all_passed(alone) and "quotes of claim 1" in named(alone, "note")
    assert named(recheck(found, VERIFIER, store), "failed") == ["catalogue of claim 1"]


def test_metadata_of_a_source_that_changed_is_noted(store: Store) -> None:
    found = described(store, "a")
    document = store.document("a")
    changed = replace(document.source, authors=("Ada Lovelace",))
    store.put(replace(document, source=changed, text="It is another text now."), [])
    checks = recheck(found, VERIFIER, store)
    assert all_passed(checks)
    assert "catalogue of claim 1" in named(checks, "note")
    store.delete("a")
    assert all_passed(recheck(found, VERIFIER, store))
