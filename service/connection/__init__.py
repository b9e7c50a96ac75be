"""Connecting a language model while the service runs: finding one, trying it, keeping the choice.

Used from outside: ``choice``, ``connection``, ``servers``, ``trial``.
"""
