"""What probes find of shown and natural colours in states, and atoms of picture and words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis_lib.pid import probe_pid, usable_information
from analysis_lib.pid.probe.classifiers import QUICK_CLASSIFIERS

from .asking_colors import OPEN

__all__ = ["probes_beside_control", "read_states"]

Array = NDArray[np.float32]

READERS = ("logistic regression, C 0.01", "logistic regression, C 1")
NINETY = 1.645
EVERY = 5
"""Layers between two readings."""
PROBED = ("last", "question", "question alone")
MOST_COMPONENTS = 16
DRAWS, NULLS = 100, 2


def read_states(
    questions: pd.DataFrame, states: Mapping[str, Array], seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probe places layer by layer, and estimate atoms.

    Parameters
    ----------
    questions
        of `write_color_contrasts`.
    states
        of each place ``(n_questions, n_layers + 1, hidden)``, as `ask` keeps them.
    seed
        of folds, shuffles and draws.

    Returns
    -------
    probes
        usable bits about the ``label``, the ``shown`` or the ``natural`` colour, by ``place``, ``layer`` and
        ``control``, whether labels are shuffled over things. They are read from contrary pictures alone, in which one
        hardly tells the other, and from open questions, which name no colour.
    atoms
        by ``layer`` and ``quantity``, about the colour shown, asked for openly: what the image's mean state tells and
        the question's where it cannot read the image. Half of the pictures are natural, as where the dial stands at
        one half.
    """
    return _probes(questions, states, seed), _atoms(questions, states, seed)


def probes_beside_control(probes: pd.DataFrame) -> pd.DataFrame:
    """The probes of true labels, with what those of shuffled ones find as ``control``."""
    keys = ["place", "layer", "label"]
    true, shuffled = (probes[probes["control"] == control].drop(columns="control") for control in (False, True))
    return true.merge(shuffled[[*keys, "bits"]].rename(columns={"bits": "control"}), on=keys, validate="one_to_one")


def _probes(questions: pd.DataFrame, states: Mapping[str, Array], seed: int) -> pd.DataFrame:
    contrary = (~questions["is_natural"] & (questions["task"] == OPEN)).to_numpy(bool)
    some = questions[contrary]
    shuffled = np.random.default_rng(seed).permutation(len(some))
    labels = {"shown": some["contrary"].to_numpy(str), "natural": some["natural"].to_numpy(str)}
    rows = []
    for place in PROBED:
        for layer in range(0, states[place].shape[1], EVERY):
            values = states[place][contrary, layer].astype(np.float64)
            for label, colors in labels.items():
                for control in (False, True):
                    target = colors[shuffled] if control else colors
                    bits, error = _bits(values, target, seed)
                    rows.append((place, layer, label, control, bits, bits - NINETY * error, bits + NINETY * error))
    return pd.DataFrame(rows, columns=["place", "layer", "label", "control", "bits", "low", "high"])


def _bits(values: NDArray[np.float64], target: NDArray[np.str_], seed: int) -> tuple[float, float]:
    if not (np.ptp(values, axis=0) > 0).any():
        return 0.0, 0.0
    return usable_information(values, target, classifiers=READERS, max_components=MOST_COMPONENTS, seed=seed)


def _atoms(questions: pd.DataFrame, states: Mapping[str, Array], seed: int) -> pd.DataFrame:
    openly = (questions["task"] == OPEN).to_numpy(bool)
    some = questions[openly]
    layers = list(range(2 * EVERY, states["image"].shape[1], 2 * EVERY))
    image, words = (
        np.moveaxis(states[place][openly][:, layers], 1, 0).astype(np.float64) for place in ("image", "question alone")
    )
    found = probe_pid(
        image,
        words,
        some["natural"].where(some["is_natural"], some["contrary"]).to_numpy(str),
        groups=some["thing"].to_numpy(str),
        seed=seed,
        max_components=MOST_COMPONENTS,
        n_bootstrap=DRAWS,
        n_null=NULLS,
        classifiers=QUICK_CLASSIFIERS,
    ).to_frame()
    found["layer"] = [layers[at] for at in found["layer"]]
    return found[["layer", "quantity", "bits", "low", "high", "n_samples"]]
