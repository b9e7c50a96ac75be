"""What questions about documents say besides what the parser finds."""

from __future__ import annotations

import pytest

from service.catalogue.requests import asks_for_the_newest, topic_of


@pytest.mark.parametrize(
    ("phrase", "topic"),
    [
        ("tea", "tea"),
        ("tea in the library", "tea"),
        ("tea In This Collection", "tea"),
        ("tea here", "tea"),
        ("tea in here", "tea"),
        ("in the library", ""),
        ("here", ""),
        ("Wish You Were Here", "Wish You Were Here"),
        ("rooms in the old mill", "rooms in the old mill"),
        ("抹茶", "抹茶"),
        ("", ""),
    ],
)
def test_topic_is_what_a_list_is_about_without_its_place(phrase: str, topic: str) -> None:
    assert topic_of(phrase) == topic


@pytest.mark.parametrize(
    ("question", "newest"),
    [
        ("Which are the latest papers on 3D scenes?", True),
        ("newest files", True),
        ("最新の論文は？", True),
        ("最近追加した資料を見せて", True),
        ("List all the papers.", False),
        ("資料の一覧を見せて", False),
    ],
)
def test_newest_documents_come_first_where_asked_for(question: str, newest: bool) -> None:
    assert asks_for_the_newest(question) == newest
