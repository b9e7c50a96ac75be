"""Make all rows for training (data sets, generated, cross-lingual, hand-written) and pack them.

    python -m training.data --shared ../shared --parallel .train/par --out .train/pack

`training.fit` reads the pack (`packing.py`), on this machine or another.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tokenizers import Tokenizer

from corpus.text.sentences import sentence_spans
from training import made, packing, sources, spoil, written_rows, xling
from training.near import Index
from training.sources import ENTAILMENT, LABELS, NOT_SUPPORTED, Passage, Row


def wice_rows(shared: Path, rng: random.Random) -> Iterator[Row]:
    """Make rows of WiCE.

    Held out: of each page the eight windows nearest to the claim by BM25, as in a first step of
    retrieval. For fitting: the supporting sentences with their neighbours, and windows without
    them.
    """
    for number, row in enumerate(sources.wice(shared)):
        evidence, full = row["evidence"], row["label"] == "supported"
        if row["held"]:
            windows = sources.wice_windows(evidence)
            near = Index(windows).near(row["claim"], 8) or [0]
            for i in near:
                yield Row("nli", row["claim"], windows[i], 0 if full else 3, "wice", True, number)
            continue
        marked = [i for found in row["supporting_sentences"][:2] for i in found]
        around = sorted({j for i in marked for j in (i - 1, i, i + 1) if 0 <= j < len(evidence)})
        exact = sorted(set(marked))
        label = ENTAILMENT if full else NOT_SUPPORTED
        for chosen in (around, exact):
            if chosen:
                text = " ".join(evidence[i] for i in chosen)
                yield Row("nli", row["claim"], text, label, "wice")
        free = [i for i in range(0, len(evidence), 3) if not set(range(i, i + 6)) & set(marked)]
        for i in rng.sample(free, min(2, len(free))):
            text = " ".join(evidence[i : i + 6])
            yield Row("nli", row["claim"], text, NOT_SUPPORTED, "wice")


def question_rows(
    passages: dict[str, Passage], queries: Sequence[dict], rng: random.Random, source: str,
    wording: dict[str, str] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """Pair questions with their passages, with near ones, and with passages without the answer.

    `wording` replaces questions (by id) with their translations and drops the others.
    """
    ids = list(passages)
    near = Index([passages[i].text for i in ids])
    articles: dict[str, list[str]] = defaultdict(list)
    for i in ids:
        articles[passages[i].article].append(i)
    for query in queries:
        home = passages[query["doc_id"]]
        question = wording.get(query["id"]) if wording is not None else query["question"]
        if question is None:
            continue
        yield Row("ans", question, home.text, 1, source, home.held)
        siblings = [i for i in articles[home.article] if i != query["doc_id"]]
        wrong = rng.sample(siblings, min(2, len(siblings)))
        if not home.held:
            found = [ids[j] for j in near.near(query["question"], 4)]
            wrong += [i for i in found if i != query["doc_id"] and not passages[i].held][:2]
            bare = made.without(home.text, query["answers"][0])
            if bare is not None and len(bare) > 40:
                yield Row("ans", question, bare, 0, source, False)
            bad = spoil.name(question, [home.text], rng) or spoil.number(question, [], rng)
            if bad is not None and rng.random() < 0.5:
                yield Row("ans", bad, home.text, 0, source, False)
        for i in dict.fromkeys(wrong):
            yield Row("ans", question, passages[i].text, 0, source, home.held)


def sentence_question_rows(
    passages: dict[str, Passage], queries: Sequence[dict], rng: random.Random, source: str,
    wording: dict[str, str] | None = None,
) -> Iterator[Row]:  # fmt: skip
    """Pair questions with single sentences below the passage's title, as in quote mode.

    These are the one with the answer, two of the same passage without it, and one of a neighbour.
    """
    articles: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages.values():
        articles[passage.article].append(passage)
    for query in queries:
        home = passages[query["doc_id"]]
        question = wording.get(query["id"]) if wording is not None else query["question"]
        if question is None:
            continue
        parts = spoil.sentences(home.text)
        right = [part for part in parts if query["answers"][0] in part]
        if len(right) != 1:
            continue
        wrong = [part for part in parts if part != right[0]]
        wrong = rng.sample(wrong, min(2, len(wrong)))
        other = rng.choice(articles[home.article])
        if other != home:
            wrong.append(rng.choice(spoil.sentences(other.text) or [other.text]))
        title = home.title + "\n" if rng.random() < 0.7 else ""
        for text, label in [(right[0], 1), *((part, 0) for part in wrong)]:
            yield Row("ans", question, title + text, label, source, home.held)


def clapnq_rows(
    shared: Path, rng: random.Random, wording: dict[str, str] | None = None
) -> Iterator[Row]:
    """Make rows of CLAPNQ; for fitting also without the selected sentences and on near passages."""
    rows = sources.clapnq(shared)
    source = "clapnq" if wording is None else "clapnq_ja"
    near = Index([row["passage"] for row in rows])
    for row in rows:
        question = row["question"] if wording is None else wording.get(row["id"])
        if question is None:
            continue
        yield Row("ans", question, row["passage"], int(row["answerable"]), source, row["held"])
        if row["held"]:
            continue
        chosen = {s for found in row["selected_sentences"] for s in found}
        rest = [s for s in row["sentences"] if s not in chosen]
        if row["answerable"]:
            yield Row(
                "ans", question, " ".join(s for s in row["sentences"] if s in chosen), 1, source
            )
            if len(rest) > 1:
                yield Row("ans", question, " ".join(rest), 0, source)
        for j in near.near(row["question"], 4):
            other = rows[j]
            if other["id"] != row["id"] and not other["held"] and rng.random() < 0.5:
                yield Row("ans", question, other["passage"], 0, source)


def condaqa_rows(rows: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    """Make rows of CondaQA's yes/no questions: only their own passage answers them."""
    kept = [row for row in rows if row.source == "condaqa_claims"]
    texts = sorted({row.second for row in kept})
    near = Index(texts)
    for row in kept:
        question = row.first.split('"')[1] if row.first.count('"') > 1 else ""
        if not question or rng.random() < 0.4:
            continue
        yield Row("ans", question, row.second, 1, "condaqa_asked", row.held)
        wrong = [texts[j] for j in near.near(question, 6) if texts[j] != row.second]
        if wrong:
            yield Row("ans", question, rng.choice(wrong), 0, "condaqa_asked", row.held)


