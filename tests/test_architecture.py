"""The architecture: four packages, imports in one direction, sizes of modules and functions."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from tests.support.paths import ROOT

PACKAGES = ["corpus", "index", "service", "tenkyo"]
FACE = ROOT / "tenkyo/__init__.py"  # what `import tenkyo` gives
SQL = [
    *(
        f"corpus/store/{name}.py"
        for name in "collections database queries schema store versions work_links".split()
    ),
    *(
        f"service/conversations/{n}.py"
        for n in "conversations feedback schema search shares store".split()
    ),
    "service/ingestion/job_store.py",
]
PAGE = sorted((ROOT / "service").rglob("*.js"))
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

Graph = dict[str, set[str]]


@cache
def imports(path: Path) -> list[str]:
    """List the top-level package of each import in a file, also of those in functions."""
    found: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name.partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            home = path.relative_to(ROOT).parts[0]
            found.append(home if node.level else node.module.partition(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_import_only_packages_to_their_left(path: Path) -> None:
    home = PACKAGES.index(path.relative_to(ROOT).parts[0])
    right = {*PACKAGES[home + 1 :], "training", "tests"}
    assert not right & set(imports(path))


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        (
            "sentence_transformers",
            ["index/inference/reranker.py", "index/inference/sentence_transformer.py"],
        ),
        ("faiss", ["index/storage/ann.py"]),
        ("sqlalchemy", SQL),
        ("python_multipart", ["service/api/multipart.py"]),
    ],
)
def test_third_party_library_is_imported_only_by_its_owners(
    library: str, owners: list[str]
) -> None:
    assert [p for p in MODULES if library in imports(p)] == [ROOT / owner for owner in owners]


def test_only_settings_read_environment() -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv"))
        or (isinstance(node, ast.alias) and node.name in ("environ", "getenv"))
    }
    # index/inference/embedder.py sets a variable of the tokenizers; it reads no setting.
    assert readers == {"service/settings.py", "index/inference/embedder.py"}


def names(path: Path) -> str:
    """Return the dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def python_imports() -> Graph:
    """Map each module to the modules of ours that it imports, anywhere in it."""
    modules = {names(path): path for path in MODULES}
    graph: Graph = {}
    for name, path in modules.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                assert not node.level, f"{name}: relative imports are not followed here"
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                found |= inner & set(modules) or {str(node.module)}
        graph[name] = found & set(modules) - {name}
    return graph


def page_imports() -> Graph:
    """Map each JavaScript module to those that it imports, re-exports or loads later."""
    statement = re.compile(r"""(?:\bfrom|\bimport|\bimport\()\s*["']\./([\w.-]+)["']""")
    modules = {path.name: path for path in PAGE}
    return {name: set(statement.findall(path.read_text())) for name, path in modules.items()}


def braced(listed: str) -> list[tuple[str, str]]:
    """The names in the braces of an import or export of the page, each as (there, here)."""
    pairs = [each.strip().split(" as ") for each in listed.split(",") if each.strip()]
    return [(pair[0], pair[-1]) for pair in pairs]


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_names_imported_by_the_page_exist_and_are_used(path: Path) -> None:
    statement = re.compile(r'^import (?:\* as (\w+)|\{([^}]*)\}) from "\./([\w.]+)";', re.MULTILINE)
    made = re.compile(
        r"^export (?:(?:async )?(?:const|let|class|function\*?) (\w+)|\{([^}]*)\})", re.MULTILINE
    )
    text = path.read_text(encoding="utf-8")
    rest = statement.sub("", text)
    assert len(re.findall(r"^import .* from ", text, re.MULTILINE)) == len(statement.findall(text))
    for whole, listed, module in statement.findall(text):
        declared = made.findall((path.parent / module).read_text(encoding="utf-8"))
        exported = {here for name, again in declared for _, here in braced(again or name)}
        for there, here in braced(listed):
            assert there in exported, f"{module} does not export {there}"
            assert re.search(rf"\b{re.escape(here)}\b", rest), f"{here} is not used"
        assert not whole or re.search(rf"\b{whole}\.", rest), f"{whole} is not used"


def find_cycle(graph: Graph) -> list[str]:
    """Return a path through a graph that ends where it begins; empty if there is none."""
    done: set[str] = set()

    def walk(path: list[str]) -> list[str]:
        for after in sorted(graph[path[-1]] - done):
            if after in path:
                return [*path[path.index(after) :], after]
            if found := walk([*path, after]):
                return found
        done.add(path[-1])
        return []

    return next(filter(None, (walk([name]) for name in graph if name not in done)), [])


