"""The Model Context Protocol server: four tools, and their two transports.

Used from outside: ``tools``, ``transport``.
"""
