"""The stream parser: sentences, every notation of a marker, any chunk boundaries."""

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.types import Passage, Source
from service.generation.citation_parser import (
    LONGEST_SENTENCE,
    SentenceParser,
    resolve_author_years,
)
from service.types import Draft, Evidence


def parse(chunks):
    parser = SentenceParser()
    done = [draft for chunk in chunks for draft in parser.feed(chunk)]
    return done + parser.finish()


def pairs(text):
    return [(d.text, d.labels) for d in parse([text])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It holds maps [1]. They moved [2][3].",
            [("It holds maps.", (1,)), ("They moved.", (2, 3))],
        ),
        (
            "It holds maps.[1] They moved. [2, 3]",
            [("It holds maps.", (1,)), ("They moved.", (2, 3))],
        ),
        ("地図がある [1]。東館だ。【2】", [("地図がある。", (1,)), ("東館だ。", (2,))]),
        ("地図がある［1、3］。", [("地図がある。", (1, 3))]),
        ("「来た。見た。」と言った[1]。", [("「来た。見た。」と言った。", (1,))]),
        ("It is 3.5 M.[1] Next one.", [("It is 3.5 M.", (1,)), ("Next one.", ())]),
        (
            "See Dr. Smith et al. for e.g. this [1].",
            [("See Dr. Smith et al. for e.g. this.", (1,))],
        ),
        ("One [Source 3]. Two [sources 1 and 2].", [("One.", (3,)), ("Two.", (1, 2))]),
        ("- First [1]\n- Second [2]\n", [("First", (1,)), ("Second", (2,))]),
        ("1. First [1]\n2. Second [2]", [("First", (1,)), ("Second", (2,))]),
        ("First.\n[1]\nSecond.\n[2]", [("First.", (1,)), ("Second.", (2,))]),
        ("In [2022] and x[i] it was `a[1]`.", [("In [2022] and x[i] it was `a[1]`.", ())]),
        ("**Bold** claim [1].", [("Bold claim.", (1,))]),
        ("An open bracket [", [("An open bracket [", ())]),
        ("Twice [1][1].", [("Twice.", (1,))]),
        ("One.¹,² Two.", [("One.", (1, 2)), ("Two.", ())]),
        ("[1]", []),
        ("", []),
    ],
)
def test_sentences_with_their_labels(text, expected):
    assert pairs(text) == expected


