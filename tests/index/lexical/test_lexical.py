"""Tokens, postings and BM25, compared with a reference written from the formula."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.lexical.bm25 import SCORE_ALL_UP_TO, Scorer
from index.lexical.postings import LexicalQuery, Postings, Statistics
from index.lexical.postings_builder import merge_postings, term_hash
from index.lexical.tokenizer import is_japanese, stem, tokens


def bm25(documents: Sequence[str], query: str) -> list[float]:
    """Okapi BM25 with Lucene's idf, k1 = 1.2, b = 0.75; slow and simple."""
    bags = [tokens(document) for document in documents]
    average = max(sum(map(len, bags)) / max(len(bags), 1), 1)
    scores = []
    for bag in bags:
        score = 0.0
        for term in tokens(query):
            containing = sum(term in other for other in bags)
            idf = math.log(1 + (len(bags) - containing + 0.5) / (containing + 0.5))
            count = bag.count(term)
            score += idf * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * len(bag) / average))
        scores.append(score)
    return scores


words = st.sampled_from(
    ["whisper", "model", "models", "680,000", "音声認識", "認識", "の", "3.5", "!"]
)
text = st.lists(words, max_size=12).map(" ".join)
texts = st.lists(text, max_size=8)
# Batches of documents, each with whether it has been deleted.
batches = st.lists(st.lists(st.tuples(text, st.booleans()), max_size=6), min_size=1, max_size=4)


class Corpus:
    """Postings of several batches, with some of the documents deleted."""

    def __init__(self, batches: Sequence[Sequence[tuple[str, bool]]]) -> None:
        self.parts = [Postings.of([text for text, _ in batch]) for batch in batches]
        self.gone = [np.flatnonzero([gone for _, gone in batch]) for batch in batches]
        self.left = [text for batch in batches for text, gone in batch if not gone]

    def merge(self) -> None:
        masks = [~np.isin(np.arange(len(p)), g) for p, g in self.both()]
        self.parts = [Postings.merged(list(zip(self.parts, masks, strict=True)))]
        self.gone = [np.zeros(0, np.int64)]

    def both(self) -> Iterator[tuple[Postings, np.ndarray]]:
        return zip(self.parts, self.gone, strict=True)

    def statistics(self) -> Statistics:
        return Statistics.of((p, p.statistics(g) if len(g) else None) for p, g in self.both())

    def query(self, text: str) -> LexicalQuery:
        return LexicalQuery.of(text, self.statistics())

    def scores(self, text: str) -> np.ndarray:
        """Scores of the documents that are not deleted, in order."""
        query = self.query(text)
        left = [np.setdiff1d(np.arange(len(p)), g) for p, g in self.both()]
        parts = zip(self.parts, left, strict=True)
        return np.concatenate([Scorer(p, query).scores(at) for p, at in parts])


def assert_same(one: Postings, other: Postings) -> None:
    for name, array in one.arrays().items():
        np.testing.assert_array_equal(array, other.arrays()[name], name)
        assert array.dtype == other.arrays()[name].dtype, name


def sorted_top(scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    """The (position, score) pairs that ``top`` should return, found by sorting all scores."""
    best = sorted((-score, at) for at, score in enumerate(scores.tolist()) if score > 0)
    return [(at, -score) for score, at in best[:k]]


def found(
    postings: Postings,
    asked: LexicalQuery,
    k: int,
    few: int = SCORE_ALL_UP_TO,
    **limits: np.ndarray,
) -> list[tuple[int, float]]:
    positions, scores = Scorer(postings, asked, few).top(k, **limits)
    assert scores.dtype == np.float32
    return list(zip(positions.tolist(), scores.tolist(), strict=True))


@settings(max_examples=150, deadline=None)
@given(batches, text)
def test_scores_match_bm25_formula_after_deletions(batches, query: str) -> None:
    corpus = Corpus(batches)
    scores = corpus.scores(query)
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, bm25(corpus.left, query), rtol=1e-5)


