"""Texts of one work are recognised, linked, unlinked, and counted once in answers."""

import asyncio
import copy
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.library.catalogue import FOLDER
from corpus.readers.extract import extract
from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.text.near_duplicates import (
    LATIN_SHINGLE,
    WorkText,
    containment,
    identifier,
    is_repetition,
    normalized_letters,
    same_work_reason,
    shingles,
)
from corpus.types import Document, Passage, Source
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.ingestion.translation_detection import TextParts, align, heaviest_chain
from index.ingestion.work_linking import link_works
from index.search import Hit, Library
from index.storage.local_index import LocalIndex
from service.answering.engine import Engine
from service.answering.evidence import select_evidence
from service.conversations.store import History
from service.receipts.checks import all_passed
from service.receipts.recheck import recheck
from service.types import Draft, Evidence
from service.verification import receipt
from service.verification.provenance import Originals
from tests.support.paths import DATA
from tests.support.scripted_model import Script

TRANSLATIONS = DATA / "translations"
ROOM = (
    "The Kanda reading room opened in 1931, in the year after the tram reached the hill. It holds"
    " 40,000 maps of the city, most of them drawn by hand. Its founder was Aiko Mori, a surveyor"
    " who had walked every street that she drew. The map collection moved to the east wing in"
    " 2004, where three floors were kept dry for it. Readers bring their own paper, since ink is"
    " not allowed near the older sheets. On Mondays the room is closed, and the staff repair what"
    " was torn during the week. A catalogue in two volumes was printed in 1958 and has never been"
    " replaced. Photographs of single sheets can be ordered by post."
)
WHARF = (
    "The old wharf is built of larch piles that were floated down the river in spring. Each pile"
    " was charred at its foot so that no worm would enter it. Ferries have not called here since"
    " the bridge was opened, but the herring boats still do. A bell hangs at the far end and is"
    " rung in fog by whoever happens to be fishing. Children learn to swim between the second and"
    " the third row of piles, where the current is weak. In the great flood the planks were carried"
    " off as far as the mill, and most of them were brought back by neighbours in carts."
)


def source(id: str, **more) -> Source:
    return Source(id, **{"url": f"https://example.org/{id}", "language": "en"} | more)


def text(id: str, words: str, **more) -> WorkText:
    document = Document(source(id, **more), words)
    return WorkText.of(document.source, split_into_passages(document))


def put(store: Store, id: str, words: str, **more) -> None:
    document = Document(source(id, **more), words)
    store.put(document, split_into_passages(document))


def file(store: Store, id: str, path: Path) -> None:
    document = extract(path.read_bytes(), Source(id, f"file:///{id}"), "")
    store.put(document, split_into_passages(document))


def works(store: Store) -> dict[str, str]:
    return {source.id: source.work for source, _ in store.sources()}


@pytest.fixture
def store(tmp_path):
    return Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")


# Words

LETTERS = st.text("abcdefgh", min_size=40, max_size=200)


@given(LETTERS, st.data())
def test_copies_match_despite_line_breaks_hyphens_and_case(letters, data):
    cuts = data.draw(st.lists(st.integers(1, len(letters) - 1), max_size=8, unique=True))
    marks = data.draw(st.lists(st.sampled_from(["-\n", " ", "\n\n", ", ", "…", "“"]), min_size=8))
    set_anew = letters.upper()
    for cut, mark in zip(sorted(cuts, reverse=True), marks, strict=False):
        set_anew = set_anew[:cut] + mark + set_anew[cut:]
    assert normalized_letters(set_anew) == letters
    assert text("a", letters).fingerprint == text("b", set_anew).fingerprint


@given(LETTERS, LETTERS, LETTERS)
def test_contained_text_is_recognised_in_longer_text(before, letters, after):
    part, whole = shingles(letters), shingles(before + letters + after)
    assert containment(part, whole) == 1
    # A hash of the part that is among the whole's smallest is among the part's own smallest.
    assert set(sorted(whole)[:20]) & part <= set(sorted(part)[:20])


