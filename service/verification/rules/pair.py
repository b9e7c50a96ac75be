"""A claim and a quote, with what rules need to know of the two, computed once."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from corpus.text.sentences import sentence_spans
from index.lexical.tokenizer import is_japanese
from service.text.alignment import (
    Word,
    align_words,
    content_words,
    coverage_share,
    folded_text,
    order_share,
)

# Share of a claim's words that stand in the quote, from which the two are taken to say the
# same thing but for where they differ.
NEAR_COPY = 0.6
LONGER = 3  # times as many words: among so many, those of any claim are found
CLOSE_COPY = 0.75  # the same in the quote's order, for what hangs on single words

# What may follow where a claim leaves out the end of the sentence that it copies.
_CUT = re.compile(r"[.。]?$|[.。]?\s?\(|。|[,;:—–](?!\d|\s?(?:unless|except|if|but not|only)\b)")
_JOINS = re.compile(
    r"\s?(?:[A-Za-z]{1,2}|[%％])?\s?(?:,\s?(?:and|or)?|、|and|or|to|through|&|[-–—~〜～/・±]"
    r"|と|や|から|および|または)\s?"
)
_CONTRAST = re.compile(
    r"(?P<but>\bnot\b[^.;]{0,120}\bbut\b)|(?P<than>\b(?:rather than|instead of|as opposed to)\b)"
    r"|(?P<unlike>\bunlike\b)|(?P<and>, (?:and )?not\b)|(?P<ja>ではなく|でなく)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Pair:
    """A claim and a quote that a rule compares, with everything the two have in common.

    Attributes:
        claim: The sentence that is checked.
        quote: The sentence or two of a source that it is compared with.
        context: What stands around the quote: its passage, headings, title and authors.
        published: The date of the source, '' if unknown.
    """

    claim: str
    quote: str
    context: str = ""
    published: str = ""

    @cached_property
    def ours(self) -> Sequence[Word]:
        """The content words of the claim, in order."""
        return content_words(self.claim)

    @cached_property
    def theirs(self) -> Sequence[Word]:
        """The content words of the quote, in order."""
        return content_words(self.quote)

    @cached_property
    def japanese(self) -> bool:
        """Whether the claim is in Japanese."""
        return is_japanese(self.claim)

    @cached_property
    def across(self) -> bool:
        """Whether claim and quote are in different languages."""
        return self.japanese != is_japanese(self.quote)

    @cached_property
    def coverage(self) -> float:
        """The share of the claim's words that the quote has, 0 to 1."""
        return coverage_share(self.claim, self.quote)

    @cached_property
    def near(self) -> bool:
        """Whether the claim is a near copy: most of its words stand in the quote.

        Of a short one, all words but numbers and names, in a quote as short.
        """
        if self.across or len(self.theirs) > LONGER * len(self.ours):
            return False
        plain = [w for w in self.ours if w.kind == "word"]
        as_short = bool(plain) and len(self.theirs) <= len(self.ours)
        return self.coverage >= NEAR_COPY or (as_short and order_share(plain, self.theirs) == 1)

    @cached_property
    def close(self) -> bool:
        """Whether most words stand in the quote's order, or all but what rules compare."""
        if self.across:
            return False
        return order_share(self.ours, self.theirs) >= CLOSE_COPY or any(
            order_share([w for w in self.ours if w.kind in kinds], self.theirs) == 1
            for kinds in (("word", "name", "number"), ("word",) if self.near else ())
        )

    @cached_property
    def verbatim(self) -> bool:
        """Whether the claim is a sentence of the quote, possibly without its end or its note."""
        claim = _plain(self.claim).rstrip(".。 ")
        starts = (start for start, _ in sentence_spans(self.quote))
        rests = (_plain(self.quote[start:]) for start in starts)
        return any(r.startswith(claim) and bool(_CUT.match(r, len(claim))) for r in rests)

    @cached_property
    def differences(self) -> Sequence[tuple[range, range]]:
        """Runs of words in which the aligned texts differ: positions of ours and of theirs."""
        found = align_words(self.ours, self.theirs).get_opcodes()
        return [(range(a, b), range(c, d)) for op, a, b, c, d in found if op != "equal"]

    def run(self, position: int, most: int) -> tuple[Sequence[Word], Sequence[Word]]:
        """Return the run of the claim's words around a position, and the quote's in its place.

        Only in a near copy, and of at most ``most`` words each; (), () where the quote has the word
        itself, or none in its place.
        """
        for ours, theirs in self.differences if self.near else ():
            if position in ours and len(ours) <= most and 0 < len(theirs) <= most:
                mine = self.ours[ours.start : ours.stop]
                return mine, self.theirs[theirs.start : theirs.stop]
        return (), ()

    @cached_property
    def contrasts(self) -> Sequence[str | None]:
        """How claim and quote say what is not beside what is: not A but B; () if neither does."""
        found = [_CONTRAST.search(text) for text in (self.claim, self.quote)]
        return [match and match.lastgroup for match in found] if any(found) else ()

    @cached_property
    def recast(self) -> bool:
        """Whether both do so in different forms: 12, not 24; not 24 but 12."""
        return len(set(self.contrasts)) > 1 and None not in self.contrasts

    def stands_alone(self, position: int, other: Word) -> bool:
        """Return whether a word of the claim is no item of a list or range, nor the other word."""
        sides = (
            (self.claim, self.ours, position),
            (self.quote, self.theirs, next(i for i, w in enumerate(self.theirs) if w is other)),
        )
        return not any(_joined(*side) for side in sides)


def _joined(text: str, words: Sequence[Word], position: int) -> bool:
    """Return whether a word of its kind follows or precedes a word in a list or range."""
    folded, word = folded_text(text), words[position]
    alike = [w for w in words if w.kind == word.kind and w is not word]
    between = ((a, b) for w in alike for a, b in (sorted((w, word), key=lambda x: x.start),))
    return any(_JOINS.fullmatch(folded, a.end, b.start) for a, b in between)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())
