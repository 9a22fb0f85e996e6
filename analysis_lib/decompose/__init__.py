"""From a store of activations to the table of atoms: every condition, target and definition asked for, part by part."""

from .decomposing import decompose_store
from .settings import Settings

__all__ = ["Settings", "decompose_store"]