@given(LETTERS, st.integers(0, 199))
def test_changed_letter_affects_only_its_shingles(letters, at):
    at %= len(letters)
    changed = letters[:at] + "z" + letters[at + 1 :]
    assert len(shingles(letters) - shingles(changed)) <= LATIN_SHINGLE


@settings(max_examples=30)
@given(st.permutations(range(8)), st.integers(1, 8))
def test_passage_of_known_sentences_counts_as_repetition(order, count):
    said = ROOM.replace("It holds", "\nIt holds")
    again = [sentence.strip() + "." for sentence in ROOM.split(". ")]
    shuffled = " ".join(again[i % len(again)] for i in order[:count])
    assert is_repetition([said], shuffled)
    assert not is_repetition([WHARF], shuffled)


@pytest.mark.parametrize(
    ("old", "new"),
    [("40,000", "50,000"), ("is not allowed", "is allowed"), ("Aiko Mori", "Ken Sato")],
)
def test_passage_with_one_changed_sentence_is_not_repetition(old, new):
    assert is_repetition([ROOM], ROOM) and not is_repetition([ROOM], ROOM.replace(old, new))


def test_texts_of_one_work_are_recognised_by_words():
    room = text("room", ROOM)
    assert same_work_reason(room, text("copy", ROOM.replace(". ", ".\n\n").upper())) == "same text"
    assert same_work_reason(room, text("edited", ROOM.replace("40,000", "41,000"))) == "same words"
    assert same_work_reason(room, text("part", ROOM[:-100])) == "same words"
    assert same_work_reason(room, text("wharf", WHARF)) is None
    assert same_work_reason(room, text("quoting", f"{WHARF} {ROOM[:200]} {WHARF[::-1]}")) is None


def test_collection_is_not_the_same_work_as_its_parts():
    third = " ".join(reversed(WHARF.split()))
    collection = text("collection", f"{third} {WHARF} {ROOM}")
    assert same_work_reason(text("room", ROOM), collection) is None
    assert same_work_reason(text("wharf", WHARF), collection) is None


def test_same_title_helps_but_not_for_digests():
    named = {"title": "The Kanda Reading Room", "authors": ("Aiko Mori",)}
    revised = f"{ROOM[: len(ROOM) * 2 // 3]} {WHARF[::-1][:250]}"
    first, second = text("a", ROOM, **named), text("b", revised, **named)
    assert same_work_reason(first, second) == "same words"
    assert same_work_reason(text("a", ROOM), text("b", revised)) is None
    assert same_work_reason(first, text("c", WHARF, **named)) is None
    assert same_work_reason(first, text("b", revised, kind="digest", **named)) is None


def test_identifier_in_two_spellings_is_the_same():
    page = source("a", url="https://arxiv.org/abs/2305.14627")
    file = source("b", url="file:///home/me/2305.14627v2.pdf")
    assert identifier(page) == identifier(file) == "https://arxiv.org/abs/2305.14627"
    anthology = source("c", url="file:///home/me/2020.acl-main.447.pdf")
    assert identifier(anthology) == "https://aclanthology.org/2020.acl-main.447/"
    assert identifier(source("d")) == identifier(source("e", url="file:///notes.pdf")) == ""
    half = f"{ROOM[: len(ROOM) * 2 // 3]} {WHARF[::-1][:250]}"
    assert (
        same_work_reason(text("a", ROOM, url=page.url), text("b", half, url=file.url))
        == "same paper"
    )
    assert same_work_reason(text("a", ROOM, url=page.url), text("b", WHARF, url=file.url)) is None


# Order


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9)), max_size=7))
def test_heaviest_chain_is_optimal(drawn):
    pairs = [(i, j) for i, (j, _) in enumerate(drawn)]
    weights = [float(weight) for _, weight in drawn]
    chain = heaviest_chain(pairs, weights)
    of = dict(zip(pairs, weights, strict=True))
    every = [c for n in range(len(pairs) + 1) for c in combinations(pairs, n)]
    rising = [c for c in every if all(a[1] < b[1] for a, b in pairwise(c))]
    assert tuple(chain) in rising
    assert sum(of[p] for p in chain) == max(sum(of[p] for p in c) for c in rising)


