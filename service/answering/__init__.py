"""Answering: turns a question into a stream of checked claims, or an abstention.

Used from outside: ``engine.Engine``, ``factcheck``, ``suggestions``.
"""
