"""The ``tenkyo`` command: its sub-commands and what they print.

Used from outside: ``main.main``, the entry point.
"""