def parts(vectors: np.ndarray, say: str = "so it goes on") -> TextParts:
    return TextParts(tuple(say.format(n) for n in range(len(vectors))), vectors.astype(np.float32))


def test_translation_requires_same_order():
    random = np.random.default_rng(7)
    vectors = np.linalg.qr(random.normal(size=(12, 12)))[0]
    assert align(parts(vectors), parts(vectors)).translated
    assert align(parts(vectors), parts(vectors[2:10])).translated
    assert not align(parts(vectors), parts(vectors[random.permutation(12)])).translated
    assert not align(parts(vectors), parts(vectors[::3])).translated  # a digest skips
    assert not align(parts(vectors), parts(vectors[:0])).translated


def test_report_with_other_numbers_is_not_translation():
    vectors = np.eye(10)
    one = parts(vectors, "in the year 20{0} we sold 3{0}0 boats and 4{0}7 bells")
    other = parts(vectors, "im Jahr 19{0} verkauften wir 5{0}2 Boote und 6{0}4 Glocken")
    same = parts(vectors, "im Jahr 20{0} verkauften wir 3{0}0 Boote und 4{0}7 Glocken")
    assert align(one, same).translated and not align(one, other).translated


# In the store


def links(store: Store, embedder, folder: Path) -> dict[str, str]:
    return {
        id: link.work
        for id, link in link_works(store, embedder, folder / "none", IngestProgress()).items()
    }


def test_copies_are_linked_and_reported(store, embedder, tmp_path):
    put(store, "room", ROOM, title="The Kanda reading room")
    put(store, "wharf", WHARF)
    assert links(store, embedder, tmp_path) == {}
    put(store, "copy", ROOM)
    put(store, "part", ROOM[:-100])
    found = link_works(store, embedder, tmp_path / "none", IngestProgress(), ["copy", "wharf"])
    assert [link.description for link in found.values()] == [
        "another text of: The Kanda reading room"
    ]
    assert found["copy"].reason == "same text" and store.works.pending() == ["part"]
    link_works(store, embedder, tmp_path / "none", IngestProgress())
    assert works(store) == {"room": "room", "wharf": "wharf", "copy": "room", "part": "room"}
    assert store.source("copy").work == store.document("copy").source.work == "room"
    assert {s.work for _, s in store.passages(store.rows(["part"])).values()} == {"room"}


def test_changed_and_orphaned_sources_are_compared_again(store, embedder, tmp_path):
    for id in "abc":
        put(store, id, ROOM)
    links(store, embedder, tmp_path)
    store.delete("a")
    assert works(store) == {"b": "b", "c": "b"}  # at once, without another run
    assert links(store, embedder, tmp_path) == {"c": "b"}
    put(store, "b", WHARF)
    assert works(store) == {"b": "b", "c": "c"}
    assert links(store, embedder, tmp_path) == {}
    put(store, "b", ROOM)
    assert links(store, embedder, tmp_path) == {"b": "c"}  # c is there for longer, as it is now


def test_removing_connecting_text_unlinks_the_others(store, embedder, tmp_path):
    both = f"{ROOM} {WHARF}"
    put(store, "room", ROOM, title="The Kanda reading room", authors=("Aiko Mori",))
    put(store, "wharf", WHARF, title="The Wharf", authors=("Aiko Mori",))
    put(store, "both", both, title="The Kanda reading room", authors=("Aiko Mori",))
    found = links(store, embedder, tmp_path)
    assert found["both"] == "room"
    store.delete("both")
    assert links(store, embedder, tmp_path) == {}


def test_old_database_gains_work_tables(store, tmp_path):
    put(store, "room", ROOM)
    engine = sa.create_engine(store.database.url)
    with engine.begin() as db:
        for table in ("works", "prints", "sketches", "twins"):
            db.exec_driver_sql(f"DROP TABLE {table}")
    engine.dispose()
    again = Store(store.database.url)
    assert works(again) == {"room": "room"} and again.works.pending() == ["room"]


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["put", "delete", "link"]), st.sampled_from("abcd"), st.integers(0, 2)
    ),
    max_size=14,
)


