r"""LlamaIndex's CitationQueryEngine on the questions of `tenkyo eval`, measured in the same way.

    python -m pip install --target /tmp/llamaindex llama-index-core llama-index-llms-openai-like
    PYTHONPATH=/tmp/llamaindex python tests/benchmarks/llamaindex.py /tmp/bench/xquad \
        --url http://127.0.0.1:8082/v1 [--sample N]

It has the same documents, embedder and language model, its own prompts, and five passages instead
of two. The citations of a sentence are its numbers in square brackets, as our parser reads them; it
abstains where it says so in words. Its answers are checked by our verifier and against the gold
data, like ours.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

from llama_index.core import VectorStoreIndex
from llama_index.core.embeddings import BaseEmbedding
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.core.schema import TextNode
from llama_index.llms.openai_like import OpenAILike

from corpus.store.store import Store
from corpus.types import Passage, Source
from index.inference.cross_encoder import CrossEncoder
from index.inference.embedder import SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.evaluation import metrics
from service.evaluation.runner import judge_answer, read_questions, sample_questions
from service.generation.citation_parser import SentenceParser
from service.types import Answer, Citation, Claim, Evidence, Verdict, to_json
from service.verification.verifier import Verifier

TOP_K = 5
DECLINES = re.compile(
    r"\b(?:not|n't|no|none|unable|cannot)\b.{0,60}\b(?:provide|mention|contain|information|answer|helpful|"
    r"state|specif|available|determine|source)|ありません|ません(?:でした)?。|できない|不明|記載がない",
    re.IGNORECASE | re.DOTALL,
)


class Ours(BaseEmbedding):
    """Our embedder with LlamaIndex's interface."""

    _embedder: SentenceTransformerEmbedder

    def __init__(self, embedder: SentenceTransformerEmbedder) -> None:
        super().__init__(model_name=embedder.name)
        self._embedder = embedder

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._embedder.embed_query(query).tolist()

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._embedder.embed_passages([text])[0].tolist()

    def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
        return self._embedder.embed_passages(texts).tolist()


def answer_of(question: str, text: str, evidence: Sequence[Evidence]) -> Answer:
    """Convert its answer to one of ours, with every sentence as a claim."""
    parser = SentenceParser()
    claims = []
    for draft in [*parser.feed(text), *parser.finish()]:
        cited = [e for e in evidence if e.label in draft.labels]
        citations = tuple(
            Citation(e.label, e.source.id, e.passage.id, e.passage.text, 0, 0, e.source.url)
            for e in cited
        )
        claims.append(Claim(draft.text, 0, 0, citations, Verdict("supported", 1.0, "none")))
    abstained = not claims or bool(DECLINES.search(text))
    return Answer(
        id="", conversation_id="", question=question, text=text, claims=tuple(claims),
        evidence=tuple(evidence), rejected=(), reason=None, timings={}, model="LlamaIndex",
        mode="abstained" if abstained else "generated",
    )  # fmt: skip


def main() -> None:
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("folder", type=Path, help="of tests/benchmarks/questions.py")
    ap.add_argument("--url", required=True)
    ap.add_argument("--sample", type=int)
    args = ap.parse_args()
    store = Store(f"sqlite:///{(args.folder / 'tenkyo.db').resolve()}")
    embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, args.folder / "models")
    verifier = Verifier(CrossEncoder(cache=args.folder / "models"), embedder)
    questions = sample_questions(read_questions(args.folder / "questions.jsonl"), args.sample, None)
    passages: dict[str, tuple[Passage, Source]] = {
        p.id: (p, s) for p, s in store.passages(store.rows(None)).values()
    }
    hidden = {"excluded_llm_metadata_keys": ["id"], "excluded_embed_metadata_keys": ["id"]}
    nodes = [TextNode(text=p.text, metadata={"id": p.id}, **hidden) for p, _ in passages.values()]
    index = VectorStoreIndex(nodes, embed_model=Ours(embedder))
    llm = OpenAILike(
        model="default", api_base=args.url, api_key="-", is_chat_model=True, temperature=0,
        context_window=4096, max_tokens=400, timeout=300,
    )  # fmt: skip
    engine = CitationQueryEngine.from_args(index, llm=llm, similarity_top_k=TOP_K)
    records = []
    for number, question in enumerate(questions, 1):
        started = time.perf_counter()
        response = engine.query(question.question)
        total = time.perf_counter() - started
        evidence = []
        for n, found in enumerate(response.source_nodes, 1):
            passage, source = passages[found.node.metadata["id"]]
            evidence.append(Evidence(n, passage, source, found.score or 0.0))
        answer = answer_of(question.question, str(response), evidence)
        judged = [] if answer.abstained else judge_answer(verifier, answer)
        records.append(
            {"answer": to_json(answer), "judged": judged, "first_claim": None, "total": total}
        )
        print(f"{number} of {len(questions)}", end="\r", flush=True)
    for row in metrics.rows(metrics.report(questions, records)):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
