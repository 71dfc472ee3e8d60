"""An agent that may change the files of one folder, and nothing else: not by `..`, a link or an absolute path.

A prompt is no lock. The file tools open every path part by part below one root and follow no link out of it, so what
a model is talked into does not matter. `read_only` leaves the writing tools out altogether; an edit replaces an exact
piece of text and refuses when it stands there twice, so a model does not change the wrong place. The model is
scripted to try all of that.

Needs: victor-core, victor-tools
Run: python docs/examples/agents/intermediate/confined_files.py
Prints:
    files_edit: replaced 1 occurrence in settings.ini, the first in line 1
    files_edit: REFUSED old occurs 2 times in 'settings.ini' (lines 2, 3); give more of what stands around it, or pass
        all=true
    files_write: wrote 19 bytes to notes/today.txt
    files_read: REFUSED '../secret.txt' leads out of ./workspace; only what is below it can be used
    files_read: REFUSED 'shortcut/secret.txt' leads out of ./workspace; only what is below it can be used
    files_read: REFUSED '/etc/hostname' leads out of ./workspace; only what is below it can be used
    colour = green
    read-only tools: files_read, files_list, files_glob, files_grep, files_tree
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from victor.core import Agent
from victor.core.testing import ScriptedModel, call
from victor.tools import tools_of
from victor.tools.files.kit import Files

SCRIPT = [
    call("files_edit", path="settings.ini", old="colour = blue", new="colour = green"),
    call("files_edit", path="settings.ini", old="size", new="width"),
    call("files_write", path="notes/today.txt", content="changed the colour\n"),
    call("files_read", path="../secret.txt"),
    call("files_read", path="shortcut/secret.txt"),
    call("files_read", path="/etc/hostname"),
    "The colour is green now.",
]

if __name__ == "__main__":
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    workspace = Path("workspace")
    workspace.mkdir()
    Path("secret.txt").write_text("the password is swordfish\n", encoding="utf-8")
    (workspace / "shortcut").symlink_to(Path.cwd())  # leads out
    (workspace / "settings.ini").write_text("colour = blue\nsize = 3\nfont size = 9\n", encoding="utf-8")

    agent = Agent("Edit files.", tools=tools_of(Files(workspace), prefix="files_"), model=ScriptedModel(SCRIPT))
    for message in agent.run_sync("Make it green.").messages:
        if message.role == "tool":
            said = message.content.replace(str(Path.cwd()), ".")
            print(f"{message.name}: {'REFUSED ' if message.is_error else ''}{said}")
    print((workspace / "settings.ini").read_text(encoding="utf-8").splitlines()[0])
    print("read-only tools:", ", ".join(made.name for made in Files(workspace, read_only=True).tools()))
