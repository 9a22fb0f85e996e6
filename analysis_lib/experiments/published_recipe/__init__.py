"""Four steps of the published recipe, each by itself on data made for it whose truth is known."""

from .run_recipe import GRIDS, NOTHING, SOMETHING, Found, Grid, run
from .summarising import CASES, cases, summarise

__all__ = ["CASES", "GRIDS", "NOTHING", "SOMETHING", "Found", "Grid", "cases", "run", "summarise"]
