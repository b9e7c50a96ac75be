"""A calibration without which tests of readings would move with every fit."""

import pytest

from service.answering import reranking
from tests.support.readings import PLAIN


@pytest.fixture
def plain(monkeypatch):
    """Make parts as certain as the reader's log-odds say, and searches count as they are."""
    monkeypatch.setattr(reranking, "load_calibration", lambda: PLAIN)
