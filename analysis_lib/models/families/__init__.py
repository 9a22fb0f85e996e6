"""The families of models that are known: one small file for each, and a registry of them all."""

from .family import Expected, Family, side
from .known_families import FAMILIES, REFUSED, families_table, family_of, model_class, processor_class

__all__ = [
    "FAMILIES",
    "REFUSED",
    "Expected",
    "Family",
    "families_table",
    "family_of",
    "model_class",
    "processor_class",
    "side",
]
