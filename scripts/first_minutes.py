"""How long the first minutes with Victor take, as somebody has them who comes from nowhere.

    python scripts/first_minutes.py page               follow docs/guides/quickstart.md, command by command
    python scripts/first_minutes.py measure            from ``pip install`` to the first answer and the first workflow
    python scripts/first_minutes.py measure --peers    the same for other frameworks, as far as they install
    python scripts/first_minutes.py measure --save     keep the figures, and show them in the quickstart
    python scripts/first_minutes.py table              write the table of the quickstart from the kept figures again

Run it as ``hatch run first-minutes:page`` and ``hatch run first-minutes:measure``. Wheels of all packages are built
first. Each run has a folder, a home, an environment and, where it is said so, a cache of pip of its own; of the
variables of this shell it sees those alone that say how to reach a package index. The wheels stand for what an index
would hold: ``pip install victor-core`` takes them because a constraint says so, and everything else from the index.

``page`` is a test: it ends with 1 when a command fails or prints something else than the page shows. The figures of
``measure`` are medians; the clock starts when ``pip install`` does, in an environment that is there already.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from code_blocks import BLOCK_LIMIT_S, BlockFailed, Page, blocks
from workspace import ROOT, packages

PAGE = ROOT / "docs" / "guides" / "quickstart.md"
FIGURES = ROOT / "docs" / "reference" / "first-minutes.json"
BEGIN, END = "<!-- first minutes: made by scripts/first_minutes.py -->", "<!-- end of first minutes -->"
OURS = "scripts/first_minutes.py"
"""How the reason begins why code_blocks.py leaves a block to this program."""

INSTALL_LIMIT_S = 900
NETWORK = {
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
}

AGENT = '''\
from victor.core import Agent


def order_status(order: int) -> str:
    """Say where an order is."""
    return {17: "on its way, arrives on Friday"}.get(order, "unknown")


agent = Agent("You help the customers of a shop.", tools=[order_status])
print(agent.run_sync("Where is order 17?").output)
'''
WORKFLOW = """\
workflows:
  hello:
    inputs:
      name: {type: string}
    outputs:
      greeting: $ctx.greeting
    nodes:
      - {id: greet, type: transform, template: "Hello {{ name }}.", output: greeting}
"""
LANGGRAPH = """\
from typing import TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    greeting: str


graph = StateGraph(State)
graph.add_node("greet", lambda state: {"greeting": "Hello Ada."})
graph.add_edge(START, "greet")
graph.add_edge("greet", END)
print(graph.compile().invoke({"greeting": ""})["greeting"])
"""
PYDANTIC_AI = """\
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel


def order_status(order: int) -> str:
    "Say where an order is."
    return "on its way"


