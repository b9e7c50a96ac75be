"""Inference with the embedder and the checker's two neural networks, for many threads at once.

Used from outside: ``embedder.Embedder``, ``cross_encoder.Checker``, ``shared_models``,
``batch_scheduler.Priority``, and ``server_errors``.
"""
