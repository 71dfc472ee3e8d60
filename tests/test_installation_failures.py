"""Every failure that docs/guides/installation.md lists is provoked for real, and looks as it is shown there.

The commands, the messages and the files come from the page; a function here makes the situation in which the commands
run. An entry without one fails, and so does a situation that no entry describes.
"""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from code_blocks import blocks, compare, saved_file
from stand_in import OURS, Environment, link, make_wheel, run
from workspace import ROOT

PAGE = (ROOT / "docs" / "guides" / "installation.md").read_text(encoding="utf-8")
FAILURES = PAGE.partition("## When it fails\n")[2]
SYSTEM_PYTHON = Path("/usr/bin/python3")
EVERYTHING = (
    "victor-core[openai,yaml]",
    "victor-graph",
    "victor-tools",
    "victor-teams",
    "victor-observability",
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="not applicable: the commands are those of a POSIX shell")


@dataclass
class Entry:
    """One failure, as the page has it."""

    commands: list[str]
    shown: str
    files: dict[str, str]


def read_entries() -> dict[str, Entry]:
    """The entries of the page, by their title."""
    found: dict[str, Entry] = {}
    every: dict[str, str] = {}
    for part in re.split(r"^### ", FAILURES, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        entry = Entry([], "", {})
        for block in blocks(body):
            if saved := saved_file(block.text):
                entry.files[saved[0]] = saved[1]
            elif block.language == "text":
                lines = block.text.splitlines()
                entry.commands += [line[2:] for line in lines if line.startswith("$ ")]
                entry.shown += "".join(f"{line}\n" for line in lines if not line.startswith("$ "))
        every |= entry.files
        entry.files = {
            name: text
            for name, text in every.items()
            if name in entry.files or any(name in command for command in entry.commands)
        }
        found[title] = entry
    return found


ENTRIES = read_entries()


@dataclass
class Case:
    """The situation in which the commands of an entry run.

    Attributes:
        folder: The current folder of the commands.
        environment: Makes or finds an `Environment` with these requirements; it must not be changed.
        own: Makes one that may be changed.
        stack: Closes what was opened.
    """

    folder: Path
    environment: Callable[..., Environment]
    own: Callable[..., Environment]
    stack: ExitStack
    path: list[Path] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    other_texts: dict[str, str] = field(default_factory=dict)

    def use(self, *requirements: str) -> None:
        """Run with an environment that has these distributions."""
        self.path = [self.environment(*requirements).bin]

    def command(self, name: str, *words: str | Path) -> None:
        """Put a command on the PATH that calls another one."""
        folder = self.folder.parent / "commands"
        folder.mkdir(exist_ok=True)
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec {" ".join(map(str, words))} "$@"\n')
        file.chmod(0o755)
        self.path.insert(0, folder)

    def wheels(self, *names: tuple[str, str], **more: str) -> None:
        """Let pip find these wheels, and nothing else."""
        for name, version in names:
            needs = {"victor-graph": ["victor-core>=0.1,<0.2"]}.get(name, [])
            make_wheel(self.folder / "wheels", name, version, requirements=needs)
        self.variables |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "wheels", **more}

    def closed_port(self, instead_of: str = "") -> int:
        """A port on which nobody listens; in the commands it stands instead of the one that the page names."""
        listener = self.stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))  # and not listening: connections are refused, and nobody else gets it
        port = int(listener.getsockname()[1])
        if instead_of:
            self.other_texts[instead_of] = str(port)
        return port

    def server(self, certificate: tuple[Path, Path] | None = None) -> str:
        """The URL of a server that knows no key and has no package."""
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Refusal)
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        self.stack.callback(server.server_close)
        self.stack.callback(thread.join)
        self.stack.callback(server.shutdown)
        return f"{'https' if certificate else 'http'}://localhost:{server.server_port}"

    def certificate(self) -> tuple[Path, Path]:
        """A certificate for this machine that nobody knows, and its key."""
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("needs openssl: apt-get install openssl")
        files = self.folder.parent / "certificate.pem", self.folder.parent / "key.pem"
        kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        subprocess.run(
            [openssl, "req", *kind, *name, "-out", files[0], "-keyout", files[1]], check=True, capture_output=True
        )
        return files


class Refusal(http.server.BaseHTTPRequestHandler):
    """Answers as OpenAI does when it does not know the key."""

    def do_POST(self) -> None:
        error = {"message": "Incorrect API key provided: sk-wrong.", "code": "invalid_api_key"}
        body = json.dumps({"error": error}).encode()
        self.send_response(401)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


