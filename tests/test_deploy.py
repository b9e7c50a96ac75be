"""The container files, the Makefile and the documents, held against the code they speak of.

``python tests/test_deploy.py`` prints the table of settings of docs/operations.md anew.
"""

from __future__ import annotations

import ast
import fnmatch
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer
import yaml

from service.settings import PREFIX, Settings
from tests.support.paths import ROOT

PACKAGES = ("corpus", "index", "service")
DEPLOYMENT = ("Dockerfile", "docker-compose.yml", "Makefile")
OPERATIONS = ROOT / "docs/operations.md"


# Reading the files


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def speaking_files() -> list[str]:
    """The files that tell a reader or a machine how to run Tenkyo."""
    documents = [p.relative_to(ROOT).as_posix() for p in sorted((ROOT / "docs").glob("*.md"))]
    return [*DEPLOYMENT, "README.md", *documents]


@cache
def dockerfile() -> list[tuple[str, str]]:
    """The last stage's instructions as (name, rest), continued lines joined."""
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
    """What follows the last instruction of that name, the one that counts."""
    return [rest for found, rest in dockerfile() if found == name][-1]


def image_environment() -> dict[str, str]:
    pairs = [pair for name, rest in dockerfile() if name == "ENV" for pair in shlex.split(rest)]
    return dict(pair.split("=", 1) for pair in pairs)


@cache
def compose() -> dict:
    return yaml.safe_load(text("docker-compose.yml"))


SERVICES = ("tenkyo", "llm")


def written_in_code(name: str) -> Iterator[str]:
    """Lines that are commands: all but comments, or in prose what is set as code."""
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
    """Each ``tenkyo <command> …`` as the command and its options."""
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


@pytest.mark.parametrize("name", speaking_files())
def test_every_setting_named_exists(name):
    named = set(re.findall(rf"\b{PREFIX}[A-Z][A-Z_]*", text(name)))
    known = {PREFIX + field.upper() for field in Settings.model_fields}
    assert named <= known, f"{name} names settings that there are not: {named - known}"


@pytest.mark.parametrize("name", speaking_files())
def test_every_command_named_exists(name):
    from service.cli import app

    known = typer.main.get_command(app).commands
    for command, options in commands_named(name):
        assert command in known, f"{name}: there is no `tenkyo {command}`"
        takes = {o for p in known[command].params for o in (*p.opts, *p.secondary_opts)}
        unknown = set(options) - takes - {"--help"}
        assert not unknown, f"{name}: `tenkyo {command}` does not take {unknown}"


def test_commands_are_found_where_they_stand():
    assert [c for c, _ in commands_named("Makefile")] == ["serve", "ingest"]
    assert [c for c, _ in commands_named("Dockerfile")][-2:] == ["ingest", "serve"]


