"""The bundled models, loaded once for all tests of a process, and for the commands that it runs."""

from __future__ import annotations

from functools import cache

import pytest

from index.inference.cross_encoder import Checker, CrossEncoder
from index.inference.embedder import Embedder, SentenceTransformerEmbedder
from index.inference.model_registry import BUNDLED_EMBEDDER
from service.server import bootstrap
from service.settings import Settings
from tests.support.paths import CACHE
from tests.support.remembering_checker import RememberingChecker
from tests.support.remembering_embedder import RememberingEmbedder

MODELS = CACHE / "models"
"""The folder into which the bundled models are unpacked."""


@cache
def bundled_embedder() -> SentenceTransformerEmbedder:
    """The embedder itself."""
    return SentenceTransformerEmbedder(BUNDLED_EMBEDDER, MODELS)


@cache
def cross_encoder() -> CrossEncoder:
    """The checker itself."""
    return CrossEncoder(cache=MODELS)


@cache
def embedder() -> RememberingEmbedder:
    """The embedder, but embedding the same texts only once."""
    return RememberingEmbedder(bundled_embedder())


@cache
def checker() -> RememberingChecker:
    """The checker, but reading the same pairs only once."""
    return RememberingChecker(cross_encoder())


def lend_models(patch: pytest.MonkeyPatch) -> None:
    """Give these models to commands in this process that would load the same ones again."""
    make_embedder, make_checker = bootstrap.create_embedder, bootstrap.create_checker

    def create_embedder(settings: Settings) -> Embedder:
        bundled = not settings.embedder_url and settings.embedder == BUNDLED_EMBEDDER
        return embedder() if bundled and _unpacked(settings) else make_embedder(settings)

    def create_checker(settings: Settings) -> Checker:
        bundled = not settings.checker and _unpacked(settings)
        return checker() if bundled else make_checker(settings)

    patch.setattr(bootstrap, "create_embedder", create_embedder)
    patch.setattr(bootstrap, "create_checker", create_checker)


def _unpacked(settings: Settings) -> bool:
    """Whether the models of the settings lie in the folder of these."""
    return settings.models_dir.resolve() == MODELS.resolve()