@pytest.mark.parametrize(
    ("marker", "labels"),
    [
        ("[1]", (1,)),
        ("[1, 4]", (1, 4)),
        ("[1][4]", (1, 4)),
        ("[1] [4]", (1, 4)),
        ("[1], [4]", (1, 4)),
        ("[1-3]", (1, 2, 3)),
        ("[1–3, 5]", (1, 2, 3, 5)),
        ("【2】", (2,)),
        ("［３］", (3,)),
        ("【1†source】", (1,)),
        ("[Source 3]", (3,)),
        ("[source: 3]", (3,)),
        ("[Sources 1 and 2]", (1, 2)),
        ("[資料2]", (2,)),
        ("[出典 2、4]", (2, 4)),
        ("[^1]", (1,)),
        ("[^1^]", (1,)),
        ("[#2]", (2,)),
        ("[ID:1]", (1,)),
        ("[see 2]", (2,)),
        ("[[1]]", (1,)),
        ("(Source 3)", (3,)),
        ("(see source 2)", (2,)),
        ("(sources 1, 2)", (1, 2)),
        ("(see [1] and [2])", (1, 2)),
        ("([1])", (1,)),
        ("（資料3）", (3,)),
        ("(資料1、2)", (1, 2)),
        ("（資料3より）", (3,)),
        ("[1](http://example.org/a_(b)?c=1)", (1,)),
        ("[[1]](https://example.org)", (1,)),
        ('[2](https://example.org "Its title")', (2,)),
        ("[1](#ref)", (1,)),
        ("[evidence 1]", (1,)),
        ("[Article 2]", (2,)),
        ("[記事2]", (2,)),
        ("[1, p. 5]", (1,)),
        ("[1, § 3]", (1,)),
        ("[1; 2]", (1, 2)),
        ("[1 & 2]", (1, 2)),
        ("[資料1と3]", (1, 3)),
        ("[1参照]", (1,)),
        ("(from source 2)", (2,)),
        ("（資料2による）", (2,)),
        ("（詳しくは資料2を参照）", (2,)),
        ("[\u200b1]", (1,)),
        ("[\u200e1\u200c]", (1,)),
        ("\u202a[1]\u202c", (1,)),
        ("[\x001]", (1,)),
    ],
)
def test_every_marker_notation_is_recognised(marker, labels):
    """Before and after the full stop, at the start of a line and of the answer, in two languages."""
    assert pairs(f"It moved {marker}. It stayed.") == [("It moved.", labels), ("It stayed.", ())]
    assert pairs(f"It moved. {marker} It stayed.") == [("It moved.", labels), ("It stayed.", ())]
    assert pairs(f"地図が移った{marker}。東館だ。") == [
        ("地図が移った。", labels),
        ("東館だ。", ()),
    ]
    assert pairs(f"地図が移った。{marker}東館だ。") == [
        ("地図が移った。", labels),
        ("東館だ。", ()),
    ]
    assert pairs(f"{marker} It moved.\n{marker} It stayed.") == [
        ("It moved.", labels),
        ("It stayed.", labels),
    ]
    assert pairs(f"- {marker} It moved.\r\n- {marker} It stayed.\r\n") == [
        ("It moved.", labels),
        ("It stayed.", labels),
    ]
    assert pairs(f"It moved.\n{marker}\nIt stayed.\n{marker}") == [
        ("It moved.", labels),
        ("It stayed.", labels),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1] It moved. [2] It stayed.", [("It moved.", (1,)), ("It stayed.", (2,))]),
        ("[1] It moved.[2] It stayed.", [("It moved.", (1, 2)), ("It stayed.", ())]),
        ("1. [1] It moved.\n2. [2] It stayed.", [("It moved.", (1,)), ("It stayed.", (2,))]),
        ("[1]\nIt moved.", [("It moved.", (1,))]),
        ("Maps [1], prints [2] and books moved.", [("Maps, prints and books moved.", (1, 2))]),
        ("Both [1] and [2] moved.", [("Both moved.", (1, 2))]),
        ("Dr. A. Smith came [1]. He left.", [("Dr. A. Smith came.", (1,)), ("He left.", ())]),
        ("It moved.¹ It stayed.²³", [("It moved.", (1,)), ("It stayed.", (2, 3))]),
        ("地図がある¹。", [("地図がある。", (1,))]),
        ("It`s a slip [1]. It stayed [2].", [("It`s a slip.", (1,)), ("It stayed.", (2,))]),
        ("```\ny = f[1]\n```\nIt moved [1].", [("y = f[1]", ()), ("It moved.", (1,))]),
        ("It is [1]: https://example.org.", []),
        ("It moved *[1]*. It stayed **[2]**.", [("It moved.", (1,)), ("It stayed.", (2,))]),
        ("It moved [1], [2], and [3].", [("It moved.", (1, 2, 3))]),
        ("It moved [1]-[3]. It stayed.", [("It moved.", (1, 2, 3)), ("It stayed.", ())]),
        ("It moved [[1], [2]]. It stayed.", [("It moved.", (1, 2)), ("It stayed.", ())]),
        ("It moved<sup>[1]</sup>. It stayed.", [("It moved.", (1,)), ("It stayed.", ())]),
        ("地図が移った[1]〜[3]。", [("地図が移った。", (1, 2, 3))]),
        ("Mori et al. [1], Kim and Tay moved it.", [("Mori et al., Kim and Tay moved it.", (1,))]),
    ],
)
def test_marker_belongs_to_the_right_sentence(text, expected):
    assert pairs(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "In [2022] and [680,000] and [100] and [0].",
        "Pages [1-30] and [3-1].",
        "The first is arr[0], then arr[1].",
        "The next is x[12].",
        "The last is my_list[3].",
        "変数x[12]を見る。",
        "Use `x = words[1]` for that.",
        "Use ``a `b` [1]`` for that.",
        "It is so [sic] and [see below].",
        "It is so (1) and (2) or (see below).",
        "It moved (in 2022) and (2022).",
        "An area of 40 m² and 10³ maps, a loss² and words³.",
        "An open source 3D engine and resource 3.",
        "資料20点を収蔵する。",
        "資料2点がある。",
        "It is based on article 1 of the law, in text 3 and on page 2.",
        "It moved (from 2 to 3).",
        "[Kanda](https://example.org) moved.",
    ],
)
def test_text_that_is_not_a_marker_is_kept(text):
    assert pairs(text) == [(text, ())]