@settings(max_examples=100, deadline=None)
@given(batches, text)
def test_split_merged_and_single_postings_score_alike(batches, query: str) -> None:
    corpus, at_once = Corpus(batches), Postings.of(Corpus(batches).left)
    known = corpus.statistics()
    assert (known.documents, known.words) == (len(at_once), at_once.words)
    terms = {term_hash(t) for text, _ in chain(*batches) for t in tokens(text)}
    asked = np.array([*terms, term_hash("unheard")], np.uint64)
    np.testing.assert_array_equal(
        known.frequency(asked), Statistics.of([(at_once, None)]).frequency(asked)
    )
    in_pieces, ceiling = corpus.scores(query), corpus.query(query).ceiling
    corpus.merge()
    assert_same(corpus.parts[0], at_once)
    np.testing.assert_array_equal(corpus.scores(query), in_pieces)
    assert corpus.query(query).ceiling == ceiling


@settings(max_examples=100, deadline=None)
@given(batches, text, st.integers(0, 9), st.sampled_from([0, SCORE_ALL_UP_TO]), st.data())
def test_top_k_equals_sorting_all_scores(batches, query: str, k: int, few: int, data) -> None:
    corpus = Corpus(batches)
    asked = corpus.query(query)
    for postings, gone in corpus.both():
        scores = Scorer(postings, asked, few=0).scores(np.arange(len(postings)))
        assert found(postings, asked, k, few) == sorted_top(scores, k)
        scores[gone] = 0
        assert found(postings, asked, k, few, gone=gone) == sorted_top(scores, k)
        allowed = data.draw(st.lists(st.booleans(), min_size=len(scores), max_size=len(scores)))
        scores[~np.array(allowed, bool)] = 0
        limited = found(postings, asked, k, few, allowed=np.flatnonzero(allowed), gone=gone)
        assert limited == sorted_top(scores, k)


@pytest.fixture(scope="module")
def many() -> Postings:
    """30,000 documents with Zipf-distributed words: many duplicates, many ties."""
    random = np.random.default_rng(7)
    numbers = np.minimum(random.zipf(1.35, 30_000 * 12), 50_000).reshape(30_000, 12)
    lengths = random.integers(1, 13, 30_000)
    texts = [" ".join(f"w{n}x" for n in row[:m]) for row, m in zip(numbers, lengths, strict=True)]
    return Postings.of(texts)


@pytest.mark.parametrize(
    "query",
    [
        "w1x",
        "w1x w2x w3x",  # nearly every document has one of them
        "w1x w2x w3x w4x w5x w6x w7x w8x",
        "w9x w12x w17x w40x",
        "w1x w2x w3x w900x w901x",
        "w2x w30000x",
        "w1x w1x w1x w60x",
        "w70000x",  # in no document
        "w1x w70000x",
        " ".join(f"w{n * n}x" for n in range(1, 30)),
    ],
)
def test_pruned_top_k_equals_sorting_all_scores(many: Postings, query: str) -> None:
    asked = LexicalQuery.of(query, Statistics.of([(many, None)]))
    scores = Scorer(many, asked).scores(np.arange(len(many)))
    random = np.random.default_rng(3)
    for k in (1, 100, 3000):
        assert found(many, asked, k) == sorted_top(scores, k)
    for share in (0.001, 0.3, 0.98):  # few documents, some, all but a few
        allowed = np.flatnonzero(random.random(len(many)) < share)
        within = np.zeros_like(scores)
        within[allowed] = scores[allowed]
        assert found(many, asked, 100, allowed=allowed) == sorted_top(within, 100)
        without = scores.copy()
        without[allowed] = 0
        assert found(many, asked, 100, gone=allowed) == sorted_top(without, 100)


