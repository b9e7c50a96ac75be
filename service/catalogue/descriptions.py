"""Recognition of a document by words of its title, such as "the Kado report".

Pure functions, no model. A description means a document if all its content words stand in the
title, the file name or another name of one work, and of no other.
"""

from __future__ import annotations

import re

from corpus.types import Source
from index.lexical.tokenizer import is_japanese
from service.catalogue.matching import folded_letters
from service.catalogue.snapshot import Catalogue
from service.text.alignment import content_words

WORK = (
    r"(?:papers?|articles?|works?|stud(?:y|ies)|documents?|sources?|texts?|files?|pdfs?|reports?"
    r"|books?|(?:blog )?posts?|blogs?|essays?|thes[ie]s|preprints?|slides|guides?|manuals?|readmes?"
    r"|(?:model )?cards?|reviews?|notes?|tutorials?|memos?|letters?|handbooks?|write-?ups?)"
)
WORK_JA = (
    r"(?:論文|記事|資料|文書|文献|文章|ドキュメント|ファイル|レポート|報告書|本|ブログ|投稿|説明書"
    r"|マニュアル|手引き?|ガイド|書評|レビュー|メモ|カード)"
)
# What a description says besides what its document is about.
_NOUNS = re.compile(
    rf"\b(?:{WORK}|ones?|my|your|our|their|latest|newest|recent|new|old|short|long|whole|entire)\b"
    rf"|(?:についての?|に関する|を扱った|の)?(?:書いた)?{WORK_JA}$",
    re.IGNORECASE,
)


def titled_source(description: str, catalogue: Catalogue, language: str) -> Source | None:
    """Find the source that a description means by its title; None if none or several may be meant.

    Args:
        description: What a question calls the document.
        catalogue: The sources that may be meant.
        language: That of the text that is preferred, if the work has several.
    """
    for wanted in (description, _NOUNS.sub(" ", description)):  # a guide may be called one
        if found := _texts_of_one_work(wanted, catalogue):
            return min(found, key=lambda s: (s.language != language, s.kind == "digest"))
    return None


def _texts_of_one_work(wanted: str, catalogue: Catalogue) -> list[Source]:
    """Return the texts of the only work whose names have every content word; else nothing."""
    words, letters = {word.text for word in content_words(wanted)}, folded_letters(wanted)
    whole = is_japanese(wanted) and len(letters) > 1
    if not whole and not any(len(word) > 1 for word in words):
        return []
    found = [
        source
        for source, known in catalogue.name_words
        if (whole and letters in known.letters) or (words and all(map(known.has, words)))
    ]
    return found if len({source.work_key for source in found}) == 1 else []
