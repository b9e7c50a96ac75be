"""The library that ships with Tenkyo: its catalogue of sources, whole texts and our own digests.

Used from outside: ``catalogue.entries``.
"""