@pytest.mark.parametrize(
    "word", ["word", "NeRF", "CO2", "GPT-4", "it's", "(NeRF)", "**bold**", "2022"]
)
def test_marker_needs_no_space_before_it(word):
    assert pairs(f"This is {word}[1].") == [(f"This is {word}.".replace("**", ""), (1,))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It moved. Source 5 provides this information.", [("It moved.", (5,))]),
        (
            "It moved. This is stated in source 2 [2]. It is so.",
            [("It moved.", (2,)), ("It is so.", ())],
        ),
        ("It moved [1]. Source 5 provides this information.", [("It moved.", (1,))]),
        ("Source 5 provides this information. It moved.", [("It moved.", (5,))]),
        ("It moved.\n\nSources: [1], [2]", [("It moved.", (1, 2))]),
        ("It moved.\nSources:\n[1]\n[2]\n", [("It moved.", (1, 2))]),
        ("地図がある。これは資料2に基づいています。", [("地図がある。", (2,))]),
        ("地図がある。出典：[1]、[2]", [("地図がある。", (1, 2))]),
        ("Based on source 2:\n- It moved.", [("It moved.", (2,))]),
        ("According to [2], the maps moved.", [("The maps moved.", (2,))]),
        ("According to the source 2, iPhones moved.", [("iPhones moved.", (2,))]),
        ("According to sources 1, 2 and 3, it moved.", [("It moved.", (1, 2, 3))]),
        ("According to source 2, 3 maps moved.", [("3 maps moved.", (2,))]),
        ("In source 2, it is said to move.", [("It is said to move.", (2,))]),
        ("As stated in [2] and [3], it moved.", [("It moved.", (2, 3))]),
        ("Source 2 states that it moved.", [("It moved.", (2,))]),
        ("Source [2] says that it moved.", [("It moved.", (2,))]),
        ("Source 2: It moved.", [("It moved.", (2,))]),
        ("It moved, according to source 2.", [("It moved.", (2,))]),
        ("It moved, as stated in [2], and stayed.", [("It moved, and stayed.", (2,))]),
        ("The maps are described in [2].", [("The maps are described.", (2,))]),
        ("資料2によると、地図がある。", [("地図がある。", (2,))]),
        ("資料2と4によれば地図がある。", [("地図がある。", (2, 4))]),
        ("【2】では、地図がある。", [("地図がある。", (2,))]),
        ("資料2は、地図があると述べている。", [("地図がある。", (2,))]),
        ("地図は移されたと資料2に記載されています。", [("地図は移された。", (2,))]),
        ("Source 2 is older than source 3.", [("Source 2 is older than source 3.", (2, 3))]),
    ],
)
def test_phrases_that_only_name_sources_are_removed(text, expected):
    assert pairs(text) == expected


def shown(*sources):
    return tuple(
        Evidence(n, Passage(f"{n:016}", source.id, 0, len(text), text), source, 1.0)
        for n, (source, text) in enumerate(sources, 1)
    )


