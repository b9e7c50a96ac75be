"""Ingestion jobs of a running service: their table, their worker, the pipeline, watched folders.

Used from outside: ``pipeline.IngestionPipeline``, ``worker.IngestionWorker``, ``job_store``.
"""