@settings(max_examples=30, deadline=None)
@given(actions=ACTIONS)
def test_work_is_always_named_after_its_first_source(embedder, actions):
    store, texts = Store("sqlite://"), (ROOM, WHARF, ROOM.replace("1931", "1932"))
    here: dict[str, str] = {}
    for act, id, which in actions:
        if act == "put":
            put(store, id, texts[which])
            here[id] = texts[which]
        elif act == "delete" and id in here:
            store.delete(id)
            del here[id]
        elif act == "link":
            link_works(store, embedder, Path("/nowhere"), IngestProgress())
            found = works(store)
            for a, b in combinations(here, 2):
                same = (here[a] == WHARF) == (here[b] == WHARF)
                assert (found[a] == found[b]) == same
        found = works(store)
        assert found.keys() == here.keys()
        assert all(found.get(work) == work for work in found.values())


class Counting:
    """An embedder that counts what it embeds."""

    def __init__(self, embedder):
        self.embedder, self.name, self.dim, self.texts = embedder, embedder.name, embedder.dim, 0

    def embed_passages(self, texts):
        self.texts += len(texts)
        return self.embedder.embed_passages(texts)

    def embed_query(self, text):
        return self.embedder.embed_query(text)

    def embed_queries(self, texts):
        return self.embedder.embed_queries(texts)


@pytest.fixture(scope="module")
def bilingual(embedder, tmp_path_factory):
    """Two digests, one with its translation, and how many texts were embedded to link them."""
    folder = tmp_path_factory.mktemp("bilingual")
    store = Store(f"sqlite:///{folder / 'tenkyo.db'}")
    file(store, "sophy", FOLDER / "digests" / "gt-sophy.md")
    file(store, "instruct", FOLDER / "digests" / "instructgpt.md")
    file(store, "sophy-ja", TRANSLATIONS / "gt-sophy.ja.md")
    sync(store, embedder, folder / "index", IngestProgress())
    counting = Counting(embedder)
    found = link_works(store, counting, folder / "index", IngestProgress())
    index = LocalIndex.open(folder / "index", embedder.name)
    return Library(store, index, embedder), found, counting, folder


def test_translation_is_linked_and_other_text_is_not(bilingual):
    library, found, counting, folder = bilingual
    assert {id: (link.work, link.reason) for id, link in found.items()} == {
        "sophy-ja": ("sophy", "translation")
    }
    before = counting.texts
    assert link_works(library.store, counting, folder / "index", IngestProgress()) == found
    assert counting.texts == before  # nothing is new, so nothing is read again


def test_evidence_excludes_translation_of_included_passage(bilingual):
    library, _, _, _ = bilingual
    hits = library.search("How fast does GT Sophy choose its actions?", 16)
    twins = library.store.works.twins([hit.passage.id for hit in hits])
    assert twins and all(0 < share <= 1 + 1e-9 for share in twins.values())
    plain, without = select_evidence(hits, 8, 50_000), select_evidence(hits, 8, 50_000, twins)
    assert plain[0].passage == without[0].passage
    kept = [e.passage.id for e in without]
    assert not any(twins.get((b, a), 0) > 0.9 for a, b in combinations(kept, 2))
    assert (
        len({e.passage.id for e in plain} - set(kept)) >= 2
    )  # and other passages take their places


def test_answer_counts_work_and_translation_once(bilingual, checker):
    library, _, _, _ = bilingual
    said = "In October 2021, GT Sophy beat the human team by 104 points to 52."
    hits = library.search(said, 16)
    both = [h for h in hits if "104" in h.passage.text]
    assert {h.source.id for h in both} == {"sophy", "sophy-ja"}
    evidence = tuple(
        Evidence(n, hit.passage, hit.source, hit.score) for n, hit in enumerate(both, 1)
    )
    engine = Engine(library, checker, History(library.store.database))
    claim = engine.verifier.check(Draft(said, (1, 2)), evidence)
    assert len(claim.citations) == 2 and claim.works == 1
    apart = tuple(replace(e, source=replace(e.source, work="")) for e in evidence)
    assert engine.verifier.check(Draft(said, (1, 2)), apart).works == 2


