"""The library that ships with Tenkyo: its catalogue of sources and our own digests.

Used from outside: ``catalogue.entries``.
"""
