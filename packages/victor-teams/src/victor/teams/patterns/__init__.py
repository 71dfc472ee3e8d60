"""Ways for the members of a team to work together: classes with settings. `victor.teams.pattern` says what one is."""
