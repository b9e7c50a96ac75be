"""Catalogue: answers about documents as things, from their metadata and without a model.

Other rooms use ``read_catalogue`` and ``Catalogue`` (``snapshot``), ``named_sources``,
``ListingRequest`` (``requests``), ``describe`` and ``list_works`` (``replies``), ``overview`` and
``guide``. ``sentences`` and ``fields`` are what a receipt is checked with again.
"""