def test_top_k_is_exact_beside_postings_of_longer_documents() -> None:
    """A short document scores higher beside long ones than at the mean length of its postings."""
    eleven = "x " * 11
    short = [f"a {eleven}"] * 36 + [f"b {eleven}"] * 35 + [f"a b {eleven}"] + ["c " + "x " * 59] * 8
    made, longer = Postings.of(short), Postings.of(["x " * 223] * 80)
    asked = LexicalQuery.of("a b c", Statistics.of([(made, None), (longer, None)]))
    assert found(made, asked, 1) == sorted_top(Scorer(made, asked).scores(np.arange(80)), 1)
    assert found(made, asked, 1, few=0) == found(made, asked, 1)
    assert found(made, asked, 1)[0][0] == 71


def test_top_k_is_exact_when_the_sample_misleads() -> None:
    best = ["a b a b" if i % 4 == 0 and i < 400 else "a b x" for i in range(70_000)]
    made = Postings.of(best)
    asked = LexicalQuery.of("a b", Statistics.of([(made, None)]))
    expected = sorted_top(Scorer(made, asked).scores(np.arange(len(made))), 120)
    assert found(made, asked, 120) == expected and expected[100][1] < expected[99][1]


def test_merge_result_does_not_depend_on_step_size(many: Postings) -> None:
    random = np.random.default_rng(5)
    parts = [
        (many.arrays(), random.random(len(many)) < 0.5),
        (Postings.of(["w1x w9x"]).arrays(), None),
    ]
    assert_same(
        Postings.from_arrays(merge_postings(parts, step=5000)),
        Postings.from_arrays(merge_postings(parts)),
    )


@settings(max_examples=40, deadline=None)
@given(texts, text)
def test_memory_mapped_postings_equal_those_in_memory(
    tmp_path_factory, documents, query: str
) -> None:
    folder = tmp_path_factory.mktemp("words")
    made = Postings.of(documents)
    for name, array in made.arrays().items():
        np.save(folder / f"{name}.npy", array)
    # An empty file cannot be mapped.
    files = {path.stem: path for path in folder.iterdir()}
    again = Postings.from_arrays(
        {
            name: np.load(f, mmap_mode="r" if made.arrays()[name].size else None)
            for name, f in files.items()
        }
    )
    assert_same(made, again)
    assert not again.lengths.flags.writeable or not len(made)  # still mapped, not copied
    asked = LexicalQuery.of(query, Statistics.of([(again, None)]))
    assert found(made, asked, 5) == found(again, asked, 5)
    assert_same(Postings.merged([(again, None), (made, None)]), Postings.of(documents * 2))


def test_rare_terms_and_short_documents_score_higher() -> None:
    made = Corpus(
        [
            [
                (text, False)
                for text in (
                    "the whisper",
                    "the model",
                    "the model is the larger one of the two models",
                )
            ]
        ]
    )
    rare, common = made.scores("whisper"), made.scores("model")
    assert rare[0] > common[1] > common[2] > 0 and rare[1] == rare[2] == 0


@settings(max_examples=20, deadline=None)
@given(texts, text)
def test_scores_approach_the_ceiling_from_below(documents: list[str], query: str) -> None:
    made = Corpus([[(text, False) for text in (*documents, query)]])
    assert (made.scores(query) <= made.query(query).ceiling + 1e-4).all()
    longer = (*documents, *[f"{query} " * 200] * 3)
    repeated = Corpus([[(text, False) for text in longer]])
    if tokens(query):
        assert repeated.scores(query)[-1] == pytest.approx(repeated.query(query).ceiling, rel=0.03)


def test_term_counts_beyond_8_and_16_bits() -> None:
    for times in (255, 256, 70_000):
        documents = ["whisper", "whisper " * times, "model"]
        made = Postings.merged(
            [(Postings.of(documents[:1]), None), (Postings.of(documents[1:]), None)]
        )
        asked = LexicalQuery.of("whisper", Statistics.of([(made, None)]))
        scores = Scorer(made, asked).scores(np.arange(3))
        np.testing.assert_allclose(scores, bm25(documents, "whisper"), rtol=1e-5)


