"""How a language model's server fails, as kinds of errors, and what the log says mends it."""

from __future__ import annotations

from dataclasses import dataclass

from corpus.errors import ModelBadOutput, ModelUnavailable


class ModelUnreachable(ModelUnavailable):
    """Nothing answers at the model's address: start its server, or correct the address."""


class ModelTooSlow(ModelUnavailable):
    """A model was silent or wrote for too long: wait longer for it, or use a smaller one."""


class NoLanguageModel(ModelBadOutput):
    """What answers at the address is no language model, such as a web page: correct the address."""


@dataclass(frozen=True, slots=True)
class Remedies:
    """What mends a model's server, in the words of the log.

    Attributes:
        unreachable: Where nothing answers.
        refused: Where the server refuses a request, its key or the name of the model.
        wrong_address: Where something else answers than a server of language models.
    """

    unreachable: str
    refused: str
    wrong_address: str


IN_SETTINGS = Remedies(
    "start it, or correct TENKYO_LLM_URL",
    "check TENKYO_LLM_URL, TENKYO_LLM_MODEL and TENKYO_LLM_KEY",
    "check that TENKYO_LLM_URL is the base of an OpenAI-compatible API, mostly ending in /v1",
)
"""For a model that the environment or the command line names."""

ON_PAGE = Remedies(
    "start it, or connect another by “Change the model” on the page",
    "connect it again, with its key, by “Change the model” on the page",
    "connect it again by “Change the model” on the page, with the base URL of an OpenAI-compatible"
    " API, mostly ending in /v1",
)
"""For a model that was connected on the page, where those variables change nothing."""


def unreadable_reply(data: str, streamed: bool, shown: str, remedies: Remedies) -> ModelBadOutput:
    """Return the error for a reply that is no chat completion, by what probably sent it.

    Args:
        data: The reply, or one event of it.
        streamed: Whether it came as an event of a stream, which only a language model sends.
        shown: The server's address.
        remedies: What mends the server.
    """
    begun = data.lstrip()[:1] == "{" and '"choices"' in data
    if streamed or begun or not data.strip():
        return ModelBadOutput(
            f"what the language model at {shown} sent cannot be read as a chat completion: see its"
            " log"
        )
    return NoLanguageModel(
        f"what the language model at {shown} sent is not a chat completion:"
        f" {remedies.wrong_address}"
    )
