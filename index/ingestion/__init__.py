"""Ingestion: documents into the store, the index brought up to it, sources removed.

Used from outside: ``ingest.Ingestion``, ``sync.sync``, ``removal``.
"""
