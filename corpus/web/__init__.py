"""Network access: guarded fetching, a crawler that respects robots.txt, a cache, and papers.

Used from outside: ``fetcher.Fetcher``, ``response.Fetched``, ``crawler.Crawler``.
"""
