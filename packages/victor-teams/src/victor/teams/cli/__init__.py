"""``victor team``: run, look at and vote, from the command line."""
