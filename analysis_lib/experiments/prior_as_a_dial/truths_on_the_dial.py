"""What question and scene truly tell of the answer at a dial, and what language can hold alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis_lib.worlds.mini import FAMILIES, answer_chance, every_question, prior_truth, sample_scene
from analysis_lib.worlds.mini.world import ATTRIBUTES

__all__ = ["true_informations"]

Array = NDArray[np.float64]


def true_informations(
    dials: Sequence[float], n_scenes: int, seed: int, tasks: Sequence[str] = tuple(FAMILIES)
) -> pd.DataFrame:
    """Informations in bits about the answer, a row per ``task`` and ``prior``.

    Columns are ``entropy``, ``question`` (told by the text), ``added`` (by the scene to who knows the text) and
    ``blind``, the best accuracy without the scene, all exact; and ``scene``, told by the scene alone, exact for each of
    ``n_scenes`` drawn ones, with the standard ``error`` of their mean. ``least`` and ``most`` bound what any
    decomposition into nothing negative may call unique to the question.
    """
    rows = []
    for task in tasks:
        answers = _answers_of_scenes(task, dials, n_scenes, seed)
        for dial in dials:
            known = prior_truth(task, dial)
            left, error = _entropy_left(answers[dial])
            scene = max(known.entropy - left, 0.0)
            least, most = max(known.question - scene, 0.0), min(known.question, known.entropy - scene)
            bounds = {"scene": scene, "error": error, "least": least, "most": most}
            rows.append({"task": task, "prior": dial, **vars(known), **bounds})
    return pd.DataFrame(rows)


def _answers_of_scenes(task: str, dials: Sequence[float], n_scenes: int, seed: int) -> dict[float, Array]:
    """Weights of each answer in each of some drawn scenes ``(n_scenes, n_answers)``, by dial."""
    rng = np.random.default_rng([seed, list(FAMILIES).index(task)])
    names: dict[str, int] = {}
    found: dict[float, list[dict[int, float]]] = {dial: [] for dial in dials}
    for _ in range(n_scenes):
        scene = sample_scene(rng)
        for dial in dials:
            found[dial].append({})
        for weight, ordered in _as_designed(task, scene):
            for probability, asked in every_question(task, ordered):
                answer = names.setdefault(asked.answer, len(names))
                for dial, scenes in found.items():
                    kept = weight * probability * answer_chance(asked, task, dial)
                    scenes[-1][answer] = scenes[-1].get(answer, 0.0) + kept
    return {
        dial: np.array([[scene.get(answer, 0.0) for answer in range(len(names))] for scene in scenes])
        for dial, scenes in found.items()
    }


def _as_designed(task: str, scene: NDArray[np.int64]) -> list[tuple[float, NDArray[np.int64]]]:
    """The scene in the orders that its picture leaves open, where order counts.

    Any pair that shares one attribute may be the designed one, in proportion to how many values there are to differ in.
    """
    if task != "CompareAttr":
        return [(1.0, scene)]
    orders = []
    for pair in combinations(range(len(scene)), 2):
        same = [len(values) for attribute, values in ATTRIBUTES.items() if len(set(scene[list(pair), attribute])) == 1]
        if len(same) == 1:
            others = [place for place in range(len(scene)) if place not in pair]
            orders.append((same[0] - 1.0, scene[[*pair, *others]]))
    total = sum(weight for weight, _ in orders)
    return [(weight / total, ordered) for weight, ordered in orders]


def _entropy_left(weights: Array) -> tuple[float, float]:
    """Mean entropy of the answer given a scene, scenes weighted by how many questions they keep, and its error."""
    of_scene = weights.sum(1)
    shares = np.divide(weights, of_scene[:, None], out=np.zeros_like(weights), where=of_scene[:, None] > 0)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    left = -(shares * logs).sum(1)
    mean = float(of_scene @ left / of_scene.sum())
    error = float(np.sqrt(((of_scene * (left - mean)) ** 2).sum()) / of_scene.sum())
    return mean, error
