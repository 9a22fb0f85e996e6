"""Extraction at the size of the published models, without their weights: what it computes, and how fast."""

from .full_size import (
    N_QUESTIONS,
    Rehearsal,
    costs,
    measurements,
    minutes_by_way,
    rehearse_models,
    summarise,
)
from .operations import Operations, count_operations
from .shapes import SHAPES, Shape, build, generate, window_run
from .timing import H100_PEAK, Timing, device_peak, rehearse
from .traffic import count_traffic, summarise_traffic

__all__ = [
    "H100_PEAK",
    "N_QUESTIONS",
    "SHAPES",
    "Operations",
    "Rehearsal",
    "Shape",
    "Timing",
    "build",
    "costs",
    "count_operations",
    "count_traffic",
    "device_peak",
    "generate",
    "measurements",
    "minutes_by_way",
    "rehearse",
    "rehearse_models",
    "summarise",
    "summarise_traffic",
    "window_run",
]
