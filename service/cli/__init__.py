"""The ``tenkyo`` command: its sub-commands, their options and what they print.

Used from outside: ``main.main``, the entry point that pyproject.toml names.
"""
