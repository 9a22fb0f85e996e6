"""What the book finds out about its own instruments: runs on data whose truth is known, and what they come to.

Each experiment is a module named after its page: it runs, summarises what was found as numbers to be shown, and judges.
"""

from analysis_lib.experiments import (
    background,
    benchmarks_of_others,
    bias_and_coverage,
    contradiction,
    definitions,
    held_or_used,
    inconsistencies,
    known_truths,
    method,
    prior_as_a_dial,
    published_recipe,
    small_world,
    specifications,
    walkthrough,
    where_answer_lives,
)

__all__ = [
    "background",
    "benchmarks_of_others",
    "bias_and_coverage",
    "contradiction",
    "definitions",
    "held_or_used",
    "inconsistencies",
    "known_truths",
    "method",
    "prior_as_a_dial",
    "published_recipe",
    "small_world",
    "specifications",
    "walkthrough",
    "where_answer_lives",
]
