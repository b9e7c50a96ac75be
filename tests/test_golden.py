"""Versions: outputs that change under an old version are a fault, and nothing else is."""

from __future__ import annotations

import ast
import inspect
import json
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from corpus.readers.format_detection import detect_format, possible_formats
from corpus.store import fingerprint
from corpus.store.fingerprint import READER_VERSIONS, reading_fingerprint
from corpus.types import Source
from service import messages
from service.verification import receipt
from service.verification.rules import finding
from tests.support import golden

ROOT = Path(__file__).parent.parent
FILES = [(name, file) for name, files in golden.DOCUMENTS.items() for file in files]
SOURCE = Source("s", "https://example.org/s")


@pytest.mark.parametrize("each", golden.everything(), ids=lambda each: each.name)
def test_outputs_are_those_of_their_version(each):
    digests = golden.read_digests()
    assert each.fault(digests) == ""
    assert sorted(map(int, digests[each.name])) == list(range(1, each.version + 1))


def test_changed_outputs_name_the_version_to_raise_and_a_raised_one_is_appended():
    (html,) = [each for each in golden.everything() if each.name == "html"]
    digests = golden.read_digests()
    changed = replace(html, outputs=lambda: [*html.outputs(), "more"])
    said = changed.fault(digests)
    assert (
        'corpus.store.fingerprint.READER_VERSIONS["html"] is still 1' in said and "--append" in said
    )
    raised = replace(changed, version=html.version + 1)
    assert "version 2 has no digest yet" in raised.fault(digests)
    digests["html"]["2"] = raised.digest()
    assert raised.fault(digests) == "" != raised.digest()


def test_models_that_are_asked_something_new_are_a_fault():
    (verifier,) = [each for each in golden.everything() if each.name == "verifier"]
    none = golden.Recorded({"supports": {}, "passages": {}, "queries": {}})
    changed = replace(verifier, outputs=lambda: golden.verifier_outputs(none))
    assert "service.verification.verifier.VERIFIER_VERSION is still" in changed.fault(
        golden.read_digests()
    )


def test_the_command_appends_nothing_to_a_version_that_has_a_digest(tmp_path, monkeypatch, capsys):
    old = {"html": {"1": "another"}, "verifier": golden.read_digests()["verifier"]}
    monkeypatch.setattr(golden, "DIGESTS", tmp_path / "digests.json")
    golden.DIGESTS.write_text(json.dumps(old))
    assert golden.main(["--append"]) == 1
    said = capsys.readouterr().out
    assert "pdf 1" in said and "html 1," not in said and "html: its outputs changed" in said
    assert golden.read_digests()["html"] == {"1": "another"}


# The inputs exercise what has a version


def test_each_format_has_a_version_and_files():
    assert golden.DOCUMENTS.keys() == READER_VERSIONS.keys()
    assert {path.name for path in (golden.FOLDER / "documents").iterdir()} == {f for _, f in FILES}


@pytest.mark.parametrize(("name", "file"), FILES)
def test_the_formats_that_a_file_may_have_are_told_without_reading_it(name, file):
    data = (golden.FOLDER / "documents" / file).read_bytes()
    found, _ = detect_format(data, file)
    assert found == name and name in possible_formats(data)
    assert len(possible_formats(data)) == (1 if name in ("pdf", "docx", "pptx", "epub") else 4)


@pytest.fixture(scope="module")
def outputs():
    return golden.verifier_outputs()


def test_the_claims_have_every_verdict_and_every_reason_in_both_languages(outputs):
    claims = outputs["claims"]
    for ours in ("en", "ja"):
        mine = [c for c in claims if (ours == "ja") == (not c["text"].isascii())]
        labels = {claim["verdict"][0] for claim in mine}
        assert labels == {"supported", "partial", "contradicted", "unsupported"}, ours
        names = (
            "says_nothing", "not_mentioned", "missing", "otherwise", "contradicted", "partial",
            "unsupported",
        )  # fmt: skip
        starts = [messages._WORDS[name][ours].partition("{")[0] for name in names]
        for name, start in zip(names, starts, strict=True):
            assert any(claim["reason"].startswith(start) for claim in mine), (ours, name)
    assert {c["verdict"][2] for c in claims} == {
        "verbatim",
        "rules",
        "rules + cross-encoder",
    }
    assert any(c["disputed_by"] for c in claims) and any(c["secondary"] for c in claims)


def test_the_pairs_have_every_kind_of_finding(outputs):
    kinds = {finding[0] for listed in outputs["pairs"] for finding in listed}
    assert kinds == set(finding.FindingKind.__args__)


def rule_modules() -> set[str]:
    """Whatever the verifier imports of ours, but for values, models and errors."""
    apart = {
        "corpus.errors",
        "corpus.types",
        "index.inference.cross_encoder",
        "index.inference.embedder",
        "service.types",
    }
    seen, waiting = set(), ["service.verification.verifier"]
    while waiting:
        module = waiting.pop()
        if module in seen or module in apart:
            continue
        seen.add(module)
        tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in (
                "corpus",
                "index",
                "service",
            ):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found = [n for n in names if (ROOT / f"{n.replace('.', '/')}.py").exists()]
                waiting += found or [node.module]
    return seen