def passages_for_making(shared: Path, rows: Sequence[Row]) -> list[Passage]:
    """Return the passages with enough sentences to generate claims and questions from."""
    found = [*sources.xquad(shared)[0].values(), *sources.jsquad(shared)[0].values()]
    found += sources.clapnq_passages(shared).values()
    found += sources.prose(shared)
    for row in sources.wice(shared):
        lines = [line for line in row["evidence"] if len(line) > 60 and line[-1] in ".!?"]
        for at in range(0, min(len(lines), 40), 10):
            found.append(Passage(" ".join(lines[at : at + 10]), row["id"], row["held"]))
    limits = {"jaquad_claims": 6000, "fm2_long": 1200, "curr_drop": 400,
              "citint_train": 900, "mctest_nli": 150, "fever_nli_dev": 1500}  # fmt: skip
    seen: Counter[str] = Counter()
    for text, source, out in dict.fromkeys((r.second, r.source, r.held) for r in rows):
        if seen[source] < limits.get(source, 0) and len(text) > 150:
            seen[source] += 1
            found.append(Passage(text, f"{source}/{seen[source] // 4}", out))
    return found


def switched(
    rows: Sequence[Row], rng: random.Random, change: Callable[[str], str], side: str, count: int
) -> Iterator[Row]:
    """Translate words of one side of rows by `change`; held-out rows are left out."""
    usable = [row for row in rows if not row.held]
    for row in rng.sample(usable, min(count, len(usable))):
        first, second = row.first, row.second
        if side in ("first", "both"):
            first = change(first)
        if side == "second":
            second = change(second[:700])
        yield Row(row.head, first, second, row.label, "switched_" + row.head)


def all_switched(rows: list[Row], edict: Path, rng: random.Random) -> Iterator[Row]:
    """Make code-switched rows in both directions, on both sides and for both heads."""
    book = xling.Dictionary(edict)
    glosser = xling.Glosser(book)

    def share() -> float:
        return rng.choice((0.4, 0.7, 1.0, 1.0, 1.0))

    def to_ja(text: str) -> str:
        return xling.to_japanese(text, book, rng, share())

    def to_en(text: str) -> str:
        return glosser.to_english(text, rng, share())

    templates = ("janli", "hans_regen", "jamp_temporal", "curr_", "help_", "citint", "breaking")
    real = [r for r in rows if not r.source.startswith(templates)]
    one = [(r, spoil.is_japanese(r.first), spoil.is_japanese(r.second)) for r in real]
    for head, scale in (("nli", 1.0), ("ans", 0.7)):
        en = [r for r, a, b in one if r.head == head and not a and not b]
        ja = [r for r, a, b in one if r.head == head and a and b]
        yield from switched(en, rng, to_ja, "first", int(26000 * scale))
        yield from switched(en, rng, to_ja, "second", int(6000 * scale))
        yield from switched(ja, rng, to_en, "first", int(12000 * scale))
        yield from switched(ja, rng, to_en, "second", int(22000 * scale))


