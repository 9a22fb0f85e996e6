"""p-values are uniform where nothing is there; false discoveries stay rare; matched systems match; words follow."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest

from analysis_lib.pid import QUANTITIES, control_false_discoveries, gaussian_mi, pid_flow
from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.inference.matched import matched_cores, random_systems
from analysis_lib.pid.inference.significance import NOT_THERE, p_values, verdict
from tests.unit.pid.known_systems import draw, linear_system

QUICK = {"mode": "marginal", "n_bootstrap": 20, "n_null": 40, "n_matched": 0, "n_bias": 10}


def test_p_values_of_informations_are_uniform_when_nothing_is_there() -> None:
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        data = (rng.normal(size=(150, d)) for d in (3, 4, 3))
        result = pid_flow(*data, **(QUICK | {"n_bootstrap": 2}))
        found.append([result.p_value.total, result.p_value.information_vision, result.p_value.information_language])
    for column in np.transpose(found):
        assert kstest(column, "uniform").pvalue > 0.01
    assert np.mean(np.array(found) < 0.05) < 0.12


def test_an_atom_must_pass_both_tests() -> None:
    null = np.random.default_rng(0).normal(size=(200, 7))
    near_zero = np.random.default_rng(1).normal(size=(200, 7))
    observed = np.full(7, 10.0)
    p = p_values(observed, null, np.zeros(7), near_zero)
    assert (p[:4] > 0.4).all(), "far above the shuffled null, but the bracket reaches zero"
    assert (p[4:] < 1e-6).all(), "informations are tested by shuffling alone"
    assert (p_values(np.zeros(7), null, observed, 0.1 * near_zero)[:4] > 0.4).all()


@pytest.mark.parametrize("n_null", [2, 3, 10])
def test_few_reorderings_do_not_make_more_false_verdicts(n_null: int) -> None:
    rng = np.random.default_rng(n_null)
    passed, always = np.ones(7), np.zeros((5, 7))
    found = np.array(
        [p_values(rng.normal(size=7), rng.normal(size=(n_null, 7)), passed, always)[4:] for _ in range(120)]
    )
    for level in (0.01, 0.05, 0.2):
        assert (found < level).mean() < level + 3 * np.sqrt(level * (1 - level) / found.size)
    assert (found < 0.05).mean() > 0.02, "the test has power left"


def test_every_quantity_is_judged_by_its_own_null_alone() -> None:
    rng = np.random.default_rng(6)
    null = rng.gamma(1.0, size=(12, 7)) * np.array([1, 0, 3, 1e-14, 10, 1, 0]) + np.arange(7)
    observed, passed, always = rng.normal(size=7) + np.arange(7), np.ones(7), np.zeros((5, 7))
    for i in range(7):
        others = np.where(np.arange(7) == i, null, rng.normal(size=(12, 7)))
        expected = p_values(observed, others, passed, always)[i]
        assert p_values(observed, null, passed, always)[i] == expected


def test_far_above_few_reorderings_is_never_certain() -> None:
    null = np.array([[0.0], [1.0]]).repeat(7, axis=1)
    p = [p_values(np.full(7, value), null, np.ones(7), np.zeros((5, 7)))[-1] for value in (1.0, 2.0, 10.0, 100.0, 1e6)]
    assert all(np.diff(p) < 0)
    assert p[3] > 1e-3


def test_a_null_without_spread_has_no_tail() -> None:
    flat = np.zeros((20, 7))
    p = p_values(np.zeros(7), flat, np.ones(7), np.ones((20, 7)))
    assert (p == 1).all()
    assert p_values(np.ones(7), flat, np.ones(7), np.ones((20, 7))) == pytest.approx(1 / 21)


def table(p: np.ndarray, **labels: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"quantity": "synergy", "p_value": p, "bits": 1.0, "matched_low": 0.2, "matched_high": 0.5, **labels}
    )


def test_false_discoveries_stay_rare_over_many_layers_and_tasks() -> None:
    rng = np.random.default_rng(2)
    real, shares = np.zeros(200, dtype=bool), []
    real[:40] = True
    for _ in range(40):
        p = np.where(real, rng.uniform(0, 1e-4, size=200), rng.uniform(size=200))
        discovered = (control_false_discoveries(table(p))["verdict"] != NOT_THERE).to_numpy()
        assert discovered[:40].all()
        shares.append((discovered & ~real).sum() / discovered.sum())
    assert np.mean(shares) < 0.06


def test_each_quantity_and_condition_is_a_family_of_its_own() -> None:
    rows = pd.concat([table(np.array([0.03, 0.9])), table(np.full(50, 0.9)).assign(quantity="redundancy")])
    together = pd.concat([table(np.array([0.03, *np.full(51, 0.9)]))])
    assert control_false_discoveries(rows)["q_value"].iloc[0] == pytest.approx(0.06)
    assert control_false_discoveries(together)["q_value"].iloc[0] > 0.5
    apart = pd.concat([table(np.array([0.04]), condition=name) for name in ("baseline", "strict")])
    assert (control_false_discoveries(apart)["q_value"] == 0.04).all()


def test_adjusting_a_single_results_table_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    covariance, _ = linear_system(rng, (2, 2, 2))
    rows = [draw(rng, covariance, (2, 2, 2), 200) for _ in range(3)]
    vision, language = (np.stack([row[i] for row in rows]) for i in (0, 1))
    frame = pid_flow(vision, language, rows[0][2], **QUICK).to_frame()
    pd.testing.assert_frame_equal(control_false_discoveries(frame), frame)
    unadjusted = frame["p_value"] > frame["q_value"] + 1e-12
    assert not unadjusted.any()


@pytest.mark.parametrize("level", [0, 1, -0.1])
def test_levels_outside_the_unit_interval_are_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        control_false_discoveries(table(np.array([0.1])), level)


def test_a_table_without_p_values_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="p_value"):
        control_false_discoveries(table(np.array([0.1])).drop(columns="p_value"))


@pytest.mark.parametrize("dims", [(1, 1, 1), (3, 5, 2), (10, 4, 8)])
@pytest.mark.parametrize("bits", [1e-6, 0.3, 4.0, 12.0])
def test_matched_systems_share_exactly_the_total_information(dims: tuple[int, int, int], bits: float) -> None:
    systems = random_systems(bits, dims, 8, np.random.default_rng(4)).numpy()
    totals = gaussian_mi(systems, (dims[0], dims[1] + dims[2]))
    np.testing.assert_allclose(totals, bits, rtol=1e-5, atol=1e-9)
    assert len(np.unique(gaussian_mi(systems[:, : sum(dims[:2]), : sum(dims[:2])], dims[:2]).round(9))) > 1


def test_estimates_of_matched_systems_centre_on_the_total_and_scatter_less_with_more_rows() -> None:
    spreads = []
    for rows in (100, 3000):
        rng = np.random.default_rng(5)
        cores = matched_cores(2.0, (3, 3, 3), [rows], get_definition("broja"), 200, 30, rng)
        assert cores[:, 2].mean() == pytest.approx(2.0, abs=0.06)
        spreads.append(cores[:, 2].std())
    assert spreads[0] > 3 * spreads[1]


def test_a_random_system_lies_within_its_matched_range_and_a_doubled_channel_above_in_redundancy() -> None:
    rng = np.random.default_rng(6)
    inside = []
    for _ in range(12):
        covariance = random_systems(2.0, (3, 3, 3), 1, rng)[0].numpy()
        result = pid_flow(*draw(rng, covariance, (3, 3, 3), 800), **(QUICK | {"n_matched": 60}))
        inside.append(result.matched_low.redundancy <= result.atoms.redundancy <= result.matched_high.redundancy)
    assert np.mean(inside) > 0.65
    target = rng.normal(size=(800, 3))
    seen = target + rng.normal(size=(800, 3))
    doubled = (seen + 0.1 * rng.normal(size=(800, 3)), seen + 0.1 * rng.normal(size=(800, 3)), target)
    result = pid_flow(*doubled, **(QUICK | {"n_matched": 60}))
    assert result.verdicts()[0]["redundancy"] == "more than matched random systems"
    assert result.verdicts()[0]["unique_vision"] == NOT_THERE


def test_words_say_what_the_figures_say() -> None:
    assert verdict("synergy", 0.4, 0.2, 0.1, 0.3) == NOT_THERE
    assert verdict("synergy", 0.4, float("nan"), 0.1, 0.3) == NOT_THERE
    assert verdict("synergy", 0.2, 0.01, 0.1, 0.3) == "as matched random systems"
    assert verdict("synergy", 0.05, 0.01, 0.1, 0.3) == "less than matched random systems"
    assert verdict("total", 0.4, 0.01, 0.1, 0.3) == ""
    assert verdict("synergy", 0.4, 0.01, float("nan"), float("nan")) == ""


def test_without_matched_systems_their_columns_are_unknown() -> None:
    rng = np.random.default_rng(7)
    data = draw(rng, linear_system(rng, (2, 2, 2))[0], (2, 2, 2), 200)
    frame = pid_flow(*data, **QUICK).to_frame()
    assert frame["matched_low"].isna().all() and frame["matched_high"].isna().all()
    assert set(frame["quantity"]) == set(QUANTITIES)
