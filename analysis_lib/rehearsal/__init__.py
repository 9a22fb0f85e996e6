"""Extraction at the size of the published models, without their weights: what it computes, and how fast."""

from .operations import Operations, count_operations
from .shapes import SHAPES, Shape, build, generate, window_run
from .timing import H100_PEAK, Timing, device_peak, rehearse

__all__ = [
    "H100_PEAK",
    "SHAPES",
    "Operations",
    "Shape",
    "Timing",
    "build",
    "count_operations",
    "device_peak",
    "generate",
    "rehearse",
    "window_run",
]