def settings_table() -> str:
    """The table of docs/operations.md, from the settings themselves."""
    rows = ["| Setting | Default | Meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        default = f"`{field.default}`" if str(field.default) else "(empty)"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows)


def test_the_table_of_settings_is_complete_and_true():
    assert settings_table() in OPERATIONS.read_text(encoding="utf-8"), (
        "docs/operations.md wants this table of settings:\n\n" + settings_table()
    )


def messages_of_the_code() -> list[str]:
    """Every string of the packages, with … for what is filled in."""
    found = []
    for path in (p for package in PACKAGES for p in sorted((ROOT / package).rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "…" for v in node.values]
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value.replace("{0}", "…"))
    return found


def test_every_error_message_explained_is_one_that_exists():
    table = OPERATIONS.read_text(encoding="utf-8").split("## Messages")[1].split("\n## ")[0]
    explained = re.findall(r"^\| “(.+?)” \|", table, flags=re.M)
    assert len(explained) > 10
    messages = messages_of_the_code()
    for message in explained:
        assert any(message in known for known in messages), f"nothing says {message!r}"


# The containers


def test_the_image_knows_where_its_data_is():
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
def test_what_is_written_is_a_named_volume_or_memory(name):
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
    from service.api import create_app

    engine = SimpleNamespace(library=SimpleNamespace(store=None), verifier=None)
    return set(create_app(engine, index_dir=Path("none")).openapi()["paths"])


def test_health_checks_ask_for_what_there_is():
    options, _, command = instruction("HEALTHCHECK").partition("CMD ")
    image_check, service = yaml.safe_load(command), compose()["services"]["tenkyo"]["healthcheck"]
    assert service["test"] == ["CMD", *image_check], "the image and the service check differently"
    for option, value in re.findall(r"--([a-z-]+)=(\S+)", options):
        assert str(service[option.replace("-", "_")]) == value
    asked = re.search(r"http://127\.0\.0\.1:%s(/\w+)", image_check[-1])[1]
    assert asked == "/readyz" and asked in routes()
    compile(image_check[-1], "HEALTHCHECK", "exec")


def test_ports_agree():
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


def test_tenkyo_waits_for_the_model_and_does_without():
    services = compose()["services"]
    awaited = services["tenkyo"]["depends_on"]["llm"]
    assert awaited == {"condition": "service_healthy", "required": False}
    assert services["llm"]["profiles"] == ["llm"]
    assert re.fullmatch(r".+:server-b\d+", services["llm"]["image"]), "pin a build"


def test_the_model_is_the_one_that_runs_in_the_process():
    from service.local_model import CONTEXT, HUB_DEFAULT

    arguments = compose()["services"]["llm"]["command"]
    repository, _, quantisation = arguments[arguments.index("--hf-repo") + 1].partition(":")
    assert HUB_DEFAULT.startswith(repository + "/")
    assert f"-{quantisation.lower()}." in HUB_DEFAULT
    assert arguments[arguments.index("--ctx-size") + 1] == str(CONTEXT)


def test_the_image_asks_for_the_torch_of_the_project():
    wanted = re.search(r'^ARG TORCH="(.+)"$', text("Dockerfile"), flags=re.M)[1]
    assert wanted in tomllib.loads(text("pyproject.toml"))["project"]["dependencies"]
    assert 'ARG TORCH_INDEX=""' in text("Dockerfile")


# What is left out


def matcher(patterns: str, *, git: bool):
    """Whether a file is ignored, by the rules of .gitignore or else of .dockerignore.

    In git a pattern without a slash, but for one at its end, is for any depth; for Docker
    every pattern starts at the root. The last one that fits a file, or a folder above it,
    decides; git never takes back a file whose folder is ignored.
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
        ("index/", True, "index/local.py", True),  # the mistake that all this is about
        ("index/", True, "tests/data/index/a", True),
        ("/data/", True, "tests/data/a.jsonl", False),
        ("/data/", True, "data/tenkyo.db", True),
        ("*.egg-info/", True, "tenkyo.egg-info/PKG-INFO", True),
        ("*.egg-info/", True, "notes.egg-info", False),
        ("index", False, "index/local.py", True),
        ("index", False, "corpus/index/a", False),
        ("/*\n!/corpus", False, "corpus/library/sources.toml", False),
        ("/*\n!/corpus", False, "shared/a", True),
        ("!/corpus\n/*", False, "corpus/types.py", True),
        ("**/__pycache__", False, "corpus/__pycache__/a.pyc", True),
    ],
)
def test_patterns_mean_what_git_and_docker_mean(pattern, git, path, expected):
    assert matcher(pattern, git=git)(path) is expected


def files(*folders: str) -> list[str]:
    found = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    names = (p.relative_to(ROOT) for p in found)
    return [n.as_posix() for n in names if "__pycache__" not in n.parts]


@pytest.mark.parametrize(("name", "git"), [(".gitignore", True), (".dockerignore", False)])
def test_no_file_of_the_packages_is_left_out(name, git):
    ignored = matcher(text(name), git=git)
    assert [path for path in files(*PACKAGES) if ignored(path)] == []
    for path in ("pyproject.toml", "README.md", "LICENSE"):
        assert not ignored(path)
    for path in ("data/tenkyo.db", ".venv/bin/python"):
        assert ignored(path)


def test_everything_of_the_packages_goes_into_the_wheel():
    wheel = tomllib.loads(text("pyproject.toml"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel == {"packages": list(PACKAGES)}
    assert {
        "corpus/library/sources.toml",
        "corpus/library/digests/whisper.md",
        "service/static/index.html",
        "index/checker.safetensors",
    } <= set(files(*PACKAGES))


def test_the_builder_takes_every_file():
    """What hatchling itself would put into the wheel; .gitignore is one of its rules."""
    wheel = pytest.importorskip(
        "hatchling.builders.wheel", reason="hatchling is not installed here"
    )
    taken = {
        Path(file.distribution_path).as_posix()
        for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()
    }
    assert set(files(*PACKAGES)) <= taken


def test_no_package_registry_is_named():
    """Where packages come from is the business of whoever installs."""
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
