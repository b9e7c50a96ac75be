"""Tests of the settings and of the address to listen on."""

import os
import shutil
import socket
import sys
import time
from ipaddress import ip_address
from pathlib import Path

import pytest

from corpus.errors import SettingsError
from corpus.types import Source
from index.inference.reranker import CrossEncoderReranker, HttpReranker
from service.server import bootstrap
from service.settings import Settings, read_settings


def test_settings_are_read_from_environment():
    assert read_settings({}) == Settings()
    assert read_settings({"TENKYO_PORT": "9000", "HOME": "/x"}).port == 9000
    assert read_settings({"TENKYO_LLM_URL": ""}).llm_url == ""


@pytest.mark.parametrize(
    ("name", "value", "hint"),
    [
        ("TENKYO_LLM_ULR", "x", "TENKYO_LLM_URL"),
        ("TENKYO_PORTT", "1", "TENKYO_PORT"),
        ("TENKYO_QQQQ", "1", "docs/operations.md"),
        ("TENKYO_PORT", "many", "integer"),
        ("TENKYO_PORT", "70000", "65535"),
        ("TENKYO_LOG", "loud", "debug, info"),
        ("TENKYO_LLM_TIMEOUT", "0", "greater than 0"),
        ("TENKYO_JUDGE_TIMEOUT", "0", "greater than 0"),
        ("TENKYO_JUDGE_WINDOW", "100", "1500 or more"),
        ("TENKYO_JUDGE_MODEL", "big", "TENKYO_JUDGE_URL"),
        ("TENKYO_JUDGE", "llm", "TENKYO_JUDGE_URL or TENKYO_LLM_URL"),
        ("TENKYO_EMBEDDER_URL", "localhost:8080", "use a URL such as http://"),
        ("TENKYO_RERANKER_URL", "BAAI/bge-reranker-v2-m3", "use a URL such as http://"),
        ("TENKYO_EMBEDDER_MODEL", "bge-m3", "set TENKYO_EMBEDDER_URL too"),
        ("TENKYO_EMBEDDER_URL", "http://[::1/v1", "use a URL such as http://"),
        ("TENKYO_LLM_URL", "localhost:11434/v1", "use a URL such as http://"),
        ("TENKYO_JUDGE_URL", "http://m:port/v1", "use a URL such as http://"),
    ],
)
def test_wrong_setting_is_named_with_a_fix(name, value, hint):
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}={value}") and hint in message and "\n" not in message


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("TENKYO_EMBEDER_KEY", "secret", "…"),
        ("TENKYO_LLM_TOKEN", "secret", "…"),
        ("TENKYO_LLM_KEY", "secret鍵", "…"),
        ("TENKYO_RERANKER_KEY", "secret\n", "…"),
        ("TENKYO_EMBEDDER_URL", "ftp://me:secret@h/v1", "ftp://…@h/v1"),
        ("TENKYO_LLM_ULR", "http://me:secret@h/v1", "http://…@h/v1"),
    ],
)
def test_secret_of_a_wrong_setting_is_not_in_the_message(name, value, shown):
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    assert str(caught.value).startswith(f"{name}={shown}: ") and "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["TENKYO_LLM_KEY", "TENKYO_JUDGE_KEY"])
def test_key_is_not_in_repr(name):
    assert "secret" not in repr(read_settings({name: "secret"}))


@pytest.mark.parametrize("model", ["EMBEDDER", "RERANKER"])
def test_key_of_a_server_is_shown_nowhere(model):
    key = {f"TENKYO_{model}_KEY": "secret"}
    assert "secret" not in repr(read_settings(key | {f"TENKYO_{model}_URL": "http://m/v1"}))
    with pytest.raises(SettingsError, match=f"^TENKYO_{model}_KEY=…: .*TENKYO_{model}_URL too$"):
        read_settings(key)


def test_models_are_made_from_the_settings(tmp_path):
    (tmp_path / "config_sentence_transformers.json").write_text('{"prompts": {"query": "q: "}}')
    url = {"TENKYO_EMBEDDER_URL": "http://127.0.0.1:9/v1", "TENKYO_EMBEDDER_MODEL": "bge-m3"}
    plain = bootstrap.create_embedder(read_settings(url))
    assert (plain.name, plain.prompts) == ("bge-m3", ("", ""))
    described = bootstrap.create_embedder(read_settings(url | {"TENKYO_EMBEDDER": str(tmp_path)}))
    assert (described.name, described.prompts) == ("bge-m3", ("q: ", ""))
    assert bootstrap.create_reranker(read_settings({})) is None
    for environ, kind in (
        ({"TENKYO_RERANKER": "a/b"}, CrossEncoderReranker),
        ({"TENKYO_RERANKER": "a/b", "TENKYO_RERANKER_URL": "http://m/v1"}, HttpReranker),
    ):
        made = bootstrap.create_reranker(read_settings(environ))
        assert type(made) is kind and made.name == "a/b"