def hand_claims(
    passages: dict[str, Passage], names: Sequence[str], rng: random.Random
) -> Iterator[Row]:
    """Make rows of hand-written claims; for fitting also altered ones and neighbouring passages."""
    for name in names:
        for row in sources.handwritten(name):
            label = LABELS[row["label"]]
            home = passages[row["doc_id"]]
            yield Row("nli", row["claim"], home.text, label, name, home.held)
            if home.held or label != ENTAILMENT:
                continue
            near = [p for p in passages.values() if p.article == home.article and p != home]
            if near and rng.random() < 0.5:
                yield Row("nli", row["claim"], rng.choice(near).text, NOT_SUPPORTED, name)
            bad = spoil.spoiled(row["claim"], spoil.sentences(home.text), rng)
            if bad is not None and rng.random() < 0.5:
                yield Row("nli", bad, home.text, NOT_SUPPORTED, name)


def hand_questions(passages: dict[str, Passage], name: str) -> Iterator[Row]:
    for row in sources.handwritten(name):
        home = passages[row["doc_id"]]
        label = int(row["label"] == "answerable")
        yield Row("ans", row["question"], home.text, label, name, home.held)


def hand_rows(shared: Path, rng: random.Random) -> Iterator[Row]:
    """Make the rows of hand-written claims, questions and pairs, and of translated questions."""
    english, queries = sources.xquad(shared)
    japanese, asked_ja = sources.jsquad(shared)
    yield from hand_claims(english, ("ja_en_claims", "en_en_claims", "xquad_claims_ja"), rng)
    yield from hand_claims(japanese, ("en_ja_claims", "ja_ja_claims", "jsquad_claims_en"), rng)
    yield from hand_questions(english, "ja_en_questions")
    yield from hand_questions(english, "xquad_unanswerable_ja")
    clapnq = sources.clapnq_passages(shared)
    yield from hand_claims(clapnq, ("clapnq_claims_ja",), rng)
    yield from hand_questions(clapnq, "clapnq_unanswerable_ja")
    for name in ("pairs_ja_en", "pairs_en_en"):
        yield from pair_rows(english | clapnq | sources.passages_by_text_id(shared), name, rng)
    for name in ("pairs_en_ja", "pairs_ja_ja"):
        yield from pair_rows(japanese, name, rng)
    words = sources.translated_questions("xquad_questions_ja", "ja")
    yield from question_rows(english, queries, rng, "xquad_ja", words)
    yield from sentence_question_rows(english, queries, rng, "xquad_ja_sentences", words)
    words = sources.translated_questions("clapnq_questions_ja", "ja")
    yield from clapnq_rows(shared, rng, words)
    words = sources.translated_questions("jsquad_questions_en", "en")
    yield from question_rows(japanese, asked_ja, rng, "jsquad_en", words)
    yield from sentence_question_rows(japanese, asked_ja, rng, "jsquad_en_sentences", words)


def pair_rows(passages: dict[str, Passage], name: str, rng: random.Random) -> Iterator[Row]:
    """Make rows of hand-written true and false claims, and questions with and without an answer.

    ``s`` numbers the sentences of the passage that support the claim and answer the question. They
    are used alone, as the verifier does, and within their passage; its other sentences, and other
    passages of the article, support nothing. Held out by passage.
    """
    articles: dict[str, list[Passage]] = defaultdict(list)
    for passage in passages.values():
        articles[passage.article].append(passage)
    for row in sources.handwritten(name):
        home = passages[row["id"]]
        out = sources.held("pairs" + row["id"], sources.PAIRS_HELD)
        spans = sentence_spans(home.text)
        start, end = spans[row["s"][0]][0], spans[row["s"][-1]][1]
        bearing = home.text[start:end]
        other = [
            home.text[a:b] for n, (a, b) in enumerate(spans) if n not in row["s"] and b - a > 12
        ]
        other = rng.sample(other, min(2, len(other)))
        title = home.title + "\n" if rng.random() < 0.6 else ""
        wrong = differing(row["t"], row["f"])
        yield Row("nli", row["t"], bearing, ENTAILMENT, name, out, wrong=(0, 0))
        yield Row("nli", row["f"], bearing, NOT_SUPPORTED, name, out, wrong=wrong)
        yield Row("ans", row["q"], title + bearing, 1, name + "_asked", out)
        yield Row("ans", row["u"], title + bearing, 0, name + "_asked", out)
        for text in other:
            yield Row("ans", row["q"], title + text, 0, name + "_asked", out)
        if out:
            continue
        if other and rng.random() < 0.6:
            yield Row("nli", row["t"], other[0], NOT_SUPPORTED, name)
        if home.text != bearing and rng.random() < 0.5:
            yield Row("nli", row["t"], home.text, ENTAILMENT, name, wrong=(0, 0))
            yield Row("nli", row["f"], home.text, NOT_SUPPORTED, name, wrong=wrong)
            yield Row("ans", row["q"], home.text, 1, name + "_asked")
        if home.text != bearing and rng.random() < 0.5:
            yield Row("ans", row["u"], home.text, 0, name + "_asked")
        near = [p for p in articles[home.article] if p != home]
        if near and rng.random() < 0.4:
            yield Row("ans", row["q"], rng.choice(near).text, 0, name + "_asked")


