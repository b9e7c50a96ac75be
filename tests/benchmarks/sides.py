"""Tenkyo and its peers behind one interface, as tests/benchmarks/peer.py runs them.

All sides have the same model and texts, and otherwise their own defaults; the model's prompts are
given in the way of each. Libraries are imported where they are used, since each is installed only
in the environment of its side.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

QUERY, PASSAGE = "query: ", "passage: "
ROOT = Path(__file__).parents[2]


class Side(Protocol):
    """A retriever to measure; ``__init__`` loads the model, and it may write in ``folder``."""

    def __init__(self, model: Path, folder: Path) -> None: ...
    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        """Index the texts, so that ``search`` finds them."""

    def save(self) -> None: ...
    def open(self) -> None: ...
    def search(self, question: str, k: int) -> Any: ...
    def positions(self, found: Any) -> list[int]:
        """Return the positions of what ``search`` returned; not part of the measured time."""


class Tenkyo:
    """Tenkyo: documents are stored in the database, embedded and indexed; the search is hybrid."""

    def __init__(self, model: Path, folder: Path) -> None:
        sys.path.insert(0, str(ROOT))
        from corpus.store.store import Store
        from index.inference.embedder import SentenceTransformerEmbedder
        from index.inference.model_registry import BUNDLED_EMBEDDER

        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder / "index"
        self.store = Store(f"sqlite:///{folder.resolve() / 'tenkyo.db'}")
        self.embedder = SentenceTransformerEmbedder(BUNDLED_EMBEDDER, model.parent)
        assert self.embedder.dim  # so that the model is loaded

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        from index.ingestion.report import IngestProgress
        from index.ingestion.sync import sync

        first = 0
        for texts in documents:
            self._put(first, texts)
            first += len(texts)
        sync(self.store, self.embedder, self.folder, IngestProgress())
        self.open()

    def _put(self, first: int, texts: Sequence[str]) -> None:
        """The source's id is the first text's position, and a text's page its place among them."""
        from corpus.types import Document, Passage, Source, passage_id, text_hash

        source, text = Source(str(first), f"https://example.org/{first}"), "\n\n".join(texts)
        version, passages, start = text_hash(text), [], 0
        for place, each in enumerate(texts):
            end = start + len(each)
            made = passage_id(source.id, version, start, end)
            passages.append(Passage(made, source.id, start, end, each, "", place))
            start = end + 2
        self.store.put(Document(source, text), passages)

    def save(self) -> None:
        pass  # sync has

    def open(self) -> None:
        from index.search import Library
        from index.storage.local_index import LiveIndex

        index = LiveIndex(self.folder, self.embedder.name)
        self.library = Library(self.store, index, self.embedder)
        assert len(index)  # so that it is read

    def search(self, question: str, k: int):
        return self.library.search(question, k)

    def positions(self, found) -> list[int]:
        return [int(hit.passage.source_id) + hit.passage.page for hit in found]


class Plain:
    """sentence-transformers with a flat FAISS index and nothing else."""

    def __init__(self, model: Path, folder: Path) -> None:
        from sentence_transformers import SentenceTransformer

        self.model, self.file = SentenceTransformer(str(model)), folder / "vectors.faiss"

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        import faiss

        vectors = self.model.encode(list(chain.from_iterable(documents)), prompt_name="passage")
        self.index = faiss.IndexFlatIP(vectors.shape[1])
        self.index.add(vectors)

    def save(self) -> None:
        import faiss

        faiss.write_index(self.index, str(self.file))

    def open(self) -> None:
        import faiss

        self.index = faiss.read_index(str(self.file))

    def search(self, question: str, k: int):
        return self.index.search(self.model.encode([question], prompt_name="query"), k)[1][0]

    def positions(self, found) -> list[int]:
        return found.tolist()


class LlamaIndex:
    """LlamaIndex: VectorStoreIndex with its in-memory vector store."""

    def __init__(self, model: Path, folder: Path) -> None:
        from llama_index.core import VectorStoreIndex
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding

        self.folder, self.kind = str(folder), VectorStoreIndex
        self.model = HuggingFaceEmbedding(
            model_name=str(model), query_instruction=QUERY, text_instruction=PASSAGE
        )

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        from llama_index.core.schema import TextNode

        texts = chain.from_iterable(documents)
        nodes = [TextNode(id_=str(n), text=text) for n, text in enumerate(texts)]
        self.index = self.kind(nodes, embed_model=self.model)

    def save(self) -> None:
        self.index.storage_context.persist(self.folder)

    def open(self) -> None:
        from llama_index.core import StorageContext, load_index_from_storage

        stored = StorageContext.from_defaults(persist_dir=self.folder)
        self.index = load_index_from_storage(stored, embed_model=self.model)

    def search(self, question: str, k: int):
        return self.index.as_retriever(similarity_top_k=k).retrieve(question)

    def positions(self, found) -> list[int]:
        return [int(each.node.node_id) for each in found]


