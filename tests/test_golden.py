"""Versions of readers, chunking and verifier: outputs may change only together with a version."""

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
def test_outputs_match_digest_of_their_version(each):
    digests = golden.read_digests()
    assert each.fault(digests) == ""
    assert sorted(map(int, digests[each.name])) == list(range(1, each.version + 1))


def test_changed_outputs_name_version_to_raise_and_raised_version_passes():
    (html,) = [each for each in golden.everything() if each.name == "html"]
    digests = golden.read_digests()
    changed = replace(html, outputs=lambda: [*html.outputs(), "more"])
    fault = changed.fault(digests)
    assert 'corpus.store.fingerprint.READER_VERSIONS["html"] is still 1' in fault
    assert "--append" in fault
    raised = replace(changed, version=html.version + 1)
    assert "version 2 has no digest yet" in raised.fault(digests)
    digests["html"]["2"] = raised.digest()
    assert raised.fault(digests) == "" != raised.digest()


def test_unrecorded_model_input_fails():
    (verifier,) = [each for each in golden.everything() if each.name == "verifier"]
    none = golden.Recorded({"supports": {}, "passages": {}, "queries": {}})
    changed = replace(verifier, outputs=lambda: golden.verifier_outputs(none))
    assert "service.verification.verifier.VERIFIER_VERSION is still" in changed.fault(
        golden.read_digests()
    )


def test_append_does_not_change_existing_digest(tmp_path, monkeypatch, capsys):
    old = {"html": {"1": "another"}, "verifier": golden.read_digests()["verifier"]}
    monkeypatch.setattr(golden, "DIGESTS", tmp_path / "digests.json")
    golden.DIGESTS.write_text(json.dumps(old))
    assert golden.main(["--append"]) == 1
    out = capsys.readouterr().out
    assert (
        f"pdf {READER_VERSIONS['pdf']}" in out
        and "html 1," not in out
        and "html: its outputs changed" in out
    )
    assert golden.read_digests()["html"] == {"1": "another"}


# The fixed inputs exercise all versioned code


def test_each_format_has_version_and_golden_files():
    assert golden.DOCUMENTS.keys() == READER_VERSIONS.keys()
    assert {path.name for path in (golden.FOLDER / "documents").iterdir()} == {f for _, f in FILES}


@pytest.mark.parametrize(("name", "file"), FILES)
def test_possible_formats_include_detected_format(name, file):
    data = (golden.FOLDER / "documents" / file).read_bytes()
    found, _ = detect_format(data, file)
    assert found == name and name in possible_formats(data)
    assert len(possible_formats(data)) == (1 if name in ("pdf", "docx", "pptx", "epub") else 4)


@pytest.fixture(scope="module")
def outputs():
    return golden.verifier_outputs()


def test_golden_claims_cover_every_verdict_and_reason_in_both_languages(outputs):
    claims = outputs["claims"]
    for ours in ("en", "ja"):
        mine = [c for c in claims if (ours == "ja") == (not c["text"].isascii())]
        labels = {claim["verdict"][0] for claim in mine}
        assert labels == {"supported", "partial", "contradicted", "unsupported"}, ours
        names = (
            "says_nothing", "not_mentioned", "missing", "otherwise", "partial", "unsupported",
        )  # fmt: skip
        starts = [messages._MESSAGES[name][ours].partition("{")[0] for name in names]
        for name, start in zip(names, starts, strict=True):
            assert any(claim["reason"].startswith(start) for claim in mine), (ours, name)
    assert {c["verdict"][2] for c in claims} == {
        "verbatim",
        "rules",
        "rules + cross-encoder",
    }
    assert any(c["disputed_by"] for c in claims) and any(c["secondary"] for c in claims)


def test_golden_pairs_cover_every_kind_of_finding(outputs):
    kinds = {finding[0] for listed in outputs["pairs"] for finding in listed}
    assert kinds == set(finding.FindingKind.__args__)


