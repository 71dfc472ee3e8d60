"""The decision records: numbered without gaps, of one form, listed, and true about the files they name."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import house_pictures
import pytest
from workspace import ROOT

FOLDER = ROOT / "docs" / "architecture"
RECORDS = sorted(FOLDER.glob("adr-*.md"))
SECTIONS = ["Status", "Context", "Decision", "Alternatives, measured", "Consequences", "Evidence"]
STATUS = re.compile(r"(Proposed|Accepted|Deprecated|Superseded by \[?ADR-\d{3}\b.*), [A-Z][a-z]+ 20\d\d\.")
NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]+)+|\.?[\w-]+\.(?:md|py|toml|ini|importlinter))`")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def title_of(path: Path) -> str:
    found = re.search(r"^# ADR-(\d{3}): (.+)$", text_of(path), re.M)
    assert found is not None, f"{path.name}: the title is '# ADR-NNN: A sentence'"
    assert path.name.startswith(f"adr-{found[1]}-")
    return found[2]


def sections(path: Path) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text_of(path), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_numbers_have_no_gaps_and_none_stands_twice() -> None:
    assert [int(path.name[4:7]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("path", [*RECORDS, FOLDER / "template.md"], ids=lambda path: path.stem)
def test_sections_are_those_of_the_template(path: Path) -> None:
    assert list(sections(path)) == SECTIONS
    assert all(text.strip() for text in sections(path).values())
    assert text_of(path).startswith("---\nneeds: []\n---\n")


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
class TestARecord:
    def test_its_status_is_one_of_four_with_a_month(self, path: Path) -> None:
        status = sections(path)["Status"].strip()
        assert STATUS.match(status), status
        for number in re.findall(r"ADR-(\d{3})", status):
            assert list(FOLDER.glob(f"adr-{number}-*.md"))

    def test_it_says_what_is_good_and_what_is_bad(self, path: Path) -> None:
        consequences = sections(path)["Consequences"]
        assert "\nGood:\n\n- " in consequences
        assert "\nBad:\n\n- " in consequences

    def test_its_alternatives_are_a_table(self, path: Path) -> None:
        assert re.search(r"^\|(?: ?-+:? ?\|)+$", sections(path)["Alternatives, measured"], re.M)

    def test_it_is_listed_under_its_title(self, path: Path) -> None:
        assert f"| [{path.name[4:7]}]({path.name}) | {title_of(path)} |" in text_of(FOLDER / "index.md")

    def test_the_menu_leads_to_it(self, path: Path) -> None:
        assert re.search(rf"^{path.name[4:7]} .+ <{path.stem}>$", text_of(FOLDER / "index.md"), re.M)

    def test_the_files_it_names_exist(self, path: Path) -> None:
        evidence = NAMED.findall(sections(path)["Evidence"])
        assert len(evidence) >= 4
        for name in (*evidence, *(one for one in NAMED.findall(text_of(path)) if one.startswith("packages/"))):
            assert (ROOT / name).exists(), name

    def test_the_commands_that_repeat_its_figures_find_a_program(self, path: Path) -> None:
        for package, word in re.findall(r"hatch run bench (\w+)(?: -k (\w+))?", text_of(path)):
            programs = (ROOT / "packages" / f"victor-{package}" / "benchmarks").glob("[!_]*.py")
            assert [one for one in programs if word in one.stem], f"hatch run bench {package} -k {word}"

    def test_it_is_short(self, path: Path) -> None:
        assert 50 <= len(text_of(path).splitlines()) <= 130


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_picture_of_the_packages_shows_the_imports_of_today(theme: str) -> None:
    drawn = ElementTree.parse(FOLDER / f"house-{theme}.svg").getroot()
    edges = {(one.get("data-source"), one.get("data-target")) for one in drawn.iter() if one.get("data-source")}
    house = house_pictures.house()
    assert edges == {(edge.source, edge.target) for edge in house.edges}, "run: python scripts/house_pictures.py"
    assert {target for _, target in edges} == {"core"}
    nodes = {one.get("data-id") for one in drawn.iter() if one.get("data-id")}
    assert {node.id for node in house.nodes} <= nodes


def test_pictures_are_those_that_the_index_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = set(re.findall(r"\{image\} (\S+)", text_of(FOLDER / "index.md")))
    assert shown == {path.name for path in FOLDER.glob("*.svg")}
    monkeypatch.setattr(house_pictures, "FOLDER", tmp_path)
    assert house_pictures.main() == 0
    assert {path.name for path in tmp_path.iterdir()} == shown
