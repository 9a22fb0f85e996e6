"""The numbers behind the claims: one function per statistic of ``book/claims.yml``, from the atoms tables alone.

A statistic is a function ``(atoms, reading, model, tasks) -> Interval``. ``atoms`` holds all models; a statistic that
holds in every task is asked task by task. It raises `NotMeasurableError` with the reason where the tables cannot tell.
Adding one is a function here and an entry in the file.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from analysis_lib.compare.curves import (
    Array,
    Curve,
    Interval,
    NotMeasurableError,
    having,
    read_curve,
    without_degenerate,
)
from analysis_lib.compare.exact import rank_interval
from analysis_lib.compare.fingerprints import ATOMS, Fingerprints, mean_distance, read_fingerprints
from analysis_lib.compare.readings import Reading, Remembered, Table
from analysis_lib.compare.trajectories import correlate

NOT_THERE = "not distinguishable from its null"
LESS_THAN_RANDOM = "less than matched random systems"


def vision_unique_peak_depth(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Relative depth at which vision-unique information is largest."""
    curve = _vision_unique(atoms, reading, model, tasks)
    last = len(curve.bits) - 1
    draws = curve.draws(reading.draws, _rng()).argmax(1) / last
    return Interval.of_draws(float(curve.bits.argmax()) / last, draws, centred=False)