def rule_modules() -> set[str]:
    """List the modules that the verifier imports, but for values, models and errors."""
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
    """Map the code of each function and method that a module defines to its name."""
    found = {}
    for value in vars(module).values():
        value = inspect.unwrap(value) if callable(value) else value
        members = vars(value).values() if inspect.isclass(value) else [value]
        for each in members:
            each = getattr(each, "fget", None) or getattr(each, "__func__", each)
            if inspect.isfunction(each) and each.__code__.co_filename == module.__file__:
                found[each.__code__] = f"{module.__name__}.{each.__qualname__}"
    return found


NOT_RUN = {  # functions of these modules that others call, or that run at import
    "service.text.prompt_injection.neutral",
    "service.text.prompt_injection.without_orders",
    "service.verification.rules.registry.Rule.examples",
    "service.verification.rules.registry._examples",
    "service.verification.rules.registry._example",
    "service.verification.rules.registry.exact_conflict",
    "service.text.clauses._any",
    "service.verification.provenance.Originals.original_works",
    "service.verification.provenance.Originals.works",
    "service.query.check_question",
    "service.query.printable",
    "service.verification.verifier.Verifier.read",
    "service.messages.joined",
    "service.messages.list_titles",
}


def test_golden_inputs_run_every_function_of_verifier():
    """A rule that no input reaches could change unnoticed."""
    modules = [import_module(name) for name in sorted(rule_modules())]
    for module in modules:
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear"):
                value.cache_clear()
    known = {code: name for module in modules for code, name in functions_of(module).items()}
    ran = set()

    def record(frame, event, _):
        if event == "call":
            ran.add(frame.f_code)

    sys.setprofile(record)
    try:
        golden.verifier_outputs()
    finally:
        sys.setprofile(None)
    assert len(known) > 150
    missed = {name for code, name in known.items() if code not in ran}
    assert missed == NOT_RUN


# Where versions count


def test_reader_version_affects_only_fingerprints_of_its_format(monkeypatch):
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


def test_fingerprint_depends_on_parser_library_and_ocr(monkeypatch):
    def made():
        return [reading_fingerprint(data, SOURCE, "", "") for data in (b"%PDF-1.4 ", b"Words.")]

    pdf, text = made()
    monkeypatch.setattr(fingerprint.shutil, "which", lambda name: f"/opt/{name}")
    assert made()[0] != pdf and made()[1] == text
    fingerprint._installed.cache_clear()
    monkeypatch.setattr(fingerprint.metadata, "version", lambda name: "99")
    assert made()[1] != text
    fingerprint._installed.cache_clear()


IDENTITIES = """
import json, sys
from types import SimpleNamespace
from corpus.store.fingerprint import reading_fingerprint
from corpus.types import Source
from service.evaluation.runner import conditions
from service.verification.receipt import verifier_identity
from service.settings import Settings
checker = SimpleNamespace(name="c", digest="d" * 64)
library = SimpleNamespace(
    embedder=SimpleNamespace(name="e"), store=SimpleNamespace(revision=lambda: "r"), reranker=None
)
engine = SimpleNamespace(model=checker, library=library, checker=checker, judge=None)
print(json.dumps([
    reading_fingerprint(b"<p>Words.", Source("s", "https://example.org/s"), "", ""), repr(verifier_identity(checker)),
    conditions(engine, Settings(), "generated"),
]))
"""


@pytest.mark.process
def test_edited_comment_changes_no_fingerprint(tmp_path):
    """Neither the fingerprint of a reading, nor a verifier's identity, nor evaluation conditions."""

    def identities(folder: Path) -> str:
        done = subprocess.run(
            [sys.executable, "-c", IDENTITIES], cwd=folder, env={"PYTHONPATH": str(folder)},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout

    for name in ("corpus", "index", "service"):
        only = shutil.ignore_patterns("*.safetensors", "static", "__pycache__")
        shutil.copytree(ROOT / name, tmp_path / name, ignore=only)
    for path in tmp_path.rglob("*.py"):
        with path.open("a") as file:
            file.write("\n# A comment that was not there before.\n")
    assert json.loads(identities(tmp_path)) == json.loads(identities(ROOT))


def test_receipt_names_verifier_version():
    checker = SimpleNamespace(name="cross-encoder", digest="0" * 64)
    assert receipt.verifier_identity(checker).verifier_version == golden.VERIFIER_VERSION
