"""When the picture contradicts the words: natural and contrary colours, asked of a LLaVA with a pretrained decoder."""

from .asking_colors import CUT_ALL, OPEN, Asked, ask, cut_from, strict_thirds
from .beliefs import (
    CHANCE,
    atoms_by_dial,
    atoms_estimated,
    beliefs_of_readers,
    believed_bits,
    choices_of_readers,
    worth_by_dial,
)
from .blind_priors import GREY, PUBLISHED
from .overruling import KINDS, cuts_in_words, falls_back, first_leading_layer, lens_by_layer, said_under_cuts
from .shipped import Measured, pack_measured, read_measured, summarise_measuring
from .state_readings import probes_beside_control, read_states
from .told import summarise_beliefs, summarise_cuts, summarise_dial, summarise_layers

__all__ = [
    "CHANCE",
    "CUT_ALL",
    "GREY",
    "KINDS",
    "OPEN",
    "PUBLISHED",
    "Asked",
    "Measured",
    "ask",
    "atoms_by_dial",
    "atoms_estimated",
    "beliefs_of_readers",
    "believed_bits",
    "choices_of_readers",
    "cut_from",
    "cuts_in_words",
    "falls_back",
    "first_leading_layer",
    "lens_by_layer",
    "pack_measured",
    "probes_beside_control",
    "read_measured",
    "read_states",
    "said_under_cuts",
    "strict_thirds",
    "summarise_beliefs",
    "summarise_cuts",
    "summarise_dial",
    "summarise_layers",
    "summarise_measuring",
    "worth_by_dial",
]
