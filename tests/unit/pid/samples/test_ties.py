"""Columns with repeated values are said so, and never make a trained flow tell less than ranks do."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from analysis_lib.pid import flow_mi, pid_flow
from analysis_lib.pid.samples.ties import describe_ties, tied_columns
from tests.unit.pid.known_systems import draw, linear_system, warp

QUICK = {"n_bootstrap": 4, "n_null": 2, "n_matched": 0, "n_bias": 2}
N = 500
Columns = dict[str, np.ndarray]


def bent() -> Columns:
    """Two columns each, bent together, so that flows have something to find that ranks do not."""
    rng = np.random.default_rng(1)
    plain = draw(rng, linear_system(rng, (2, 2, 2))[0], (2, 2, 2), N)
    kinds = {"vision": "tails", "language": "squash", "target": "wiggles"}
    return {name: warp(rng, rows, kind) for rows, (name, kind) in zip(plain, kinds.items(), strict=True)}


def noise(of: str = "") -> np.ndarray:
    return np.random.default_rng([*of.encode(), 1]).normal(size=N)


def steps(values: np.ndarray, count: int) -> np.ndarray:
    """Ordinal levels, equally many samples in each."""
    return np.floor(count * np.argsort(np.argsort(values, axis=0), axis=0) / len(values))


def beside(name: str, column: np.ndarray) -> Columns:
    data = bent()
    return data | {name: np.column_stack([data[name], column])}


KINDS: dict[str, Callable[[], tuple[Columns, dict[str, float]]]] = {
    "yes or no in a source": lambda: (beside("vision", noise() > 0), {}),
    "five levels in the target": lambda: (beside("target", steps(noise(), 5)), {}),
    "counts in the other source": lambda: (beside("language", np.random.default_rng(2).poisson(2, N)), {}),
    "half a point mass": lambda: (beside("vision", np.maximum(bent()["target"][:, 0] + noise(), 0)), {}),
    "seldom something": lambda: (beside("target", np.where(np.random.default_rng(3).random(N) < 0.95, 0, noise())), {}),
    "rounded": lambda: ({name: rows.round() for name, rows in bent().items()}, {}),
    "levels only": lambda: ({name: steps(rows, 4) for name, rows in bent().items()}, {}),
    "a block of indicators": lambda: (beside("vision", np.eye(4)[steps(noise(), 4).astype(int)][:, :3]), {}),
    "hidden in components": lambda: (beside("vision", 20.0 * (noise() > 0)), {"variance_kept": 0.9999}),
    "everywhere": lambda: ({name: beside(name, steps(noise(name), 4))[name] for name in bent()}, {}),
}


QUICKLY = ("yes or no in a source", "half a point mass", "levels only", "hidden in components", "everywhere")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICKLY else pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS]
)
def test_repeated_values_are_flagged_and_flows_tell_as_much_as_ranks(kind: str) -> None:
    data, settings = KINDS[kind]()
    flows, ranks = (pid_flow(**data, mode=mode, **settings, **QUICK) for mode in ("cartesian", "marginal"))
    for result in (flows, ranks):
        assert "repeated values" in repr(result)
    for name in ("information_vision", "information_language", "total"):
        assert getattr(flows.atoms, name) > getattr(ranks.atoms, name) - 0.02, name


def test_flows_still_find_beside_a_tied_column_what_ranks_do_not() -> None:
    data = beside("vision", noise() > 0)
    flows, without = (pid_flow(**rows, **QUICK) for rows in (data, bent()))
    ranks = pid_flow(**data, mode="marginal", **QUICK)
    assert flows.diagnostics["flow_kept"] and without.diagnostics["flow_kept"]
    assert flows.plug_in.total > ranks.plug_in.total
    assert flows.atoms.total == pytest.approx(without.atoms.total, abs=0.02)


def test_columns_that_order_the_samples_alike_are_named_as_the_cause() -> None:
    data = bent()
    twice = np.column_stack([data["vision"], data["vision"][:, 0] ** 3])
    for change in ({"vision": twice}, {"vision": data["target"] ** 3}):
        with pytest.raises(ValueError, match="singular.*normal scores.*order the samples alike"):
            pid_flow(**data | change, mode="marginal", **QUICK)
    with pytest.raises(ValueError, match="singular.*normal scores.*order the samples alike"):
        flow_mi(data["target"], data["target"] ** 3)


def test_layers_with_tied_columns_leave_the_others_alone() -> None:
    data = beside("vision", noise())
    tied = beside("vision", noise() > 0)["vision"]
    alone = pid_flow(**data, **QUICK)
    layered = pid_flow(np.stack([tied, data["vision"]]), data["language"], data["target"], **QUICK)
    assert layered.atoms.total[1] == pytest.approx(alone.atoms.total, abs=1e-3)
    assert "repeated" in str(layered.diagnostics["flags"][0]) and "repeated" not in str(layered.diagnostics["flags"][1])


def test_flow_mi_warns_and_carries_its_flags() -> None:
    vision, target = beside("vision", noise() > 0)["vision"], bent()["target"]
    with pytest.warns(UserWarning, match=r"x has a column of repeated values \(column 2: 0 in 5\d% of the samples\)"):
        bits = flow_mi(vision, target)
    assert bits > flow_mi(vision[:, :2], target) - 0.02
    assert "x has a column of repeated values" in bits.flags[0] and "repeated values" in repr(bits)
    single = flow_mi(vision[:, 0], target[:, 0])
    assert single.flags == [] and repr(single) == repr(float(single))


def test_only_values_that_many_samples_share_count_as_repeated() -> None:
    fine = noise()
    columns = [fine, fine.round(2), fine > 0, np.maximum(fine, 0), fine.round(), np.where(np.arange(N) < 20, 0.5, fine)]
    assert tied_columns(np.column_stack(columns)).tolist() == [False, False, True, True, True, True]
    assert not tied_columns(np.repeat(fine[:5], 2)[:, None]).any()
    assert "2 columns of repeated values (column 1: 7 in 100%" in describe_ties(
        "target", np.full((9, 3), 7.0), np.array([False, True, True])
    )