def differing(true: str, false: str) -> tuple[int, int] | None:
    """Return the characters of a false claim in which it differs from a true one, in one stretch.

    None if they are more than half of the claim, or if something is only missing.
    """
    start = _common(true, false)
    end = len(false) - _common(true[start:][::-1], false[start:][::-1])
    return (start, end) if start < end <= start + len(false) / 2 else None


def _common(one: str, two: str) -> int:
    """Return with how many equal characters two texts begin."""
    return next(
        (n for n, (a, b) in enumerate(zip(one, two, strict=False)) if a != b),
        min(len(one), len(two)),
    )


def window_rows(path: Path | None) -> Iterator[Row]:
    """Read the rows that ``training.first_windows`` wrote, if there is a file of them."""
    if path is not None:
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Row("ans", row["question"], row["text"], row["answers"], row["set"])


def collect(
    shared: Path, unpacked: Path | None, windows: Path | None = None, seed: int = 7
) -> list[Row]:
    """Return all rows, for fitting and held out, in a fixed order."""
    rng = random.Random(seed)
    rows = [
        *sources.plain_sets(shared), *sources.symmetric(shared), *sources.paws(shared),
        *sources.jsick(shared), *sources.jnli(shared), *wice_rows(shared, rng),
    ]  # fmt: skip
    rows += question_rows(*sources.jsquad(shared), rng, "jsquad")
    rows += question_rows(*sources.xquad(shared), rng, "xquad")
    rows += sentence_question_rows(*sources.jsquad(shared), rng, "jsquad_sentences")
    rows += sentence_question_rows(*sources.xquad(shared), rng, "xquad_sentences")
    rows += clapnq_rows(shared, rng)
    rows += condaqa_rows(rows, rng)
    rows += made.asked_of_claims([r for r in rows if r.source == "jaquad_claims"], rng)
    prose = passages_for_making(shared, rows)
    rows += made.claims(prose, rng, 4, "made_claims")
    rows += made.questions(prose, rng, 2, "made_questions")
    if unpacked is not None:
        documents = xling.parallel(unpacked)
        rows += made.across(documents, rng, 0.45)
        rows += made.headings(documents, rng, 0.5)
        rows += all_switched(rows, unpacked / "usr/share/edict", rng)
    rows += hand_rows(shared, rng)
    for part in ("fit", "held"):
        rows += written_rows.rows(part)
    rows += window_rows(windows)
    return rows


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__)
    ap.add_argument("--shared", type=Path, default=Path("../shared"))
    ap.add_argument("--parallel", type=Path, help="unpacked Debian packages (README)")
    ap.add_argument("--windows", type=Path, help="rows of training.first_windows")
    ap.add_argument("--out", type=Path, required=True)
    args = ap.parse_args()
    write_pack(args.shared, args.parallel, args.out, args.windows)


def write_pack(
    shared: Path, unpacked: Path | None, folder: Path, windows: Path | None = None
) -> None:
    """Make all rows, write the sound ones to a folder, and print how many there are."""
    rows, dropped = packing.sound(collect(shared, unpacked, windows))
    for reason, count in sorted(dropped.items()):
        print(f"dropped, {reason}: {count}")
    tokenizer = Tokenizer.from_file(str(shared / "checker/tokenizer.json"))
    packing.pack(rows, tokenizer, folder)
    texts, table, names = packing.unpack(folder)
    _, sizes = packing.sizes_of(texts, table)
    for title, held in (("fitted", False), ("held out", True)):
        often = (table["held"] == held).astype(float)
        print(f"\n{title}\n{packing.count_report(table, sizes, names, often)}")


if __name__ == "__main__":
    main()
