"""Running programs and code: shell, git, and a sandboxed Python."""
