"""Hybrid search is better than BM25 or vectors alone, on public question sets."""

import pytest
from retrieval import Bench, questions, read


@pytest.mark.parametrize(
    ("name", "passages", "asked"), [("xquad_en", 120, 300), ("jsquad_ja", 250, 120)]
)
def test_hybrid_search_beats_bm25_and_vectors_alone(shared, embedder, name, passages, asked):
    """Measured on a part of each set; `make eval` measures the whole."""
    folder = shared / "data" / "qa" / name
    chosen = questions(folder, asked)
    wanted = {answer for _, answer in chosen}
    corpus = sorted(read(folder / "corpus.jsonl"), key=lambda p: p["id"] not in wanted)
    bench = Bench(corpus[: max(passages, len(wanted))], embedder)
    rows = {row.method: row for row in bench.table(chosen)}
    print(*rows.values(), sep="\n")
    assert rows["hybrid"].first > max(rows["dense"].first, rows["BM25"].first)
    assert rows["hybrid"].mrr > max(rows["dense"].mrr, rows["BM25"].mrr)
