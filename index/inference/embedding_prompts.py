"""The words that an embedding model wants before questions and before passages.

Models say so in ``config_sentence_transformers.json``, which sentence-transformers and we read.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

CONFIGURATION = "config_sentence_transformers.json"
# What models call their prompts: "query", "Retrieval-query" or "retrieval.query", and so on.
_NAMES = {"query": "query", "passage": "passage|document|corpus"}
_log = logging.getLogger(__name__)


class Prompts(NamedTuple):
    """What a model wants before a question and before a passage; often nothing."""

    query: str = ""
    passage: str = ""


def choose_prompts(prompts: Mapping[str, str | None], default: str | None = None) -> Prompts:
    """Choose the prompts for questions and passages from all that a model has.

    Args:
        prompts: The model's prompts, by their names.
        default: The name of the one that it wants before any other text.
    """
    fallback = prompts.get(default or "") or ""
    found = []
    for names in _NAMES.values():
        exact = [name for name in names.split("|") if name in prompts]
        ending = re.compile(rf".*[\W_](?:{names})", re.IGNORECASE | re.DOTALL)
        longer = [name for name in prompts if ending.fullmatch(name)]
        name = next(iter([*exact, *longer]), None)
        found.append(fallback if name is None else prompts[name] or "")
    return Prompts(*found)


def prompts_in(folder: Path) -> Prompts:
    """Read the prompts of the model in a folder; none where it has no configuration of them."""
    try:
        given = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
        prompts = dict(given.get("prompts") or {})
        if all(isinstance(each, str | None) for each in prompts.values()):
            return choose_prompts(prompts, given.get("default_prompt_name"))
    except FileNotFoundError:
        return Prompts()
    except (OSError, ValueError, AttributeError, TypeError):
        pass
    _log.warning(
        "the prompts in %s cannot be read, so that texts are embedded without: fetch the model"
        " again",
        folder / CONFIGURATION,
    )
    return Prompts()


def prompts_of(model: str) -> Prompts:
    """Read the prompts of a model that runs elsewhere from its configuration.

    Args:
        model: A folder, or the model's name on its server. One that reads as a hub id
            (``owner/name``) is looked up in the cache of the hub on this machine, then in the hub.

    Returns:
        The prompts; none where the name says nothing or the model has none.
    """
    if Path(model).is_dir():
        return prompts_in(Path(model))
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        return Prompts()
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    for only_here in (True, False):
        try:
            path = hf_hub_download(model, CONFIGURATION, local_files_only=only_here)
            return prompts_in(Path(path).parent)
        except LocalEntryNotFoundError:
            continue
        except EntryNotFoundError:  # the hub knows the model, which has none
            return Prompts()
        except (OSError, ValueError):
            break
    _log.warning(
        "the hub does not tell the prompts of %s, so that texts are embedded without: set"
        " TENKYO_EMBEDDER to a folder with its %s if it has one",
        model,
        CONFIGURATION,
    )
    return Prompts()