@pytest.mark.parametrize("read", [python_imports, page_imports])
def test_no_import_cycles(read: Callable[[], Graph]) -> None:
    graph = read()
    assert sum(map(len, graph.values())) > 20
    assert not find_cycle(graph), " imports ".join(find_cycle(graph))


def room(module: str) -> str:
    """Return the room of a module: its folder, or itself at the top of a package."""
    folder = module.rpartition(".")[0]
    return module if folder in ("", *PACKAGES) else folder


def test_no_import_cycles_between_rooms() -> None:
    """Rooms can be ordered such that imports lead only to lower ones."""
    rooms: Graph = {}
    for module, imported in python_imports().items():
        below = {room(each) for each in imported} - {room(module)}
        rooms.setdefault(room(module), set()).update(below)
    assert len(rooms) > 30
    assert not find_cycle(rooms), " imports ".join(find_cycle(rooms))


def test_init_files_hold_only_docstring() -> None:
    for path in (path for path in MODULES if path.name == "__init__.py" and path != FACE):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), path
        assert len(str(ast.literal_eval(body[0].value)).split()) > 10, path


def test_python_face_only_names_what_other_modules_have() -> None:
    docstring, *imported, listed = ast.parse(FACE.read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr) and isinstance(listed, ast.Assign)
    assert all(isinstance(node, ast.ImportFrom) for node in imported)
    named = [alias.name for node in imported for alias in node.names]
    assert sorted(named) == sorted(ast.literal_eval(listed.value)) and len(named) < 10


def test_cycle_search_finds_cycle() -> None:
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": {"d"}, "d": {"b"}}) == ["b", "c", "d", "b"]
    assert find_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_within_size_limits(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 60, f"{node.name} is too long"
            given = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
            parameters = [each.arg for each in given if each.arg not in ("self", "cls")]
            assert len(parameters) <= 7 or is_command(node), f"{node.name} has {parameters}"


@pytest.mark.parametrize("path", PAGE, ids=lambda path: path.name)
def test_page_modules_stay_within_size_limit(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 350


def is_command(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a function is a CLI command, whose parameters are its options."""
    return any(
        ast.unparse(each).partition("(")[0].endswith(".command") for each in function.decorator_list
    )


@pytest.mark.process
@pytest.mark.parametrize(("option", "says"), [("--help", "Usage"), ("--version", "tenkyo ")])
def test_help_and_version_load_no_heavy_library(option: str, says: str) -> None:
    """Loading one of these libraries would take a second or more."""
    script = (
        f"import sys; sys.argv = ['tenkyo', '{option}']\n"
        "from service.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: assert not end.code\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=ROOT
    )
    assert done.returncode == 0 and says in done.stdout, done.stderr
    loaded = set(done.stderr.split())
    assert "service.cli.main" in loaded
    assert not loaded & {
        "torch",
        "faiss",
        "fastapi",
        "mcp",
        "transformers",
        "sentence_transformers",
    }


# The tests

TESTS = sorted((ROOT / "tests").rglob("*.py"))
FOLDERS = sorted({path.parent.relative_to(ROOT / "tests").as_posix() for path in TESTS} - {"."})
NO_ROOM = ["benchmarks", "browser", "support", "support/browser", "support/strong", "training"]
ROOMS = sorted({path.parent.relative_to(ROOT).as_posix() for path in MODULES})


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_test_files_do_not_import_each_other(path: Path) -> None:
    """What several of them need is in tests/support."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
    ours = [name for name in found if name.partition(".")[0] in ("tests", "conftest")]
    assert all(name.startswith("tests.support") for name in ours), ours
    assert not [n for n in found if any(p.startswith("test_") for p in n.split(".")[:-1])]
    assert not [n for n in found if n.startswith("test_")]


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_test_folder_mirrors_room(folder: str) -> None:
    assert folder in ROOMS + NO_ROOM


def test_only_whole_project_tests_are_at_top() -> None:
    assert {path.name for path in (ROOT / "tests").glob("test_*.py")} == {
        "test_architecture.py",
        "test_deploy.py",
        "test_examples.py",
        "test_golden.py",
        "test_released.py",
    }


def test_support_modules_hold_no_tests() -> None:
    for path in (ROOT / "tests" / "support").rglob("*.py"):
        assert not re.search(r"^\s*(async )?def test_", path.read_text(encoding="utf-8"), re.M), (
            path
        )