def functions_of(module: types.ModuleType) -> dict[types.CodeType, str]:
    """The code of each function and method that a module defines, with its name."""
    found = {}
    for value in vars(module).values():
        value = inspect.unwrap(value) if callable(value) else value
        members = vars(value).values() if inspect.isclass(value) else [value]
        for each in members:
            each = getattr(each, "fget", None) or getattr(each, "__func__", each)
            if inspect.isfunction(each) and each.__code__.co_filename == module.__file__:
                found[each.__code__] = f"{module.__name__}.{each.__qualname__}"
    return found


BESIDE = {  # functions of these modules that others call, or that run at import
    "service.text.prompt_injection.neutral",
    "service.verification.rules.antonyms._sides",
    "service.verification.provenance.Originals.original_works",
    "service.verification.provenance.Originals.works",
    "service.query.check_question",
    "service.query.printable",
    "service.verification.verifier.Verifier.read",
    "service.messages.list_titles",
}


def test_every_function_that_a_verdict_hangs_on_runs():
    """A rule that no input reaches could change unseen."""
    modules = [import_module(name) for name in sorted(rule_modules())]
    for module in modules:
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()
    known = {code: name for module in modules for code, name in functions_of(module).items()}
    ran = set()

    def note(frame, event, _):
        if event == "call":
            ran.add(frame.f_code)

    sys.setprofile(note)
    try:
        golden.verifier_outputs()
    finally:
        sys.setprofile(None)
    assert len(known) > 150
    missed = {name for code, name in known.items() if code not in ran}
    assert missed == BESIDE


# What a version is part of


def test_a_readers_version_counts_for_its_own_files_alone(monkeypatch):
    def made():
        return {
            file: reading_fingerprint(
                (golden.FOLDER / "documents" / file).read_bytes(), SOURCE, "", ""
            )
            for _, file in FILES
        }

    before = made()
    assert made() == before and len(set(before.values())) == len(FILES)
    for name in ("pdf", "docx", "pptx", "epub"):
        with monkeypatch.context() as patch:
            patch.setitem(fingerprint.READER_VERSIONS, name, 99)
            other = {file for file, now in made().items() if now != before[file]}
        assert other == set(golden.DOCUMENTS[name])
    monkeypatch.setitem(fingerprint.READER_VERSIONS, "html", 99)
    texts = {file for file, now in made().items() if now != before[file]}
    assert set(golden.DOCUMENTS["html"]) <= texts
    assert not texts & {*golden.DOCUMENTS["pdf"], *golden.DOCUMENTS["docx"]}
    monkeypatch.setattr(fingerprint, "CHUNKING_VERSION", 99)
    assert all(now != before[file] for file, now in made().items())


def test_the_library_a_reader_uses_and_ocr_count(monkeypatch):
    def made():
        return [reading_fingerprint(data, SOURCE, "", "") for data in (b"%PDF-1.4 ", b"Words.")]

    pdf, text = made()
    monkeypatch.setattr(fingerprint.shutil, "which", lambda name: f"/opt/{name}")
    assert made()[0] != pdf and made()[1] == text
    fingerprint._installed.cache_clear()
    monkeypatch.setattr(fingerprint.metadata, "version", lambda name: "99")
    assert made()[1] != text
    fingerprint._installed.cache_clear()


SAID = """
import json, sys
from types import SimpleNamespace
from corpus.store.fingerprint import reading_fingerprint
from corpus.types import Source
from service.evaluation.runner import conditions
from service.verification.receipt import verifier_identity
from service.settings import Settings
checker = SimpleNamespace(name="c", digest="d" * 64)
library = SimpleNamespace(
    embedder=SimpleNamespace(name="e"), store=SimpleNamespace(revision=lambda: "r")
)
engine = SimpleNamespace(model=checker, library=library, checker=checker)
print(json.dumps([
    reading_fingerprint(b"<p>Words.", Source("s", "https://example.org/s"), "", ""), repr(verifier_identity(checker)),
    conditions(engine, Settings(), "generated"),
]))
"""


@pytest.mark.process
def test_an_edited_comment_changes_nothing(tmp_path):
    """Not what was read, not who judged, not what an evaluation was made with."""

    def said(folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", SAID], cwd=folder, env={"PYTHONPATH": str(folder)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    for name in ("corpus", "index", "service"):
        only = shutil.ignore_patterns("*.safetensors", "static", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=only)
    for path in tmp_path.rglob("*.py"):
        with path.open("a") as file:
            file.write("\n# A comment that was not there before.\n")
    assert json.loads(said(tmp_path)) == json.loads(said(ROOT))


def test_a_receipt_names_the_verifier_by_its_version():
    checker = SimpleNamespace(name="cross-encoder", digest="0" * 64)
    assert receipt.verifier_identity(checker).verifier_version == golden.VERIFIER_VERSION
