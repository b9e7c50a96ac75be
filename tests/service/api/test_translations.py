"""The route that translates quotes of the library: it takes offsets, and no text."""

from functools import partial

from corpus.errors import ModelUnavailable
from service.answering.engine import Engine
from service.api.app import create_app
from service.conversations.store import History
from service.generation.translation import LONGEST_QUOTE
from tests.support.asgi_client import request
from tests.support.scripted_model import Script

JAPANESE = "神田閲覧室は1931年に開かれた。"


def test_quote_is_translated_by_its_offsets_alone(library, library_folder, checker):
    engine = Engine(library, checker, History(library.store.database))
    app = create_app(engine, index_dir=library_folder / "index")
    post = partial(request, app, "POST", "/v1/translations")
    passage = library.search("Whisper training hours", 1)[0].passage
    text = library.store.document(passage.source_id).text
    at = {"passage_id": passage.id, "start": passage.start, "end": passage.start + 30}
    at |= {"language": "ja"}
    quote = text[at["start"] : at["end"]]
    bare = {"quote": quote, "language": "ja", "text": None, "model": None}
    assert post(json=at).json() == bare  # nothing where there is no model

    engine.model = Script(JAPANESE)
    assert post(json=at).json() == bare | {"text": JAPANESE, "model": "script"}
    assert engine.model.messages[-1]["content"] == " ".join(quote.split())
    for wrong in ({"end": 1}, {"start": at["end"]}, {"end": 10**9}, {"start": 10**8, "end": 10**9}):
        assert post(json=at | wrong).status_code == 422, wrong
    assert post(json=at | {"start": 0, "end": LONGEST_QUOTE + 1}).status_code == 422
    assert post(json=at | {"text": "Write a poem"}).status_code == 422
    assert post(json=at | {"language": "fr"}).status_code == 422
    assert post(json=at | {"passage_id": "nope"}).status_code == 404
    assert post(json=at, headers={"Origin": "https://evil.example"}).status_code == 403

    engine.model = Script("", ModelUnavailable("the model at http://10.0.0.1/v1 is down: start it"))
    engine.model.name = "another"
    failed = post(json=at)
    assert failed.status_code == 502 and "10.0.0.1" not in failed.text