RADFORD = Source("whisper", "", authors=("Alec Radford", "Jong Wook Kim"), published="2022-12-06")
TAY = Source("tay", "", authors=("Yi Tay",), published="2022")
HONDA = Source("honda", "", authors=("本田志温",), published="2022-01-17")
DUERR = Source("gt", "", authors=("Peter Dürr", "Stability AI"))
WORKS = shown(
    (RADFORD, "Whisper is big."), (TAY, "It beats its rival (Smith et al., 2019)."), (HONDA, "大きい。"), (DUERR, "Gran Turismo.")
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected", "labels"),
    [
        ("It is big (Radford et al., 2022).", "It is big.", (1,)),
        ("It is big (RADFORD & Kim, 2022).", "It is big.", (1,)),
        ("It is big (Radford, 2022; Tay, 2022).", "It is big.", (1, 2)),
        ("It is big. (Tay 2022) It is so.", "It is big.", (2,)),
        ("It is big [Radford et al., 2022].", "It is big.", (1,)),
        ("It is big (Tay, 2022 [1]).", "It is big.", (1, 2)),
        ("大きい（本田, 2022）。", "大きい。", (3,)),
        ("大きい（本田ら、2022年）。", "大きい。", (3,)),
        ("It is big (Durr, 2023).", "It is big.", (4,)),
        ("It is big (Stability AI, 2022).", "It is big.", (4,)),
        ("Radford et al. (2022) made it.", "Radford et al. (2022) made it.", (1,)),
        ("In Tay (2022) it is made.", "In Tay (2022) it is made.", (2,)),
        ("本田（2022）が作った。", "本田（2022）が作った。", (3,)),
        ("The game (Atari, 2013) is big (Tay, 2022).", "The game (Atari, 2013) is big.", (2,)),
        ("(Atari, 2013) The game is big.", "(Atari, 2013) The game is big.", ()),
        ("It is big (in 2022).", "It is big (in 2022).", ()),
        ("It is big (Radford, 2019).", "It is big (Radford, 2019).", ()),
        ("It is big (Nobody et al., 2022).", "It is big.", ()),
        ("It beats it (Smith et al., 2019).", "It beats it (Smith et al., 2019).", ()),
        ("Nobody et al. (2022) made it.", "Nobody et al. (2022) made it.", ()),
    ],
)
def test_author_years_become_labels_or_stay_text(text, expected, labels):
    draft = resolve_author_years(parse([text])[0], WORKS)
    assert (draft.text, draft.labels) == (expected, labels)
    assert resolve_author_years(draft, WORKS) == draft and not draft.named and not draft.asides


def test_draft_keeps_removed_citations():
    (draft,) = parse(["A game (Atari, 2013) beats it (Tay, 2022; Kim, 2021)."])
    assert draft.named == (("Atari", "2013"), ("Tay", "2022"), ("Kim", "2021"))
    assert draft.text == "A game beats it."
    assert draft.asides == ((6, " (Atari, 2013)"), (15, " (Tay, 2022; Kim, 2021)"))
    assert resolve_author_years(draft, ()).text == "A game (Atari, 2013) beats it."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It moved [1", [("It moved", ())]),
        ("It moved [Source 1, ", [("It moved", ())]),
        ("It moved [1](https://exa", [("It moved", (1,))]),
        ("It moved (see source 2", [("It moved (see source 2", (2,))]),
        ("It moved. (see sou", [("It moved.", ()), ("(see sou", ())]),
        ("It moved [sou", [("It moved [sou", ())]),
    ],
)
def test_stream_that_ends_inside_a_marker(text, expected):
    assert pairs(text) == expected


def test_invisible_and_invalid_characters_are_removed():
    assert pairs("Half \ud83d and\x00 \ud83d\ude00\x1b \ufeff[1]\ud83d.\r\nNext\u2028") == [
        ("Half and 😀.", (1,)),
        ("Next", ()),
    ]
    assert [d.text for d in parse(["So \ud83d", "\x00", "\ude00 it", "\ud83d"])] == ["So 😀 it"]


def test_endless_sentence_is_cut_off():
    (draft,) = parse(["word " * 40_000])
    assert 0 < len(draft.text) <= LONGEST_SENTENCE
    first, last = parse(["語" * 200_000 + "[1]。東館だ[2]。"])
    assert (len(first.text), last) == (LONGEST_SENTENCE, Draft("東館だ。", (2,)))


def test_endless_sentence_uses_bounded_memory():
    parser = SentenceParser()
    for _ in range(2000):
        done = parser.feed("It moved to the east wing [1]. ")
        assert len(done) <= 1 and len(parser._text) < 100
    assert len(parser.finish()) == 1


def test_cited_sentence_is_returned_at_once():
    parser = SentenceParser()
    assert [d.text for d in parser.feed("It moved [1]. I")] == ["It moved."]
    assert parser.feed("t stayed. This") == []
    assert parser.finish() == [Draft("It stayed."), Draft("This")]


