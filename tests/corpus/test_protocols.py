"""An object that lacks a method of its protocol is refused when it is given, not when it is called."""

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Protocol

import pytest

from corpus.protocols import require_protocol
from index.inference.cross_encoder import Checker
from index.inference.embedder import Embedder
from index.search import Library, SearchIndex
from service.answering.engine import Engine
from service.generation.llm import AnswerModel


class Complete:
    """Has all members of the four protocols; reading a property fails, as loading a model may."""

    def __len__(self) -> int:
        return 0

    @property
    def name(self) -> str:
        raise AssertionError("a property was read")

    @property
    def dim(self) -> int:
        raise AssertionError("a property was read")

    digest = "0"

    def embed_passages(self, texts: Sequence[str]) -> None: ...
    def embed_query(self, text: str) -> None: ...
    def embed_queries(self, texts: Sequence[str]) -> None: ...
    def supports(self, pairs: Sequence[tuple[str, str]]) -> None: ...
    def answers(self, pairs: Sequence[tuple[str, str]]) -> None: ...
    def read(self, pairs: Sequence[tuple[str, str]]) -> None: ...
    def parse(self, questions: Sequence[str]) -> None: ...
    def reads_whole(self, claim: str) -> None: ...
    def search(self, vector: object, text: str, k: int, within: object = None) -> None: ...
    async def stream(self, messages: object) -> AsyncIterator[str]:
        yield ""


def without(name: str) -> object:
    """A complete implementation but for one member."""
    members = {key: member for key, member in vars(Complete).items() if key != name}
    return type("Partial", (), members)()


MEMBERS = [
    *((Embedder, name) for name in "name dim embed_passages embed_query embed_queries".split()),
    *((Checker, name) for name in "name digest supports read parse".split()),
    *((SearchIndex, name) for name in "__len__ search".split()),
    *((AnswerModel, name) for name in "name stream".split()),
]


@pytest.mark.parametrize(("protocol", "name"), MEMBERS)
def test_missing_member_is_named_with_class_and_protocol(protocol, name):
    require_protocol(Complete(), protocol)
    with pytest.raises(TypeError) as raised:
        require_protocol(without(name), protocol)
    says = str(raised.value)
    assert says.startswith(f"Partial cannot be used as {protocol.__module__}.{protocol.__name__}: ")
    assert f"{name!r}" in says and "\n" not in says and says.count("'") == 2


def test_all_missing_members_are_named_at_once():
    with pytest.raises(TypeError, match="property 'name', the property 'digest', the method 'supp"):
        require_protocol(object(), Checker)


def test_class_instead_of_instance_is_refused():
    with pytest.raises(TypeError, match="Complete is a class: pass an instance"):
        require_protocol(Complete, AnswerModel)


def test_member_set_to_none_counts_as_missing():
    implementation = Complete()
    implementation.stream = None
    with pytest.raises(TypeError, match="the method 'stream'"):
        require_protocol(implementation, AnswerModel)


def test_instance_attributes_slots_and_delegation_count_as_members():
    class Attributes:
        __slots__ = ("name", "stream")

    class Wrapper:
        def __init__(self, inner):
            self._inner = inner

        def __getattr__(self, name):
            return getattr(self._inner, name)

    require_protocol(Attributes(), AnswerModel)
    require_protocol(Wrapper(Complete()), Checker)
    with pytest.raises(TypeError, match="the method 'read'"):
        require_protocol(Wrapper(without("read")), Checker)


def test_members_of_inherited_protocols_are_required():
    class Closing(AnswerModel, Protocol):
        def close(self) -> Iterator[None]: ...

    with pytest.raises(TypeError, match="the method 'close', the property 'name', the method 'str"):
        require_protocol(object(), Closing)


def test_library_checks_index_and_embedder():
    for index, embedder, name in [
        (without("search"), Complete(), "search"),
        (Complete(), without("embed_queries"), "embed_queries"),
    ]:
        with pytest.raises(TypeError, match=f"Partial .*'{name}'"):
            Library(None, index, embedder)


def test_engine_checks_checker_and_model():
    library = Library(None, Complete(), Complete())
    for checker, model, name in [
        (without("read"), None, "read"),
        (Complete(), without("stream"), "stream"),
    ]:
        with pytest.raises(TypeError, match=f"Partial .*'{name}'"):
            Engine(library, checker, None, model)
