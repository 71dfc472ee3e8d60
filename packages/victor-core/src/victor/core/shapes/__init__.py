"""Shapes: what values of a type look like as JSON, and how to get from JSON to a value and tell all that is wrong.

`victor.core.schema` is the face of this; a plugin rarely needs more than that.
"""

from victor.core.shapes.base import FAILED, Definitions, Problems, Shape
from victor.core.shapes.build import shape_of

__all__ = ["FAILED", "Definitions", "Problems", "Shape", "shape_of"]
