"""A fake judge whose judgements are given by the test."""

import asyncio

from service.judging.types import JudgeCall, Judgement


class ScriptedJudge:
    """A Judge that says of each sentence what the test says, and records its calls.

    Args:
        says: The judgement of each sentence, or a function from the numbered evidence to it. A
            sentence that is not there is supported by the first sentence of the evidence that has
            all of its numbers; without a number it is not.
        failures: What goes wrong with each call, in order; None for nothing, and after the last.
        seconds: How long a call takes.

    Attributes:
        calls: The sentences of each call.
        before: The sentences before them, of each call.
        evidence: The numbered evidence of each call.
        running: The number of calls in flight, and most is the highest that it was.
        cancelled: The number of calls that were cancelled.
    """

    name, host, window = "scripted", "judge.example", 8192

    def __init__(self, says=None, failures=(), seconds=0.0, able=True):
        self.says, self.failures, self.seconds, self.able = says or {}, failures, seconds, able
        self.calls, self.before, self.evidence, self.questions = [], [], [], []
        self.running = self.most = self.cancelled = 0

    async def judge(self, question, evidence, sentences, before=()):
        """Return the scripted judgements, after the scripted time."""
        number = len(self.calls)
        self.calls.append(tuple(sentences))
        self.before.append(tuple(before))
        self.evidence.append(evidence)
        self.questions.append(question)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.running -= 1
        failure = self.failures[number] if number < len(self.failures) else None
        if failure:
            return JudgeCall(failure=failure, seconds=self.seconds)
        judgements = tuple(self._judge(sentence, evidence) for sentence in sentences)
        return JudgeCall(judgements, None, 100, 10, self.seconds)

    def _judge(self, sentence, evidence):
        given = self.says.get(sentence)
        if given is not None:
            return given(evidence) if callable(given) else given
        words = [word.strip(".,。") for word in sentence.split()]
        digits = [word for word in words if any(char.isdigit() for char in word)]
        for each in evidence.sentences:
            if digits and all(word in each.text for word in digits):
                return Judgement("supported", (each.number,))
        return Judgement("unsupported", (), (), answers=False)


def names(words, ruling, answers=True):
    """Make a judgement that names the evidence sentences that have some words."""

    def judgement(evidence):
        numbers = tuple(each.number for each in evidence.sentences if words in each.text)
        return Judgement(ruling, numbers[:1], (), answers)

    return judgement