def vision_unique_last_over_peak(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Vision-unique information at the last layer over its peak."""
    curve = _vision_unique(atoms, reading, model, tasks)
    draws = curve.draws(reading.draws, _rng())
    return Interval.of_draws(float(curve.bits[-1] / curve.bits.max()), draws[:, -1] / draws.max(1))


def vision_unique_rise_to_peak(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Largest vision-unique information after the embeddings less that of the embeddings, which no layer has read."""
    rows = reading.untouched(atoms, model)
    curve = _vision_unique(atoms, reading, model, tasks)
    if rows["layer"].min() > 0:
        raise NotMeasurableError("the embeddings were not measured in this reading")
    rise = curve.draws(reading.draws, _rng())
    return Interval.of_draws(float(curve.bits[1:].max() - curve.bits[0]), rise[:, 1:].max(1) - rise[:, 0])


def language_unique_last_share(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Language-unique information over the total at the last layer, mean over tasks."""
    prints, which = _last(atoms, reading, model, tasks), ATOMS.index("unique_language")
    return Interval.of_draws(float(prints.shares[:, which].mean()), prints.draws[:, :, which].mean(1))


def language_unique_late_rise(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Language-unique information at the last layer less that half-way, mean over tasks."""
    rows = reading.untouched(atoms, model)
    curves = [read_curve(rows, task, "unique_language") for task in tasks]
    if not any(_is_there(rows, task, "unique_language") for task in tasks):
        raise NotMeasurableError(f"language-unique information is {NOT_THERE} at any layer of any task")
    rng = _rng()
    drawn = np.mean([_late_rise(curve.draws(reading.draws, rng)) for curve in curves], axis=0)
    return Interval.of_draws(float(np.mean([_late_rise(curve.bits) for curve in curves])), drawn)


def _late_rise(bits: Array) -> Array:
    return bits[..., -1] - bits[..., bits.shape[-1] // 2]


def synergy_largest_share(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Synergy over the total, largest over the layers after the embeddings."""
    rows, which = reading.untouched(atoms, model), ATOMS.index("synergy")
    layers = [int(layer) for layer in sorted(set(rows["layer"])) if layer > 0]
    prints = [read_fingerprints(rows, tasks, layer, draws=reading.draws) for layer in layers]
    if not prints:
        raise NotMeasurableError("no layer after the embeddings was measured in this reading")
    _check_total(rows, tasks)
    shares = np.array([one.shares[0, which] for one in prints])
    return Interval.of_draws(float(shares.max()), np.array([one.draws[:, 0, which] for one in prints]).max(0))


def between_models_correlation(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Smallest correlation over depth of a task's four atoms with those of any other model.

    An atom that is nowhere there in either model has no trajectory to agree on.
    """
    table = atoms.table if isinstance(atoms, Remembered) else atoms
    others = [name for name in dict.fromkeys(table["model"]) if name != model]
    if not others:
        raise NotMeasurableError("a second model is missing")
    found = []
    for other in others:
        # In one order, whichever model is asked about: the claim is about the pair.
        first, second = (reading.untouched(atoms, name) for name in sorted((model, other)))
        curves = {atom: (read_curve(first, tasks[0], atom), read_curve(second, tasks[0], atom)) for atom in ATOMS}
        there = [atom for atom in ATOMS if any(_is_there(rows, tasks[0], atom) for rows in (first, second))]
        found += [correlate(*curves[atom], draws=reading.draws) for atom in there]
    if not found:
        raise NotMeasurableError(f"every atom is {NOT_THERE} at any layer of any model: noise follows noise nowhere")
    return Interval(*(min(getattr(one, end) for one in found) for end in ("value", "low", "high")))


def fingerprint_distance(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Mean distance between tasks' fingerprints at the last layer, less what noise alone would put between them."""
    if len(tasks) < 2:
        raise NotMeasurableError("one task has no other to differ from")
    prints = _last(atoms, reading, model, tasks)
    # Tasks that share one fingerprint, each as noisy as it is.
    alike = prints.draws - prints.draws.mean(0) + prints.shares.mean(0)
    noise = float(mean_distance(alike).mean())
    found = Interval.of_draws(float(mean_distance(prints.shares)), mean_distance(prints.draws))
    return Interval(found.value - noise, found.low - noise, found.high - noise)


def redundancy_lead_in_differences(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Redundancy's part in the differences between tasks less the largest part of another atom, at the last layer."""
    parts, drawn = _parts(atoms, reading, model, tasks)
    which = ATOMS.index("redundancy")
    lead, leads = (part[..., which] - np.delete(part, which, axis=-1).max(-1) for part in (parts, drawn))
    return Interval.of_draws(float(lead), leads)


def parts_of_differences(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> dict[str, Interval]:
    """Variance of each atom's share between tasks over the summed variance of the four, at the last layer."""
    parts, drawn = _parts(atoms, reading, model, tasks)
    return {atom: Interval.of_draws(float(parts[at]), drawn[:, at]) for at, atom in enumerate(ATOMS)}


def _parts(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> tuple[Array, Array]:
    """Parts ``(4,)`` of the variance between tasks, and their draws ``(n_draws, 4)``."""
    if len(tasks) < 3:
        raise NotMeasurableError("two tasks have no variance to divide; three or more are needed")
    prints = _last(atoms, reading, model, tasks)
    variances, drawn = prints.shares.var(0), prints.draws.var(1)
    if variances.sum() < 1e-12:
        raise NotMeasurableError("all tasks have the same fingerprint; there are no differences to divide")
    return variances / variances.sum(), drawn / drawn.sum(1, keepdims=True)


def vision_unique_rise(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Change of vision-unique information by the knockout, mean over layers."""
    return _rise_of_something(atoms, reading, model, tasks[0], "unique_vision")


def synergy_rise(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Change of synergy by the knockout, mean over layers."""
    return _rise_of_something(atoms, reading, model, tasks[0], "synergy")


def total_rise(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Change of the total by the knockout, mean over layers."""
    return _rise_of_something(atoms, reading, model, tasks[0], "total")


def effect_against_redundancy(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Interval:
    """Spearman's correlation over tasks of the rise in vision-unique information with redundancy's baseline share."""
    effect = [rise(atoms, reading, model, task, "unique_vision").value for task in tasks]
    shares = [redundancy_share(atoms, reading, model, task).value for task in tasks]
    return rank_interval(np.array(shares), np.array(effect))


def rise(atoms: Table, reading: Reading, model: str, task: str, quantity: str) -> Interval:
    """Bits of a quantity under the knockout less the untouched model's, mean over layers.

    Both conditions are resampled with the same questions, so the interval is of the difference itself.
    """
    return _change(*_both(atoms, reading, model), task, quantity)


def _both(atoms: Table, reading: Reading, model: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of a model without and with the knockout."""
    if not reading.knockout_mode:
        raise NotMeasurableError("this reading was followed for the untouched model only")
    return reading.untouched(atoms, model, reading.knockout_mode), reading.knocked_out(atoms, model)


def _change(untouched: pd.DataFrame, knocked_out: pd.DataFrame, task: str, quantity: str) -> Interval:
    before, after = read_curve(untouched, task, quantity), read_curve(knocked_out, task, quantity)
    if before.replicates.shape != after.replicates.shape:
        raise ValueError(f"{quantity} of {task} was resampled differently with and without the knockout")
    draws = without_degenerate((after.replicates - before.replicates).mean(1))
    return Interval.of_draws(float(after.bits.mean() - before.bits.mean()), draws)


def _rise_of_something(atoms: Table, reading: Reading, model: str, task: str, quantity: str) -> Interval:
    """As `rise`, where anything could rise or have fallen: what is noise before and after does neither."""
    before, after = _both(atoms, reading, model)
    found = _change(before, after, task, quantity)
    if not (_is_there(before, task, quantity) or _is_there(after, task, quantity)):
        raise NotMeasurableError(f"{quantity} is {NOT_THERE} at any layer, with and without the knockout")
    return found


def redundancy_share(atoms: Table, reading: Reading, model: str, task: str) -> Interval:
    """Redundancy over the total of the untouched model, both averaged over layers, as the knockouts are measured."""
    rows = reading.untouched(atoms, model, reading.knockout_mode)
    _check_total(rows, [task])
    shared, total = (read_curve(rows, task, name) for name in ("redundancy", "total"))
    draws = without_degenerate(shared.replicates.mean(1) / total.replicates.mean(1))
    return Interval.of_draws(float(shared.bits.mean() / total.bits.mean()), draws)


def _vision_unique(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Curve:
    rows = reading.untouched(atoms, model)
    curve = read_curve(rows, tasks[0], "unique_vision")
    if not _is_there(rows, tasks[0], "unique_vision"):
        raise NotMeasurableError(f"vision-unique information is {NOT_THERE} at any layer")
    if curve.bits.max() <= 0 or len(curve.bits) < 3:
        raise NotMeasurableError("vision-unique information is positive at no layer, or there are too few layers")
    return curve


def _is_there(rows: pd.DataFrame, task: str, quantity: str) -> bool:
    """Whether a quantity can be told from its null at one layer at least."""
    verdicts = rows["verdict"].array[having(rows, task=task, quantity=quantity)]
    return bool((verdicts != NOT_THERE).any())


def _check_total(rows: pd.DataFrame, tasks: list[str]) -> None:
    """A share of nothing is no share: NotMeasurableError where no task has a total that can be told from its null."""
    if not any(_is_there(rows, task, "total") for task in tasks):
        raise NotMeasurableError(f"the total is {NOT_THERE} at any layer")


def _last(atoms: Table, reading: Reading, model: str, tasks: list[str]) -> Fingerprints:
    rows = reading.untouched(atoms, model)
    if rows.empty:
        raise NotMeasurableError("nothing was measured in this reading")
    _check_total(rows, tasks)
    return read_fingerprints(rows, tasks, int(rows["layer"].max()), draws=reading.draws)


def _rng() -> np.random.Generator:
    """The same draws for every task and model, so that a verdict does not change with the order of the tables."""
    return np.random.default_rng(0)


Statistic = Callable[[Table, Reading, str, list[str]], Interval]
STATISTICS: dict[str, Statistic] = {
    function.__name__: function
    for function in (
        vision_unique_peak_depth,
        vision_unique_last_over_peak,
        vision_unique_rise_to_peak,
        language_unique_last_share,
        language_unique_late_rise,
        synergy_largest_share,
        between_models_correlation,
        fingerprint_distance,
        redundancy_lead_in_differences,
        vision_unique_rise,
        synergy_rise,
        total_rise,
        effect_against_redundancy,
    )
}
AT_LAST_LAYER = ("language_unique_last_share", "fingerprint_distance", "redundancy_lead_in_differences")
"""Statistics that ask about the last layer alone."""
BETWEEN_MODELS = ("between_models_correlation",)
"""Statistics that ask about all models."""
UNDER_KNOCKOUT = ("vision_unique_rise", "synergy_rise", "total_rise", "effect_against_redundancy")
"""Statistics that compare conditions."""
