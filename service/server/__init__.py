"""A service that runs: settings to parts, worker processes, and a port open from the start.

Used from outside: ``bootstrap``, ``workers``.
"""
