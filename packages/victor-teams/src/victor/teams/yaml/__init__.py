"""Teams in YAML files."""

from __future__ import annotations

from victor.teams.yaml.load import TeamFileError, load_team, load_teams

__all__ = ["TeamFileError", "load_team", "load_teams"]
