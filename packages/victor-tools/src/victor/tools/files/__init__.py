"""Files below one directory: read, write, edit, list, find, search. Nothing outside of it can be reached."""

from victor.tools.files.kit import Files
from victor.tools.files.root import Root

__all__ = ["Files", "Root"]
