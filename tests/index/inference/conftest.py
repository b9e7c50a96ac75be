"""Here the models themselves are tested: nothing is remembered."""

import pytest

from index.inference.embedder import SentenceTransformerEmbedder


@pytest.fixture(scope="session")
def embedder(bundled_embedder: SentenceTransformerEmbedder) -> SentenceTransformerEmbedder:
    """The embedder itself."""
    return bundled_embedder
