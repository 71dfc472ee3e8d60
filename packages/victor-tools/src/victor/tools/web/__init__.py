"""The web: fetching pages and data without being led into a private network."""