@pytest.mark.parametrize(("megabytes", "kept"), [("0", []), ("1", ["b"]), ("2", ["a", "b"])])
def test_limit_of_kept_originals_reaches_who_fetches_them(tmp_path, library, megabytes, kept):
    """Both the service, which reads what is sent to it, and the command line."""
    environ = {"TENKYO_DATA_DIR": str(tmp_path), "TENKYO_KEEP_ORIGINALS": megabytes}
    settings = read_settings(environ)
    served = bootstrap.create_ingestion_worker(settings, library).means.originals
    for store in (served, bootstrap.create_ingestion_pipeline(settings).originals):
        assert store.folder == tmp_path / "originals"
        papers = [Source(name, f"https://ex.org/{name}.pdf", version="v1") for name in "ab"]
        for each in papers:
            store.keep(each, b"%PDF-1.4\n" + b"x" * 600_000)
            time.sleep(0.02)  # the one kept first counts as unread for longest
        assert [each.id for each in papers if store.find(each)] == kept
        shutil.rmtree(tmp_path / "originals", ignore_errors=True)


@pytest.mark.parametrize("place", ["/models/nli", "cross-encoder/nli-deberta-v3-base"])
def test_old_use_of_judge_is_the_checker_with_a_notice(caplog, place):
    found = read_settings({"TENKYO_JUDGE": place})
    assert (found.checker, found.judge) == (place, "auto")
    (record,) = caplog.records
    notice = record.getMessage()
    assert place in notice and "TENKYO_CHECKER" in notice and "rename" in notice


@pytest.mark.parametrize("value", ["OFF", "Auto", "0", "false", "none", "of"])
def test_word_that_is_no_use_of_the_judge_is_not_taken_for_a_classifier(value):
    """Whoever means to turn the judge off must not leave it on."""
    with pytest.raises(SettingsError, match=rf"^TENKYO_JUDGE={value}.*auto, llm or off"):
        read_settings({"TENKYO_JUDGE": value})


def test_folder_here_is_still_a_classifier_under_the_old_name(tmp_path, monkeypatch):
    (tmp_path / "nli").mkdir()
    monkeypatch.chdir(tmp_path)
    assert read_settings({"TENKYO_JUDGE": "nli"}).checker == "nli"


def test_classifier_is_not_named_twice():
    both = {"TENKYO_JUDGE": "/models/nli", "TENKYO_CHECKER": "/models/other"}
    with pytest.raises(SettingsError, match=r"^TENKYO_JUDGE=/models/nli.*auto, llm or off"):
        read_settings(both)


@pytest.mark.parametrize("use", ["auto", "llm", "off"])
def test_use_of_the_judge_is_read_without_a_notice(caplog, use):
    found = read_settings(
        {"TENKYO_JUDGE": use, "TENKYO_CHECKER": "/models/nli", "TENKYO_LLM_URL": "http://m/v1"}
    )
    assert (found.judge, found.checker) == (use, "/models/nli") and not caplog.records


def test_judge_without_a_server_of_its_own_needs_that_of_the_answer_model():
    with_model = {"TENKYO_JUDGE": "llm", "TENKYO_JUDGE_MODEL": "big"}
    for name, value in (("LLM_URL", "http://m/v1"), ("JUDGE_URL", "http://j/v1")):
        assert read_settings({f"TENKYO_{name}": value} | with_model).judge_model == "big"
    assert read_settings({"TENKYO_JUDGE": "llm", "TENKYO_LLM_GGUF": "auto"}).judge == "llm"
    assert read_settings({"TENKYO_JUDGE": "off", "TENKYO_JUDGE_MODEL": "big"}).judge == "off"


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "desk.lan"])
def test_public_address_is_refused_unless_open_is_set(monkeypatch, host):
    def resolve(name, port, **_):
        address = "10.0.0.7" if name == "desk.lan" else name
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 0, "", (address, port))]

    taken = []
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket.socket, "bind", lambda _, address: taken.append(address))
    with pytest.raises(SettingsError) as caught:
        bootstrap.bind_socket(Settings(host=host, port=0))
    message = str(caught.value)
    assert message.startswith(f"TENKYO_HOST={host}: ") and "TENKYO_OPEN=1" in message
    assert "\n" not in message and taken == []
    bootstrap.bind_socket(read_settings({"TENKYO_HOST": host, "TENKYO_OPEN": "1"})).close()
    assert len(taken) == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_loopback_address_is_allowed(host):
    with bootstrap.bind_socket(Settings(host=host, port=0)) as bound:
        assert ip_address(bound.getsockname()[0]).is_loopback