REPRODUCTIONS: dict[str, Callable[[Case], None]] = {}


def entry(title: str) -> Callable[[Callable[[Case], None]], Callable[[Case], None]]:
    """Say which entry a situation belongs to."""

    def add(function: Callable[[Case], None]) -> Callable[[Case], None]:
        assert title not in REPRODUCTIONS, title
        REPRODUCTIONS[title] = function
        return function

    return add


def with_environment(title: str, *requirements: str, **variables: str) -> None:
    """An entry that needs nothing but an environment and variables."""

    @entry(title)
    def situation(case: Case) -> None:
        case.use(*requirements)
        case.variables |= variables


# While installing


@entry("Python is too old")
def _(case: Case) -> None:
    case.use("pip")
    case.wheels(("victor-core", "0.1.0"))
    # What pip does on such a Python: old ones do not look when told of it by `--python-version`.
    folder = case.folder.parent / "older"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import collections, sys\n"
        "fields = 'major minor micro releaselevel serial'\n"
        "sys.version_info = collections.namedtuple('version_info', fields)(3, 10, 12, 'final', 0)\n"
    )
    case.variables["PYTHONPATH"] = str(folder)


@entry("error: externally-managed-environment")
def _(case: Case) -> None:
    if not [*Path("/usr/lib").glob("python3*/EXTERNALLY-MANAGED")] or not SYSTEM_PYTHON.exists():
        pytest.skip("not applicable: this system lets pip change its Python")
    pip = case.environment("pip").site_packages / "pip"
    case.variables["PYTHONPATH"] = str(case.folder.parent / "pip")  # it may have none of its own
    link(pip.resolve(), case.folder.parent / "pip" / "pip")
    case.command("pip", SYSTEM_PYTHON, "-m", "pip")
    case.wheels(("victor-core", "0.1.0"))


@entry("ensurepip is not available")
def _(case: Case) -> None:
    """Debian's Python without the package python3-venv: a copy of the interpreter, and links to the rest."""
    where = "import os, sysconfig; print(sysconfig.get_path('stdlib'), os.path.realpath(__import__('sys').executable))"
    told = (
        subprocess.run([SYSTEM_PYTHON, "-Ic", where], capture_output=True, text=True)
        if SYSTEM_PYTHON.exists()
        else None
    )
    library, binary = (
        map(Path, told.stdout.split()) if told and told.returncode == 0 else (Path("/none"), Path("/none"))
    )
    module = library / "venv" / "__init__.py"
    if not module.is_file() or "python3-venv" not in module.read_text(encoding="utf-8"):
        pytest.skip("not applicable: Debian and Ubuntu split ensurepip off, this system does not")
    root = case.folder.parent / "debian"
    for part in library.iterdir():
        if part.name not in {"ensurepip", "__pycache__"}:
            link(part, root / "lib" / library.name / part.name)
    (root / "bin").mkdir()
    shutil.copy(binary, root / "bin" / binary.name)
    link(root / "bin" / binary.name, root / "bin" / "python3")
    case.path = [root / "bin"]


@entry("No matching distribution found: pip has no network")
def _(case: Case) -> None:
    case.use("pip")
    case.variables |= {"PIP_INDEX_URL": f"http://127.0.0.1:{case.closed_port()}/simple", "PIP_RETRIES": "1"}


@entry("No matching distribution found: the name is wrong")
def _(case: Case) -> None:
    case.use("pip")
    case.wheels(("victor-graph", "0.1.0"))


@entry("There was a problem confirming the ssl certificate")
def _(case: Case) -> None:
    case.use("pip")
    case.variables["PIP_INDEX_URL"] = case.server(case.certificate()) + "/simple"


@entry("is not a supported wheel on this platform")
def _(case: Case) -> None:
    case.use("pip")
    make_wheel(case.folder / "wheels", "msgspec", "0.22.0", tag="cp39-cp39-win_amd64")


@entry("These packages do not match the hashes")
def _(case: Case) -> None:
    case.use("pip")
    case.wheels(("victor-core", "0.1.0"))
    (case.folder / "requirements.txt").write_text(f"victor-core==0.1.0 --hash=sha256:{'0' * 64}\n")


