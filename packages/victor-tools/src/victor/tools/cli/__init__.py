"""``victor tools``."""
