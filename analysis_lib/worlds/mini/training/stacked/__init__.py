"""Several seeds of one architecture trained side by side, their weights stacked along a first axis.

Models of two million parameters leave a GPU idle between kernels. Stacked, one batched kernel serves all seeds,
pictures are drawn on the device, and all that crosses over are scenes and token ids.
"""

from .recipe import train_stacked

__all__ = ["train_stacked"]
