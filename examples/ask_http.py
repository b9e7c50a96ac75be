"""Ask a running Tenkyo a question over HTTP, and print the answer with its sources.

Usage: python examples/ask_http.py QUESTION [URL]

Start the server first: make serve. The only library that this needs is httpx.
"""

from __future__ import annotations

import sys

import httpx


def main() -> None:
    """Send one question and print each claim with the quotes that support it."""
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    question = sys.argv[1]
    url = sys.argv[2] if len(sys.argv) == 3 else "http://127.0.0.1:8000"

    response = httpx.post(f"{url}/v1/answers", json={"question": question}, timeout=120)
    if response.is_error:  # every error is a problem document (RFC 9457)
        raise SystemExit(f"{response.status_code}: {response.json()['detail']}")
    answer = response.json()

    if not answer["claims"]:  # it abstained, or says how to use the service
        print(answer["reason"])
    for claim in answer["claims"]:
        verdict = claim["verdict"]
        beside = claim["answers"] and not claim["answers"]["holds"]  # the question
        context = "context: " if beside else ""
        print(f"{context}{claim['text']}  ({verdict['label']}, {verdict['score']:.2f})")
        for citation in claim["citations"]:
            print(f"  [{citation['label']}] “{citation['quote']}”\n      {citation['url']}")


if __name__ == "__main__":
    main()
