"""What is shown of the error that a model's server replies with."""

from __future__ import annotations

import pytest

from index.inference.server_errors import error_message


@pytest.mark.parametrize(
    ("reply", "key", "shown"),
    [
        ({"error": {"message": "bad key sk-very/secret."}}, "sk-very/secret", "bad key …."),
        ({"error": "url?key=sk-very%2Fsecret"}, "sk-very/secret", "url?key=…"),
        ({"message": "Bearer SK-VERY-SECRETxyz"}, "sk-very-secret", "Bearer …xyz"),
        ({"detail": "none of the models, key none"}, "none", "… of the models, key …"),
        ({"error": "nonesuch"}, "none", "nonesuch"),
        ({"error": {"message": "x" * 195 + " sk-very-secret"}}, "sk-very-secret", "x" * 195 + " …"),
        ({"error": "two\n lines"}, "", "two lines"),
        ({"choices": []}, "k", ""),
        ({"error": {"code": 5}}, "k", ""),
        (["error"], "k", ""),
        (None, "k", ""),
    ],
)
def test_message_is_short_and_without_the_key(reply: object, key: str, shown: str) -> None:
    assert error_message(reply, key) == shown


def test_long_message_is_cut() -> None:
    assert error_message({"error": "x " * 100_000}) == "x " * 100
