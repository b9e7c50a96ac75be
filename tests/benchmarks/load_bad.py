"""Loads that a service must survive: early and clear refusals, and no wrong answer."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpx
from load_check import Read, report
from load_service import Load, Service, environment, serving, writing

if TYPE_CHECKING:
    from load import Bench

SILENT = "3"  # seconds, of TENKYO_LLM_TIMEOUT, beside a model that stalls
SEES = 2.0  # seconds in which the model must have been told that a reader left


def everything(bench: Bench) -> None:
    for part in (overload, stall, leave, reindex):
        part(bench)


def overload(bench: Bench) -> None:
    """Measure far more readers at once than slots; who is refused does not retry."""
    plan = {"ask": [[question] for question in bench.asked[: bench.flood]], "retries": 0}
    name = f"{bench.flood} readers at once"
    with writing(bench.speed) as stub, serving(bench.data, llm_url=stub.url, **bench.settings) as s:
        load = Load(s)
        reads = load.ask(plan, ("stub", stub.pid))
        made = report(reads, stub.written())
        bench.judged(name, load, reads, made)
        again = httpx.get(f"{s.url}/v1/search", params={"q": bench.asked[0]}, timeout=60)
        bench.row(name, "a search afterwards", again.status_code)
    refused = [r for r in reads if r.status == 503]
    bench.row(name, "503 without Retry-After", sum(not r.retry_after for r in refused))
    bench.quantiles(name, "question to 503", (r.replied - r.asked for r in refused))


def stall(bench: Bench) -> None:
    """Measure a model that stops sending in a third of its answers.

    What it wrote is kept and marked as incomplete; the other answers are not affected.
    """
    plan = {"ask": _shared_out(bench)}
    name = "a model that stalls"
    settings = {"llm_timeout": SILENT} | bench.settings
    with (
        writing(bench.speed, stall=0.34) as stub,
        serving(bench.data, llm_url=stub.url, **settings) as service,
    ):
        load = Load(service)
        reads = load.ask(plan, ("stub", stub.pid))
        time.sleep(SEES)  # to be told of
        texts = stub.written()
    bench.judged(name, load, reads, report(reads, texts))
    stalled = {t.question for t in texts if any(s.out is None for s in t.sentences)}
    told = [r for r in reads if r.answer and r.question in stalled and r.answer["reason"]]
    bench.row(name, "answers that stalled", len(stalled))
    bench.row(name, "of these, say so", len(told))
    left = sum(t.question in stalled and t.hung_up is not None for t in texts)
    bench.row(name, "of these, calls that were ended", left)


def leave(bench: Bench) -> None:
    """Measure readers who disconnect after their first claim: the model must stop writing."""
    plan = {"ask": [[question] for question in bench.asked[: 2 * bench.beside]], "leave": 2}
    name = "readers who leave"
    # So slow that an answer that is not ended is seen to go on.
    with writing(10) as stub, serving(bench.data, llm_url=stub.url, **bench.settings) as service:
        reads = Load(service).ask(plan)
        time.sleep(SEES)
        texts = {text.question: text for text in stub.written()}
    left = [(r, texts[r.question]) for r in reads if r.left and r.question in texts]
    ended = [(r, t) for r, t in left if t.hung_up is not None]
    done = sum(t.hung_up is None and all(s.out for s in t.sentences) for _, t in left)
    bench.row(name, "readers who left", len(left))
    bench.row(name, "calls of the model that were ended", len(ended))
    bench.row(name, "calls that had ended by then", done)
    bench.quantiles(name, "from leaving to that", (t.hung_up - r.events[-1].at for r, t in ended))


def reindex(bench: Bench) -> None:
    """Measure while another process rebuilds the index: every quote must stay right."""
    name = "an index made anew"
    plan = {"ask": _shared_out(bench)}
    with writing(bench.speed) as stub, serving(bench.data, llm_url=stub.url, **bench.settings) as s:
        made, load = threading.Event(), Load(s)
        again = threading.Thread(target=_reindex, args=(s, made))
        again.start()
        reads = load.ask(plan, ("stub", stub.pid))
        during = not made.is_set()
        again.join()
        bench.judged(name, load, reads, report(reads, stub.written()))
        cited, missing = resolved(s, reads)
    bench.row(name, "reading ended before the index was done", str(during))
    bench.row(name, "citations that were looked up", cited)
    bench.row(name, "of these, that do not resolve or stand otherwise", missing)


def _shared_out(bench: Bench) -> list[list[str]]:
    """Have readers ask questions while something else happens."""
    return [bench.asked[n :: bench.beside][: bench.per_reader] for n in range(bench.beside)]


def _reindex(service: Service, made: threading.Event) -> None:
    command = [sys.executable, "-m", "service.cli.main", "reindex"]
    subprocess.run(command, env=environment(service.folder), check=True, stdout=subprocess.DEVNULL)
    made.set()


def resolved(service: Service, reads: Iterable[Read]) -> tuple[int, int]:
    """Return (quotes cited, those of them that are not in the passage that the service returns)."""
    cited = {
        (citation["passage_id"], citation["quote"], citation["start"])
        for read in reads
        if read.answer
        for claim in read.answer["claims"]
        for citation in claim["citations"]
    }
    missing = 0
    with httpx.Client(base_url=service.url, timeout=60) as client:
        for passage_id, quote, start in cited:
            reply = client.get(f"/v1/passages/{passage_id}")
            found = reply.json() if reply.status_code == 200 else {"text": "", "start": 0}
            at = start - found["start"]
            missing += not quote or found["text"][at : at + len(quote)] != quote
    return len(cited), missing


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


def until_up(url: str, run: subprocess.Popen, seconds: float = 600) -> None:
    """Wait until a server answers; RuntimeError if it ends instead, or never does."""
    deadline = time.monotonic() + seconds
    while run.poll() is None and time.monotonic() < deadline:
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"{' '.join(map(str, run.args))} does not answer at {url}")
