"""Fit the weights that rank passages and tell whether a part of one answers.

    python -m training.relevance --shared ../shared --out build/relevance [--reader FILE] [--write]

All passages of XQuAD and JSQuAD are in one index, with those that were written for calibration
(``data/passages/calibration``), each in one language, and the documents that were
(``data/documents/calibration``). The questions are on articles, passages and documents that the
reader was not fitted on, in the text's language and in the other: those of the sets (in the other
language ``data/*_calibration_*.jsonl``, which serve nothing else), those of the hand-written pairs,
those on the written passages and documents, and near unanswerable ones with their controls
(``data/near_unanswerable_*.jsonl``). Every third of at most OF_EACH answerable questions of a kind,
but for those on documents, is asked a second time while its own passage is left out of the search
and its neighbours stay, and every third of all while its whole article is. The checker reads the
best windows and their passages a second time, each time anew; ``--keep`` keeps what was read of
passages. Figures are from two-fold cross-validation by article; the weights that are written are
fitted on all.
"""

from __future__ import annotations

import argparse
import json
import pickle
import random
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any, Literal

import numpy as np

from corpus.store.store import Store
from corpus.text.chunking import split_into_passages
from corpus.types import Document, Source
from index.inference.cross_encoder import READER_WEIGHTS, WEIGHTS, Checker, CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from index.ingestion.report import IngestProgress
from index.ingestion.sync import sync
from index.lexical.tokenizer import is_japanese
from index.search import Library
from index.storage.local_index import LocalIndex
from service.answering.answer_windows import AnswerWindow, answer_windows
from service.answering.evidence import reserve_languages, select_evidence
from service.answering.evidence_reading import MAX_WINDOWS, read_again
from service.answering.question_reading import (
    ReadPassage,
    read_passages,
    read_wholes,
    unread_passages,
    with_rivals,
)
from service.answering.reranking import LANGUAGE_PAIRS, combined_score
from service.verification.calibration import (
    CALIBRATION_FILE,
    RankingWeights,
    load_calibration,
)
from service.verification.provenance import Originals
from training import reading, sources
from training.calibrate import logistic, write_calibration
from training.reading import Asked
from training.sources import Passage

TOP_K, CHARACTERS = 10, 5000
OF_EACH = 60  # questions of a kind; the sets' own and those on documents are all read
SEARCH = (0.3, 0.5, 0.7, 1.0, 1.4)  # weights of the search score that are tried
ACROSS = (-2.0, -1.0, 0.0, 1.0)  # and of another language
AGAIN = (0.0, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.4)  # and of the second reading
CHANCE = 0.0075  # share of questions by which two rankings may differ by chance
RIDGE = 1e-3
HARD_COUNTS = 0.3  # what near questions, and those on written passages, count beside the others
UNANSWERABLE_COUNTS = 0.25  # what each kind without an answer counts: most questions have one
# Shares of answerable questions that may be refused. Across languages the reader knows less, and
# refusing no more than that would let too much through.
REFUSED, REFUSED_ACROSS = 0.06, 0.18
DOCUMENTS_COUNT = 0.1  # in these shares, beside the questions on passages of the sets
# The second reading's place among the features, and the least that it counts.
SECOND, LEAST_SECOND = 2, 0.1
# Share of the windows with a tick that must have the answer. With more, hardly any from English to
# Japanese would get one.
TICKED_RIGHT = 0.85

Without = Literal["", "passage", "article"]


