"""An analyst's tools are chosen by a file of presets, which no programmer has to touch, and its figures are computed.

Categories say what their tools cost and whether they need approval, presets select tools by category; a project names
the file in `victor.toml`, and then all its agents keep to it. Here an analyst may read tables and calculate, may not
write, and is asked about every web page. The model (a script here) plans the calls; it adds up nothing itself, so a
figure in the answer is a result of a tool, and the last lines look whether it is. The preset is in data/analyst.yaml,
the table in data/sales.csv.

Needs: victor-core, victor-tools
Run: python docs/examples/verticals/data_analysis.py
Prints:
    tools: data_describe, data_query, files_list, files_read, math_evaluate, math_statistics, http_fetch,
    http_json, http_page
    - ["42.00","18.60","70.00"]
    -
    {"count":3,"sum":130.6,"mean":43.53333333333333,"median":42.0,"deviation":25.73428322944576,"minimum":18.6,"maximum":70.0,"first_quartile":30.3,"third_quartile":56.0}
    - http_fetch needs approval and nobody can be asked; do not call it again in this run
    Ulm sold for 130.6 EUR, and 43.53 EUR on an average day.
    every figure was computed: True
"""

from __future__ import annotations

import re
from pathlib import Path

from victor.core import Limits, Vertical
from victor.core.testing import ScriptedModel, call
from victor.tools import UnifiedToolRegistry
from victor.tools.categories import BUILT_IN, Categories

DATA = Path(__file__).parent / "data"
REGISTRY = UnifiedToolRegistry(categories=Categories.load(BUILT_IN, DATA / "analyst.yaml"), catalog=True)
ANALYST = Vertical(
    name="analyst",
    description="Answers questions about tables.",
    instructions="Query the table and calculate with the tools. Never add up anything yourself.",
    tools=REGISTRY.tools(preset="analyst"),
    limits=Limits(steps=6),
)

if __name__ == "__main__":
    table = (DATA / "sales.csv").read_text(encoding="utf-8")
    model = ScriptedModel(
        [
            call("data_query", text=table, format="csv", query="[?shop=='Ulm'].eur"),
            call("math_statistics", numbers=[42.0, 18.6, 70.0]),
            call("http_fetch", url="http://example.org/prices"),
            "Ulm sold for 130.6 EUR, and 43.53 EUR on an average day.",
        ]
    )
    agent = ANALYST.agent(model=model)
    print("tools:", ", ".join(agent.tools))
    result = agent.run_sync("What did Ulm sell?")
    told = [message.content for message in result.messages if message.role == "tool"]
    for line in told:
        print("-", line.splitlines()[0])
    print(result.output)
    computed = {round(float(number), 2) for number in re.findall(r"\d+(?:\.\d+)?", " ".join(told))}
    said = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", result.output)}
    print("every figure was computed:", said <= computed)
