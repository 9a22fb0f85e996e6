"""``pid_flow``: from samples of vision, language and a target to atoms with everything that belongs to them."""

from __future__ import annotations

from typing import Any

from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.fitted import FittedLatents, check_counts
from analysis_lib.pid.inference.estimating import Counts
from analysis_lib.pid.modes import Training, get_mode
from analysis_lib.pid.result import PIDResult
from analysis_lib.pid.samples.prepared import Components, read_samples
from analysis_lib.pid.samples.read_samples import LARGEST_SEED, check_count, check_device


def pid_flow(
    vision: Any,
    language: Any,
    target: Any,
    mode: str = "cartesian",
    definition: str | None = None,
    seed: int = 0,
    *,
    groups: Any = None,
    variance_kept: float | None = None,
    max_components: Components = None,
    n_bootstrap: int = 200,
    n_null: int = 100,
    n_matched: int = 100,
    n_bias: int = 50,
    n_seeds: int = 1,
    steps: int = 200,
    device: str = "cpu",
) -> PIDResult:
    """Decompose what vision and language tell about a target, from samples, in bits.

    Parameters
    ----------
    vision, language
        ``(n_samples, n_features)``, or ``(n_layers, n_samples, n_features)``; all layers are trained together. Labelled
        arrays (``xarray.DataArray``) are read by the names of their dimensions, ``sample``, ``layer`` and ``hidden`` or
        ``option``, in any order, and keep their layers' labels; labels of samples must agree.
    target
        ``(n_samples, n_features)`` or ``(n_samples,)``.
    mode
        a name in ``MODES``. ``"cartesian"``: rank marginals, then one cross-fitted flow per variable, trained together;
        the default. ``"marginal"``: rank marginals only. ``"joint"``: the paper's recipe, a flow on [source, target]
        per source.
    definition
        a name in ``DEFINITIONS``; by default ``"broja"``, and ``"mmi"`` in joint mode, which knows no other: its target
        is transformed differently beside each source, so there is no joint covariance to decompose.
    seed
        the same seed gives the same result, bit for bit, on one machine.
    groups
        ``(n_samples,)`` labels; rows of one group (questions about one image) share a fold and a bootstrap draw.
        Without them, samples that repeat in every variable are taken for copies of one, and left out with a flag.
    variance_kept
        share of variance the principal components of each variable keep. By default 0.95 in joint mode (the paper's)
        and 1.0 elsewhere, which takes the columns as they are.
    max_components
        upper limit on the components of each variable; a mapping of ``"vision"``, ``"language"`` and ``"target"`` gives
        each its own.
    n_bootstrap, n_null, n_matched, n_bias
        bootstrap draws, reorderings of the shuffled null, random systems of the matched null (0 leaves it out),
        parametric draws that estimate the bias of the uniques.
    n_seeds
        how often flows are trained, from this seed on. With one, intervals are of that training, and another may lie
        outside: results say so. With more, intervals include what two trainings differ by, and ``seed_spread`` of the
        table tells how far the plug-ins scatter; the point is of the first seed all the same.
    steps
        most training steps of a flow; training stops earlier on held-out rows.
    device
        where flows train, e.g. ``"cuda"``.

    Returns
    -------
    PIDResult

    Raises
    ------
    ValueError
        for NaN, constant or linearly dependent columns, fewer samples than five per dimension, lengths that do not
        match, labels or names of dimensions that do not fit, unknown names, counts that are none; with the figures and
        the cure.

    Notes
    -----
    Null, cartesian and marginal: the target's latents reordered on rows the maps were not trained on. Joint: flows
    refitted on one shuffled target. Brackets and nulls hold the maps fixed.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=(500, 2))
    >>> vision = target[:, :1] + 0.5 * rng.normal(size=(500, 1))
    >>> language = target[:, 1:] + rng.normal(size=(500, 1))
    >>> result = pid_flow(vision, language, target, mode="marginal")
    >>> bool(result.atoms.unique_vision > result.atoms.unique_language > result.atoms.redundancy)
    True
    """
    how = get_mode(mode)
    chosen = get_definition(definition if definition is not None else how.definition)
    how.check(chosen)
    check_counts(Counts(n_bootstrap, n_null, n_matched, n_bias))
    fitted = fit_latents(
        vision,
        language,
        target,
        mode,
        seed,
        groups=groups,
        variance_kept=variance_kept,
        max_components=max_components,
        n_seeds=n_seeds,
        steps=steps,
        device=device,
    )
    return fitted.decompose(chosen.name, n_bootstrap=n_bootstrap, n_null=n_null, n_matched=n_matched, n_bias=n_bias)


def fit_latents(
    vision: Any,
    language: Any,
    target: Any,
    mode: str = "cartesian",
    seed: int = 0,
    *,
    groups: Any = None,
    variance_kept: float | None = None,
    max_components: Components = None,
    n_seeds: int = 1,
    steps: int = 200,
    device: str = "cpu",
) -> FittedLatents:
    """Train the maps of `pid_flow` alone, to decompose the same latents by several definitions.

    Parameters
    ----------
    vision, language, target, mode, seed, groups, variance_kept, max_components, n_seeds, steps, device
        as in `pid_flow`.

    Returns
    -------
    FittedLatents, whose ``decompose(definition)`` returns what `pid_flow` would.

    Raises
    ------
    ValueError
        as `pid_flow`.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> target = rng.normal(size=(500, 2))
    >>> vision, language = (target[:, [i]] + rng.normal(size=(500, 1)) for i in range(2))
    >>> fitted = fit_latents(vision, language, target, mode="marginal")
    >>> broja, mmi = (fitted.decompose(name).atoms for name in ("broja", "mmi"))
    >>> bool(mmi.redundancy > broja.redundancy), bool(abs(mmi.total - broja.total) < 0.001)
    (True, True)
    """
    how, training = get_mode(mode), _training(seed, n_seeds, steps, device)
    kept = how.variance_kept if variance_kept is None else variance_kept
    samples = read_samples(vision, language, target, groups, kept, max_components)
    return FittedLatents(how.fit(samples, training), samples.labels, how, samples.groups, seed, samples.n_copies)


def _training(seed: int, n_seeds: int, steps: int, device: str) -> Training:
    check_count("n_seeds", n_seeds, 1)
    check_count("seed", seed, 0, LARGEST_SEED - n_seeds)
    check_count("steps", steps, 1)
    check_device(device)
    return Training(seed, n_seeds, steps, device)
