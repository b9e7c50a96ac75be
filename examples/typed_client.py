"""Stream the answer of a running Tenkyo with its typed Python client.

Usage: python examples/typed_client.py QUESTION [URL]

Start the server first: make serve. Each claim is printed as soon as it has been checked.
"""

from __future__ import annotations

import sys

from corpus.errors import ServiceError
from service.client.sync_client import Client
from service.types import Answer, Claim, EvidenceFound, Rejected


def main() -> None:
    """Print the events of one answer as they arrive."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    url = sys.argv[2] if len(sys.argv) == 3 else "http://127.0.0.1:8000"

    with Client(url) as tenkyo:
        try:
            for event in tenkyo.stream(sys.argv[1]):
                match event.data:
                    case EvidenceFound(evidence=evidence):
                        print(f"{len(evidence)} passages found")
                    case Claim() as claim:
                        labels = "".join(f"[{each.label}]" for each in claim.citations)
                        print(f"{claim.verdict.label}: {claim.text} {labels}")
                    case Rejected() as rejected:
                        print(f"withheld: {rejected.text} ({rejected.reason})")
                    case Answer() as answer:
                        print(answer.reason or f"answer {answer.id}, {answer.mode}")
        except ServiceError as error:  # its subclasses say what went wrong
            raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
