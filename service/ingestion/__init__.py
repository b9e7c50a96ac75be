"""Ingestion jobs of a running service: their table, the worker, the pipeline, watched folders.

Used from outside: ``pipeline``, ``worker``, ``job_store``.
"""