@entry("victor-core ... which is incompatible")
def _(case: Case) -> None:
    environment = case.own("pip")
    case.path = [environment.bin]
    case.wheels(("victor-core", "0.1.0"), ("victor-graph", "0.1.0"))
    run("pip install -q victor-graph", case.folder, case.path, case.variables)
    case.wheels(("victor-core", "0.2.0"))


# Command and imports


with_environment("victor: command not found", "pip")
with_environment("No module named 'victor'", "pip")
with_environment("No module named 'victor.graph'", "victor-core")
with_environment("unknown command 'workflow'", "victor-core")
with_environment("unknown command, and not every installed plugin is loaded", *EVERYTHING)


@entry("No module named 'victor.core' after pip install victor")
def _(case: Case) -> None:
    environment = case.own()
    environment.add_distribution("victor", {"victor/__init__.py": ""}, version="1.0")
    case.path = [environment.bin]


@entry("doctor: belongs to another package called 'victor'")
def _(case: Case) -> None:
    environment = case.own("victor-core")
    environment.add_distribution("victor", {"victor/__init__.py": ""}, version="1.0")
    case.path = [environment.bin]


@entry("'victor' is not a package")
def _(case: Case) -> None:
    case.use("victor-core")
    (case.folder / "victor.py").write_text("")


@entry("No module named 'victor.core' where a folder is named victor")
def _(case: Case) -> None:
    case.use("victor-core")
    (case.folder / "victor").mkdir()
    (case.folder / "victor" / "__init__.py").write_text("")


# Extras that are missing


with_environment("this model needs the package 'openai'", "victor-core")
with_environment("PNG pictures need resvg-py", *EVERYTHING)
with_environment("stores in PostgreSQL need psycopg", *EVERYTHING)
with_environment("traces need the SDK of OpenTelemetry", *EVERYTHING)
with_environment("serving over MCP needs an extra", *EVERYTHING)
with_environment("a bus over NATS needs nats-py", *EVERYTHING)


@entry("Parquet needs pyarrow")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    run("victor run Hello", case.folder, case.path, {})  # so that there is something to export


# Models and networks


with_environment("needs a key", *EVERYTHING)
with_environment("unknown model provider", "victor-core")


@entry("refused the key")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    case.variables |= {"OPENAI_API_KEY": "sk-wrong", "OPENAI_BASE_URL": case.server() + "/v1"}


@entry("cannot be reached, on this machine")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    case.variables["OLLAMA_HOST"] = f"127.0.0.1:{case.closed_port()}"


@entry("cannot be reached, through a proxy")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    case.variables |= {"OPENAI_API_KEY": "sk-any", "HTTPS_PROXY": f"http://127.0.0.1:{case.closed_port()}"}


@entry("CERTIFICATE_VERIFY_FAILED")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    case.variables |= {"OPENAI_API_KEY": "sk-any", "OPENAI_BASE_URL": case.server(case.certificate()) + "/v1"}


# Plugins


@entry("plugin is broken and was skipped")
def _(case: Case) -> None:
    environment = case.own("victor-core")
    environment.add_distribution(
        "victor-weather", {"victor_weather.py": "import meteo_api\n"}, plugins={"weather": "victor_weather"}
    )
    case.path = [environment.bin]


@entry("unknown hook")
def _(case: Case) -> None:
    source = """
        from victor.core import hookimpl

        @hookimpl
        def victor_register_pipelines(register): ...
        """
    environment = case.own("victor-core")
    environment.add_distribution("victor-weather", {"victor_weather.py": source}, plugins={"weather": "victor_weather"})
    case.path = [environment.bin]


@entry("a plugin of that name is loaded already")
def _(case: Case) -> None:
    environment = case.own("victor-core")
    for name in ("one", "two"):
        environment.add_distribution(
            f"weather-{name}", {f"weather_{name}.py": ""}, plugins={"weather": f"weather_{name}"}
        )
    case.path = [environment.bin]


# Files, settings, terminals


@entry("cannot be made or written")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    if os.geteuid() == 0:  # who may write everywhere, unless the right to do so is taken away
        setpriv = shutil.which("setpriv")
        taken = [setpriv or "", "--bounding-set=-dac_override,-dac_read_search"]
        if setpriv is None or subprocess.run([*taken, "true"], capture_output=True).returncode:
            pytest.skip("not applicable: root may write everywhere, and that cannot be taken away here")
        case.command("victor", *taken, case.path[0] / "victor")
    case.folder.chmod(0o555)
    case.stack.callback(case.folder.chmod, 0o755)


