"""Ten questions to a running service with a language model, streamed over HTTP.

    TENKYO_LLM_URL=http://127.0.0.1:8082/v1 tenkyo serve
    python tests/benchmarks/transcript.py [http://127.0.0.1:8000]

Prints the events of each stream as Markdown for docs/evaluation.md.
"""

from __future__ import annotations

import json
import sys
import time

import httpx

QUESTIONS = (
    "How many hours of audio was Whisper trained on?",
    "Whisperはどんなタスクを同時に学習しましたか？",
    "What does Block-NeRF add to each individual NeRF?",
    "Block-NeRFは何枚の画像から作られましたか？",
    "Which games were held out when the Multi-Game Decision Transformer was trained?",
    "拡散モデルにガウスノイズは本当に必要ですか？",
    "Which architecture scales best according to Tay and co-authors?",
    "GT Sophyはどのドライバーたちと対戦しましたか？",
    "How does YouChat answer a question?",
    "Who won the football World Cup in 2022?",
)


def main() -> None:
    base = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    for question in QUESTIONS:
        print(f"### {question}\n", flush=True)
        started = time.perf_counter()
        for name, data in events(base, question):
            after = f"{time.perf_counter() - started:.1f} s"
            if name == "claim":
                markers = "".join(f"[{c['label']}]" for c in data["citations"])
                verdict = data["verdict"]
                print(f"- ({after}) {data['text']} {markers} — {verdict['label']}"
                      f" {verdict['score']:.2f}, {verdict['method']}")  # fmt: skip
                for c in data["citations"]:
                    print(
                        f"    - [{c['label']}] {c['source_id']}: “{' '.join(c['quote'].split())}”"
                    )
            elif name == "rejected":
                print(f"- ({after}) withheld: ~~{data['text']}~~ — {data['reason']}")
            elif name == "answer":
                reason = f": {data['reason']}" if data["reason"] else ""
                print(f"- ({after}) **{data['mode']}**{reason}\n", flush=True)
            elif name == "error":
                print(f"- ({after}) error: {data['detail']}\n")


def events(base: str, question: str):
    """Yield the (event, data) pairs of one answer as they arrive."""
    body = {"question": question, "stream": True}
    with httpx.stream("POST", f"{base}/v1/answers", json=body, timeout=300) as response:
        response.raise_for_status()
        name = ""
        for line in response.iter_lines():
            if line.startswith("event:"):
                name = line.removeprefix("event:").strip()
            elif line.startswith("data:"):
                yield name, json.loads(line.removeprefix("data:"))


if __name__ == "__main__":
    main()
