"""Ingestion: read documents into the store, bring the index up to it, and remove sources.

Used from outside: ``ingest.Ingestion``, ``work_linking.update_index``, ``removal.remove_sources``.
"""
