"""Connecting a language model on the page, and picking one for a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from service.api.app import Options, create_app
from service.connection.connection import ModelConnection
from service.conversations.store import History
from service.server.language_models import connect_models
from service.settings import Settings
from tests.support.browser.axe import violations
from tests.support.browser.driver import Reader, expect
from tests.support.browser.looks import looks, named
from tests.support.browser.scripted_answers import WHISPER, Trusting
from tests.support.chat_server import chat_app
from tests.support.live_server import served
from tests.support.model_servers import replying

MODELS = ["qwen2.5:7b", "llama3.2:3b", "nomic-embed-text"]
CONNECT = {"en": "Connect a model", "ja": "モデルを接続"}


@dataclass(frozen=True, slots=True)
class Connecting:
    url: str
    model: str  # the URL of a server that is found
    data: Any


@pytest.fixture
def serve(library, library_folder, checker, tmp_path) -> Iterator[Callable[..., Connecting]]:
    """A function that makes a service without a model, which finds one server of models."""
    with ExitStack() as stack:

        def serve(key: str = "") -> Connecting:
            model = stack.enter_context(served(chat_app(MODELS, key)))
            engine = Trusting(library, checker, History(library.store.database))
            engine.warm_up()
            ports = {"Ollama": int(model.rpartition(":")[2]), "vLLM": 9}
            connection = ModelConnection(
                engine, Settings(data_dir=tmp_path), connect_models, ports=ports
            )
            options = Options(connection=connection)
            app = create_app(engine, index_dir=library_folder / "index", options=options)
            return Connecting(stack.enter_context(served(app)), model, tmp_path)

        yield serve


@pytest.fixture
def connecting(serve) -> Connecting:
    return serve()


@pytest.fixture
def locked(serve) -> Connecting:
    return serve(key="sk-right")


def opened(reader: Reader, language: str = "en"):
    """Open the dialog from the start page."""
    reader.page.get_by_role("button", name=CONNECT[language], exact=True).click()
    dialog = reader.page.locator("#model")
    expect(dialog.locator("h3").first).to_be_visible()
    return dialog


def connect(reader: Reader):
    """Connect the first model of the server that is found."""
    dialog = opened(reader)
    dialog.get_by_role("button", name="Look for models").click()
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.locator(".connected")).to_contain_text(f"{MODELS[0]} 127.0.0.1")
    reader.page.keyboard.press("Escape")


def test_model_is_found_tested_connected_and_asked(connecting, visit):
    reader = visit(connecting.url)
    expect(reader.page.locator("#writer")).to_have_text("No model yet")
    dialog = opened(reader)
    dialog.get_by_role("button", name="Look for models").click()
    expect(dialog.locator(".servers li")).to_have_count(1)
    expect(dialog.locator(".servers")).to_contain_text("2 models")
    dialog.get_by_role("button", name="Test", exact=True).click()
    expect(dialog.locator(".trial dd").nth(1)).to_have_text("answers from the source")
    expect(dialog.locator(".trial dd").nth(2)).to_have_text("answers from the source")
    dialog.get_by_role("button", name="Test it").click()
    expect(dialog.locator(".trial")).to_contain_text("passed: 12 of 12 true and 12 of 12 false")
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.locator(".working")).to_contain_text("qwen2.5:7b writes the next answer")
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#model-name")).to_have_text("Model: qwen2.5:7b")
    reader.ask(WHISPER).answered()
    made = reader.answer()
    assert (made["mode"], made["model"]) == ("generated", "qwen2.5:7b")
    again = visit(connecting.url)  # it is there from the first paint on
    expect(again.page.locator("#model-name")).to_have_text("Model: qwen2.5:7b")


def test_servers_are_looked_for_only_when_that_is_asked(connecting, visit):
    """A page that probes ports of its own accord would be a surprise."""
    reader = visit(connecting.url)
    sent = []
    reader.page.on("request", lambda request: sent.append(request.url.removeprefix(reader.base)))
    dialog = opened(reader)
    reader.at_rest()
    assert "/page/model" in sent and "/page/model/find" not in sent
    dialog.get_by_role("button", name="Look for models").click()
    expect(dialog.locator(".servers li")).to_have_count(1)
    assert sent.count("/page/model/find") == 1


def test_each_question_can_have_its_own_writer(connecting, visit):
    reader = visit(connecting.url)
    connect(reader)
    pick = reader.page.get_by_label("Model for the answer")
    expect(pick.locator("option")).to_have_text([*MODELS[:2], "Quotes only"])
    pick.select_option("llama3.2:3b")
    reader.ask(WHISPER).answered()
    assert reader.answer()["model"] == "llama3.2:3b"
    reader.page.locator("#language").click()  # what was picked stays
    pick = reader.page.get_by_label("答えを書くモデル")
    expect(pick).to_have_value("llama3.2:3b")
    pick.select_option("引用のみ")
    reader.ask(WHISPER).answered()
    assert reader.answer()["mode"] == "quoted"
    reader.page.get_by_role("button", name="別のモデルを接続").click()  # in a conversation, too
    expect(reader.page.locator("#model .connected")).to_contain_text("qwen2.5:7b")


def test_connecting_a_model_chooses_it_for_the_next_answer(connecting, visit):
    reader = visit(connecting.url)
    connect(reader)
    pick = reader.page.get_by_label("Model for the answer")
    pick.select_option("Quotes only")
    reader.page.get_by_role("button", name="Connect another model").click()
    dialog = reader.page.locator("#model")
    dialog.get_by_role("button", name="Look for models").click()
    dialog.locator("#model-pick").select_option(MODELS[1])
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.locator(".working")).to_contain_text(f"{MODELS[1]} writes the next answer")
    reader.page.keyboard.press("Escape")
    expect(pick).to_have_value(MODELS[1])
    with reader.page.expect_request("**/v1/answers") as sent:
        reader.ask(WHISPER)
    assert "mode" not in sent.value.post_data_json
    assert reader.answered().answer()["model"] == MODELS[1]


def test_model_is_disconnected(connecting, visit):
    reader = visit(connecting.url)
    connect(reader)
    reader.page.get_by_role("button", name="Change the model").click()
    reader.page.get_by_role("button", name="Disconnect").click()
    expect(reader.page.locator("#model .connected")).to_contain_text("No model is connected")
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#model-name")).to_have_text("No language model connected")
    assert not list(connecting.data.glob("model.*"))


FAULTS = [
    (lambda: replying("<html>"), "", "a web page", "ウェブページのアドレスです"),
    (lambda: chat_app(key="k"), "", "needs a key. Enter it", "APIキーが必要です"),
    (lambda: chat_app(key="k"), "wrong", "refused the key", "受け付けられませんでした"),
    (lambda: chat_app([]), "", "has no models. Load one", "モデルがありません"),
]


@pytest.mark.parametrize(("make", "key", "en", "ja"), FAULTS)
def test_what_is_wrong_with_a_server_is_said_in_both_languages(
    connecting, visit, make, key, en, ja
):
    with served(make()) as server:
        for language, words in (("en", en), ("ja", ja)):
            dialog = opened(visit(connecting.url, locale=language), language)
            dialog.locator("#model-url").fill(server)
            dialog.locator("#model-key").fill(key)
            dialog.locator("#model-key").press("Enter")
            expect(dialog.locator(".working .note")).to_contain_text(words)
            expect(dialog.locator("#model-url")).to_have_value(server)  # to be corrected


def test_server_that_is_down_and_text_that_is_no_address(connecting, visit):
    dialog = opened(visit(connecting.url))
    for text, words in (
        ("127.0.0.1:9/v1", "no reply from this address"),
        ("::", "is not a server address"),
    ):
        dialog.locator("#model-url").fill(text)
        dialog.locator("#model-url").press("Enter")
        expect(dialog.locator(".working .note")).to_contain_text(words)


def test_slow_server_can_be_cancelled_and_the_dialog_used_meanwhile(connecting, visit):
    with served(chat_app(wait=30), patience=0.1) as server:
        dialog = opened(visit(connecting.url))
        dialog.locator("#model-url").fill(server)
        dialog.locator("#model-url").press("Enter")
        expect(dialog.locator(".busy")).to_have_text("Asking the server for its models…")
        dialog.get_by_role("button", name="Cancel").click()
        expect(dialog.locator(".working")).to_be_empty()
        dialog.locator("#model-url").press("Enter")
        expect(dialog.locator(".busy")).to_be_visible()
        dialog.get_by_role("button", name="Look for models").click()  # takes its place
        expect(dialog.locator("#model-pick")).to_be_visible()
        expect(dialog.locator(".busy")).to_have_count(0)


def test_server_that_is_found_and_wants_a_key_gets_its_address_filled_in(locked, visit):
    """One click, and only the key is left to type."""
    reader = visit(locked.url)
    dialog = opened(reader)
    dialog.get_by_role("button", name="Look for models").click()
    row = dialog.locator(".servers li")
    expect(row).to_contain_text("The server needs a key. Enter it below the address.")
    row.get_by_role("button", name="Use: Ollama").click()
    expect(dialog.get_by_label("Address")).to_have_value(f"{locked.model}/v1")
    expect(dialog.get_by_label("Key")).to_be_focused()
    assert not violations(reader)
    reader.page.keyboard.type("sk-right")
    reader.page.keyboard.press("Enter")
    expect(dialog.get_by_role("combobox").locator("option")).to_have_count(2)
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.locator(".connected")).to_contain_text(f"{MODELS[0]} 127.0.0.1")


def test_key_is_kept_and_never_shown(connecting, visit):
    with served(chat_app(key="sk-secret")) as server:
        reader = visit(connecting.url)
        dialog = opened(reader)
        dialog.locator("#model-url").fill(server)
        dialog.locator("#model-key").fill("sk-secret")
        dialog.locator("#model-key").press("Enter")
        dialog.get_by_role("button", name="Connect", exact=True).click()
        expect(dialog.locator(".connected")).to_contain_text("scripted")
        expect(dialog.locator("#model-key")).to_have_value("")
        assert "sk-secret" not in reader.page.content()
        dialog.get_by_role("button", name="List models").click()  # with the key that is kept
        expect(dialog.locator("#model-pick")).to_be_visible()


def test_elsewhere_the_dialog_explains_the_settings(connecting, visit):
    reader = visit(connecting.url)
    away = {"X-Forwarded-For": "203.0.113.5"}
    told = httpx.get(f"{connecting.url}/page/model", headers=away).json()
    reader.page.route("**/page/model", lambda route: route.fulfill(json=told))
    reader.page.get_by_role("button", name=CONNECT["en"]).click()
    dialog = reader.page.locator("#model")
    expect(dialog).to_contain_text("only in a browser on the machine that runs Tenkyo")
    expect(dialog.locator("pre")).to_contain_text("TENKYO_LLM_URL=")
    assert dialog.locator("input").count() == 0 and not violations(reader)


def test_hint_beside_the_box_opens_the_dialog(connecting, visit):
    reader = visit(connecting.url)
    reader.page.locator("#writer").press("Enter")
    expect(reader.page.locator("#model h3").first).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#writer")).to_be_focused()


def test_names_of_models_are_never_run(connecting, visit):
    evil = '<img src=x onerror="executed=1">'
    with served(chat_app([evil])) as server:
        reader = visit(connecting.url)
        dialog = opened(reader)
        dialog.locator("#model-url").fill(server)
        dialog.locator("#model-url").press("Enter")
        dialog.get_by_role("button", name="Connect", exact=True).click()
        expect(dialog.locator(".connected")).to_contain_text("onerror")
        reader.page.keyboard.press("Escape")
        expect(reader.page.locator("#model-name")).to_contain_text("onerror")
        assert reader.page.locator("img[src=x]").count() == 0
        reader.page.reload()
        expect(reader.page.locator("#model-name")).to_contain_text("onerror")


@pytest.mark.parametrize("look", looks("ja", "light", (1400, 900), (390, 844)), ids=named)
def test_dialog_fits_and_has_no_axe_violations(connecting, visit, shots, look):
    reader = visit(connecting.url, reduced_motion="reduce", **look)
    name = f"model-{named(look)}"
    found = {"start": violations(reader) + reader.too_wide()}
    reader.shot(shots, f"{name}-1-start", whole=True)
    dialog = opened(reader, look["locale"][:2])
    dialog.locator("section button").first.click()
    expect(dialog.locator("#model-pick")).to_be_visible()
    dialog.locator(".of-server .secondary").click()
    expect(dialog.locator(".trial dl")).to_be_visible()
    found["tried"] = violations(reader) + reader.too_wide()
    reader.shot(shots, f"{name}-2-tried")
    dialog.locator("#model-url").fill("127.0.0.1:9")
    dialog.locator("#model-url").press("Enter")
    expect(dialog.locator(".working .note")).to_be_visible()
    found["fault"] = violations(reader) + reader.too_wide()
    reader.shot(shots, f"{name}-3-fault")
    dialog.locator(".of-server .primary").click()
    expect(dialog.locator(".connected button")).to_be_visible()
    reader.page.keyboard.press("Escape")
    expect(reader.page.locator("#writer option")).to_have_count(3)
    found["connected"] = violations(reader) + reader.too_wide()
    reader.shot(shots, f"{name}-4-connected", whole=True)
    assert not {state: list_ for state, list_ in found.items() if list_}
