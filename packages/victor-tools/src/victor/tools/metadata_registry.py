"""The import path of one of victor-ai's registries; see `victor.tools.bridges.registries`."""

from victor.tools.bridges.registries import ToolMetadataRegistry

__all__ = ["ToolMetadataRegistry"]
