"""Teams made for a task and changed by how they do: capabilities, formation, roles, reconfiguration."""

from __future__ import annotations

from victor.teams.dynamic.capability import Candidate, Requirement, Task
from victor.teams.dynamic.performance import Performance
from victor.teams.dynamic.reconfiguration import AdaptiveTeam, Change
from victor.teams.dynamic.roles import Assignment, assign_roles
from victor.teams.dynamic.team_formation import DynamicTeam, Formation, FormationError

__all__ = [
    "AdaptiveTeam", "Assignment", "Candidate", "Change", "DynamicTeam", "Formation", "FormationError", "Performance",
    "Requirement", "Task", "assign_roles",
]  # fmt: skip
