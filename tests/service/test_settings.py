"""Settings: what the environment may say."""

import pytest

from corpus.errors import SettingsError
from service.settings import Settings, read_settings


def test_defaults_and_values():
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
    ],
)
def test_a_wrong_setting_is_named_with_its_mending(name, value, hint):
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}={value}") and hint in message and "\n" not in message


def test_a_key_is_not_shown():
    assert "secret" not in repr(read_settings({"TENKYO_LLM_KEY": "secret"}))