@entry("No space left on device")
def _(case: Case) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("not applicable: this system has no /dev/full")
    case.use("victor-core")
    (case.folder / "answer.txt").symlink_to("/dev/full")


with_environment("its encoding is ascii", *EVERYTHING, PYTHONIOENCODING="ascii")
with_environment("unknown setting", "victor-core")
with_environment("not valid TOML", "victor-core")
with_environment("is no setting, and has no effect", "victor-core")
with_environment("must be a whole number above 0", "victor-core")


# In your programs and workflows


with_environment("run_sync was called inside a running event loop", "victor-core")
with_environment("not YAML: a tab", *EVERYTHING)
with_environment("the key is unknown", *EVERYTHING)


@entry("this checkpoint store has version 99")
def _(case: Case) -> None:
    case.use(*EVERYTHING)
    (case.folder / ".victor").mkdir()
    run("victor workflow run hello.yaml", case.folder, case.path, {})
    with sqlite3.connect(case.folder / ".victor" / "workflows.db") as store:
        store.execute("UPDATE victor_schema SET version = 99")
    store.close()


# Servers


@entry("Address already in use")
def _(case: Case) -> None:
    case.use("victor-tools[mcp]")
    listener = case.stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    case.other_texts["8848"] = str(listener.getsockname()[1])


@entry("the NATS server cannot be reached")
def _(case: Case) -> None:
    case.use("victor-teams[nats]")
    case.closed_port(instead_of="4222")


@entry("PostgreSQL could not be reached")
def _(case: Case) -> None:
    case.use("victor-graph[postgres]")
    case.closed_port(instead_of="5432")


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Makes environments, each set of requirements once."""
    made: dict[frozenset[str], Environment] = {}

    def find(*requirements: str) -> Environment:
        key = frozenset(requirements)
        if key not in made:
            made[key] = Environment(tmp_path_factory.mktemp("environment") / "venv", requirements)
        return made[key]

    return find


@pytest.fixture
def case(tmp_path: Path, environment: Callable[..., Environment]) -> Iterator[Case]:
    """An empty folder, and nothing on the PATH but what the system has."""
    folder = tmp_path / "work"
    folder.mkdir()
    with ExitStack() as stack:
        yield Case(folder, environment, lambda *given: Environment(tmp_path / "venv", given), stack)


@pytest.mark.parametrize("title", ENTRIES)
def test_it_fails_as_the_page_shows(case: Case, title: str) -> None:
    here = ENTRIES[title]
    assert here.commands, "the entry shows no command"
    assert re.search(r"\w{4}", here.shown), "the entry shows no message"
    if title not in REPRODUCTIONS:
        pytest.fail("nothing here makes the situation of this entry")
    for name, text in here.files.items():
        (case.folder / name).write_text(text, encoding="utf-8")
    REPRODUCTIONS[title](case)
    commands, shown = "\n".join(here.commands), here.shown
    for text, other in case.other_texts.items():
        commands, shown = commands.replace(text, other), shown.replace(text, other)
    compare(shown, run(commands, case.folder, case.path, case.variables))


def test_every_situation_is_described() -> None:
    assert sorted(set(REPRODUCTIONS) - set(ENTRIES)) == []


def test_there_are_enough_of_them() -> None:
    assert len(ENTRIES) >= 25


@pytest.mark.parametrize("title", ENTRIES)
def test_every_entry_says_why_and_what_to_do(title: str) -> None:
    body = FAILURES.partition(f"### {title}\n")[2].partition("\n### ")[0]
    assert "**Why.** " in body
    assert "**Fix.** " in body


def test_every_extra_is_in_the_table() -> None:
    listed = re.findall(r"^\| `(victor-\w+)\[(\w+)\]` \|", PAGE, flags=re.MULTILINE)
    assert sorted(listed) == sorted(
        (name, extra) for name, one in OURS.items() for extra in one.extras if extra not in {"all", "test"}
    )


def test_every_package_and_python_is_named() -> None:
    assert set(re.findall(r"^\| `(victor-\w+)` \|", PAGE, flags=re.MULTILINE)) == set(OURS)
    pythons = {text.rpartition(" ")[2] for text in OURS["victor-core"].project["classifiers"] if "Python :: 3." in text}
    assert all(python in PAGE for python in pythons)
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in pythons
