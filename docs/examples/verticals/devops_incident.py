"""An incident desk as one bundle: instructions, a workflow that names a team, and a check that the bundle is whole.

A vertical may carry workflows and teams by path, so that one name brings a whole way of working: the team votes on the
cause, the workflow turns the cause into an entry of the runbook, and where nobody knows, a person is woken. The check
loads everything that the bundle names, which is the test that every vertical should have: a file that was moved or a
team that was renamed is found before the night in which it is needed. The files are devops_incident/incident.yaml and
devops_incident/panel.yaml; the offline model answers by the words there.

Needs: victor-core, victor-graph, victor-teams
Run: python docs/examples/verticals/devops_incident.py
Prints:
    problems: none
    problems of another: incident: devops_incident/incidents.yaml:1:1: there is no such file
    db: write failed, disk full on mount /var/lib/db; users cannot save
      disk -> runbook 3: delete old backups, then restart db
    mail: connection refused, host unreachable; users cannot reach the shop
      network -> runbook 7: switch to the second line
    cron: job 12 was skipped
      other -> wake somebody
"""

from __future__ import annotations

from pathlib import Path

from victor.core import Vertical
from victor.core.errors import VictorError
from victor.graph.yaml import load_workflow
from victor.teams import load_team

HERE = Path(__file__).parent / "devops_incident"
INCIDENT = Vertical(
    name="incident",
    description="Says what to do when something is down.",
    instructions="Stay with the runbook. Wake somebody when it does not help.",
    workflows={"incident": str(HERE / "incident.yaml")},
    teams={"panel": str(HERE / "panel.yaml")},
)


def problems(vertical: Vertical) -> list[str]:
    """What of a bundle cannot be loaded."""
    found = []
    for load, parts in ((load_workflow, vertical.workflows), (load_team, vertical.teams)):
        for name, path in parts.items():
            try:
                load(path)
            except (VictorError, OSError) as error:
                found.append(f"{name}: {str(error).replace(str(HERE.parent) + '/', '')}")
    return found


if __name__ == "__main__":
    print("problems:", problems(INCIDENT) or "none")
    moved = Vertical("moved", workflows={"incident": str(HERE / "incidents.yaml")})
    print("problems of another:", problems(moved)[0].partition(";")[0])
    workflow = load_workflow(INCIDENT.workflows["incident"])
    graph = workflow.compile()
    for log in (
        "db: write failed, disk full on mount /var/lib/db; users cannot save",
        "mail: connection refused, host unreachable; users cannot reach the shop",
        "cron: job 12 was skipped",
    ):
        state = graph.invoke(workflow.read_inputs({"log": log}))
        print(f"{log}\n  {state['cause']} -> {workflow.read_outputs(state)['order']}")