@dataclass(frozen=True, slots=True)
class ReadQuestion:
    """A question and the passages that were read for it.

    Attributes:
        kind: The languages of question and passage, the set, and what was left out of the search.
        half: The half of the articles in which its own is, 0 or 1.
        asked: The question.
        gold: The id of the passage that answers; empty where none does.
        passages: The passages, best first by the search.
        windows: The best windows, as they were read a second time; see ``with_windows``.
    """

    kind: str
    half: int
    asked: Asked
    gold: str
    passages: tuple[ReadPassage, ...]
    windows: tuple[AnswerWindow, ...] = ()

    @property
    def near(self) -> bool:
        """Whether it asks for nearly what a passage says, or is the control of such a question."""
        return self.kind.endswith(", near")

    @property
    def written(self) -> bool:
        """Whether it is about a passage that was written for fitting: these are the hardest."""
        return self.asked.written

    @property
    def document(self) -> bool:
        """Whether it is about a document that was written for fitting."""
        return self.asked.document

    @property
    def false_premise(self) -> bool:
        """Whether it takes something for granted that its document denies."""
        return self.asked.source.startswith("premise") and not self.asked.sentences

    @property
    def pair(self) -> str:
        """The languages of question and passage."""
        return self.kind.split(",")[0]

    def answered_by(self, passage: ReadPassage, start: int, end: int) -> bool:
        """Whether a part of a passage has the answer; of a document, any passage may."""
        if not self.gold or passage.evidence.source.id != self.gold:
            return self._repeated_in(passage, start, end)
        text = passage.evidence.passage.text[start:end]
        if self.written:
            at = passage.evidence.passage.start
            return any(a < at + end and at + start < b for a, b in self.asked.exact)
        if self.asked.answers:
            return any(answer in text for answer in self.asked.answers)
        return any(a < end and start < b for a, b in self.asked.sentences)

    def _repeated_in(self, passage: ReadPassage, start: int, end: int) -> bool:
        """Whether a part of another passage of the document has the words that answer."""
        if not (self.gold and self.document):
            return False
        ids = self.gold, passage.evidence.source.id
        one, other = (id.rpartition(":")[0] for id in ids)
        text = passage.evidence.passage.text[start:end]
        return one == other and any(answer in text for answer in self.asked.answers)


@dataclass(frozen=True, slots=True)
class BestWindow:
    """The features of the window that ranks first for a question, and whether it has the answer."""

    features: tuple[float, ...]
    right: bool


def open_library(
    passages: dict[str, Passage], folder: Path, embedder: SentenceTransformerEmbedder
) -> Library:
    """Open the index over some passages, each a source; make it first if it is not there."""
    if not (folder / "index").exists():
        partial = folder.with_suffix(".part")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        store = Store(f"sqlite:///{(partial / 'tenkyo.db').resolve()}")
        for key, passage in passages.items():
            language = "ja" if is_japanese(passage.text) else "en"
            source = Source(key, f"https://example.org/{key}", passage.title, language=language)
            document = Document(source, passage.text)
            store.put(document, split_into_passages(document))
        sync(store, embedder, partial / "index", IngestProgress())
        del store
        partial.rename(folder)
    store = Store(f"sqlite:///{(folder / 'tenkyo.db').resolve()}")
    return Library(store, LocalIndex.open(folder / "index", embedder.name), embedder)


def questions(shared: Path) -> tuple[dict[str, Passage], list[tuple[str, Asked]]]:
    """Return the passages of the index, and (kind, question) of all questions that were held out.

    A kind has the languages of question and passage, and ``own``, ``pairs``, ``near``, ``written``
    or ``document``.
    """
    _, _, held = reading.collect(shared)
    (english, queries), (japanese, queries_ja) = sources.xquad(shared), sources.jsquad(shared)
    passages = {**english, **japanese}
    found = [asked for asked in held if asked.home in passages and asked.source != "jsquad_en"]
    words = sources.translated_questions("xquad_calibration_ja", "ja")
    found += reading.squad_questions(english, queries, "xquad_ja", words)
    words = sources.translated_questions("jsquad_calibration_en", "en")
    found += reading.squad_questions(japanese, queries_ja, "jsquad_en", words)
    found += [asked for name in reading.NEAR for asked in reading.near_questions(passages, name)]
    ours, asked_ours = reading.written_questions("calibration")
    kept = {key for n, key in enumerate(sorted(ours)) if n % 4 in (0, 3)}  # one language of each
    passages |= {key: ours[key] for key in kept}
    found += [asked for asked in asked_ours if asked.home in kept]
    whole, asked_whole = reading.document_questions("calibration")
    passages |= whole
    found += asked_whole
    named = []
    for asked in found:
        pair = "→".join(
            "ja" if is_japanese(text) else "en"
            for text in (asked.question, passages[asked.home].text)
        )
        near = asked.source.startswith("near")
        kind = "near" if near else asked.source.split("_")[0]
        kind = "document" if kind == "premise" else kind
        kind = kind if kind in ("near", "pairs", "written", "document") else "own"
        named.append((f"{pair}, {kind}", asked))
    return passages, named


