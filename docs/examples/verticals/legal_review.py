"""A contract is reviewed as a case: clauses are sorted, a lawyer signs off days later, and the file tells who did what.

The vertical carries a workflow (`workflows=`), and each case is a thread of it in a database. So a case can wait for a
lawyer as long as it takes, survives any restart, and its checkpoints are the file of the case: what was known when, and
what was answered. Clauses that are standard are not shown to the lawyer at all. The workflow is in
contract_review.yaml; its agent runs on the offline model, which goes by the words listed there.

Needs: victor-core, victor-graph
Run: python docs/examples/verticals/legal_review.py
Prints:
    high: 2. The liability of the supplier is unlimited.
    medium: 3. The contract renews automatically for another year unless it is ended three months before.
    Your opinion:
    > Cap the liability in clause 2; clause 3 is fine.

    The file of the case:
      step -1: not sorted yet; then __start__
      step 0: not sorted yet; then sort
      step 1: not sorted yet; then sort:each
      step 2: not sorted yet; then sort:join
      step 3: standard/high/medium/standard; then choose
      step 4: standard/high/medium/standard; then any_open
      step 5: standard/high/medium/standard; then sign
      step 6: standard/high/medium/standard; then done Cap the liability in clause 2; clause 3 is fine.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from victor.core import Vertical
from victor.graph import Command
from victor.graph.yaml import load_workflow

DATA = Path(__file__).parent / "data"
LEGAL = Vertical(
    name="legal",
    description="Reviews contracts clause by clause.",
    workflows={"contract": str(DATA / "contract_review.yaml")},
)

if __name__ == "__main__":
    clauses = [clause.strip() for clause in (DATA / "contract.txt").read_text(encoding="utf-8").split("\n\n")]
    with TemporaryDirectory() as folder:
        workflow = load_workflow(LEGAL.workflows["contract"])
        case = workflow.config("case-2026-17")

        graph = workflow.compile(f"sqlite:{folder}/cases.db")
        waiting = graph.invoke(workflow.read_inputs({"clauses": clauses}), case)
        print(waiting["__interrupt__"][0].value["prompt"])

        graph = workflow.compile(f"sqlite:{folder}/cases.db")  # another day, another process
        answer = "Cap the liability in clause 2; clause 3 is fine."
        print(">", workflow.read_outputs(graph.invoke(Command(resume=answer), case))["opinion"])

        print("\nThe file of the case:")
        for entry in reversed(list(graph.get_state_history(case))):
            levels = "/".join(level["level"] for level in entry.values.get("levels", [])) or "not sorted yet"
            opinion, nodes = entry.values.get("opinion", ""), ", ".join(sorted(set(entry.next)))
            print(f"  step {entry.metadata['step']}: {levels}; then {nodes or 'done'} {opinion}")
