"""Where what happened is kept and queried: an SQLite file, or PostgreSQL."""

from __future__ import annotations
