"""What happens inside: knockouts, extraction, the store."""

from analysis_lib.attachments import attach

from .answer_outcomes import outcomes
from .answering import answered_correctly, other_answers
from .checks import pixel_dependence
from .conditions import CONDITIONS, Condition, keep_only
from .example_prompt import EXAMPLE_SPANS, cuts_in_words, example_masks, shorten_picture
from .extract import extract, extract_shard
from .forward import forward_condition, knocked_out
from .knockout import KeepOnly, Knockout, RandomEdges
from .lockstep import forward_lockstep
from .masks import allowed_mask
from .named_conditions import (
    asked_conditions,
    get_condition,
    named_condition,
    random_edges,
    random_layers,
    window_conditions,
    window_width,
    windows,
)
from .opening import attached, open_activations, under
from .source_code import code_digest

__all__ = [
    "CONDITIONS",
    "EXAMPLE_SPANS",
    "Condition",
    "KeepOnly",
    "Knockout",
    "RandomEdges",
    "allowed_mask",
    "answered_correctly",
    "asked_conditions",
    "attach",
    "attached",
    "code_digest",
    "cuts_in_words",
    "example_masks",
    "extract",
    "extract_shard",
    "forward_condition",
    "forward_lockstep",
    "get_condition",
    "keep_only",
    "knocked_out",
    "named_condition",
    "open_activations",
    "other_answers",
    "outcomes",
    "pixel_dependence",
    "random_edges",
    "random_layers",
    "shorten_picture",
    "under",
    "window_conditions",
    "window_width",
    "windows",
]
