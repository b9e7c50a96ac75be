"""Messages to readers, in English and Japanese: why an answer is as it is, or is missing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_MESSAGES = {
    "declined": {
        "en": "The language model found no answer; these are the sources' own words.",
        "ja": "言語モデルは答えを見つけられませんでした。資料の文をそのまま示します。",
    },
    "none_held": {
        "en": "None of the language model's sentences could be confirmed; these are the sources'"
        " own words.",
        "ja": "言語モデルの文は、どれも裏づけられませんでした。資料の文をそのまま示します。",
    },
    "beside": {
        "en": "The language model may not have answered the whole question;"
        " the sources' own words are added.",
        "ja": "言語モデルの文だけでは答えきれていないようなので、資料の文をそのまま加えました。",
    },
    "stopped": {
        "en": "The language model wrote too much and was stopped here.",
        "ja": "言語モデルの文が長く続いたため、ここで打ち切りました。",
    },
    "empty": {
        "en": "The library is empty: add sources to it, then ask again.",
        "ja": "資料がまだありません。資料を追加してから、もう一度質問してください。",
    },
    "no_sources": {
        "en": "There is nothing to search: the sources asked for are not in the index yet.",
        "ja": "探せる文がありません。指定された資料はまだ索引に入っていません。",
    },
    "not_enough_evidence": {
        "en": "The sources touch on this, but do not say enough to answer it; the closest were"
        " {0}.",
        "ja": "資料はこの話題に触れていますが答えるには足りず、最も近かったのは{0}です。",
    },
    "outside_library": {
        "en": "The sources do not cover this topic; the closest were {0}.",
        "ja": "この質問の話題は資料の範囲になく、最も近かったのは{0}です。",
    },
    "outside_source": {
        "en": "The source you chose does not cover this topic.",
        "ja": "選んだ資料は、この質問とは別の話題を扱っています。",
    },
    "outside_sources": {
        "en": "The sources you chose do not cover this topic; the closest were {0}.",
        "ja": "この質問の話題は選んだ資料の範囲になく、最も近かったのは{0}です。",
    },
    "outside_collection": {
        "en": "The collection you chose does not cover this topic; the closest were {0}.",
        "ja": "この質問の話題は選んだコレクションの範囲になく、最も近かったのは{0}です。",
    },
    "outside_collections": {
        "en": "The collections you chose do not cover this topic; the closest were {0}.",
        "ja": "この質問の話題は選んだコレクションの範囲になく、最も近かったのは{0}です。",
    },
    "help_outside_scope": {
        "en": " You may find it by asking in the whole library.",
        "ja": "ライブラリ全体に質問すると、見つかるかもしれません。",
    },
    "empty_collection": {
        "en": "This collection has no sources yet; add some, or ask in the whole library.",
        "ja": "このコレクションにはまだ資料がありません。"
        "資料を追加するか、ライブラリ全体に質問してください。",
    },
    "empty_collections": {
        "en": "These collections have no sources yet; add some, or ask in the whole library.",
        "ja": "これらのコレクションにはまだ資料がありません。"
        "資料を追加するか、ライブラリ全体に質問してください。",
    },
    "false_premise": {
        "en": "The question assumes “{0}”, but a source says “{1}”: “{2}”"
        " Try asking without that assumption.",
        "ja": "質問は「{0}」を前提としていますが、資料には「{1}」とあります: 「{2}」"
        "この前提なしで質問し直してください。",
    },
    "premise_unsaid": {
        "en": "The question assumes that “{0}”. The passages found for it do not clearly say so,"
        " though they may say it in other words.",
        "ja": "質問は「{0}」を前提としていますが、見つかった文章からは、はっきり"
        "確かめられませんでした。別の言い方で述べられているかもしれません。",
    },
    "premise_contradicted": {
        "en": "The question assumes that “{0}”, but a source says otherwise: “{1}”",
        "ja": "質問は「{0}」を前提としていますが、資料の記述は異なります: 「{1}」",
    },
    "premise_doubted": {
        "en": "The question assumes that “{0}”, which no source here clearly says; the"
        " closest passages are shown.",
        "ja": "質問は「{0}」を前提としていますが、そうはっきり述べる資料がないため、最も近い文を"
        "示します。",
    },
    "part_unanswered": {
        "en": "This answers only part of the question; no source answers {0}.",
        "ja": "これは質問の一部だけへの答えです。{0}に答える資料はありません。",
    },
    "part_apart": {
        "en": "This answers only part of the question; ask {0} by itself.",
        "ja": "これは質問の一部だけへの答えです。{0}は別に質問してください。",
    },
    "nearest_shown": {
        "en": "No source clearly answers this; the closest passages are shown.",
        "ja": "はっきり答えている資料はないため、最も近い文を示します。",
    },
    "only_documents": {
        "en": "I only answer from the sources here, and this asks for something else."
        " Ask about what they say, or about the sources themselves.",
        "ja": "ここにある資料だけをもとに答えるため、この依頼には応じられません。"
        "資料の内容か、資料そのものについて質問してください。",
    },
    "unnamed": {
        "en": "No source here mentions {0}; the closest were {1}.",
        "ja": "{0}はここの資料に出てこず、最も近かったのは{1}です。",
    },
    "help_not_enough_evidence": {
        "en": " Adding a source that says more may help.",
        "ja": "それを述べた資料を追加すれば、答えられるかもしれません。",
    },
    "help_outside_library": {
        "en": " Adding a source about this topic may help.",
        "ja": "この話題の資料を追加すれば、答えられるかもしれません。",
    },
    "help_unnamed": {
        "en": " Check the spelling, or add a source about it.",
        "ja": "表記を確かめるか、それについての資料を追加してください。",
    },
    "help_unread": {
        "en": " Adding the original of {0} may help: the library has only a summary of it.",
        "ja": "要約しか読めていない{0}の原文を追加すれば、答えられるかもしれません。",
    },
    "not_mentioned": {
        "en": "No source mentions it.",
        "ja": "資料に関係する記述がありません。",
    },
    "says_nothing": {
        "en": "It states nothing that a source could support.",
        "ja": "資料で裏づけられるようなことを述べていません。",
    },
    "missing": {
        "en": "The closest source does not say “{0}”.",
        "ja": "最も近い資料に「{0}」がありません。",
    },
    "otherwise": {
        "en": "The source says “{1}”, not “{0}”.",
        "ja": "資料の記述と食い違います。「{0}」ではなく「{1}」です。",
    },
    "contradicted": {
        "en": "A source says otherwise: “{0}”",
        "ja": "資料の記述と食い違います: 「{0}」",
    },
    "partial": {
        "en": "The sources support it only in part.",
        "ja": "資料が裏づけるのは一部だけです。",
    },
    "missing_words": {
        "en": "The sources do not support “{0}”.",
        "ja": "「{0}」を裏づける資料がありません。",
    },
    "leans": {
        "en": "It builds on a sentence that was withheld.",
        "ja": "示さなかった文を前提としています。",
    },
    "too_long": {
        "en": "It is too long to be checked.",
        "ja": "長すぎて確かめられません。",
    },
    "repeats_itself": {
        "en": "It repeats itself and states nothing.",
        "ja": "同じ言葉の繰り返しで、何も述べていません。",
    },
    "unsupported": {
        "en": "No source supports it.",
        "ja": "これを裏づける資料がありません。",
    },
    "metadata_authors": {
        "en": "{0} was written by {1}.",
        "ja": "{0}の著者は{1}です。",
    },
    "metadata_published": {
        "en": "{0} is dated {1}.",
        "ja": "{0}の日付は{1}です。",
    },
    "metadata_venue": {
        "en": "The venue of {0} is {1}.",
        "ja": "{0}の掲載先は{1}です。",
    },
    "metadata_title": {
        "en": "The title is {1}.",
        "ja": "題名は{1}です。",
    },
    "metadata_licence": {
        "en": "The licence of {0} is {1}.",
        "ja": "{0}のライセンスは{1}です。",
    },
    "metadata_stated_licence": {
        "en": "{0} says of its licence: {1}",
        "ja": "{0}はライセンスについてこう述べています：{1}",
    },
    "metadata_pages": {
        "en": "{0} has {1} pages.",
        "ja": "{0}は{1}ページあります。",
    },
    "metadata_one_page": {
        "en": "{0} has one page.",
        "ja": "{0}は1ページです。",
    },
    "metadata_references": {
        "en": "{0} cites {1}.",
        "ja": "{0}は{1}を引用しています。",
    },
    "metadata_entry": {
        "en": "{0} has in its list of references: {1}",
        "ja": "{0}の参考文献：{1}",
    },
    "metadata_cited_by": {
        "en": "{0} is cited by {1}.",
        "ja": "{0}は{1}に引用されています。",
    },
    "metadata_listed": {
        "en": "The library has {0}{1}.",
        "ja": "資料に{0}{1}があります。",
    },
    "unknown_authors": {
        "en": "The catalogue does not say who wrote {0}: no author was found {1}.",
        "ja": "{0}の著者は書誌情報にありません（{1}見つかりませんでした）。",
    },
    "unknown_published": {
        "en": "The catalogue has no date for {0}: none was found {1}.",
        "ja": "{0}の日付は書誌情報にありません（{1}見つかりませんでした）。",
    },
    "unknown_venue": {
        "en": "The catalogue does not say where {0} was published: nothing was found {1}.",
        "ja": "{0}の掲載先は書誌情報にありません（{1}見つかりませんでした）。",
    },
    "unknown_title": {
        "en": "The catalogue has no title for {0}: none was found {1}.",
        "ja": "{0}の題名は書誌情報にありません（{1}見つかりませんでした）。",
    },
    "unknown_licence": {
        "en": "The catalogue has no licence for {0}: none was found {1}.",
        "ja": "{0}のライセンスは書誌情報にありません（{1}見つかりませんでした）。",
    },
    "unknown_pages": {
        "en": "{0} has no printed pages that could be counted.",
        "ja": "{0}には数えられるページがありません。",
    },
    "unknown_references": {
        "en": "{0} is not known to cite any other source in this library.",
        "ja": "{0}が引用している資料は、このライブラリには見つかりませんでした。",
    },
    "unknown_cited_by": {
        "en": "No other source in this library is known to cite {0}.",
        "ja": "{0}を引用している資料は、このライブラリには見つかりませんでした。",
    },
    "unknown_relation": {
        "en": "{0} is not known to cite {1}.",
        "ja": "{0}が{1}を引用しているかどうかは、ここからは分かりません。",
    },
    "on_first_page": {
        "en": "on its first page",
        "ja": "1ページ目に",
    },
    "in_file": {
        "en": "in what was read",
        "ja": "読み取った内容に",
    },
    "listed_some": {
        "en": "These are {0} of {1} sources.",
        "ja": "全{1}件のうち{0}件を示します。",
    },
    "listed_all": {
        "en": "Sources: {0}.",
        "ja": "資料は{0}件です。",
    },
    "listed_none": {
        "en": "No source in this library was found to be about “{0}”.",
        "ja": "「{0}」に関する資料は見つかりませんでした。",
    },
    "overview_abstract": {
        "en": "Without a language model: the first sentences of the abstract of {0}, word for"
        " word.",
        "ja": "言語モデルを使わず、{0}の概要の最初の文をそのまま示します。",
    },
    "overview_lead": {
        "en": "Without a language model: the first sentences of {0}, word for word.",
        "ja": "言語モデルを使わず、{0}の最初の文をそのまま示します。",
    },
    "overview_sections": {
        "en": "Without a language model: the first sentences of {0} and of some of its sections,"
        " word for word.",
        "ja": "言語モデルを使わず、{0}といくつかの節の最初の文をそのまま示します。",
    },
    "overview_side_by_side": {
        "en": "Without a language model to compare them: the first sentences of {0}, each word for"
        " word.",
        "ja": "言語モデルによる比較の代わりに、{0}の最初の文をそれぞれそのまま示します。",
    },
    "compared": {
        "en": "Without a language model to compare {0} and {1}: the closest sentences of the"
        " sources.",
        "ja": "言語モデルによる{0}と{1}の比較の代わりに、資料から最も近い文をそのまま示します。",
    },
    "overview_nothing": {
        "en": "{0} has no sentences that could be shown as a summary.",
        "ja": "{0}には要約として示せる文がありません。",
    },
    "guide": {
        "en": "This library has {0} sources, such as {1}. Ask about them in English or Japanese;"
        " each answer shows the sentences it is based on. You can also add sources of your own.",
        "ja": "このライブラリには{1}など{0}件の資料があります。日本語か英語で質問すると、"
        "根拠となる文とともに答えます。資料を追加すれば、それについても質問できます。",
    },
    "guide_one": {
        "en": "This library has one source, {0}. Ask about it in English or Japanese; each answer"
        " shows the sentences it is based on. You can also add sources of your own.",
        "ja": "このライブラリには{0}があります。日本語か英語で質問すると、"
        "根拠となる文とともに答えます。"
        "資料を追加すれば、それについても質問できます。",
    },
}


def reader_message(name: str, language: str, *values: object) -> str:
    """Return a message in ``en`` or ``ja``, with ``values`` filled in."""
    return _MESSAGES[name][language].format(*values)


def joined(sentences: Iterable[str], language: str) -> str:
    """Join those sentences that are not empty, as ``en`` or ``ja`` does."""
    return ("" if language == "ja" else " ").join(filter(None, sentences))


def list_titles(titles: Sequence[str], language: str, notes: Sequence[str] = ()) -> str:
    """Join titles in quotation marks, each followed by its note in brackets.

    Args:
        titles: The titles.
        language: ``en`` or ``ja``, whose punctuation is used.
        notes: A note for each title, empty for none; or no notes at all.
    """
    quoted, bracketed, comma = (
        ("「{}」", "（{}）", "、") if language == "ja" else ("“{}”", " ({})", ", ")
    )
    suffixes = [note and bracketed.format(note) for note in notes] or [""] * len(titles)
    return comma.join(quoted.format(t) + n for t, n in zip(titles, suffixes, strict=True))
