"""Helpers that several test files use; test files do not import each other."""