# In an answer


def hit(id: str, words: str, score: float, work: str = "") -> Hit:
    passage = Passage(f"{id:0>16}", id, 0, len(words), words)
    return Hit(passage, source(id, work=work), score, 0.9, 0.5, 1, 1)


def test_copy_is_left_out_and_disagreeing_version_is_kept():
    edited = ROOM.replace("40,000", "50,000")
    found = [hit("a", ROOM, 3, "a"), hit("b", f"{ROOM} The end.", 2, "a"), hit("c", WHARF, 1)]
    assert [e.source.id for e in select_evidence(found, 2, 9000)] == ["a", "c"]
    found[1] = hit("b", edited, 2, "a")
    assert [e.source.id for e in select_evidence(found, 2, 9000)] == ["a", "b"]
    found[1] = hit("b", f"{ROOM} The end.", 2)  # of another work, as far as is known
    assert [e.source.id for e in select_evidence(found, 2, 9000)] == ["a", "b"]


def test_translation_is_left_out_unless_numbers_differ():
    english = hit("a", "The room opened in 1931 and holds 40,000 maps.", 3, "a")
    for words, kept in (
        ("部屋は1931年に開かれ、4万枚の地図がある。", ["a"]),
        ("部屋は1931年に開かれ、5万枚の地図がある。", ["a", "b"]),
    ):
        japanese = hit("b", words, 2, "a")
        twins = {(japanese.passage.id, english.passage.id): 1.0}
        chosen = select_evidence([english, japanese], 8, 9000, twins)
        assert [e.source.id for e in chosen] == kept


def test_independent_works_are_counted_without_reports():
    paper, article = source("paper", cited_by=("article",), work="paper"), source("article")
    version, other = source("version", work="paper"), source("other")
    originals = Originals([paper, article, version, other])
    assert originals.independent([paper, version]) == 1
    assert originals.independent([paper, other]) == 2
    assert originals.independent([paper, article]) == 1
    assert originals.independent([article]) == 1
    assert originals.independent([version, article]) == 1
    translation = source("article", work="paper")
    assert not Originals([paper, translation]).reports(translation)


def test_disagreeing_version_is_shown_after_other_works(verifier):
    said = "The Kanda reading room holds 40,000 maps of the city."
    against = "The Kanda reading room holds {} maps of the city."
    evidence = tuple(
        Evidence(n, h.passage, h.source, h.score)
        for n, h in enumerate(
            [
                hit("a", said, 3, "a"),
                hit("b", against.format("50,000"), 2, "a"),
                hit("c", against.format("60,000"), 1),
            ],
            1,
        )
    )
    claim = verifier.check(Draft(said, (1,)), evidence)
    assert claim.works == 1 and [c.source_id for c in claim.disputed_by] == ["c", "b"]


def stripped(value, names=("work", "works")):
    """Return the JSON of a receipt as it was made before works were recorded."""
    if isinstance(value, list):
        return [stripped(item) for item in value]
    if isinstance(value, dict):
        old = {"work", "works"} if "url" in value or "verdict" in value else set()
        return {name: stripped(item) for name, item in value.items() if name not in old}
    return value


def test_receipts_with_and_without_works_verify(library, checker, verifier):
    question = "How many hours of labelled audio was Whisper trained on?"
    said = "Whisper was trained on 680,000 hours of audio [1]."
    engine = Engine(library, checker, History(library.store.database), Script(said))
    made = asyncio.run(engine.answer(question))
    new = receipt.make_receipt(engine.history, made.id)
    assert new["claims"][0]["works"] == 1 and new["evidence"][0]["source"]["work"]
    assert all_passed(recheck(new, verifier))
    old = receipt.seal(stripped(new))
    assert "works" not in old["claims"][0] and "work" not in old["evidence"][0]["source"]
    assert all_passed(recheck(old, verifier))
    false = copy.deepcopy(new)
    false["claims"][0]["works"] = 3
    assert not all_passed(recheck(receipt.seal(false), verifier))
