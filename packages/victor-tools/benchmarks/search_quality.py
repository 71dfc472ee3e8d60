"""Search quality on the labelled set in ``search_quality/``: hit@1, hit@5, and what each part of a tool adds.

python packages/victor-tools/benchmarks/search_quality.py [--misses]
"""

from __future__ import annotations

import sys
from pathlib import Path

from victor.core.plugins import Plugins, set_plugins
from victor.core.ranking import BM25, content_words
from victor.core.tool import Tool, ToolMetadata
from victor.tools import UnifiedToolRegistry
from victor.tools.search import WEIGHTS, document

HERE = Path(__file__).parent / "search_quality"


def rows(name: str) -> list[list[str]]:
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def labelled_registry() -> UnifiedToolRegistry:
    """The built-in tools and those of the set, in one registry."""
    set_plugins(Plugins(only=["core", "tools"]).load())
    registry = UnifiedToolRegistry(UnifiedToolRegistry(catalog=True))
    for name, category, description, *keywords in rows("tools.tsv"):
        metadata = ToolMetadata(name, description, category, keywords=tuple(" ".join(keywords).split()))
        registry.register(Tool(print, metadata, parameters={"type": "object", "properties": {}}))
    return registry


def questions() -> list[tuple[str, set[str]]]:
    return [(question, set(answers.split(","))) for question, answers in rows("queries.tsv")]


def hits(found: list[list[str]], wanted: list[set[str]], at: int) -> float:
    return sum(bool(set(names[:at]) & right) for names, right in zip(found, wanted, strict=True)) / len(wanted)


def overlap(registry: UnifiedToolRegistry, question: str) -> list[str]:
    """What peers do that have no ranking: how many words name and description share with the question."""
    asked = set(question.lower().split())
    scored = [
        (len(asked & set(f"{t.name.replace('_', ' ')} {t.description}".lower().split())), t.name) for t in registry
    ]
    return [name for score, name in sorted(scored, key=lambda pair: -pair[0]) if score][:5]


def main() -> None:
    from _results import record  # beside this program; a test reads the rest of this module from elsewhere

    registry = labelled_registry()
    asked = questions()
    known = {made.name for made in registry}
    unknown = {name for _, right in asked for name in right} - known
    assert not unknown, f"the set names tools that are not there: {unknown}"
    wanted = [right for _, right in asked]
    print(f"{len(registry)} tools, {len(asked)} questions\n")
    print(f"{'ranking':<46}{'hit@1':>8}{'hit@5':>8}")
    results = [[found.name for found in registry.search_tools(question, 5)] for question, _ in asked]
    lines = [("UnifiedToolRegistry.search_tools", results)]
    for fields in (("name", "description"), ("name", "description", "keywords"), ("keywords",)):
        index: BM25[str] = BM25(weights=WEIGHTS, b=0.3, tokenizer=content_words)
        for made in registry:
            whole = document(made, registry.categories)
            index.add(made.name, {field: whole[field] for field in fields})
        lines.append((f"BM25 over {', '.join(fields)} only", [[k for k, _ in index.search(q, 5)] for q, _ in asked]))
    lines.append(("shared words of name and description, no ranking", [overlap(registry, q) for q, _ in asked]))
    for label, found in lines:
        print(f"{label:<46}{hits(found, wanted, 1):>8.2f}{hits(found, wanted, 5):>8.2f}")
    what = f"the right tool is the first, of {len(asked)} questions in everyday words over {len(registry)} tools"
    record("hit1", what, hits(results, wanted, 1), "", more=True)
    record("hit5", "the right tool is among the first five", hits(results, wanted, 5), "", more=True)
    if "--misses" in sys.argv:
        print()
        for (question, right), found in zip(asked, results, strict=True):
            if not set(found) & right:
                print(f"{question}  ->  {', '.join(sorted(right))}; found {', '.join(found) or 'nothing'}")


if __name__ == "__main__":
    main()
