"""Files, data, mathematics and text in one agent, and requests that need several tools one after another.

The tools come from victor-tools by name, confined to one folder by settings in `victor.toml`, which a program needs
no line for. Where a request has several parts, the result of one tool is the argument of the next. The offline model
does that for requests which say what to do; it is no language model, so watch where it stops: a request that needs a
judgement gets no invented answer.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/advanced/multi_tool_agent.py
Prints:
    Which files match *.txt?
        files_glob: ["letter.txt"]
    Read letter.txt and count the words
        files_read -> text_count: {"characters":86,"words":17,"lines":3,"sentences":3,"bytes":86}
    Search the files for wet
        files_grep: letter.txt:2: the tea arrived on 3 March 2026. Two packets of twelve were wet.
    Query path=orders.json query="orders[*].euros"
        data_query: [12,30,18]
    What are the mean and the median of 12, 30 and 18?
        math_statistics: {"count":3,"sum":60.0,"mean":20.0,"median":18.0,"deviation":9.16515138991168,"mi
    Calculate 2 * 12.5 + 4
        math_evaluate: 29.0
    Read ../victor.toml
        data_query: The tool data_query failed: '..' leads out of ./inbox; only what is below it can
    Decide whether Bob deserves a refund
        no tool: No tool fits this request by its name and description, and there is no text to a
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from victor.core import Agent

SETTINGS = """
[tools.files]
root = "inbox"
read_only = true

[tools.data]
root = "inbox"
"""
LETTER = "Dear Ada,\nthe tea arrived on 3 March 2026. Two packets of twelve were wet.\nYours, Bob\n"
TOOLS = [
    "files.read",
    "files.glob",
    "files.grep",
    "data.query",
    "math.evaluate",
    "math.statistics",
    "text.count",
]
REQUESTS = [
    "Which files match *.txt?",
    "Read letter.txt and count the words",
    "Search the files for wet",
    'Query path=orders.json query="orders[*].euros"',
    "What are the mean and the median of 12, 30 and 18?",
    "Calculate 2 * 12.5 + 4",
    "Read ../victor.toml",
    "Decide whether Bob deserves a refund",
]

if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    Path("victor.toml").write_text(SETTINGS, encoding="utf-8")
    inbox = Path("inbox")
    inbox.mkdir()
    (inbox / "letter.txt").write_text(LETTER, encoding="utf-8")
    (inbox / "orders.json").write_text('{"orders": [{"euros": 12}, {"euros": 30}, {"euros": 18}]}', encoding="utf-8")

    agent = Agent("You work in an office.", tools=TOOLS)
    for request in REQUESTS:
        result = agent.run_sync(request)
        used = " -> ".join(message.name or "" for message in result.messages if message.role == "tool")
        answer = result.output.replace(str(Path.cwd()), ".").splitlines()[0]
        print(f"{request}\n    {used or 'no tool'}: {answer[:80]}")
