"""The stream parser: turns a model's text into sentences with the labels that each cites.

A push parser: it keeps no more than the sentence at hand, one bracket that may turn out to
be a marker, and at most one finished sentence that has no marker yet; it gives the same
sentences however the text was cut into chunks, in time that grows with the text. What
counts as a marker is in ``service/generation/citation_markers.py``, what names an author in
``service/generation/author_year.py``.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from corpus.text.sentences import ends_with_abbreviation
from service.generation import author_year, citation_markers
from service.types import Draft, Evidence

LONGEST_SENTENCE = 2000  # characters; the rest of a sentence that goes on and on is dropped
_LONGEST_BRACKET = 200  # characters in one that may be a marker; more than that is text
_LONGEST_LINK = 600  # the same, of a Markdown link's address
_LONGEST_PHRASE = 100  # of a sentence that only names sources
_OPEN, _CLOSE = frozenset("[［【"), frozenset("]］】")
_ROUND_OPEN, _ROUND_CLOSE = frozenset("(（"), frozenset(")）")
_STOPS = frozenset("。！？!?．｡")
_CLOSERS = frozenset("」』）】〉》”’\"')]*`")
_SEPARATORS = frozenset(",、，;；・")  # between markers
_NESTING = {"「": 1, "『": 1, "（": 1, "(": 1, "」": -1, "』": -1, "）": -1, ")": -1}
_RAISED = {"¹": 1, "²": 2, "³": 3} | dict(zip("⁴⁵⁶⁷⁸⁹", range(4, 10), strict=True))
_HIRAGANA = re.compile(r"[\u3041-\u3096]")
_PAGE = re.compile(r"\bpp?\.$")
_BREAKS = re.compile(r"[\r\x0b\x0c\x85\u2028\u2029]")
# What no sentence needs: controls, noncharacters, and invisible characters that would keep a
# quote from being found or turn the direction of what is shown.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0e-\x1f\x7f-\x9f\xad\u200b\u202a-\u202e\u2060-\u2069\ufeff\ufdd0-\ufdef\ufffe\uffff]"
)
_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass
class SentenceParser:
    """A parser to ``feed`` with text as it comes; ``finish`` returns the last sentence.

    Markers are ``[1]``, ``[1, 2]``, ``[1-3]``, ``【1】``, ``[Source 3]``, ``(see source 3)``,
    ``（資料3）``, ``[1](http://…)`` and their like. They belong to the sentence that they stand
    in or follow, and at the start of a line to the one that they stand before. A sentence
    that only names sources ("Source 5 provides this information.") gives its labels to the
    one before it. Numbers in other brackets, and markers inside code, are text; so are raised
    digits, unless behind a stop or hiragana, where no m² can stand. Author-year citations are
    taken out into ``Draft.asides``; ``resolve_author_years`` decides about them.
    """

    _text: list[str] = field(default_factory=list)  # of the sentence at hand, a marker is one item
    _size: int = 0  # characters of it
    _worded: bool = False  # it has a letter or a digit
    _recent: str = ""  # its last characters, up to a stop, also beyond LONGEST_SENTENCE
    _held: str = ""  # an open bracket and what followed it, while it may be a marker
    _ended: bool = False  # a stop has been seen; markers and closing quotes may follow
    _line_ended: bool = False  # a line break has been seen, which ends any sentence
    _spaced: bool = False  # white space or a marker has been seen since then
    _marked: bool = False  # a marker has been seen since then
    _led: bool = False  # the line began with a marker: so may its next sentences
    _lead: int | None = None  # from here on, items of _text may belong to the next sentence
    _depth: int = 0  # of quotes and round brackets
    _ticks: int = 0  # backticks just seen
    _span: bool = False  # in a code span
    _fence: bool = False  # in a code block
    _half: str = ""  # the first half of a character, at the end of a chunk
    _waiting: Draft | None = None  # a finished sentence without a marker: the next may name one
    _begun: bool = False  # there has been a sentence
    _ahead: tuple[int, ...] = ()  # labels for the next sentence

    def feed(self, chunk: str) -> list[Draft]:
        """Take more text, and return the sentences that are complete now."""
        done: list[Draft] = []
        for char in self._clean(chunk):
            self._take(char, done)
        return done

    def finish(self) -> list[Draft]:
        """Return the last sentence; a marker that the stream broke off is dropped."""
        done: list[Draft] = []
        if citation_markers.half_marker(self._held) or self._opens_link():
            self._held = ""
        while self._held:
            self._release(done)
        self._lead = None
        self._emit(done)
        self._pass_on(done)
        return done

    def likely(self) -> list[Draft]:
        """Return what ``finish`` would return now, where the sentence at hand seems to be over.

        Its stop and a marker have come, and only the next letter can tell that no more belongs to
        it.
        """
        *_, before, last = ("", "", *self._text)
        marked = last[:1] == "\x02" or (before[:1] == "\x02" and (last in _STOPS or last == "."))
        return copy.deepcopy(self).finish() if self._ended and marked and not self._held else []

    @property
    def unfinished(self) -> list[str]:
        """The sentences that are not complete yet, without markers; the last may go on."""
        at_hand = citation_markers.parse_sentence("".join(self._text), self._fence).text
        waiting = self._waiting.text if self._waiting else ""
        return [text for text in (waiting, at_hand) if any(map(str.isalnum, text))]

    def _clean(self, chunk: str) -> str:
        """Without what cannot be seen; surrogates that belong together are put together."""
        chunk = self._half + _UNSEEN.sub("", _BREAKS.sub("\n", chunk))
        self._half = ""
        if _SURROGATE.search(chunk):
            if "\ud800" <= chunk[-1] <= "\udbff":
                chunk, self._half = chunk[:-1], chunk[-1]
            chunk = chunk.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
        return chunk

    def _take(self, char: str, done: list[Draft]) -> None:
        if self._held:
            self._in_bracket(char, done)
            return
        if char != "`":
            self._end_ticks()
        if self._span or self._fence:
            self._plain(char, done)
        elif (
            char in _OPEN and not (char == "[" and citation_markers.is_index(self._before()))
        ) or (char in _ROUND_OPEN and (self._ended or self._behind_marker())):
            self._held = char
        elif char in _RAISED and self._may_be_raised():
            self._attach(citation_markers.encode_marker((_RAISED[char],)))
        else:
            self._plain(char, done)

    def _end_ticks(self) -> None:
        """Backticks are over: one or two open or close a code span, more a block."""
        if self._ticks >= 3 and not self._span:
            self._fence = not self._fence
            if not "".join(self._text).strip("` "):
                self._text, self._size = [], 0
        elif self._ticks and not self._fence:
            self._span = not self._span
        self._ticks = 0

    def _behind_marker(self) -> bool:
        return bool(self._text) and self._text[-1][0] == "\x02"

    def _stop_behind_marker(self) -> bool:
        return len(self._text) > 1 and self._text[-1] in ".!?" and self._text[-2][0] == "\x02"

    def _before(self) -> str:
        """What stands directly before the next character; after a stop that is no word."""
        return "" if self._ended or self._behind_marker() else self._recent

    def _may_be_raised(self) -> bool:
        if self._ended:
            listed = len(self._text) > 1 and self._text[-1] in _SEPARATORS
            listed = listed and self._text[-2][0] == "\x02"  # ¹,²
            return not self._spaced or self._behind_marker() or listed
        return self._behind_marker() or bool(_HIRAGANA.match(self._recent[-1:]))

    def _opens_link(self) -> bool:
        return self._behind_marker() and citation_markers.opens_link(self._held)

    def _in_bracket(self, char: str, done: list[Draft]) -> None:
        round_one = self._held[0] in _ROUND_OPEN
        link = round_one and self._opens_link()
        if char in (_ROUND_CLOSE if round_one else _CLOSE):
            if link and self._held.count("(") > self._held.count(")") + 1:
                self._held += char
            else:
                self._close(char, done)
        elif self._held == char == "[":
            self._held = "[["
        elif (
            char == "\n"
            or (not round_one and self._held[-1] == "]")
            or (not link and char in (_ROUND_OPEN if round_one else _OPEN))
            or len(self._held) > (_LONGEST_LINK if link else _LONGEST_BRACKET)
        ):
            while self._held:
                self._release(done)
            self._take(char, done)
        else:
            self._held += char

    def _close(self, char: str, done: list[Draft]) -> None:
        whole, item = self._held + char, ""
        if whole.startswith("[[") and not whole.endswith("]]"):
            self._held = whole
            return
        if whole[0] in _OPEN:
            labels = citation_markers.square(whole[1:-1].removeprefix("[").removesuffix("]"))
            item = citation_markers.encode_marker(labels) if labels else ""
        elif self._behind_marker() and citation_markers.is_link(whole):
            self._held = ""
            return
        if not item and (self._ended or self._behind_marker()):
            item = citation_markers.citation(whole)
        if item:
            self._held = ""
            self._attach(item)
            return
        while self._held:
            self._release(done)
        self._take(char, done)

    def _release(self, done: list[Draft]) -> None:
        """What was held back as a marker is text after all, save what stands inside it."""
        held, self._held = self._held, ""
        self._plain(held[0], done)
        for char in held[1:]:
            self._take(char, done)

    def _attach(self, item: str) -> None:
        """Put a citation where it stands; behind a sentence, it may yet be the next one's."""
        if not self._worded:
            self._led = True
        elif (
            self._ended
            and self._lead is None
            and (self._line_ended or (self._led and self._spaced))
        ):
            self._lead = len(self._text)
        self._append(item)
        self._spaced = self._marked = True

    def _append(self, item: str) -> None:
        if self._size < LONGEST_SENTENCE:
            self._text.append(item)
            self._size += len(item)

    def _plain(self, char: str, done: list[Draft]) -> None:
        if char == "\n":  # ends the sentence, once we know that no marker follows
            self._depth, self._led, self._lead = 0, False, None
            self._ended = self._line_ended = self._ended or self._worded
        if self._ended:
            if char.isspace():
                self._spaced = True
            elif char in _SEPARATORS and self._behind_marker():
                self._marked = False
            elif char in _CLOSERS and not self._spaced:
                pass
            elif self._line_ended or self._is_end(char):
                self._emit(done)
            else:
                self._ended, self._lead = False, None
                self._recent += " " * self._spaced
        self._ticks += char == "`"
        self._depth = max(0, self._depth + _NESTING.get(char, 0))
        self._worded = self._worded or char.isalnum()
        if self._text or not char.isspace():
            self._append(char)
        if not self._ended:
            self._recent = (self._recent + char)[-32:]
        if self._waiting and self._size > _LONGEST_PHRASE:
            self._pass_on(done)
        if char == "." or (char in _STOPS and (self._depth == 0 or char in "!?")):
            self._ended, self._spaced, self._marked = True, False, False

    def _is_end(self, following: str) -> bool:
        """Whether the sentence ended at its last stop, now that ``following`` comes after."""
        bare = self._recent.strip().rstrip("".join(_CLOSERS))
        stop = bare[-1:]
        if bare[:-1].isdigit() and len(bare) < 4:  # "1." before an item of a list
            return False
        if stop in "。！？．｡":
            return True
        if following.islower():
            return False
        if not self._spaced:  # "It moved [1].They stayed."
            return self._stop_behind_marker() and following.isupper()
        if _PAGE.search(bare) and following.isdigit():
            return False
        return self._marked or stop != "." or not ends_with_abbreviation(bare[:-1], following)

    def _emit(self, done: list[Draft]) -> None:
        """The sentence at hand is over: read it, and begin the next."""
        lead = len(self._text) if self._lead is None else self._lead
        raw, following = "".join(self._text[:lead]), self._text[lead:]
        found = citation_markers.parse_sentence(raw, self._fence)
        if any(char.isalnum() for char in found.text):
            self._pass_on(done)
            labels = tuple(dict.fromkeys(self._ahead + found.labels))
            self._waiting = Draft(found.text, labels, found.named, found.asides)
            self._begun, self._ahead = True, ()
            if labels or found.named:
                self._pass_on(done)
        elif self._waiting and not raw.rstrip().endswith((":", "：")):
            self._waiting = replace(self._waiting, labels=found.labels)
            if found.labels:
                self._pass_on(done)
        elif not self._begun or raw.rstrip().endswith((":", "：")):
            self._ahead += found.labels
        self._text, self._size, self._recent = following, sum(map(len, following)), ""
        self._worded, self._led, self._lead = False, bool(following), None
        self._ended = self._line_ended = self._spaced = self._marked = self._span = False
        self._depth = 0

    def _pass_on(self, done: list[Draft]) -> None:
        if self._waiting:
            done.append(self._waiting)
        self._waiting = None


def resolve_author_years(draft: Draft, evidence: Sequence[Evidence]) -> Draft:
    """Return a draft with its author-year citations replaced by labels of the evidence.

    A parenthesis that names none of the sources is text, and goes back to where it stood;
    unless it can only be a citation ("et al.") and stands in no source either: then the model
    made it up, and the sentence counts as having no marker.
    """
    labels = list(draft.labels)
    for name, year in draft.named:
        labels += [e.label for e in evidence if author_year.wrote(e.source, name, year)]
    text = draft.text
    for at, aside in reversed(draft.asides):
        cited = author_year.author_years(aside.strip()[1:-1])
        if any(author_year.wrote(e.source, *work) for e in evidence for work in cited):
            continue
        invented = not any(aside.strip() in e.passage.text for e in evidence)
        if not (invented and author_year.unmistakable(aside)):
            text = text[:at] + aside + text[at:]
    return Draft(text, tuple(dict.fromkeys(labels)))
