"""Answering: evidence, claims, citations and their verdicts, over HTTP and on the command line.

The values that travel are in ``service.types``, the settings in ``service.settings``.
"""
