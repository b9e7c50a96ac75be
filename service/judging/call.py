"""One call of a judging model: the sentences as they are given, and its judgement of each."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence

from corpus.errors import ModelBadOutput, ModelUnavailable
from service.generation.completion import CompletionModel
from service.judging.prompt import REPLY_SCHEMA, judge_messages, reply_tokens
from service.judging.reply import UnreadableReply, parse_reply
from service.judging.types import Failure, JudgeCall, NumberedEvidence

logger = logging.getLogger(__name__)


async def ask(
    model: CompletionModel,
    question: str,
    evidence: NumberedEvidence,
    sentences: Sequence[str],
    before: Sequence[str],
    timeout: float,
) -> JudgeCall:
    """Ask a model to judge sentences, in ``timeout`` seconds; a failure is a value, not an error.

    Returns:
        As many judgements as sentences, or none and the failure.
    """
    began = time.monotonic()
    messages = judge_messages(question, evidence, sentences, before)
    try:
        async with asyncio.timeout(timeout):
            # The client's own limit comes later, so that it is never what ends the call.
            reply = await model.complete(
                messages, reply_tokens(len(sentences)), REPLY_SCHEMA, timeout + 1
            )
    except TimeoutError:
        return _failed("timeout", began, f"no reply in {timeout:g} s")
    except ModelUnavailable as error:
        return _failed("unreachable", began, error)
    except ModelBadOutput as error:
        return _failed("unreadable", began, error)
    except Exception as error:  # such as a client that was closed: an answer must not fail by it
        return _failed("unreachable", began, repr(error))
    tokens = reply.prompt_tokens, reply.completion_tokens
    try:
        found = parse_reply(reply.text, len(sentences), len(evidence.sentences))
    except UnreadableReply as error:
        logger.info("the judge's reply does not count: %s", error)
        return JudgeCall((), "unreadable", *tokens, time.monotonic() - began)
    return JudgeCall(found, None, *tokens, time.monotonic() - began)


def _failed(failure: Failure, began: float, why: object) -> JudgeCall:
    logger.warning("the judge did not judge: %s", why)
    return JudgeCall(failure=failure, seconds=time.monotonic() - began, replied=False)
