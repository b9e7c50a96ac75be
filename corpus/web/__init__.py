"""The network: guarded and polite fetching, an HTTP cache, and papers behind landing pages.

Used from outside: ``fetcher.Fetcher``, ``response.Fetched``, ``crawler``.
"""
