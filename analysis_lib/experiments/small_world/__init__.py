"""What is known of the generated world: exact atoms of scene and question, and estimates from states beside them."""

from .bound import read_bound, summarise_bound
from .estimates import PROBE, TARGETS, compare, summarise_estimates
from .exact_atoms import ask_stores, exact, informations, summarise_informations, summarise_truth

__all__ = [
    "PROBE",
    "TARGETS",
    "ask_stores",
    "compare",
    "exact",
    "informations",
    "read_bound",
    "summarise_bound",
    "summarise_estimates",
    "summarise_informations",
    "summarise_truth",
]
