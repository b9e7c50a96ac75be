"""A fake language model whose reply is given by the test."""

import asyncio


class Script:
    """An AnswerModel that streams a given text in pieces of three characters."""

    name = "script"

    def __init__(self, text, error=None):
        self.text, self.error, self.closed, self.messages = text, error, False, None

    async def stream(self, messages):
        """Yield the text, then raise the error if one was given."""
        self.messages = messages
        try:
            for i in range(0, len(self.text), 3):
                yield self.text[i : i + 3]
                await asyncio.sleep(0)
            if self.error:
                raise self.error
        finally:
            self.closed = True