def half_of(article: str) -> int:
    """Return the half of the articles, 0 or 1, in which one is, by its title."""
    return int(sources.held("relevance" + article.replace("_", " "), 0.5))


def read(
    library: Library,
    checker: Checker,
    kind: str,
    asked: Asked,
    articles: Mapping[str, str],
    without: Without,
) -> ReadQuestion:
    """Search and read as the engine does, perhaps without what answers, or its whole article.

    Args:
        library: The index.
        checker: Reads.
        kind: See ``questions``.
        asked: The question.
        articles: The article of each passage.
        without: What is left out of the search.
    """
    within, article = None, articles[asked.home]
    if without == "passage":
        within = [key for key in articles if key != asked.home]
    elif without == "article":
        within = [key for key in articles if articles[key] != article]
    hits = reserve_languages(library.search(asked.question, 2 * TOP_K, within), TOP_K)
    chosen = select_evidence(hits, TOP_K, CHARACTERS)
    question = asked.question
    passages = unread_passages(question, chosen)
    passages = read_passages(question, passages, range(len(chosen)), checker)
    gold = "" if without or not asked.sentences else asked.home
    named = f"{kind}, without its {without}" if without else kind
    return ReadQuestion(named, half_of(article), asked, gold, tuple(passages))


def with_windows(asked: ReadQuestion, ranking: RankingWeights, checker: Checker) -> ReadQuestion:
    """Find the best windows by some weights; read them and their passages a second time."""
    calibration = replace(load_calibration(), ranking=replace(ranking, again=0.0))
    passages = with_rivals([replace(p, calibration=calibration) for p in asked.passages])
    windows = answer_windows(passages, Originals(()), MAX_WINDOWS)
    question = asked.asked.question
    wholes = read_wholes(question, [window.passage for window in windows], checker)
    windows = [replace(w, passage=p) for w, p in zip(windows, wholes, strict=True)]
    return replace(asked, windows=tuple(read_again(question, windows, checker)))


def best_windows(asked: Sequence[ReadQuestion], again: float) -> list[BestWindow]:
    """Return the window that ranks first for each question, by a weight of the second reading."""
    found = []
    for each in asked:
        window = max(each.windows, key=lambda window: window.score + again * window.again)
        right = each.answered_by(window.passage, window.start, window.end)
        features = window.passage.features(window.odds)
        found.append(BestWindow(features, right))
    return found


def best_ranking(asked: Sequence[ReadQuestion]) -> RankingWeights:
    """Return the weights of search and languages with which most first windows have the answer.

    The second reading does not count yet; see ``best_again``. Of weights that are as good as the
    best but for chance, those are chosen that are nearest to the reading alone.
    """
    there = [a for a in asked if a.gold and not a.written]
    passages = [_best_of_each(a) for a in there]
    grid = [RankingWeights(*each, 0.0) for each in product(SEARCH, ACROSS)]
    shares = {
        w: _share(there, [max(p, key=lambda p: combined_score(*p[:3], w))[3] for p in passages])
        for w in grid
    }
    good = [w for w in grid if shares[w] >= max(shares.values()) - CHANCE]
    return min(good, key=lambda w: (abs(w.across), w.search))


