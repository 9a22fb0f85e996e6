"""The prior as a dial: models trained further where the text gives more and more of the answer away, asked alike.

Training and asking take three quarters of an hour of a core. What ships is what the page is computed from, with how
and when it was made; `make priors` makes it again.
"""

from .contrasts import accuracies, language_shares, moved_by_layer, shares_and_truths, summarise_contrasts, two_by_two
from .shipped_priors import read_priors, summarise_making

__all__ = [
    "accuracies",
    "language_shares",
    "moved_by_layer",
    "read_priors",
    "shares_and_truths",
    "summarise_contrasts",
    "summarise_making",
    "two_by_two",
]
