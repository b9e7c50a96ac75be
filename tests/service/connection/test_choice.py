"""The choice of a model in the data folder: who may read it, and what overrides it."""

from __future__ import annotations

import json
import stat

import pytest

from corpus.errors import StoreError
from service.connection.choice import ChoiceFile, ModelChoice, is_fixed, with_choice
from service.server.bootstrap import load_settings
from service.server.judges import judge_key
from service.settings import Settings, read_settings

CHOICE = ModelChoice("http://127.0.0.1:11434/v1", "qwen", "sk-secret")


def test_choice_is_kept_with_its_key_in_a_file_of_its_own(tmp_path):
    file = ChoiceFile(tmp_path / "data")
    assert file.read() is None and file.stamp() is None
    file.keep(CHOICE)
    assert file.read() == CHOICE
    key = tmp_path / "data" / "model.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert "sk-secret" not in (tmp_path / "data" / "model.json").read_text()
    assert sorted(path.name for path in key.parent.iterdir()) == ["model.json", "model.key"]
    assert "sk-secret" not in repr(CHOICE)
    file.forget()
    assert file.read() is None and not key.exists()


def test_key_never_goes_to_another_server(tmp_path):
    file = ChoiceFile(tmp_path)
    file.keep(CHOICE)
    (tmp_path / "model.json").write_text(
        json.dumps({"url": "https://evil.example/v1", "model": "m"})
    )
    assert file.read() == ModelChoice("https://evil.example/v1", "m", "")
    file.keep(CHOICE)
    file.keep(ModelChoice("http://other/v1", "m"))
    assert not (tmp_path / "model.key").exists()


@pytest.mark.parametrize("key", ["鍵", "a\nb", None])
def test_key_that_cannot_be_one_counts_as_none(tmp_path, key):
    file = ChoiceFile(tmp_path)
    file.keep(CHOICE)
    (tmp_path / "model.key").write_text(json.dumps({"url": CHOICE.url, "key": key}))
    assert file.read() == ModelChoice(CHOICE.url, CHOICE.model)


def test_another_choice_has_another_stamp(tmp_path):
    file = ChoiceFile(tmp_path)
    file.keep(CHOICE)
    first = file.stamp()
    file.keep(ModelChoice(CHOICE.url, "other"))
    assert file.stamp() != first


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"url": "http://[::1", "model": "m"}',
        '{"url": "x", "model": "m"}',
        '{"url": 1, "model": "m"}',
        '{"url": "", "model": "m"}',
        "[" * 99_999,
    ],
)
def test_damaged_file_is_no_choice(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    assert ChoiceFile(tmp_path).read() is None


def test_folder_that_cannot_be_written_is_said_without_its_path(tmp_path):
    (tmp_path / "data").write_text("a file")
    with pytest.raises(StoreError) as raised:
        ChoiceFile(tmp_path / "data").keep(CHOICE)
    assert str(tmp_path) not in raised.value.public and "writable" in raised.value.public


@pytest.mark.parametrize(
    ("environ", "options", "fixed"),
    [
        ({}, {}, False),
        ({"TENKYO_LLM_URL": "http://set/v1"}, {}, True),
        ({"TENKYO_LLM_GGUF": "auto"}, {}, True),
        ({}, {"llm_url": ""}, True),  # --model-url "": no model
        ({"TENKYO_LLM_MODEL": "m", "TENKYO_LLM_KEY": "other"}, {}, False),
    ],
)
def test_environment_and_command_line_override_the_choice(environ, options, fixed):
    settings = read_settings(environ, options)
    assert is_fixed(settings) == fixed
    used = with_choice(settings, CHOICE)
    if fixed:
        assert used == settings
    else:
        assert (used.llm_url, used.llm_model, used.llm_key) == (CHOICE.url, "qwen", "sk-secret")
    assert with_choice(settings, None) == settings


def test_keys_of_the_environment_do_not_go_to_the_chosen_server():
    environ = {"TENKYO_LLM_KEY": "one", "TENKYO_LLM_URL": ""}
    used = with_choice(read_settings(environ), ModelChoice("http://other/v1", "m"))
    assert used.llm_key == ""
    of_judge = Settings(judge_key="two", judge_model="j")
    assert judge_key(with_choice(of_judge, ModelChoice("http://other/v1", "m"))) == ""
    elsewhere = Settings(judge_url="http://judge/v1", judge_key="two", judge_model="j")
    used = with_choice(elsewhere, CHOICE)
    assert judge_key(used) == "two" and used.judge_model == "j"


def test_commands_use_the_choice_and_the_service_exchanges_it_itself(tmp_path, monkeypatch):
    monkeypatch.setenv("TENKYO_DATA_DIR", str(tmp_path))
    ChoiceFile(tmp_path).keep(CHOICE)
    assert load_settings().llm_url == CHOICE.url
    assert load_settings({"llm_url": ""}).llm_url == ""
    assert load_settings(chosen=False).llm_url == ""
