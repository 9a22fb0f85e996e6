"""What is asked of a decomposition: targets, definitions, conditions, and how much is drawn behind every number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from analysis_lib.vocabulary import ConditionName

__all__ = ["REFERENCE", "Settings"]

REFERENCE = "baseline"
"""The untouched model, which all conclusions rest on and all conditions are compared with."""

SAMPLES = ("correct", "all")


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is asked of a decomposition.

    Attributes
    ----------
    targets
        what is told about, ``prediction_hidden`` and ``answer_logits``; the first one is asked about in every way.
    definitions
        beside BROJA, about the first target on the baseline; with ``definition_bootstrap`` draws behind their
        intervals, and for those that are integrated or optimised at ``slow_layers`` layers with ``slow_bootstrap``.
    probe_every
        layers between two readings of the second estimator, from the last layer down; 0 leaves it out.
    probe_bootstrap
        draws behind its intervals.
    paper_recipe
        whether to follow the paper's joint flows with MMI as well.
    variance_kept, max_components
        how much principal components keep, and how many there are at most per block.
    decomposed
        conditions beside the baseline; ``None`` for all that hold in all layers and whose states are kept, and with
        ``windows`` for those that hold in some as well.
    samples
        ``"correct"``, the questions that the baseline answers correctly, or ``"all"``.
    bootstrap, nulls, matched
        draws behind each interval, reorderings behind each null, and random systems of equal
        information behind each matched null.
    flow_seeds
        trainings of each flow.
    seed
        of flows, bootstrap and reorderings.

    Raises
    ------
    ValueError
        no target, or ``samples`` that are not known.
    """

    targets: Sequence[str] = ("prediction_hidden", "answer_logits")
    definitions: Sequence[str] = ("mmi", "idep", "iccs", "delta")
    definition_bootstrap: int = 20
    slow_layers: int = 1
    slow_bootstrap: int = 8
    probe_every: int = 2
    probe_bootstrap: int = 20
    paper_recipe: bool = True
    variance_kept: float = 0.95
    max_components: int = 16
    decomposed: Sequence[str] | None = None
    windows: bool = False
    samples: str = "correct"
    bootstrap: int = 100
    nulls: int = 20
    matched: int = 40
    flow_seeds: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.targets:
            raise ValueError("targets is empty: name what is told about, such as prediction_hidden")
        if self.samples not in SAMPLES:
            raise ValueError(f"samples must be one of {', '.join(SAMPLES)}, got {self.samples!r}")

    def conditions(self, stored: Sequence[str], kept: Sequence[str]) -> list[str]:
        """Those conditions of a store, in its order, that are decomposed.

        Parameters
        ----------
        stored
            all that ran.
        kept
            those whose states the store keeps.

        Raises
        ------
        ValueError
            the store has no baseline, lacks what ``decomposed`` names, or keeps only its answers.
        """
        if REFERENCE not in stored:
            raise ValueError(
                f"the store has no {REFERENCE}, only {list(stored)}: extract again with it as the first condition"
            )
        windows = [name for name in stored if ConditionName.of(name).layers is not None]
        chosen = [name for name in kept if name not in windows] + (windows if self.windows else [])
        chosen = chosen if self.decomposed is None else list(self.decomposed)
        if missing := sorted(set(chosen) - set(stored)):
            raise ValueError(
                f"decomposed names {missing}; the store has {list(stored)}: extract those first, or leave them out"
            )
        found = [name for name in stored if name == REFERENCE or name in chosen]
        if lost := [name for name in found if name not in kept]:
            raise ValueError(
                f"the store keeps what was answered under {', '.join(lost)}, but no states to decompose; extract again "
                f"with states_of naming them beside {', '.join(kept)}, or leave them out of what is decomposed"
            )
        return found
