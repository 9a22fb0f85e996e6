"""What a model does with what it holds: states of one run put into another, directions erased, places no longer read.

`Rerun` runs a batch once and goes on from there, from any layer and position, with a change. `patch` takes a place's
states from another picture's run, `erase` takes what a linear reader finds of the answer out of them, `cut` lets nobody
after them read them.
"""

from .changing import cut, erase, patch
from .erasing import Eraser, fit_eraser, random_eraser
from .logit_lens import logit_lens
from .places import PLACES, means, place_mask, readers_of
from .rerun import Change, Rerun, run_in_batches

__all__ = [
    "PLACES",
    "Change",
    "Eraser",
    "Rerun",
    "cut",
    "erase",
    "fit_eraser",
    "logit_lens",
    "means",
    "patch",
    "place_mask",
    "random_eraser",
    "readers_of",
    "run_in_batches",
]
