"""The OpenAI-compatible API: chat completions and models, for programs written for OpenAI's API.

``requests`` reads what a client sends, ``responses`` makes completions from answers, ``routes`` has
the two. Used from outside: ``routes.router``.
"""