PIECES = st.sampled_from(
    ["[", "]", "【", "】", "1", "23", ", ", "Source ", ". ", "。", "！", "\n", "```", "`", "A b", "語",
     "「", "」", "e.g. ", "Dr. ", "3.5", " ", "[1]", "[2, 3]", "?", '"', "*"]
)  # fmt: skip


ODD_PIECES = st.one_of(
    PIECES,
    st.sampled_from(
        ["(", ")", "（資料", "）", "] ", "](http://a.b/(c)", "Source 2", "According to ", "states that ", "によると、",
         "(Mori et al., 2022", "; Tay, 2022)", " (2022) ", "¹", "²", "\x00", "\u200b", "\u202e", "\ud83d", "\ude00", "\r\n",
         "\u2028", "This is from ", "Sources:", "1-3", "†", "[^", "- ", "[[", "]]", "**", "arr", "x", "と", ", and "]
    ),
    st.characters(),
)  # fmt: skip


@given(st.lists(ODD_PIECES, max_size=30).map("".join), st.data())
@example("It is so [1", None)
@example("A [1].\n\n[2] B", None)
def test_chunk_boundaries_do_not_change_the_result(text, data):
    whole = parse([text])
    assert parse(list(text)) == whole
    if data is not None:
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
        edges = [0, *cuts, len(text)]
        assert parse([text[a:b] for a, b in pairwise(edges)]) == whole


@given(st.lists(ODD_PIECES, max_size=30).map("".join))
@example("A [1]. B [2]")
def test_likely_does_not_change_the_parser(text):
    parser, drafts = SentenceParser(), []
    for char in text:
        drafts += parser.feed(char)
        parser.likely()
    assert drafts + parser.finish() == parse([text])


@pytest.mark.parametrize(
    ("text", "likely"),
    [
        ("It has 40,000 maps [2].", [Draft("It has 40,000 maps.", (2,))]),
        ("It has 40,000 maps. [2]", [Draft("It has 40,000 maps.", (2,))]),
        ("地図は4万枚ある [2]。", [Draft("地図は4万枚ある。", (2,))]),
        ("It has 40,000 maps [2", []),
        ("It has 40,000 maps [2]", []),
        ("It has 40,000 maps.", []),  # a marker may come
        ("It has 3.", []),
        ("", []),
    ],
)
def test_sentence_is_likely_complete_after_stop_and_marker(text, likely):
    parser = SentenceParser()
    assert parser.feed(text) == [] and parser.likely() == likely


@given(st.lists(PIECES, max_size=30).map("".join))
def test_no_letter_is_lost_and_no_label_invented(text):
    drafts = parse([text])
    assert all(isinstance(d, Draft) and any(c.isalnum() for c in d.text) for d in drafts)
    assert all(str(label) in text for d in drafts for label in d.labels)
    assert "".join(text.split()).count("語") == sum(d.text.count("語") for d in drafts)


@given(st.lists(ODD_PIECES, max_size=30).map("".join))
@example("`[1]````[2]``a`")
def test_output_text_was_in_the_input(text):
    """Without spaces, and but for a capital letter, the text is a subsequence of the stream."""
    fed = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore").casefold()
    whole = "".join(restored(draft) for draft in parse([text]))
    there = iter(fed)
    assert all(c in there for c in "".join(whole.split()).casefold())
    assert not set(map(ord, whole)) & {*range(32), *range(0xD800, 0xE000), 0x200B, 0x202E}


def restored(draft):
    text = draft.text
    for at, aside in reversed(draft.asides):
        text = text[:at] + aside + text[at:]
    return text


@pytest.mark.parametrize(
    "unit",
    ["[", "(", "[1[1[1", "【", "[(", "[1](", "[1](http://(", "[ [1] ", "[1] ", "a.", "語。", "「", "word ", "``a`", "\n[1]",
     ". (Mori, 2022; ", "(A 他ら", "Mori (2022) ", "ref#1,", "according to source 1 ", "資料1は、と", "これ", "\ud83d", "a. ²"],
)  # fmt: skip
def test_parsing_time_grows_linearly(unit):
    def seconds(n):
        text = unit * (n // len(unit))
        start = time.process_time()
        parse([text])
        return time.process_time() - start

    short = min(seconds(20_000) for _ in range(3))
    assert seconds(200_000) < 25 * max(short, 0.02)
