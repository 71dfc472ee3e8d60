"""Exporters: what was counted, told to the systems that people have already."""
