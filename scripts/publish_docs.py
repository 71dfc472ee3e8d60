"""Put a built site among the versions that are published: ``python scripts/publish_docs.py BUILT SITE --ref REF``.

``main`` goes to ``SITE/latest/``, a tag ``victor-core-v1.2.3`` to ``SITE/v1.2/``: the site has the versions of
victor-core, which all packages build on. Other versions stay as they are. Beside them come ``versions.json``, which the
sites read for their version switch, a redirect from the root to the newest release (or to ``latest``), and that
version's ``llms.txt``.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
from pathlib import Path

LATEST = "latest"
RELEASE = re.compile(r"v(\d+)\.(\d+)")
NOT_PUBLISHED = shutil.ignore_patterns(".doctrees", "doctrees", ".buildinfo*")


def version_of(ref: str) -> str:
    """The folder that a branch or tag is published in.

    Args:
        ref: As git names it: ``refs/heads/main``, ``refs/tags/victor-core-v1.2.3``.

    Raises:
        ValueError: It is neither ``main`` nor the tag of a release of victor-core.

    Example:
        >>> version_of("refs/heads/main"), version_of("refs/tags/victor-core-v0.2.1")
        ('latest', 'v0.2')
    """
    if ref == "refs/heads/main":
        return LATEST
    if found := re.fullmatch(rf"refs/tags/victor-core-({RELEASE.pattern})\.\d+", ref):
        return found[1]
    raise ValueError(f"{ref!r} is not published: refs/heads/main and tags like victor-core-v1.2.3 are")


def versions_in(site: Path) -> list[str]:
    """The versions that a site has, ``latest`` first, then releases from new to old."""
    found = [folder.name for folder in site.iterdir() if (folder / "index.html").is_file()]
    releases = [name for name in found if RELEASE.fullmatch(name)]
    releases.sort(key=lambda name: [int(number) for number in re.findall(r"\d+", name)], reverse=True)
    return [LATEST] * (LATEST in found) + releases


def publish(built: Path, site: Path, version: str) -> list[str]:
    """Put a built site in its place, and write what leads to it.

    Args:
        built: The folder that Sphinx wrote.
        site: The folder that is served; made where it is not there.
        version: The name of its folder.

    Returns:
        All versions there are now.

    Raises:
        FileNotFoundError: ``built`` holds no site; nothing is changed then.
    """
    if not (built / "index.html").is_file():
        raise FileNotFoundError(f"{built} holds no index.html: build the documentation first")
    site.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(site / version, ignore_errors=True)
    shutil.copytree(built, site / version, ignore=NOT_PUBLISHED)
    versions = versions_in(site)
    rows = [{"version": name, "title": f"{name} (main)" if name == LATEST else name} for name in versions]
    (site / "versions.json").write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    first = next((name for name in versions if name != LATEST), versions[0])
    (site / "index.html").write_text(redirect(f"{first}/"), encoding="utf-8")
    # GitHub Pages would leave out folders that begin with an underscore.
    (site / ".nojekyll").touch()
    for name in ("llms.txt", "llms-full.txt"):
        if (site / first / name).is_file():
            text = (site / first / name).read_text(encoding="utf-8")
            (site / name).write_text(links_below(text, first) if name == "llms.txt" else text, encoding="utf-8")
    return versions


def redirect(target: str) -> str:
    """A page that leads to another, also without JavaScript; with it, a query and an anchor come along."""
    return (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>Victor</title>\n'
        f'<link rel="canonical" href="{target}">\n<meta http-equiv="refresh" content="0; url={target}">\n'
        f'<script>location.replace("{target}" + location.search + location.hash)</script>\n'
        f'<p><a href="{target}">Documentation of Victor</a></p>\n</html>\n'
    )


def links_below(text: str, folder: str) -> str:
    """Markdown whose relative links lead into a folder.

    Example:
        >>> links_below("[a](b.html), [c](https://example.org)", "v1.2")
        '[a](v1.2/b.html), [c](https://example.org)'
    """
    return re.sub(r"\]\((?![a-z]+:|[/#])", f"]({folder}/", text)


def main() -> int:
    """Publish into a folder; the exit code says whether it could be done."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("built", type=Path, help="what Sphinx wrote: build/docs/html")
    parser.add_argument("site", type=Path, help="the folder with all versions")
    parser.add_argument("--ref", required=True, help="refs/heads/main or refs/tags/victor-core-v1.2.3")
    options = parser.parse_args()
    try:
        versions = publish(options.built, options.site, version_of(options.ref))
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{options.site}: {', '.join(versions)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
