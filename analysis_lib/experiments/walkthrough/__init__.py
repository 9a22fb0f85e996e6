"""One question, from its picture to the atoms and under the cut: what a page draws step by step, all of it measured.

Everything comes from a task's store. With the model at hand a question can be chosen, and its states are read before
they are averaged; without, the first question is followed, the only one whose prompt a store keeps.
"""

from .followed_question import (
    Example,
    Mask,
    answer_shares,
    answers,
    before_and_after,
    follow,
    mask_caption,
    place,
    reading_mask,
    telling_question,
)
from .gaussian_steps import Cloud, Settings, clouds, components_of, estimate, joint_correlation
from .told_numbers import summarise

__all__ = [
    "Cloud",
    "Example",
    "Mask",
    "Settings",
    "answer_shares",
    "answers",
    "before_and_after",
    "clouds",
    "components_of",
    "estimate",
    "follow",
    "joint_correlation",
    "mask_caption",
    "place",
    "reading_mask",
    "summarise",
    "telling_question",
]
