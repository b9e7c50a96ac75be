"""The HTTP API: the application and its routes, a module for each group of them.

Used from outside: ``app.create_app``.
"""
