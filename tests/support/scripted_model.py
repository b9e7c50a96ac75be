"""A language model that says what a test gives it to say."""

import asyncio


class Script:
    """An AnswerModel that says what it was given, in pieces of three characters."""

    name = "script"

    def __init__(self, text, error=None):
        self.text, self.error, self.closed, self.messages = text, error, False, None

    async def stream(self, messages):
        self.messages = messages
        try:
            for i in range(0, len(self.text), 3):
                yield self.text[i : i + 3]
                await asyncio.sleep(0)
            if self.error:
                raise self.error
        finally:
            self.closed = True
