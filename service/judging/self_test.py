"""The self-test of a judge: fixed sentences of known truth, with the evidence to judge them by.

All of the evidence is invented, so that knowledge from elsewhere does not help. ``self_test.toml``
has the items; the same prompt is used as in answers, without controls.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.types import Passage, Source, passage_id, text_hash
from service.generation.completion import CompletionModel
from service.judging.call import ask
from service.judging.evidence import number_evidence
from service.judging.types import Failure, JudgeCall, NumberedEvidence, Ruling
from service.types import Evidence

ITEMS = Path(__file__).with_name("self_test.toml")
_OF_TWELVE = 11  # items that must be right, of twelve true ones and of twelve false ones
_ROOM = 100_000  # tokens; all of a group's evidence is shown


class InvalidSelfTest(ValueError):
    """A file of items is not as it must be; the message says in what."""


@dataclass(frozen=True, slots=True)
class GivenPassage:
    """A passage of invented evidence: its title and its sentences."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A sentence to judge.

    Attributes:
        kind: What makes it hard, such as ``pronoun``.
        sentence: Its words.
        supported: Whether the evidence supports the whole of it.
        needs: Numbers of the evidence sentences that support it together.
        before: Sentences of the answer before it.
    """

    kind: str
    sentence: str
    supported: bool
    needs: tuple[int, ...] = ()
    before: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """A question with evidence and some sentences, which are judged in one call."""

    question: str
    language: str
    passages: tuple[GivenPassage, ...]
    items: tuple[Item, ...]

    def evidence(self) -> NumberedEvidence:
        """Return the evidence, numbered as for an answer."""
        return number_evidence(
            [_evidence(label, each) for label, each in enumerate(self.passages, 1)], _ROOM
        )


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What a judge said of one item: a ruling, or why there is none."""

    item: Item
    ruling: Ruling | None
    failure: Failure | None

    @property
    def right(self) -> bool:
        """Whether it was judged supported exactly if it is."""
        return self.ruling is not None and (self.ruling == "supported") == self.item.supported


@dataclass(frozen=True, slots=True)
class SelfTestReport:
    """The outcome of a self-test: the results in order of the items, and the calls it took."""

    results: tuple[ItemResult, ...]
    calls: tuple[JudgeCall, ...]

    @property
    def answered(self) -> bool:
        """Whether the model replied to each call in time, readably or not; else it is chance."""
        return all(call.replied for call in self.calls)

    @property
    def passed(self) -> bool:
        """Whether 11 of 12 true items were judged supported, and 11 of 12 false ones not."""
        return all(
            count > 0 and 12 * right >= _OF_TWELVE * count
            for right, count in (self.score(True), self.score(False))
        )

    @property
    def seconds(self) -> float:
        """How long all calls took together."""
        return sum(call.seconds for call in self.calls)

    @property
    def tokens(self) -> int:
        """How many tokens were read and written."""
        return sum(call.prompt_tokens + call.completion_tokens for call in self.calls)

    def score(self, supported: bool) -> tuple[int, int]:
        """Return how many items that are supported, or are not, were right, and of how many."""
        right = [each.right for each in self.results if each.item.supported == supported]
        return sum(right), len(right)


async def run_self_test(
    model: CompletionModel, groups: Iterable[Group], timeout: float
) -> SelfTestReport:
    """Let a model judge all items, a call for each group, each in ``timeout`` seconds."""
    results: list[ItemResult] = []
    calls: list[JudgeCall] = []
    for group in groups:
        sentences = [item.sentence for item in group.items]
        before = group.items[0].before
        call = await ask(model, group.question, group.evidence(), sentences, before, timeout)
        calls.append(call)
        for n, item in enumerate(group.items):
            ruling = None if call.failure else call.judgements[n].ruling
            results.append(ItemResult(item, ruling, call.failure))
    return SelfTestReport(tuple(results), tuple(calls))


def load_self_test(path: Path = ITEMS) -> tuple[Group, ...]:
    """Read the groups of items from a TOML file.

    Raises:
        InvalidSelfTest: A field is missing, unknown or of another type, or a number names no
            sentence of the evidence.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InvalidSelfTest(f"{path.name} is not TOML: {error}") from error
    groups = tuple(_group(each) for each in _tables(value, "group", "the file"))
    if set(value) != {"group"}:
        raise InvalidSelfTest("the file has other tables than group")
    return groups


def fingerprint(groups: Sequence[Group]) -> str:
    """Return a short hash of some items, by which the outcome of a changed test is not kept."""
    listed = json.dumps([asdict(group) for group in groups], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(listed.encode()).hexdigest()[:12]


def _group(table: dict[str, Any]) -> Group:
    where = f"the group “{str(table.get('question'))[:40]}”"
    _fields(table, where, {"question": str, "language": str, "passage": list, "item": list})
    if table["language"] not in ("en", "ja"):
        raise InvalidSelfTest(f"{where}: its language is neither en nor ja")
    passages = []
    for each in _tables(table, "passage", where):
        _fields(each, where, {"title": str, "sentences": list})
        passages.append(GivenPassage(each["title"], _texts(each["sentences"], where)))
    items = [_item(each, where) for each in _tables(table, "item", where)]
    group = Group(table["question"], table["language"], tuple(passages), tuple(items))
    shown = [sentence.text for sentence in group.evidence().sentences]
    if shown != [text for passage in passages for text in passage.sentences]:
        raise InvalidSelfTest(f"{where}: its evidence is split into other sentences")
    if not all(1 <= number <= len(shown) for item in items for number in item.needs):
        raise InvalidSelfTest(f"{where}: an item needs evidence that does not exist")
    if any(item.before for item in items[1:]):
        raise InvalidSelfTest(f"{where}: only the first item may have sentences before it")
    return group


def _item(table: dict[str, Any], where: str) -> Item:
    kinds: dict[str, type] = {
        "kind": str, "before": list, "sentence": str, "supported": bool, "needs": list,
    }  # fmt: skip
    _fields(table, where, kinds)
    needs = table["needs"]
    if not all(isinstance(number, int) for number in needs) or bool(needs) != table["supported"]:
        raise InvalidSelfTest(f"{where}: exactly supported items need evidence, by number")
    before = _texts(table["before"], where)
    return Item(table["kind"], table["sentence"], table["supported"], tuple(needs), before)


def _tables(table: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    found = table.get(name)
    if not isinstance(found, list) or not found or not all(isinstance(t, dict) for t in found):
        raise InvalidSelfTest(f"{where} has no tables {name}")
    return found


def _fields(table: dict[str, Any], where: str, kinds: dict[str, type]) -> None:
    if set(table) != set(kinds):
        raise InvalidSelfTest(f"{where}: a table has the fields {', '.join(sorted(table))}")
    for name, kind in kinds.items():
        if not isinstance(table[name], kind) or table[name] == "":
            raise InvalidSelfTest(f"{where}: {name} is not as it must be")


def _texts(value: list[Any], where: str) -> tuple[str, ...]:
    if not all(isinstance(text, str) and text for text in value):
        raise InvalidSelfTest(f"{where}: a list has something else than sentences")
    return tuple(value)


def _evidence(label: int, passage: GivenPassage) -> Evidence:
    text = "\n\n".join(passage.sentences)
    name = f"test-{label}"
    source = Source(name, f"https://example.org/{name}", passage.title)
    identity = passage_id(name, text_hash(text), 0, len(text))
    return Evidence(label, Passage(identity, name, 0, len(text), text), source, 1.0)
