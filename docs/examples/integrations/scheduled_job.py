"""An agent as a nightly job: never twice at once, nothing done twice, with an exit code that is true.

What cron, systemd and Kubernetes ask of a program is not what a chat asks. A lock keeps a late run from meeting the
next one; what was done is remembered, so a second start does nothing; a run that hangs has a time limit; and the exit
code says whether somebody has to look: 0 done, 75 try again later (the provider was away), 1 look at it. One line on
stdout, for the log. The job below sorts the letters of a day; it is started four times. The provider that is away is
scripted; the letters are sorted by the offline model.

Needs: victor-core
Run: python docs/examples/integrations/scheduled_job.py
Prints:
    2026-11-22: the provider is away
      exit code 75
    2026-11-22: 3 new, {'bug': 1, 'feature': 1, 'question': 1}
      exit code 0
    2026-11-22: 0 new, {'bug': 1, 'feature': 1, 'question': 1}
      exit code 0
    2026-11-22: another run is at work
      exit code 0
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Literal

from victor.core import Agent, Limits, Model, ModelConnectionError, ModelRateLimitError, VictorError, resolve_model
from victor.core.testing import ScriptedModel

DONE, TRY_LATER, LOOK_AT_IT = 0, 75, 1
LETTERS = {
    "a.txt": "The app crashes with an error when I save.",
    "b.txt": "Please add a dark theme, I would like that feature.",
    "c.txt": "How can I change my password?",
}


def job(day: str, model: Model) -> str:
    """The work; what is done already is kept in `done.json` and not done again."""
    state = Path("done.json")
    done: dict[str, str] = json.loads(state.read_text(encoding="utf-8")) if state.exists() else {}
    agent: Agent[str] = Agent(
        output_type=Literal["bug", "feature", "question"], model=model, limits=Limits(timeout_s=60)
    )
    new = 0
    for name, letter in LETTERS.items():
        if f"{day}/{name}" not in done:
            done[f"{day}/{name}"] = agent.run_sync(letter).output
            state.write_text(json.dumps(done), encoding="utf-8")
            new += 1
    return f"{day}: {new} new, {dict(Counter(done.values()))}"


def main(day: str) -> int:
    """Run once; the exit code for whoever started it."""
    with Path("job.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"{day}: another run is at work")
            return DONE
        try:
            away = "PROVIDER_AWAY" in os.environ
            model = ScriptedModel([ModelConnectionError("the provider is away")]) if away else resolve_model()
            print(job(day, model))
        except (ModelConnectionError, ModelRateLimitError) as error:
            print(f"{day}: {error}")
            return TRY_LATER
        except VictorError as error:
            print(f"{day}: {error}")
            return LOOK_AT_IT
    return DONE


def start(**environment: str) -> None:
    """What cron does."""
    command = [sys.executable, __file__, "2026-11-22"]
    code = subprocess.run(command, env=os.environ | environment, check=False).returncode
    print(f"  exit code {code}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(sys.argv[1]))
    os.chdir(tempfile.mkdtemp(prefix="victor-"))  # what is written below goes there
    start(PROVIDER_AWAY="1")
    start()
    start()
    with Path("job.lock").open("w") as late:
        fcntl.flock(late, fcntl.LOCK_EX)
        start()
