"""Which model judges by the settings, where it is, and which key it gets."""

from __future__ import annotations

import asyncio

import pytest

from service.server.judges import choose_judge, judge_host, name_models, print_untested
from service.server.language_models import create_answer_model
from service.settings import read_settings
from tests.support.judge_server import judge_app
from tests.support.live_server import served

WRITER = {"TENKYO_LLM_URL": "http://user:pass@writer:1/v1", "TENKYO_LLM_MODEL": "w",
          "TENKYO_LLM_KEY": "writers"}  # fmt: skip
JUDGE = {"TENKYO_JUDGE_URL": "https://judge.example/v1", "TENKYO_JUDGE_MODEL": "j"}


def chosen(tmp_path, environ):
    settings = read_settings(environ | {"TENKYO_DATA_DIR": str(tmp_path / "data")})
    writer = create_answer_model(settings)
    return choose_judge(settings, writer), writer, settings


@pytest.mark.parametrize(
    ("environ", "host", "name", "writes", "key"),
    [
        (WRITER, "writer:1", "w", True, "Bearer writers"),
        (WRITER | JUDGE, "judge.example", "j", False, None),
        (WRITER | JUDGE | {"TENKYO_JUDGE_KEY": "own"}, "judge.example", "j", False, "Bearer own"),
        (JUDGE, "judge.example", "j", False, None),
        (
            WRITER | {"TENKYO_JUDGE_URL": WRITER["TENKYO_LLM_URL"], "TENKYO_JUDGE_MODEL": "j"},
            "writer:1",
            "j",
            False,
            "Bearer writers",
        ),
        (WRITER | {"TENKYO_JUDGE_MODEL": "j"}, "writer:1", "j", False, "Bearer writers"),
        (WRITER | {"TENKYO_JUDGE_MODEL": "w"}, "writer:1", "w", True, "Bearer writers"),
    ],
)
def test_judge_is_the_model_at_its_url_or_else_the_answer_model(
    tmp_path, environ, host, name, writes, key
):
    found, writer, settings = chosen(tmp_path, environ)
    assert (found.judge.host, found.judge.name, found.writes) == (host, name, writes)
    assert (found.model is writer) == writes
    assert found.model._client.headers.get("Authorization") == key
    assert judge_host(settings) == host and "pass" not in found.judge.host
    assert not found.judge.able and not (tmp_path / "data").exists()


@pytest.mark.parametrize("environ", [{}, WRITER | JUDGE | {"TENKYO_JUDGE": "off"}])
def test_there_is_no_judge_without_a_model_or_where_it_is_off(tmp_path, environ):
    found, _, settings = chosen(tmp_path, environ)
    assert found is None and judge_host(settings) == ""


def test_host_of_a_model_in_the_process_is_this_machine():
    assert judge_host(read_settings({"TENKYO_LLM_GGUF": "auto"})) == "127.0.0.1"
    assert judge_host(read_settings({"TENKYO_LLM_GGUF": "auto"} | JUDGE)) == "judge.example"


def test_model_in_the_process_is_known_again_at_another_port(tmp_path):
    def started(port, gguf="small.gguf"):
        given = {"TENKYO_LLM_URL": f"http://127.0.0.1:{port}/v1", "TENKYO_LLM_MODEL": "small"}
        return chosen(tmp_path, given | {"TENKYO_LLM_GGUF": gguf})[0].model

    assert started(7001).address == started(7002).address
    assert started(7001).host == "127.0.0.1:7001"
    assert started(7001, "").address != started(7002, "").address


@pytest.mark.server
def test_judge_without_a_name_is_known_by_what_its_server_says(tmp_path, capsys):
    with served(judge_app()) as url:
        environ = {"TENKYO_JUDGE_URL": f"{url}/v1"}
        found, _, settings = chosen(tmp_path, environ)

        async def prove():
            await found.judge.prove()
            await found.close()

        asyncio.run(prove())
        assert found.judge.able
        fresh, _, _ = chosen(tmp_path, environ)
        assert not fresh.judge.able  # its name is not known yet
        print_untested(fresh.judge)
        assert "tenkyo models test" in capsys.readouterr().err
        named = asyncio.run(name_models(settings))
        assert named.judge_model == "scripted" and named.llm_model == ""
        known = choose_judge(named, None)
        assert known.judge.able
        print_untested(known.judge)
        assert capsys.readouterr().err == ""
        writer = read_settings({"TENKYO_LLM_URL": f"{url}/v1"})
        assert asyncio.run(name_models(writer)).llm_model == "scripted"
    assert asyncio.run(name_models(settings)) == settings  # it is down now
