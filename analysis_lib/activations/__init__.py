"""What happens inside: knockouts, extraction, the store."""

from .checks import pixel_dependence
from .extract import extract
from .forward import forward_condition, knocked_out
from .knockout import CONDITIONS, Condition, Knockout, allowed_mask
from .store import open_activations

__all__ = [
    "CONDITIONS",
    "Condition",
    "Knockout",
    "allowed_mask",
    "extract",
    "forward_condition",
    "knocked_out",
    "open_activations",
    "pixel_dependence",
]
