"""The definitions side by side, on systems whose covariances are known: nothing is sampled."""

from .properties import TOLERANCE, in_words, measure_properties, summarise_properties
from .sweeps import GRIDS, NAMES, Grid, Sweeps, away_from_broja, run, summarise

__all__ = [
    "GRIDS",
    "NAMES",
    "TOLERANCE",
    "Grid",
    "Sweeps",
    "away_from_broja",
    "in_words",
    "measure_properties",
    "run",
    "summarise",
    "summarise_properties",
]