def best_again(asked: Sequence[ReadQuestion]) -> float:
    """Return the least weight of the second reading that is as good as the best but for chance."""
    shares = shares_right(asked)
    return next(w for w in AGAIN if shares[w] >= max(shares.values()) - CHANCE)


def shares_right(asked: Sequence[ReadQuestion]) -> dict[float, float]:
    """Return the share of right first windows for each weight of the second reading."""
    there = [a for a in asked if a.gold and not a.written]
    return {w: _share(there, [b.right for b in best_windows(there, w)]) for w in AGAIN}


def _share(asked: Sequence[ReadQuestion], right: Sequence[bool]) -> float:
    """Return the share of questions whose first window has the answer.

    Each pair of languages counts alike. Questions on written passages should not be among them,
    since many do not name their subject.
    """
    pairs = np.array([a.pair for a in asked])
    return float(np.mean([np.mean(np.array(right)[pairs == pair]) for pair in set(pairs)]))


def _best_of_each(asked: ReadQuestion) -> list[tuple[float, float, bool, bool]]:
    """Find the best window of each passage, which is the same whatever ranks the passages.

    Returns:
        The passage's search score, the log-odds of its best sentence, whether it is in the other
        language, and whether the window around this sentence has the answer.
    """
    reading = replace(load_calibration(), ranking=RankingWeights(0.0, 0.0, 0.0))
    found = []
    for each in asked.passages:
        for window in answer_windows([replace(each, calibration=reading)], Originals(()), 1):
            right = asked.answered_by(window.passage, window.start, window.end)
            found.append((each.evidence.score, window.score, each.across, right))
    return found


def counts(asked: Sequence[ReadQuestion]) -> np.ndarray:
    """Return what each question counts, 1 on average.

    Each pair of languages counts alike. So does, in a pair, each group of questions (with or
    without an answer, near ones, those without their article, those on written passages, those on
    documents), but for HARD_COUNTS and UNANSWERABLE_COUNTS.
    """
    groups = [
        (a.pair, bool(a.gold), a.near, a.kind.endswith("article"), a.written, a.document)
        for a in asked
    ]
    size = {group: groups.count(group) for group in set(groups)}
    found = np.array([1 / size[group] for group in groups])
    found *= [HARD_COUNTS if near or written else 1.0 for _, _, near, _, written, _ in groups]
    found *= [1.0 if answerable else UNANSWERABLE_COUNTS for _, answerable, *_ in groups]
    return np.asarray(found / found.mean())


def fit(asked: Sequence[ReadQuestion], found: Sequence[BestWindow]) -> np.ndarray:
    """Fit the weights of the features for the log-odds that the first window answers.

    The second reading of passages counts at least LEAST_SECOND, since it was fitted on questions,
    those of CLAPNQ, that are not among these.
    """
    x, y = np.array([w.features for w in found]), np.array([w.right for w in found], float)
    count = counts(asked)
    weights = logistic(x, y, RIDGE, count)
    if weights[SECOND] >= LEAST_SECOND:
        return weights
    known = LEAST_SECOND * x[:, SECOND]
    rest = logistic(np.delete(x, SECOND, 1), y, RIDGE, count, known)
    return np.insert(rest, SECOND, LEAST_SECOND)


def ticked_from(
    asked: Sequence[ReadQuestion], found: Sequence[BestWindow], odds: np.ndarray
) -> dict[str, float]:
    """Return, for each pair of languages, the log-odds from which a window gets a tick.

    Of those with as much, the share TICKED_RIGHT has the answer: of all questions, and of those on
    documents alone without false premises, which have a check of their own. If that is true of no
    number of the most certain windows, only the most certain one gets a tick.
    """
    count, right = counts(asked), np.array([w.right for w in found])
    pairs = np.array([a.pair for a in asked])
    document = np.array([a.document and not a.false_premise for a in asked])
    least = {}
    for pair in (pair for row in LANGUAGE_PAIRS for pair in row):
        from_each = []
        for some in (pairs == pair, (pairs == pair) & document):
            here = np.flatnonzero(some)
            here = here[np.argsort(-odds[here])]
            share = np.cumsum(count[here] * right[here]) / np.cumsum(count[here])
            good = np.flatnonzero(share >= TICKED_RIGHT)
            last = good[-1] if len(good) else 0
            from_each += [float(odds[here[last]])] if len(here) else []
        least[pair] = round(max(from_each, default=0.0), 3)
    return least


