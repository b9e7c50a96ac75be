"""A calibration without which tests of readings would move with every fit."""

import pytest

from service.answering import question_reading
from tests.support.readings import PLAIN


@pytest.fixture
def plain(monkeypatch):
    """Make parts as certain as the reader's log-odds say, and searches count as they are."""
    monkeypatch.setattr(question_reading, "load_calibration", lambda: PLAIN)
