"""Joints between the clauses of a long sentence, in English and Japanese.

A clause is a sentence of the library without its stop and note. ``added`` puts a clause behind what
stands already: it varies the joint, and drops or replaces a subject that stands there already.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

from tests.support.mutants import Statement, without_note

_VERBS = (
    "is was has had can cannot may does did uses used reached reaches learned reads makes works "
    "shows tends covers holds took needs builds derives runs ran raced beat chooses cuts gives "
    "asks finds reports describes names notes says adds picks presents stresses calls considers "
    "remembers often invents brings won exists identifies translates answers summarises started "
    "allows advises appeared explains treats refers points mentions speaks promises announces "
    "looks adds compares warns agrees concludes regards sees observes singles improves includes"
).replace(" ", "|")
_ENGLISH = re.compile(rf"((?:[\w.'-]+ ){{0,7}}?[\w.'-]+) ((?:{_VERBS})\b.*)")
_NO_SUBJECT = re.compile(
    r"(?:In|On|At|When|Against|Compared|According|From|Like|Inside|For|Every)\b"
)
_REPORT = re.compile(r"(?:says|notes|reports|explains|adds|finds|warns|concludes) that (.+)")
_LOWER = re.compile(
    r"(?:The|A|An|In|On|At|When|Against|According|From|Like|Inside|For|Every|Each|One|Two|Many|Most"
    r"|Good|Other|Larger|Special|Pretrained|Pretraining|Training|Photographs|Labellers|Fine-tuning"
    r"|Transcripts|Compared|Anyone|Five|More|Variants|Diffusion|Citation|Upstream|Going|Hot)(?= )(?! Diffusion)"
)
_BY_ARTICLE = "日本語記事によると、"
_JAPANESE = re.compile(r"([^はがを、。「]{2,24}(?<![でにとりら]))は、?(.+)")
_TURNED = (
    ("ていない", "ておらず"), ("ている", "ており"), ("である", "であり"), ("である", "で"),
    ("れた", "れ"), ("した", "し"), ("する", "し"), ("べる", "べ"), ("える", "え"), ("れる", "れ"),
    ("超えた", "超え"), ("挙げる", "挙げ"), ("落ちる", "落ち"), ("混ぜる", "混ぜ"), ("借りた", "借り"),
    ("上がった", "上がり"), ("変わる", "変わり"), ("持つ", "持ち"), ("ある", "あり"), ("働いた", "働き"),
    ("やすい", "やすく"), ("弱い", "弱く"), ("よい", "よく"), ("かなかった", "かず"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause, with its subject and predicate where they can be told apart by rule."""

    text: str
    subject: str = ""
    predicate: str = ""

    @property
    def japanese(self) -> bool:
        """Whether the clause is in Japanese."""
        return bool(re.search(r"[\u3041-\u3096]", self.text))


def clause_of(statement: Statement) -> Clause:
    """Take the stop and the note in brackets off a sentence, and find its subject."""
    text = without_note(statement.text).rstrip(".。")
    if statement.language == "ja":
        match = _JAPANESE.fullmatch(text.removeprefix(_BY_ARTICLE))
        match = None if "と日本語記事は" in text else match
    else:
        match = None if _NO_SUBJECT.match(text) else _ENGLISH.fullmatch(text)
    return Clause(text, match[1], match[2]) if match else Clause(text)


def joined(clauses: list[Clause], rng: random.Random) -> str:
    """Join true clauses to one sentence, without its stop."""
    first, *rest = clauses
    text = first.text
    if rest and first.subject and rest[0].subject == first.subject and rng.random() < 0.35:
        relative = _relative(first, rest[0])
        if relative:
            text, rest = relative, rest[1:]
    last = first
    for clause in rest:
        text, last = added(text, last, clause, rng), clause
    return text


def _relative(first: Clause, other: Clause) -> str:
    """Put a clause into a relative clause on the subject of another; "" where it reads badly."""
    if first.japanese:
        fits = not re.search("[はも、「]", other.predicate) and len(other.predicate) > 6
        noun = re.sub("である$", "で知られる", other.predicate)
        by = _BY_ARTICLE if first.text.startswith(_BY_ARTICLE) else ""
        fits = fits and noun == other.predicate and first.subject != "日本語記事"
        return f"{by}{noun}{first.subject}は、{first.predicate}" if fits else ""
    if re.search(r"[,;:]", other.predicate):
        return ""
    return f"{first.subject}, which {other.predicate}, {first.predicate}"


def added(text: str, last: Clause, clause: Clause, rng: random.Random) -> str:
    """Put a clause behind a text.

    Args:
        text: What stands already, without a stop.
        last: The clause at its end.
        clause: What comes next; one that begins with a comma is put there as it is.
        rng: Chooses the joint.
    """
    same = bool(clause.subject) and clause.subject == last.subject
    if clause.japanese:
        nearer = clause.predicate if same else clause.text.removeprefix(_BY_ARTICLE)
        return f"{_turned(text, rng)}、{nearer}"
    if clause.text.startswith(","):
        return text + clause.text
    reports = _REPORT.fullmatch(clause.predicate), _REPORT.fullmatch(last.predicate)
    if same and all(reports) and reports[0]:
        return f"{text}{rng.choice((', and that ', ' and that '))}{reports[0][1]}"
    if same and not reports[1]:
        plain = not re.search(r"[,;\u2013]|\b(?:that|which|who|and)\b", text)
        near = (" and ", ", and ") if plain else (", and it ", "; it ")
        return f"{text}{rng.choice((*near, ', and it ', '; it ', ', but it '))}{clause.predicate}"
    joint = rng.choice((", and ", "; ", ", while ", ", and ", ", but ", " \u2013 ", ", although "))
    return text + joint + _lowered(clause.text)


def _turned(text: str, rng: random.Random) -> str:
    """Turn the ending of a Japanese clause so that another can follow."""
    plain = [text + rng.choice(("し", "うえ", "一方で", "が", "ものの", "だけでなく"))]
    turned = [text[: -len(e)] + to for e, to in _TURNED if text.endswith(e)]
    if text.endswith("なかった"):
        turned = [t for t in turned if t.endswith("かず")]
    return rng.choice(turned if turned and rng.random() < 0.7 else plain)


def _lowered(text: str) -> str:
    """Begin a text in lower case, unless a name stands there."""
    return text[0].lower() + text[1:] if _LOWER.match(text) else text
