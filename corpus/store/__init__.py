"""The store: sources, documents, passages and their former versions in an SQL database.

Used from outside: ``store.Store``, ``database.Database``, ``fingerprint.reading_fingerprint``.
"""
