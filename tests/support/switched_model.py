"""Models for tests of a running service: one that a test can exchange, slow and endless ones."""

import asyncio
import time

from tests.support.scripted_model import Script

SAID = "Whisper was trained on 680,000 hours of audio [1]. It cost 90 dollars [1]."


class Switch:
    """A model that a test can exchange."""

    name = "switch"

    def __init__(self):
        self.now = Script(SAID)

    def stream(self, messages):
        return self.now.stream(messages)


class Slow(Script):
    """A model that waits for ten seconds and records when it was stopped."""

    def __init__(self):
        super().__init__("")
        self.started = self.stopped = None

    async def stream(self, messages):
        self.started = time.monotonic()
        try:
            await asyncio.sleep(10)
            yield "Too late."
        finally:
            self.stopped = time.monotonic()


class Endless(Script):
    """A model that writes until it is stopped, and then sets ``closed``."""

    def __init__(self):
        super().__init__("")
        self.begun = False

    async def stream(self, messages):
        self.begun = True
        try:
            while True:
                yield "word "
                await asyncio.sleep(0.01)
        finally:
            self.closed = True