print(Agent(TestModel(), tools=[order_status]).run_sync("Where is order 17?").output)
"""


class Failed(Exception):
    """A command did not do what it should; the text says which, and what it printed."""


@dataclass(frozen=True)
class Route:
    """One way from an empty environment to something that works.

    Attributes:
        what: What there is at its end, for the table.
        install: What is installed.
        files: What the reader saves, by name.
        command: What the reader runs.
        prints: What that prints, or a part of it.
        peer: Whether it is another framework's.
    """

    what: str
    install: tuple[str, ...]
    files: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    prints: str = ""
    peer: bool = False


ROUTES = (
    Route(
        "an agent's first answer, with a call of a tool",
        ("victor-core",),
        {"agent.py": AGENT},
        "python agent.py",
        "on its way, arrives on Friday",
    ),
    Route(
        "a finished workflow from a YAML file",
        ("victor-core", "victor-graph"),
        {"hello.yaml": WORKFLOW},
        "victor workflow run hello.yaml --input name=Ada",
        "Hello Ada.",
    ),
)
PEERS = (
    Route("a finished graph in Python", ("langgraph",), {"hello.py": LANGGRAPH}, "python hello.py", "Hello Ada.", True),
    Route(
        "an answer of its test model",
        ("pydantic-ai-slim",),
        {"agent.py": PYDANTIC_AI},
        "python agent.py",
        "on its way",
        True,
    ),
    Route(
        "its agent, imported",
        ("agent-framework-core",),
        {"agent.py": "from agent_framework import Agent\nprint(Agent.__name__)\n"},
        "python agent.py",
        "Agent",
        True,
    ),
    Route(
        "its agent, imported",
        ("crewai",),
        {"agent.py": "from crewai import Agent\nprint(Agent.__name__)\n"},
        "python agent.py",
        "Agent",
        True,
    ),
)


class Time(NamedTuple):
    """Seconds by the clock, and of a processor: the latter tell more where a machine is busy."""

    seconds: float
    processor_s: float


@dataclass(frozen=True)
class Place:
    """Where one run happens: a folder and the variables it sees."""

    folder: Path
    environment: dict[str, str]

    def run(self, script: str, limit_s: float = BLOCK_LIMIT_S) -> tuple[str, Time]:
        """Run lines of a shell; return what they print, errors included, and the time they took.

        Raises:
            Failed: They failed, or took too long.
        """
        activate = "if [ -f .venv/bin/activate ]; then . .venv/bin/activate; fi\n"
        started, before = time.perf_counter(), os.times()
        try:
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", activate + script],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=limit_s,
                text=True,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise Failed(f"took more than {limit_s:g} s: {script.strip()}") from error
        seconds, after = time.perf_counter() - started, os.times()
        spent = after.children_user + after.children_system - before.children_user - before.children_system
        if done.returncode:
            raise Failed(f"exit code {done.returncode}: {script.strip()}\n{done.stdout}")
        return done.stdout, Time(seconds, spent)


def build_wheels(folder: Path) -> Path:
    """Build a wheel of every package; return the file of constraints by which pip finds them.

    Raises:
        SystemExit: One cannot be built.
    """
    lines = []
    for one in packages():
        command = ["uv", "build", "--quiet", "--wheel", str(one.folder), "--out-dir", str(folder)]
        if subprocess.run(command, check=False).returncode:
            raise SystemExit(f"{one.name}: no wheel can be built")
        (wheel,) = folder.glob(f"{one.name.replace('-', '_')}-{one.version}-*.whl")
        lines.append(f"{one.name} @ {wheel.as_uri()}\n")
    constraints = folder / "constraints.txt"
    constraints.write_text("".join(lines))
    return constraints


def environment_of(home: Path, constraints: Path, cache: Path) -> dict[str, str]:
    """What a stranger's shell holds: a home, a plain path, and how to reach the package index."""
    reach = {
        name: value
        for name, value in os.environ.items()
        if name.upper() in NETWORK or name in {"PIP_INDEX_URL", "PIP_CERT", "PIP_DEFAULT_TIMEOUT"}
    }
    return {
        **reach,
        "HOME": str(home),
        # The interpreter below this environment, so that nothing that is installed here is found.
        "PATH": f"{sys.base_prefix}/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "NO_COLOR": "1",
        "PIP_CONSTRAINT": str(constraints),
        "PIP_CACHE_DIR": str(cache),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


@contextmanager
def new_place(constraints: Path, cache: Path | None = None) -> Iterator[Place]:
    """An empty folder and an empty home.

    Args:
        constraints: Of `build_wheels`.
        cache: Of pip; an empty one where left out.
    """
    with tempfile.TemporaryDirectory(prefix="victor-first-") as temporary:
        base = Path(temporary)
        for name in ("home", "work"):
            (base / name).mkdir()
        yield Place(base / "work", environment_of(base / "home", constraints, cache or base / "cache"))


class Reader(Page):
    """Somebody who follows a page and types every command as it is printed.

    Attributes:
        steps: What was typed, and the seconds it took.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place.folder)
        self.place = place
        self.steps: list[tuple[str, Time]] = []

    def _shell(self, script: str) -> str:
        limit = INSTALL_LIMIT_S if "pip install" in script else BLOCK_LIMIT_S
        try:
            output, took = self.place.run(script, limit)
        except Failed as error:
            raise BlockFailed(str(error)) from error
        self.steps.append((script.strip(), took))
        return output


def follow(text: str, place: Place) -> tuple[list[tuple[str, Time]], list[str]]:
    """Follow a page from top to bottom; return its steps with their times, and what went wrong.

    Blocks that are left out for another reason than this program stay left out.
    """
    reader, problems = Reader(place), []
    everything = blocks(text)
    for block, following in zip_longest(everything, everything[1:]):
        if block.not_run and not block.not_run.startswith(OURS):
            continue
        expected = following.text if following and following.language == "text" else None
        try:
            reader.run(block, expected)
        except BlockFailed as error:
            problems.append(f"line {block.line}: {error}")
    return reader.steps, problems


@dataclass(frozen=True)
class Measured:
    """Figures of a route; seconds are medians.

    Attributes:
        what: What there is at its end.
        install: What was installed, with the version of the last of it.
        install_s: Seconds of ``pip install``.
        run_s: Seconds of the command after it, in an environment where nothing of it has run yet.
        processor_s: Seconds of a processor for both.
        runs: How often it was measured.
        packages: How many packages there were then, without pip.
        megabytes: What they take on the disk, with the byte code that pip makes.
        load: Of the machine, when it began.
        peer: Whether it is another framework's.
    """

    what: str
    install: str
    install_s: float
    run_s: float
    processor_s: float
    runs: int
    packages: int
    megabytes: float
    load: float
    peer: bool


def measure(route: Route, constraints: Path, cache: Path | None, runs: int) -> Measured:
    """Take a route several times, each time in a fresh environment.

    Args:
        route: Which.
        constraints: Of `build_wheels`.
        cache: Of pip, filled by a first run that does not count; None for an empty one each time.
        runs: How often.

    Raises:
        Failed: It leads nowhere.
    """
    installs: list[Time] = []
    firsts: list[Time] = []
    versions: dict[str, str] = {}
    size, load = 0.0, os.getloadavg()[0]
    for number in range(runs + (cache is not None)):
        with new_place(constraints, cache) as place:
            place.run("python3 -m venv .venv")
            _, installing = place.run(f"pip install --quiet {' '.join(route.install)}", INSTALL_LIMIT_S)
            for name, text in route.files.items():
                (place.folder / name).write_text(text, encoding="utf-8")
            output, running = place.run(route.command)
            if route.prints not in output:
                raise Failed(f"{route.command} printed {output!r}, not {route.prints!r}")
            if number or cache is None:
                installs.append(installing)
                firsts.append(running)
            versions = {one["name"]: one["version"] for one in json.loads(place.run("pip list --format json")[0])}
            size = sum(file.lstat().st_size for file in (place.folder / ".venv/lib").rglob("*") if _counts(file))
    named = [*route.install[:-1], f"{route.install[-1]} {versions.get(route.install[-1], '')}".strip()]
    return Measured(
        route.what,
        " ".join(named),
        round(statistics.median(one.seconds for one in installs), 2),
        round(statistics.median(one.seconds for one in firsts), 2),
        round(
            statistics.median(one.processor_s + two.processor_s for one, two in zip(installs, firsts, strict=True)), 2
        ),
        runs,
        len(versions.keys() - {"pip", "setuptools", "wheel"}),
        round(size / 1e6, 1),
        round(load, 1),
        route.peer,
    )


def _counts(file: Path) -> bool:
    inside = file.parts[file.parts.index("site-packages") + 1 :] if "site-packages" in file.parts else ()
    return bool(inside) and not inside[0].startswith(("pip", "setuptools", "_distutils_hack")) and file.is_file()


def conditions() -> dict[str, Any]:
    """Where and when something is measured."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def table(kept: Mapping[str, Any]) -> str:
    """The figures as the quickstart shows them."""
    lines = [
        "| from `pip install` to | installed | install | then | processor | packages | on disk |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    warm = {(row["what"], row["install"]): row for row in kept.get("warm", {}).get("rows", ())}
    ours: list[str] = []
    peers: list[str] = []
    for row in kept["cold"]["rows"]:
        again = warm.get((row["what"], row["install"]))
        install = f"{row['install_s']:.1f} s" + (f" ({again['install_s']:.1f} s)" if again else "")
        mark = "" if row["peer"] else "**"
        (peers if row["peer"] else ours).append(
            f"| {mark}{row['what']}{mark} | `{row['install']}` | {install} | {row['run_s']:.1f} s "
            f"| {row['processor_s']:.1f} s | {row['packages']} | {row['megabytes']:.0f} MB |"
        )
    if page := kept.get("page"):
        ours.append(
            f"| **the end of this page** | all of step 1 | {page['install_s']:.1f} s | {page['run_s']:.1f} s "
            f"| {page['processor_s']:.1f} s | | |"
        )
    lines += [*ours, *peers]
    return "\n".join([*lines, "", _how(kept)])


def _how(kept: Mapping[str, Any]) -> str:
    told, rows = kept["cold"]["conditions"], kept["cold"]["rows"]
    loads = [row["load"] for row in rows]
    runs = sorted({row["runs"] for row in rows})
    return (
        f"Medians of {' to '.join(map(str, runs))} runs on {told['date']}: Python {told['python']}, {told['system']}, "
        f"{told['processors']} processors with a load of {min(loads):.0f} to {max(loads):.0f}, an index near by. "
        "Each run begins with an empty environment and an empty cache of pip (in parentheses: a filled one); "
        "Victor's own wheels come from a folder, where an index would send them. *Processor* is the time of one "
        "processor for both steps, which a busy machine changes little."
    )


def with_table(page: str, kept: Mapping[str, Any]) -> str:
    """The text of the quickstart, with the table of these figures in it.

    Raises:
        SystemExit: The page has no place for it.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{PAGE.relative_to(ROOT)} has no lines {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{table(kept)}\n\n{END}{after}"


def load_kept() -> dict[str, Any]:
    """The figures that were kept; empty where there are none."""
    found: dict[str, Any] = json.loads(FIGURES.read_text("utf-8")) if FIGURES.is_file() else {}
    return found


def save(kept: Mapping[str, Any]) -> None:
    """Keep figures, and show them in the quickstart."""
    FIGURES.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), kept), encoding="utf-8")


def follow_page(constraints: Path, *, keep: bool) -> int:
    """Follow the quickstart and print its steps; return the number of problems."""
    with new_place(constraints) as place:
        steps, problems = follow(PAGE.read_text("utf-8"), place)
    for command, took in steps:
        print(f"{took.seconds:7.1f} s  {' && '.join(command.splitlines())}")
    total, spent = (sum(times) for times in zip(*(took for _, took in steps), strict=True))
    install = sum(took.seconds for command, took in steps if "pip install" in command)
    print(f"{total:7.1f} s  altogether, of which {install:.1f} s to install; {spent:.1f} s of a processor")
    for problem in problems:
        print(f"FAILED {problem}")
    if keep and not problems:
        figures = {"install_s": install, "run_s": total - install, "processor_s": spent}
        rounded = {name: round(value, 1) for name, value in figures.items()}
        save({**load_kept(), "page": {**rounded, **conditions()}})
    return len(problems)


def merged(kept: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Kept figures with newly found ones in their place; those of routes that were not taken stay."""
    result = dict(kept)
    for kind, new in found.items():
        rows = {row["what"] + row["install"].partition(" ")[0]: row for row in kept.get(kind, {}).get("rows", ())}
        rows |= {row["what"] + row["install"].partition(" ")[0]: row for row in new["rows"]}
        result[kind] = {**new, "rows": sorted(rows.values(), key=lambda row: row["peer"])}
    return result


def measure_all(routes: Sequence[Route], constraints: Path, caches: Sequence[str], runs: int) -> dict[str, Any]:
    """Measure routes with a cold cache of pip, a warm one, or both; print what comes of it."""
    found: dict[str, Any] = {}
    for kind in caches:
        with tempfile.TemporaryDirectory(prefix="victor-pip-") as cache:
            told, rows = conditions(), []
            for route in routes:
                try:
                    one = measure(route, constraints, Path(cache) if kind == "warm" else None, runs)
                except Failed as error:
                    print(f"left out: {' '.join(route.install)}: {error}", file=sys.stderr)
                    continue
                rows.append(asdict(one))
                print(
                    f"{kind}  {one.install:34} {one.install_s:6.1f} s + {one.run_s:5.1f} s  "
                    f"{one.packages:4} packages {one.megabytes:7.1f} MB  {one.what}",
                    flush=True,
                )
            found[kind] = {"conditions": told, "rows": rows}
    return found


def main() -> int:
    """Do what the command line says; the exit code says whether all went well."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=["page", "measure", "table"])
    parser.add_argument("--runs", type=int, default=3, help="how often each route is taken")
    parser.add_argument("--only", default="", help="measure only what installs this")
    parser.add_argument("--cache", choices=["cold", "warm", "both"], default="both", help="the cache of pip")
    parser.add_argument("--peers", action="store_true", help="measure other frameworks, too")
    parser.add_argument("--save", action="store_true", help=f"keep the figures in {FIGURES.name} and show them")
    options = parser.parse_args()
    if options.what == "table":
        save(load_kept())
        return 0
    if os.name == "nt":
        raise SystemExit("the commands are run by bash: on Windows use WSL")
    with tempfile.TemporaryDirectory(prefix="victor-wheels-") as folder:
        constraints = build_wheels(Path(folder))
        if options.what == "page":
            return 1 if follow_page(constraints, keep=options.save) else 0
        caches = ["cold", "warm"] if options.cache == "both" else [options.cache]
        everything = (*ROUTES, *(PEERS if options.peers else ()))
        routes = [route for route in everything if not options.only or options.only in route.install]
        found = measure_all(routes, constraints, caches, options.runs)
    if options.save:
        save(merged(load_kept(), found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
