"""Errors of the models that search and check, told apart from those of language models.

A reader can choose another language model; these are mended by whoever runs Tenkyo.
"""

from __future__ import annotations

from corpus.errors import ModelBadOutput, ModelError, ModelUnavailable


class SearchModelError(ModelError):
    """A model that searches or checks failed: try again, and see the log for the reason."""


class SearchModelUnavailable(SearchModelError, ModelUnavailable):
    """A model that searches or checks cannot be reached or loaded; see ``ModelUnavailable``."""


class SearchModelBadOutput(SearchModelError, ModelBadOutput):
    """The output of a model that searches or checks breaks its protocol."""
