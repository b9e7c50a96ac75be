"""The HTTP API: one FastAPI application and its routes, with a module for each group of routes.

Retrieval, prompts and models are elsewhere: a route reads the request, calls the room that does the
work, and writes the response. Used from outside: ``app.create_app``.
"""
