"""Data in files and databases: JSON, YAML, TOML, CSV and SQL."""
