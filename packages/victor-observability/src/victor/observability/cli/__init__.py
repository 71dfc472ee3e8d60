"""``victor observability``: look at what was recorded."""
