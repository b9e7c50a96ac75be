"""The parts of a measurement under load: a library, its service, the stub model and the readers.

Each is a separate process, whose processor time and memory are measured.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from load_check import Read, Written

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
DATA, QA = ROOT / "tests" / "data", ROOT.parent / "shared" / "data" / "qa"
SETS = {"xquad_en": 120, "jsquad_ja": 480}  # of each so many passages
HEALTH_EVERY = 0.05  # seconds
_WRAPPED = {  # more questions, for a machine without the sets: others to a cache, alike to read
    "en": ("{}", "Briefly: {}", "I would like to know: {}", "Please tell me: {}", "Quick one: {}"),
    "ja": ("{}", "手短に: {}", "知りたいのですが、{}", "教えてください。{}", "一つ質問です。{}"),
}


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return our environment without settings, but with the given ones."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TENKYO_")}
    kept |= {"PYTHONPATH": f"{ROOT}", "HF_HUB_OFFLINE": "1", "TENKYO_DATA_DIR": f"{folder}"}
    return kept | {f"TENKYO_{name.upper()}": value for name, value in more.items()}


def tenkyo(folder: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "service.cli.main", *arguments]
    subprocess.run(command, env=environment(folder), check=True, stdout=subprocess.DEVNULL)


def prepare(folder: Path, models: Path | None) -> Path:
    """Make a data folder with the shipped digests, and passages of the sets that are there."""
    if (folder / "index" / "manifest.json").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    if models and not (folder / "models").exists():
        (folder / "models").symlink_to(models.resolve())
    command = [sys.executable, "-m", "tests.support.digest_library", str(folder)]
    subprocess.run(command, env=environment(folder), check=True)
    texts = folder / "texts"
    for name, most in SETS.items():
        for passage in itertools.islice(_lines(QA / name / "corpus.jsonl"), most):
            place = texts / f"{passage['title']}.md".replace("/", "-")
            place.parent.mkdir(exist_ok=True)
            with place.open("a", encoding="utf-8") as file:
                body = passage["text"].split(" [SEP] ")[-1]
                file.write(
                    f"# {passage['title']}\n\n{body}\n\n" if not file.tell() else f"{body}\n\n"
                )
    if texts.exists():
        tenkyo(folder, "ingest", str(texts))
    return folder


def questions(folder: Path) -> list[str]:
    """List different questions that a data folder of ``prepare``, or the library alone, can answer.

    They are in a fixed random order: first real ones, then variations of them.
    """
    asked = [
        q for name in ("", "_oblique") for q in _lines(DATA / f"library_questions{name}.jsonl")
    ]
    own = [q for q in asked if q["answerable"]]
    real = [q["question"] for q in own]
    for name, most in SETS.items() if (folder / "texts").exists() else ():
        kept = {p["id"] for p in itertools.islice(_lines(QA / name / "corpus.jsonl"), most)}
        real += [q["question"] for q in _lines(QA / name / "queries.jsonl") if q["doc_id"] in kept]
    random.Random(20).shuffle(real)
    ways = range(1, len(_WRAPPED["en"]))
    more = [_WRAPPED[q["language"]][way].format(q["question"]) for way in ways for q in own]
    return list(dict.fromkeys(real + more))


def _lines(path: Path) -> Iterator[dict]:
    if path.exists():
        with path.open(encoding="utf-8") as file:
            yield from map(json.loads, file)


@contextmanager
def _process(command: Sequence[str], ready: str, env: Mapping[str, str] | None = None):
    """Start a process and wait for a line with ``ready``; return (process, rest of the line)."""
    run = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    try:
        for line in run.stdout:
            if ready in line:
                break
        else:
            raise RuntimeError(f"{' '.join(command[:4])} ended with {run.wait()}")
        yield run, line.partition(ready)[2].strip() if ready else line.strip()
    finally:
        run.terminate()
        try:
            run.wait(15)
        except subprocess.TimeoutExpired:
            run.kill()
        run.stdout.close()


@dataclass(frozen=True, slots=True)
class Service:
    """A running ``tenkyo serve``."""

    pid: int
    port: int
    folder: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def resident(self) -> float:
        """Return the resident memory of a process and its descendants, in MB."""
        return sum(_resident(pid) for pid in family(self.pid))


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Service]:
    """Run a service on a copy of a data folder with shared models, so that all begin alike."""
    with tempfile.TemporaryDirectory(prefix="tenkyo-load-") as place:
        data = Path(place) / "data"
        ignored = shutil.ignore_patterns("models", "texts", "fetched", "index.lock")
        shutil.copytree(folder, data, ignore=ignored)
        (data / "models").symlink_to((folder / "models").resolve())
        command = [sys.executable, "-m", "service.cli.main", "serve"]
        env = environment(data, port="0", **settings)
        with _process(command, "ready: http://127.0.0.1:", env) as (run, port):
            yield Service(run.pid, int(port), data)


@dataclass(frozen=True, slots=True)
class Stub:
    """A running stub model."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def written(self) -> list[Written]:
        reply = httpx.get(f"http://127.0.0.1:{self.port}/written", timeout=60)
        return [Written.of(each) for each in reply.json()]


