"""The OpenAI-compatible API: chat completions, responses and models, for clients of OpenAI's API.

``chat_requests`` and ``response_requests`` read what a client sends, with what both share in
``questions``; ``chat_completions`` and ``response_objects`` make replies from answers, with what
both share in ``citations``; ``errors`` has errors in OpenAI's shape, and ``routes`` has the routes.
Used from outside: ``routes.router``.
"""
