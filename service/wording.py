"""What Tenkyo itself says to a reader, in English and Japanese."""

from __future__ import annotations

from collections.abc import Sequence

_WORDS = {
    "declined": {
        "en": "The language model found no answer; these are the sources' own words.",
        "ja": "言語モデルは答えを見つけられませんでした。資料の文をそのまま示します。",
    },
    "none_held": {
        "en": "No sentence of the language model held; these are the sources' own words.",
        "ja": "言語モデルの文はどれも確かめられませんでした。資料の文をそのまま示します。",
    },
    "model_failed": {
        "en": "The language model failed ({0}); these are the sources' own words.",
        "ja": "言語モデルが使えません（{0}）。資料の文をそのまま示します。",
    },
    "cut_short": {
        "en": "The language model failed on the way ({0}); what was checked until then stands.",
        "ja": "言語モデルが途中で止まりました（{0}）。それまでに確かめた文だけを示します。",
    },
    "no_sources": {
        "en": "There are no sources to look in: run `tenkyo ingest` first.",
        "ja": "資料がありません。先に `tenkyo ingest` を実行してください。",
    },
    "nothing_answers": {
        "en": "Nothing in the sources answers this question. Nearest were {0}.",
        "ja": "この質問に答える記述は資料にありません。最も近かったのは{0}です。",
    },
    "not_mentioned": {
        "en": "No source speaks of it.",
        "ja": "資料に関係する記述がありません。",
    },
    "missing": {
        "en": "Its nearest source does not say “{0}”.",
        "ja": "最も近い資料に「{0}」がありません。",
    },
    "contradicted": {
        "en": "A source says otherwise: “{0}”",
        "ja": "資料の記述と食い違います: 「{0}」",
    },
    "partial": {
        "en": "The sources bear it only in part.",
        "ja": "資料が裏づけるのは一部だけです。",
    },
    "unsupported": {
        "en": "No source supports it.",
        "ja": "これを裏づける資料がありません。",
    },
}


def say(what: str, language: str, *values: object) -> str:
    """A sentence by its name, in ``en`` or ``ja``, with its values filled in."""
    return _WORDS[what][language].format(*values)


def nothing_answers(language: str, nearest: Sequence[str]) -> str:
    """Why there is no answer, naming the titles of what came nearest."""
    if not nearest:
        return say("no_sources", language)
    form, comma = ("「{}」", "、") if language == "ja" else ("“{}”", ", ")
    return say("nothing_answers", language, comma.join(form.format(t) for t in nearest))