def test_empty_postings() -> None:
    none = np.zeros(0, np.int64)
    gone = Postings.merged([(Postings.of(["whisper"]), np.array([False]))])
    for empty in (Postings.of([]), Postings.merged([]), Postings.of([""]), gone):
        asked = LexicalQuery.of("whisper", Statistics.of([(empty, None)]))
        assert asked.ceiling > 0 and asked.mean == 1
        assert (
            found(empty, asked, 5) == [] and found(empty, asked, 5, allowed=none, gone=none) == []
        )
        assert empty.statistics(none).documents == 0 and empty.words == 0
    assert len(gone) == 0


def test_japanese_compound_is_found_by_each_part() -> None:
    made = Corpus([[(text, False) for text in ("音声認識モデル", "画像生成", "スケーリング則")]])
    for query in ("音声", "認識", "モデル", "音声の認識"):
        assert made.scores(query).argmax() == 0 and made.scores(query)[0] > 0
    assert made.scores("画像")[0] == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Whisper was open-sourced", ["whisper", "was", "open", "sourced"]),
        ("models, parties, a bus, the glass", ["model", "party", "a", "bus", "the", "glass"]),
        ("Whisper's and Whisper’s model", ["whisper", "and", "whisper", "model"]),
        ("680,000 hours", ["680000", "hour"]),
        ("1,550,000.5 of 2,048", ["1550000.5", "of", "2048"]),
        ("sections 1,2 and 2022,2023", ["section", "1", "2", "and", "2022", "2023"]),
        ("12,3456", ["12", "3456"]),
        ("3.5 % of v2.0.1.", ["3.5", "of", "v", "2.0.1"]),
        ("６８０，０００時間", ["680000", "時間"]),
        ("音声認識", ["音声", "声認", "認識"]),
        ("は 々", ["は", "々"]),
        ("ｽｹｰﾘﾝｸﾞ則", ["スケ", "ケー", "ーリ", "リン", "ング", "グ則"]),
        ("GPT-3はOpenAIの", ["gpt", "3", "は", "openai", "の"]),
        ("Ångström naïve", ["ångström", "naïve"]),
        ("_ … !", []),
    ],
)
def test_tokens(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def tokens_one_by_one(text: str) -> list[str]:
    """A reference for ``tokens``: one expression for all scripts, match by match."""
    cjk = r"\u3005-\u3007\u3041-\u3096\u30a1-\u30fa\u30fc\u3400-\u9fff\uf900-\ufaff"
    number = r"\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)*|\d+(?:\.\d+)*"
    run = re.compile(
        rf"(?P<number>{number})|(?P<cjk>[{cjk}]+)|(?P<word>[^\W\d_{cjk}]+)(?:['’]s(?!\w))?"
    )
    found = []
    for match in run.finditer(unicodedata.normalize("NFKC", text).lower()):
        part = match[match.lastgroup]
        if match.lastgroup == "cjk" and len(part) > 1:
            found += [part[i : i + 2] for i in range(len(part) - 1)]
        elif match.lastgroup == "word":
            found.append(stem(part))
        else:
            found.append(part.replace(",", ""))
    return found


@settings(max_examples=150, deadline=None)
@given(st.text() | st.text("ab'’s_1,.3０音ーカ々 é한") | st.text("abs' 12,3.4_\n"))
def test_tokens_equal_those_of_a_simple_reference(text: str) -> None:
    assert tokens(text) == tokens_one_by_one(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("これは文です", True),
        ("Whisperは音声認識モデルである", True),
        ("Whisper is a model, 音声 in Japanese, and it is open", False),
        ("Whisper", False),
        ("123", False),
        ("", False),
    ],
)
def test_is_japanese(text: str, expected: bool) -> None:
    assert is_japanese(text) is expected
