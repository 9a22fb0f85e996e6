"""Every chart of the book on a sound table or array, so that each can be tried with an unsound one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from analysis_lib.compare.claims import DIFFERS
from analysis_lib.report import charts, theme

WORDS = "A chart of a few invented numbers, to see what it draws."
Drawing = tuple[pd.DataFrame, Callable[[pd.DataFrame], Any], tuple[str, ...]]
"""A sound table, what draws it, and the columns that it draws."""


def atoms() -> pd.DataFrame:
    """Two tasks, two conditions, three layers, four atoms."""
    rows = [
        {"task": task, "condition": condition, "layer": layer, "quantity": atom, "bits": bits}
        for task in ("ChooseAttr", "QueryAttr")
        for condition in ("baseline", "strict")
        for layer in range(3)
        for place, atom in enumerate(theme.ATOMS)
        for bits in [0.1 * (place + 1) + 0.05 * layer]
    ]
    table = pd.DataFrame(rows)
    return table.assign(low=table["bits"] - 0.05, high=table["bits"] + 0.05, null_high=0.02, verdict="", model="mini")


def answers_by_condition() -> pd.DataFrame:
    """Two tasks, two conditions, two measures, with changes from the baseline."""
    rows = [
        {"task": task, "condition": condition, "measure": measure, "value": value, "change": value - 0.9}
        for measure in ("accuracy", "probability")
        for task in ("ChooseAttr", "QueryAttr")
        for condition, value in (("baseline", 0.9), ("strict", 0.6))
    ]
    table = pd.DataFrame(rows).assign(model="mini")
    half = 0.05
    return table.assign(
        low=table["value"] - half,
        high=table["value"] + half,
        change_low=table["change"] - half,
        change_high=table["change"] + half,
    )


def drawings() -> dict[str, Drawing]:
    """Name of a chart -> its table, how it is drawn, and what of the table it draws."""
    baseline = atoms().query("condition == 'baseline'").reset_index(drop=True)
    last = baseline.query("layer == 2").reset_index(drop=True)
    ends = ("bits", "low", "high")
    counts = pd.DataFrame({"task": ["a", "b"], "condition": "baseline", "correct": [80, 60], "n": 100, "blind": 0.25})
    sweep = pd.DataFrame({"gain": [0, 1, 2] * 2, "bits": [0.0, 0.5, 0.7] * 2, "by": ["broja"] * 3 + ["mmi"] * 3})
    pairs = pd.DataFrame({"quantity": "synergy", "row": ["a", "b"], "value": 0.9, "low": 0.8, "high": 0.95})
    spread = pd.DataFrame({"task": ["a", "b"], "x": [0.5, 0.6], "y": [1.0, 1.2]})
    spread = spread.assign(**{f"{name}_{end}": spread[name] for name in "xy" for end in ("low", "high")})
    gates = pd.DataFrame({"gate": "copy", "quantity": ["unique_vision", "synergy"], "bits": [1.0, 0.0]})
    truth = pd.DataFrame({"gate": "copy", "vision": ["0", "1"], "language": "0", "answer": "0", "how often": "½"})
    tiles = pd.DataFrame({"claim": "C3", "task": ["a", "b"], "model": "mini", "verdict": DIFFERS})
    cost = pd.DataFrame({"model": ["a", "b"], "way": "lockstep", "kind": "estimated", "minutes": [4.0, 9.0]})
    cost["allowed"] = [5.0, 12.0]
    answers = answers_by_condition()
    windows = answers[answers["measure"] == "accuracy"].assign(centre=[0, 1] * 2, condition="strict")
    ends_of_change = ("change", "change_low", "change_high")
    readings = pd.DataFrame(
        {"criterion": "share", "reading": ["flows", "ranks"], "value": [0.5, 0.8], "verdict": DIFFERS}
    )
    readings = readings.assign(low=readings["value"] - 0.1, high=readings["value"] + 0.1)
    said = {"description": WORDS}
    exact = said | {"uncertainty": "exact"}
    return {
        "layer_trajectories": (
            baseline,
            lambda t: charts.layer_trajectories(t, **said),
            ("layer", "quantity", "task", *ends, "null_high"),
        ),
        "knockout_trajectories": (
            atoms(),
            lambda t: charts.knockout_trajectories(t, select="task", **said),
            ("layer", "quantity", "condition", "task", *ends),
        ),
        "linked_trajectories": (
            baseline,
            lambda t: charts.linked_trajectories(t, select=None, quantities=theme.ATOMS[:2], **said),
            ("layer", "quantity", "task", *ends),
        ),
        "verdict_tiles": (
            baseline,
            lambda t: charts.verdict_tiles(t, **said),
            ("layer", "quantity", "task", "verdict", *ends),
        ),
        "atom_dots": (
            last,
            lambda t: charts.atom_dots(t, row="task", **said),
            ("quantity", "task", *ends, "null_high"),
        ),
        "accuracy_dots": (
            counts,
            lambda t: charts.accuracy_dots(t, mark="blind", mark_label="a blind model", **said),
            ("task", "condition", "correct", "n", "blind"),
        ),
        "answer_accuracies": (
            answers,
            lambda t: charts.answer_accuracies(t, ["baseline", "strict"], **said),
            ("measure", "condition", "task", "value", "low", "high"),
        ),
        "answer_changes": (
            answers,
            lambda t: charts.answer_changes(t, select="task", **said),
            ("measure", "condition", "task", *ends_of_change),
        ),
        "window_changes": (
            windows.reset_index(drop=True),
            lambda t: charts.window_changes(t, **said),
            ("centre", "condition", "task", *ends_of_change),
        ),
        "atom_stacks": (last, lambda t: charts.atom_stacks(t, row="task", **exact), ("task", "quantity", "bits")),
        "exact_lines": (
            sweep,
            lambda t: charts.exact_lines(t, x="gain", y="bits", color="by", **said),
            ("gain", "bits", "by"),
        ),
        "correlations_over_null": (
            pairs,
            lambda t: charts.correlations_over_null(t, [0.1, 0.2, 0.5], reference=0.9, **exact),
            ("quantity", "row", "value", "low", "high"),
        ),
        "task_scatter": (
            spread,
            lambda t: charts.task_scatter(t, x="x", y="y", x_title="x", y_title="y", **exact),
            ("task", "x", "y", "x_low", "y_high"),
        ),
        "gate_picture, atoms": (gates, lambda t: charts.gate_picture(t, truth, **said), ("gate", "quantity", "bits")),
        "gate_picture, outcomes": (
            truth,
            lambda t: charts.gate_picture(gates, t, **said),
            ("gate", "vision", "answer", "how often"),
        ),
        "minutes_allowed": (
            cost,
            lambda t: charts.minutes_allowed(t, **exact),
            ("model", "way", "kind", "minutes", "allowed"),
        ),
        "claim_tiles": (
            tiles,
            lambda t: charts.claim_tiles(t, labels={"C3": "little synergy"}, select=None, **said),
            ("claim", "task", "model", "verdict"),
        ),
        "specification_curve": (
            readings,
            lambda t: charts.specification_curve(t, {"share": (0.77, 0.87)}, **exact),
            ("criterion", "reading", "value", "low", "high", "verdict"),
        ),
    }


def array_drawings() -> dict[str, Callable[[Any], Any]]:
    """Name of a chart that draws numbers in a row -> how it is drawn."""
    exact = {"description": WORDS, "uncertainty": "exact"}
    return {
        "variance_spectrum": lambda one: charts.variance_spectrum({"vision": [0.5, one]}, **exact),
        "latent_scatter": lambda one: charts.latent_scatter({"before": [[0.1, one], [0.2, 0.4]]}, description=WORDS),
        "eigenvalue_bars": lambda one: charts.eigenvalue_bars([2.0, one], **exact),
        "matrix_picture": lambda one: charts.matrix_picture([[1.0, one], [0.2, 1.0]], {"a": 1, "b": 1}, **exact),
        "clustering": lambda one: charts.clustering(
            np.array([[0, 1, one, 2]], dtype=object), ["a", "b"], [1.0], **exact
        ),
        "null of correlations": lambda one: charts.correlations_over_null(
            drawings()["correlations_over_null"][0], [0.1, one], reference=0.9, **exact
        ),
        "mask_picture": lambda one: charts.mask_picture(
            [[True, False], [one, True]], {"image": (0, 2)}, description=WORDS
        ),
        "mask_switch": lambda one: charts.mask_switch(
            {"baseline": [[True, False], [one, True]]}, ["a", "b"], {"image": (0, 2)}, description=WORDS
        ),
    }