def test_window_of_the_judge_is_that_of_the_answer_model_where_it_judges():
    assert read_settings({"TENKYO_LLM_WINDOW": "9000"}).judge_tokens == 9000
    url = "http://127.0.0.1:9/v1"
    assert read_settings({"TENKYO_LLM_URL": url}).judge_tokens == 8192
    same = {"TENKYO_LLM_URL": url, "TENKYO_LLM_WINDOW": "4096"}
    assert read_settings(same).judge_tokens == 4096
    assert read_settings(same | {"TENKYO_JUDGE_URL": "http://127.0.0.1:8/v1"}).judge_tokens == 8192
    assert read_settings(same | {"TENKYO_JUDGE_WINDOW": "6000"}).judge_tokens == 6000


# The data folder where none is set


@pytest.fixture
def user_folder(tmp_path, monkeypatch):
    """The user's data folder; the working directory is an empty folder beside it."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    return tmp_path / "share" / "tenkyo"


linux = pytest.mark.skipif(sys.platform != "linux", reason="other platforms have other folders")


@linux
def test_data_is_in_the_users_folder_by_default(user_folder):
    Path("data").mkdir()
    Path("data/sales.csv").touch()  # somebody else's data
    assert read_settings({}).data_dir == user_folder == Settings().data_dir
    assert not user_folder.exists()


@linux
@pytest.mark.parametrize("name", ["tenkyo.db", "index/manifest.json"])
def test_library_in_this_folder_is_found(user_folder, name):
    file = Path("data") / name
    file.parent.mkdir(parents=True)
    file.touch()
    assert read_settings({}).data_dir == Path("data")
    assert read_settings({"TENKYO_DATA_DIR": "/elsewhere"}).data_dir == Path("/elsewhere")
    assert read_settings({"TENKYO_DATA_DIR": ""}).data_dir == Path("data")


@linux
def test_user_without_a_home_has_the_data_here(user_folder, monkeypatch):
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # whom the system does not know
    assert read_settings({}).data_dir == Path("data")


def test_options_take_the_place_of_variables():
    environ = {"TENKYO_PORT": "9000", "TENKYO_HOST": "::1", "TENKYO_LLM_URL": "http://m/v1"}
    found = read_settings(environ, {"port": "8001", "host": "127.0.0.2", "llm_url": ""})
    assert (found.port, found.host, found.llm_url) == (8001, "127.0.0.2", "")
    assert read_settings(environ, {}) == read_settings(environ)


def test_key_is_not_sent_to_the_server_of_an_option():
    environ = {"TENKYO_LLM_KEY": "secret", "TENKYO_LLM_MODEL": "big", "TENKYO_LLM_GGUF": "auto"}
    hosted = environ | {"TENKYO_LLM_URL": "https://hosted.example/v1"}
    found = read_settings(hosted, {"llm_url": "http://127.0.0.1:11434/v1"})
    assert (found.llm_key, found.llm_model, found.llm_gguf) == ("", "", "")
    for same in (hosted, environ):
        found = read_settings(same, {"llm_url": "https://hosted.example/v1"})
        assert (found.llm_key, found.llm_model, found.llm_gguf) == ("secret", "big", "")


def test_key_of_the_judge_is_not_sent_to_the_server_of_an_option():
    own = {"TENKYO_JUDGE_KEY": "secret", "TENKYO_JUDGE_MODEL": "strict"}
    environ = own | {"TENKYO_LLM_URL": "https://hosted.example/v1"}
    for url in ("http://127.0.0.1:11434/v1", ""):
        found = read_settings(environ, {"llm_url": url})
        assert (found.judge_key, found.judge_model) == ("", "")
    elsewhere = environ | {"TENKYO_JUDGE_URL": "https://judge.example/v1"}
    for environ in (elsewhere, own):  # the judge's own server, or that of the option
        found = read_settings(environ, {"llm_url": "http://127.0.0.1:11434/v1"})
        assert (found.judge_key, found.judge_model) == ("secret", "strict")
