"""The OpenAI-compatible API: chat completions and models.

Used from outside: ``routes``.
"""
