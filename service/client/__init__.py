"""The typed Python client of a running Tenkyo, synchronous and asynchronous.

Used from outside: ``sync_client.Client``, ``async_client.AsyncClient``.
"""