def thresholds(asked: Sequence[ReadQuestion], odds: np.ndarray) -> dict[str, float]:
    """Return, for each pair of languages, the log-odds from which a question is answered.

    Below them lies the share REFUSED, or REFUSED_ACROSS, of the answerable questions, those on
    documents counting DOCUMENTS_COUNT of the others. Near ones and those on written passages are
    left out: most of those that are answerable need more than the reader can.
    """
    found = {}
    for row in LANGUAGE_PAIRS:
        for pair in row:
            here = [
                (o, a.document)
                for o, a in zip(odds, asked, strict=True)
                if a.pair == pair and a.gold and not (a.near or a.written)
            ]
            here.sort()
            sizes = Counter(document for _, document in here)
            count = [(DOCUMENTS_COUNT if d else 1.0) / sizes[d] for _, d in here]
            share = REFUSED_ACROSS if pair[:2] != pair[-2:] else REFUSED
            below = int(np.searchsorted(np.cumsum(count), share * sum(count)))
            found[pair] = round(float(here[below][0]), 3) if here else 0.0
    return found


def cross_validated(
    asked: Sequence[ReadQuestion], found: Sequence[BestWindow]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the log-odds [n] of each first window and both thresholds [n] for its languages.

    Those of each half of the articles are fitted on the other half.
    """
    odds, least, ticked = (np.zeros(len(asked)) for _ in range(3))
    half = np.array([a.half for a in asked])
    x = np.array([w.features for w in found])
    for measured in (0, 1):
        inside, others = half == measured, np.flatnonzero(half != measured)
        fitted_on = [asked[i] for i in others]
        weights = fit(fitted_on, [found[i] for i in others])
        threshold = thresholds(fitted_on, x[others] @ weights)
        tick = ticked_from(fitted_on, [found[i] for i in others], x[others] @ weights)
        odds[inside] = x[inside] @ weights
        least[inside] = [threshold[a.pair] for a in asked if a.half == measured]
        ticked[inside] = [tick[a.pair] for a in asked if a.half == measured]
    return odds, least, ticked


def relevance(asked: Sequence[ReadQuestion], ranking: RankingWeights) -> dict[str, Any]:
    """Fit the part of the calibration that ranks windows and tells whether one answers.

    Args:
        asked: The questions, with their windows.
        ranking: The weights by which the windows were found.
    """
    again = best_again(asked)
    found = best_windows(asked, again)
    weights = fit(asked, found)
    odds = np.array([w.features for w in found]) @ weights
    return {
        "ranking": asdict(replace(ranking, again=again)),
        "answers": [round(float(w), 4) for w in weights],
        "answered_from": thresholds(asked, odds),
        "ticked_from": ticked_from(asked, found, odds),
    }


def fit_apart(
    asked: Sequence[ReadQuestion], half: int, ranking: RankingWeights, checker: Checker
) -> dict[str, Any]:
    """Fit the same on the other half of the articles alone.

    Args:
        asked: All questions, with their windows.
        half: The half that is left out.
        ranking: The weights by which the windows were found.
        checker: Reads them again if the other half prefers other weights.
    """
    others = [a for a in asked if a.half != half]
    own = best_ranking(others)
    if own != ranking:
        others = [with_windows(each, own, checker) for each in others]
    return relevance(others, own)


def table(asked: Sequence[ReadQuestion], found: Sequence[BestWindow]) -> str:
    """Return figures by kind of question, from cross-validation."""
    odds, least, ticked_least = cross_validated(asked, found)
    answerable = np.array([bool(a.gold) for a in asked])
    answers = np.array([w.right for w in found])
    kinds = np.array([a.kind for a in asked])
    lines = []
    for kind in sorted(set(kinds)):
        here = kinds == kind
        right, has = answers[here], answerable[here]
        shown = odds[here] > least[here]
        ticked = shown & (odds[here] >= ticked_least[here])
        parts = [kind, str(here.sum())]
        for some, label in ((has, "answerable"), (~has, "not")):
            if some.any():
                parts.append(
                    f"{label}: first {right[some].mean():.3f}, refused {(~shown[some]).mean():.3f},"
                    f" right and shown {(right & shown)[some].mean():.3f},"
                    f" with a tick {(right & ticked)[some].mean():.3f},"
                    f" wrong with a tick {(ticked & ~right)[some].mean():.3f}"
                )
        lines.append(" | ".join(parts))
    return "\n".join(lines)


def read_all(
    library: Library,
    checker: Checker,
    named: Sequence[tuple[str, Asked]],
    articles: Mapping[str, str],
    each: int,
) -> Iterator[ReadQuestion]:
    """Read the questions, at most ``each`` of a kind but ``own`` and ``document``."""
    rng = random.Random(5)
    for kind in sorted({kind for kind, _ in named}):
        here = [asked for k, asked in named if k == kind]
        most = len(here) if kind.endswith("own") else min(each, len(here))
        chosen = rng.sample(here, most)
        if kind.endswith("document"):  # these are most like what people ask
            chosen += [asked for asked in here if asked not in chosen]
        for n, asked in enumerate(chosen):
            yield read(library, checker, kind, asked, articles, "")
            if n >= each:
                continue
            if n % 3 == 0 and asked.sentences and not kind.endswith("document"):
                yield read(library, checker, kind, asked, articles, "passage")
            elif n % 3 == 1:
                yield read(library, checker, kind, asked, articles, "article")


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--out", type=Path, required=True, help="folder of the index, which is kept")
    ap.add_argument("--checker", type=Path, default=WEIGHTS)
    ap.add_argument("--reader", type=Path, default=READER_WEIGHTS)
    ap.add_argument("--each", type=int, default=OF_EACH)
    ap.add_argument(
        "--keep", type=Path, help="what was read of passages, as a pickle, made or used again"
    )
    ap.add_argument("--halves", type=Path, help="write the fits without one half of the articles")
    ap.add_argument("--write", action="store_true", help=f"write {CALIBRATION_FILE.name}")
    args = ap.parse_args()
    checker = CrossEncoder(args.checker, reader=args.reader)
    if args.keep and args.keep.exists():
        asked = pickle.loads(args.keep.read_bytes())
    else:
        passages, named = questions(args.shared)
        embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.out / "models")
        library = open_library(passages, args.out / "both", embedder)
        articles = {key: passage.article for key, passage in passages.items()}
        asked = list(read_all(library, checker, named, articles, args.each))
        if args.keep:
            args.keep.write_bytes(pickle.dumps(asked))
    ranking = best_ranking(asked)
    asked = [with_windows(each, ranking, checker) for each in asked]
    fitted = relevance(asked, ranking)
    shares = ", ".join(f"{again}: {share:.3f}" for again, share in shares_right(asked).items())
    print(f"first window right, by the weight of the second reading: {shares}")
    print(table(asked, best_windows(asked, fitted["ranking"]["again"])))
    print(json.dumps(fitted, ensure_ascii=False))
    if args.halves:
        others = [fit_apart(asked, half, ranking, checker) for half in (0, 1)]
        args.halves.write_text(json.dumps(others, ensure_ascii=False), encoding="utf-8")
    if args.write:
        write_calibration(relevance=fitted)


if __name__ == "__main__":
    main()
