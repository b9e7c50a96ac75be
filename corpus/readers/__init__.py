"""Readers: the bytes of a file to a ``Document``, a module for each format.

Used from outside: ``extract.extract``, and ``sandbox``, which runs it in a process of its own.
"""
