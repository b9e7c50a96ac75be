"""Tests of the settings that environment variables make."""

import socket
from ipaddress import ip_address

import pytest

from corpus.errors import SettingsError
from service.server import bootstrap
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
def test_wrong_setting_is_named_with_fix(name, value, hint):
    with pytest.raises(SettingsError) as caught:
        read_settings({name: value})
    message = str(caught.value)
    assert message.startswith(f"{name}={value}") and hint in message and "\n" not in message


def test_key_is_not_shown():
    assert "secret" not in repr(read_settings({"TENKYO_LLM_KEY": "secret"}))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "desk.lan"])
def test_listening_beyond_loopback_needs_permission(monkeypatch, host):
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
def test_listening_on_loopback_needs_no_permission(host):
    with bootstrap.bind_socket(Settings(host=host, port=0)) as bound:
        assert ip_address(bound.getsockname()[0]).is_loopback