class Txtai:
    """txtai: Embeddings with FAISS, its default."""

    def __init__(self, model: Path, folder: Path) -> None:
        from txtai import Embeddings

        self.folder = str(folder)
        given = {"path": str(model), "instructions": {"query": QUERY, "data": PASSAGE}}
        self.index = Embeddings(given, models={})  # where it keeps the model for ``open``

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        self.index.index(list(chain.from_iterable(documents)))

    def save(self) -> None:
        self.index.save(self.folder)

    def open(self) -> None:
        self.index.load(self.folder)

    def search(self, question: str, k: int):
        return self.index.search(question, k)

    def positions(self, found) -> list[int]:
        return [n for n, _ in found]


class Haystack:
    """Haystack: a pipeline of its embedder and the retriever of its in-memory document store."""

    def __init__(self, model: Path, folder: Path) -> None:
        from haystack.document_stores.in_memory import InMemoryDocumentStore
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersDocumentEmbedder,
        )

        self.file, self.kind = str(folder / "documents.json"), InMemoryDocumentStore
        self.given = {"model": str(model), "progress_bar": False}
        self.passages = SentenceTransformersDocumentEmbedder(prefix=PASSAGE, **self.given)
        self.passages.warm_up()  # the questions' embedder shares its model

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        from haystack import Document, Pipeline
        from haystack.components.writers import DocumentWriter

        store, pipeline = self.kind(), Pipeline()
        pipeline.add_component("embedder", self.passages)
        pipeline.add_component("writer", DocumentWriter(store))
        pipeline.connect("embedder", "writer")
        texts = chain.from_iterable(documents)
        made = [Document(id=str(n), content=text) for n, text in enumerate(texts)]
        pipeline.run({"embedder": {"documents": made}})
        self._over(store)

    def _over(self, store) -> None:
        from haystack import Pipeline
        from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
        from haystack_integrations.components.embedders.sentence_transformers import (
            SentenceTransformersTextEmbedder,
        )

        self.store, self.pipeline = store, Pipeline()
        questions = SentenceTransformersTextEmbedder(prefix=QUERY, **self.given)
        questions.warm_up()
        self.pipeline.add_component("embedder", questions)
        self.pipeline.add_component("retriever", InMemoryEmbeddingRetriever(store))
        self.pipeline.connect("embedder.embedding", "retriever.query_embedding")

    def save(self) -> None:
        self.store.save_to_disk(self.file)

    def open(self) -> None:
        self._over(self.kind.load_from_disk(self.file))

    def search(self, question: str, k: int):
        return self.pipeline.run({"embedder": {"text": question}, "retriever": {"top_k": k}})

    def positions(self, found) -> list[int]:
        return [int(document.id) for document in found["retriever"]["documents"]]


class LangChain:
    """LangChain: its FAISS vector store with its embeddings of sentence-transformers."""

    def __init__(self, model: Path, folder: Path) -> None:
        from langchain_community.vectorstores import FAISS
        from langchain_huggingface import HuggingFaceEmbeddings

        self.folder, self.kind = str(folder), FAISS
        self.model = HuggingFaceEmbeddings(
            model_name=str(model),
            encode_kwargs={"prompt": PASSAGE},
            query_encode_kwargs={"prompt": QUERY},
        )

    def ingest(self, documents: Sequence[Sequence[str]]) -> None:
        texts = list(chain.from_iterable(documents))
        self.index = self.kind.from_texts(
            texts, self.model, ids=[str(n) for n in range(len(texts))]
        )

    def save(self) -> None:
        self.index.save_local(self.folder)

    def open(self) -> None:
        given = {"allow_dangerous_deserialization": True}  # a pickle that we have written
        self.index = self.kind.load_local(self.folder, self.model, **given)

    def search(self, question: str, k: int):
        return self.index.similarity_search(question, k)

    def positions(self, found) -> list[int]:
        return [int(document.id) for document in found]


SIDES: dict[str, Callable[[Path, Path], Side]] = {
    "tenkyo": Tenkyo,
    "plain": Plain,
    "llamaindex": LlamaIndex,
    "txtai": Txtai,
    "haystack": Haystack,
    "langchain": LangChain,
}
