"""Fixtures of the tests of the catalogue."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.store.store import Store
from service.catalogue.snapshot import Catalogue, read_catalogue
from tests.support.catalogue_library import Put, put_papers, putter


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"sqlite:///{tmp_path / 'tenkyo.db'}")


@pytest.fixture
def put(store: Store) -> Put:
    return putter(store)


@pytest.fixture
def papers(store: Store, put: Put) -> Store:
    """A store with the documents of ``put_papers``."""
    put_papers(put)
    return store


@pytest.fixture
def catalogue(papers: Store) -> Catalogue:
    return read_catalogue(papers)
