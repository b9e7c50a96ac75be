"""The description of the API, ``/openapi.json``, with replies of the service as its examples.

``examples.json`` has a reply by the id of its operation. They are recorded, never written by hand:
``tests/support/openapi_calls.py`` records them, and a test compares them with what is replied now.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi import FastAPI

EXAMPLES = Path(__file__).with_name("examples.json")
# By the part of a path after the version: the group in which pages and generated clients show it.
_GROUPS = {
    "answers": "Answers",
    "verify": "Answers",
    "feedback": "Answers",
    "examples": "Answers",
    "conversations": "Conversations",
    "shared": "Conversations",
    "sources": "Library",
    "passages": "Library",
    "search": "Library",
    "collections": "Library",
    "documents": "Library",
    "jobs": "Library",
}
_ERRORS = {"application/problem+json": "problem", "application/json": "openai_error"}


class DescribedApp(FastAPI):
    """An application whose description has groups, and an example of every reply in JSON."""

    def openapi(self) -> dict[str, Any]:
        """Return the description as OpenAPI; it is made once."""
        if self.openapi_schema is None:
            described = super().openapi()
            examples = json.loads(EXAMPLES.read_text(encoding="utf-8"))
            for path, operations in described["paths"].items():
                group = _GROUPS.get(path.removeprefix("/v1").split("/")[1], "Service")
                for operation in operations.values():
                    operation.setdefault("tags", [group])
                    _add_examples(operation, examples)
        return super().openapi()


def _add_examples(operation: dict[str, Any], examples: dict[str, Any]) -> None:
    example = examples.get(operation["operationId"])
    for status, reply in operation["responses"].items():
        content = reply.get("content", {})
        if status == "default":
            for kind, name in _ERRORS.items():
                if kind in content:
                    content[kind]["example"] = examples[name]
        elif example is not None and "application/json" in content:
            content["application/json"]["example"] = example
