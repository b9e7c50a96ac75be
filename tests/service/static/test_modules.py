"""The page's modules: what one imports from another exists there, and is used."""

import re

import pytest

from tests.support.paths import ROOT

MODULES = {path.name: path.read_text("utf-8") for path in (ROOT / "service/static").glob("*.js")}
IMPORT = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "\./([\w.]+)";', re.MULTILINE)
EXPORT = re.compile(r"^export (?:async )?(?:const|let|class|function\*?) (\w+)", re.MULTILINE)
EXPORTED_AGAIN = re.compile(r"^export \{([^}]*)\}", re.MULTILINE)


def names(listed: str) -> list[tuple[str, str]]:
    """The names in the braces of an import or export, each as (there, here)."""
    pairs = [each.strip().split(" as ") for each in listed.split(",") if each.strip()]
    return [(pair[0], pair[-1]) for pair in pairs]


def exported(text: str) -> set[str]:
    again = [here for match in EXPORTED_AGAIN.finditer(text) for _, here in names(match[1])]
    return {*EXPORT.findall(text), *again}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_imported_names_exist_and_are_used(name):
    text = MODULES[name]
    rest = IMPORT.sub("", text)
    for whole, listed, module in IMPORT.findall(text):
        assert module in MODULES
        for there, here in names(listed):
            assert there in exported(MODULES[module]), f"{there} of {module}"
            assert re.search(rf"\b{re.escape(here)}\b", rest), f"{here} is not used"
        assert not whole or re.search(rf"\b{whole}\.", rest), f"{whole} is not used"
    assert set(re.findall(r"import\(\"\./([\w.]+)\"\)", text)) <= MODULES.keys()


def test_the_imports_are_found():
    assert sum(len(IMPORT.findall(text)) for text in MODULES.values()) > 60
