"""What a question says of the work that it is about."""

from __future__ import annotations

import pytest

from service.catalogue.requests import description, speaks_of_a_document


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("who wrote the paper on amber lamps in wards?", "amber lamps in wards"),
        ("Summarise the obituary of the bell founder", "obituary of the bell founder"),
        ("When was the manual for village pumps published?", "manual for village pumps"),
        ("雪の日のバスの論文、著者は？", "雪の日のバス"),
        ("鐘を作った女性の追悼文を書いたのは誰ですか", "鐘を作った女性の追悼文"),
        ("古い地図の記事を要約してください", "古い地図"),
        ("Who wrote the paper?", ""),
        ("この論文の著者は誰ですか？", ""),
        ("who wrote the letters", ""),  # which says only what sort of work it is
    ],
)
def test_description_is_question_without_words_of_request(question: str, said: str) -> None:
    assert description(question) == said


def test_document_is_spoken_of_by_word_for_some_sort_of_it() -> None:
    for question in ("Who wrote the obituary?", "追悼文を書いたのは誰", "the release notes of May"):
        assert speaks_of_a_document(question)
    assert not speaks_of_a_document("Who wrote the carols in the programme?")