@contextmanager
def writing(speed: float, stall: float = 0) -> Iterator[Stub]:
    command = [sys.executable, str(HERE / "load_model.py"), "--speed", str(speed)]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    with _process([*command, "--stall", str(stall)], "", env) as (run, port):
        yield Stub(run.pid, int(port))


@dataclass(slots=True)
class Load:
    """A plan that readers carry out in a separate process while the others are measured."""

    service: Service
    health: list[float] = field(default_factory=list)  # seconds each, of GET /healthz
    dead: int = 0  # of these, not answered with 200
    resident: list[float] = field(default_factory=list)  # MB, every second
    cores: dict[str, float] = field(default_factory=dict)  # that each process used, on average
    seconds: float = 0.0

    def ask(self, plan: dict, *others: tuple[str, int]) -> list[Read]:
        return [Read.of(each) for each in self.run(plan, *others)]

    def run(self, plan: dict, *others: tuple[str, int]) -> list | dict:
        """Run the readers; ``others`` are (name, pid) whose processor time is measured too."""
        before = self._cpu(others)
        done, begun = threading.Event(), time.monotonic()
        watch = threading.Thread(target=self._watch, args=(done,))
        watch.start()
        try:
            command = [sys.executable, str(HERE / "load_readers.py")]
            given = json.dumps({"port": self.service.port} | plan)
            found = subprocess.run(
                command, input=given, capture_output=True, text=True, check=False
            )
        finally:
            done.set()
            watch.join()
        if found.returncode:
            raise RuntimeError(f"the readers failed: {found.stderr[-2000:]}")
        self.seconds = time.monotonic() - begun
        used = {name: now - before[name] for name, now in self._cpu(others).items()}
        used["rest of the machine"] -= sum(used.values()) - used["rest of the machine"]
        self.cores = {name: seconds / self.seconds for name, seconds in used.items()}
        return json.loads(found.stdout)

    def _cpu(self, others: Iterable[tuple[str, int]]) -> dict[str, float]:
        """Seconds of processor time until now; of the rest, those of all together."""
        ended, own = (
            resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)
        )
        return {
            **{name: _cpu(pid) for name, pid in [("service", self.service.pid), *others]},
            "readers": sum((ended.ru_utime, ended.ru_stime, own.ru_utime, own.ru_stime)),
            "rest of the machine": _cpu_of_all(),
        }

    def _watch(self, done: threading.Event) -> None:
        ticks = 0
        with httpx.Client(base_url=self.service.url, timeout=120) as client:
            while not done.wait(HEALTH_EVERY):
                begun = time.monotonic()
                try:
                    self.dead += client.get("/healthz").status_code != 200
                except httpx.HTTPError:
                    self.dead += 1
                self.health.append(time.monotonic() - begun)
                ticks += 1
                if ticks % round(1 / HEALTH_EVERY) == 1:
                    self.resident.append(self.service.resident())


def family(pid: int) -> list[int]:
    """List a process and its descendants."""
    try:
        told = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [pid, *(one for child in told.split() for one in family(int(child)))]


def _resident(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def _cpu(pid: int) -> float:
    """Seconds of processor time that a process and those it started have used."""
    used = 0.0
    for each in family(pid):
        fields = Path(f"/proc/{each}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        used += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def _cpu_of_all() -> float:
    """Return processor time of all processes: user (with and without nice), and system."""
    fields = Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:4]
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")
