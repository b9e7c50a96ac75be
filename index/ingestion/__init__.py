"""Ingestion: read documents into the store, update the index, and remove sources.

Used from outside: ``ingest.Ingestion``, ``work_linking.update_index``, ``removal.remove_sources``.
"""
