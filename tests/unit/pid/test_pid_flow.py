"""Samples to atoms: known truths, the published recipe's collapse, blindness, layers, seeds, labels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid import QUANTITIES, flow_mi, gaussian_mi, pid_flow
from tests.unit.pid.known_systems import draw, largest_error, linear_system, warp

QUICK = {"n_bootstrap": 40, "n_null": 20, "n_bias": 20}
DIMS = (3, 3, 3)
MODES = ("cartesian", "marginal")


def warped(seed: int, n: int = 4000) -> tuple[list[np.ndarray], list[np.ndarray], dict[str, float]]:
    rng = np.random.default_rng(seed)
    covariance, truth = linear_system(rng, DIMS)
    plain = draw(rng, covariance, DIMS, n)
    kinds = ("tails", "squash", "wiggles")
    return [warp(rng, rows, kind) for rows, kind in zip(plain, kinds, strict=True)], list(plain), truth


@pytest.mark.slow
def test_cartesian_flows_recover_the_atoms_of_a_warped_system() -> None:
    data, _, truth = warped(1)
    result = pid_flow(*data, **QUICK)
    assert largest_error(result.atoms, truth) < 0.05
    assert result.diagnostics["flow_kept"]
    assert result.diagnostics["gain_bits"] > 0.3


@pytest.mark.slow
def test_cartesian_flows_halve_the_error_of_marginals_and_stay_near_sampling_error_on_average() -> None:
    """Five random systems under heavy warps: no seed is chosen, so sampling error is measured and set apart."""
    excesses = []
    for seed in range(2, 7):
        data, plain, truth = warped(seed)
        error, ranked = (largest_error(pid_flow(*data, mode=mode, **QUICK).atoms, truth) for mode in MODES)
        excesses.append(error - largest_error(pid_flow(*plain, mode="marginal", **QUICK).atoms, truth))
        assert error < 0.5 * ranked, seed
    assert np.mean(excesses) < 0.05, excesses


@pytest.mark.slow
def test_joint_mode_loses_the_information_it_measures() -> None:
    """Per-variable maps keep 2.95 bits; a flow fitted to a standard normal removes them, and says so."""
    rng = np.random.default_rng(0)
    target = rng.normal(size=(3000, 2))
    noise = (2.0 ** (2.95) - 1) ** -0.5
    vision = target + noise * rng.normal(size=target.shape)
    language = target + 2 * noise * rng.normal(size=target.shape)
    joint = pid_flow(vision, language, target, mode="joint", steps=150, **QUICK)
    marginal = pid_flow(vision, language, target, mode="marginal", **QUICK)
    assert marginal.atoms.information_vision == pytest.approx(2.95, abs=0.1)
    assert joint.atoms.information_vision < 0.3
    assert joint.diagnostics["preservation_vision"] < 0.1
    assert any("keep" in flag and "vision" in flag for flag in joint.diagnostics["flags"])
    assert min(joint.atoms.unique_vision, joint.atoms.unique_language) == 0.0


def test_gaussian_data_keep_the_identity_and_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    covariance, truth = linear_system(rng, (2, 3, 2))
    data = draw(rng, covariance, (2, 3, 2), 3000)
    marginal = pid_flow(*data, mode="marginal", **QUICK)
    cartesian = pid_flow(*data, **QUICK)
    assert not cartesian.diagnostics["flow_kept"]
    assert cartesian.atoms == marginal.atoms
    assert largest_error(marginal.atoms, truth) < 0.06
    assert marginal.diagnostics["preservation"] == pytest.approx(1.0, abs=0.02)


def test_products_of_the_sources_are_not_seen_and_not_invented() -> None:
    rng = np.random.default_rng(2)
    vision, language = rng.normal(size=(2, 2000, 1))
    result = pid_flow(vision, language, np.sign(vision * language) * np.abs(rng.normal(size=(2000, 1))), **QUICK)
    assert abs(result.atoms.synergy) < 0.02
    assert result.atoms.total <= result.null_high.total + 0.02


def test_mmi_leaves_one_unique_exactly_zero_in_every_mode() -> None:
    data, _, _ = warped(3, n=400)
    for mode in ("marginal", "cartesian", "joint"):
        atoms = pid_flow(*data, mode=mode, definition="mmi", steps=10, **QUICK).atoms
        assert min(abs(atoms.unique_vision), abs(atoms.unique_language)) == 0.0


def test_layers_are_decomposed_as_if_each_were_alone() -> None:
    rng = np.random.default_rng(4)
    covariance, _ = linear_system(rng, DIMS)
    vision, language, target = draw(rng, covariance, DIMS, 400)
    layers = np.stack([vision, vision + rng.normal(size=vision.shape), warp(rng, vision, "tails")])
    together = pid_flow(layers, language, target, mode="marginal", **QUICK)
    assert together.atoms.total.shape == (3,)
    for i, rows in enumerate(layers):
        alone = pid_flow(rows, language, target, mode="marginal", **QUICK)
        for name in QUANTITIES:
            for field in ("atoms", "low", "high", "null_mean"):
                assert getattr(getattr(together, field), name)[i] == getattr(getattr(alone, field), name)


@pytest.mark.parametrize("mode", ["cartesian", "marginal", "joint"])
def test_one_seed_gives_one_result(mode: str) -> None:
    data, _, _ = warped(5, n=300)
    counts = {"n_bootstrap": 10, "n_null": 5, "n_bias": 5, "n_matched": 5}
    first, second = (pid_flow(*data, mode=mode, seed=3, steps=15, **counts).to_frame() for _ in range(2))
    assert first.equals(second)
    other = pid_flow(*data, mode=mode, seed=4, steps=15, **counts).to_frame()
    assert not first["low"].equals(other["low"])


def test_global_random_state_is_left_alone() -> None:
    data, _, _ = warped(6, n=300)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    pid_flow(*data, steps=5, **QUICK)
    assert torch.rand(1) == expected


def test_principal_components_share_one_number_unless_a_layer_has_fewer() -> None:
    rng = np.random.default_rng(7)
    target = rng.normal(size=(500, 3))
    wide = rng.normal(size=(4, 500, 40)) * np.geomspace(1, 0.01, 40)
    wide[:, :, :3] += target
    wide[1] = wide[1, :, :2] @ rng.normal(size=(2, 40))
    settings = {"mode": "marginal", "variance_kept": 0.9, "max_components": 5}
    result = pid_flow(wide[:2], wide[2:], target, **settings, **QUICK)
    assert result.diagnostics["d_vision"].tolist() == [5, 2]
    assert result.diagnostics["d_language"].tolist() == [5, 5]
    assert result.diagnostics["d_target"].tolist() == [3, 3]
    settings["max_components"] = {"vision": 3, "language": 4, "target": None}
    own = pid_flow(wide[:2], wide[2:], target, **settings, **QUICK).diagnostics
    assert [own[f"d_{name}"].tolist() for name in ("vision", "language", "target")] == [[3, 2], [4, 4], [3, 3]]


def test_table_has_the_agreed_columns_and_layers_only_where_given() -> None:
    data, _, _ = warped(8, n=300)
    columns = [
        "mode", "definition", "quantity", "bits", "plug_in", "low", "high", "bracket_low", "bracket_high", "least",
        "null_mean", "null_high", "matched_low", "matched_high", "p_value", "q_value", "verdict",
        "seed_spread", "n_samples", "d_vision", "d_language", "d_target", "preservation", "interval", "flags",
    ]  # fmt: skip
    single = pid_flow(*data, mode="marginal", **QUICK).to_frame()
    assert list(single.columns) == columns
    assert list(single["quantity"]) == list(QUANTITIES)
    layered = pid_flow(np.stack([data[0]] * 2), *data[1:], mode="marginal", **QUICK).to_frame()
    assert list(layered.columns) == [*columns[:2], "layer", *columns[2:]]
    assert list(layered["layer"]) == [0] * 7 + [1] * 7
    np.testing.assert_array_equal(layered["bits"][:7], single["bits"])
    assert layered["flags"].map(type).eq(str).all()


@pytest.mark.parametrize("mode", ["cartesian", "marginal", "joint"])
def test_replicates_are_behind_the_interval_and_keep_the_books(mode: str) -> None:
    data, _, _ = warped(8, n=400)
    result = pid_flow(np.stack([data[0]] * 2), *data[1:], mode=mode, steps=20, **QUICK)
    drawn = result.replicates
    assert drawn.total.shape == (2, QUICK["n_bootstrap"])
    for name in QUANTITIES:
        replicates = getattr(drawn, name)
        np.testing.assert_allclose(np.percentile(replicates, 5, axis=1), getattr(result.low, name), atol=1e-12)
    parts = drawn.redundancy + drawn.unique_vision + drawn.unique_language + drawn.synergy
    np.testing.assert_allclose(parts, drawn.total, atol=1e-9)
    table = result.to_frame(replicates=True)
    assert list(table.columns) == [*result.to_frame().columns, "replicates"]
    at = table.query("layer == 1 and quantity == 'synergy'")["replicates"].item()
    np.testing.assert_array_equal(at, drawn.synergy[1].astype(np.float32))


def test_replicates_of_two_calls_draw_the_same_groups() -> None:
    """A source of other noise differs from the first less than the replicates scatter: their errors are shared."""
    data, _, _ = warped(8, n=400)
    vision, language, target = data
    near = vision + 0.01 * np.random.default_rng(0).standard_normal(vision.shape)
    first, second = (pid_flow(v, language, target, mode="marginal", **QUICK).replicates.total for v in (vision, near))
    assert (second - first).std() < 0.2 * first.std()
    other = pid_flow(near, language, target, mode="marginal", seed=1, **QUICK).replicates.total
    assert (other - first).std() > 0.8 * first.std()


def test_degenerate_draws_keep_their_place_and_do_not_spoil_the_interval() -> None:
    """Half of the groups hold one row over and over: draws of too many of those have no covariance of full rank."""
    rng = np.random.default_rng(12)
    rows = rng.normal(size=(12, 3))
    rows[6:] = rows[6]
    groups = np.repeat(np.arange(12), 3)
    data = np.repeat(rows, 3, axis=0) + np.where(groups[:, None] < 6, 0.3, 0.0) * rng.normal(size=(36, 3))
    result = pid_flow(*data.T[..., None], mode="marginal", groups=groups, n_bootstrap=400, n_null=2, n_matched=0)
    missing = np.isnan(result.replicates.total)
    assert 0 < missing.sum() < 200
    assert result.replicates.total.shape == (400,) and np.isfinite([result.low.total, result.high.total]).all()


def test_printing_shows_every_atom_with_interval_and_null() -> None:
    data, _, _ = warped(9, n=300)
    text = repr(pid_flow(np.stack([data[0]] * 2), *data[1:], mode="marginal", **QUICK))
    assert "layer 1" in text and "null" in text
    assert all(name in text for name in QUANTITIES)


def test_repeated_rows_and_short_samples_are_flagged() -> None:
    rng = np.random.default_rng(10)
    questions = rng.normal(size=(40, 4))[rng.integers(0, 40, size=120)]
    target = questions[:, :2] + rng.normal(size=(120, 2))
    flags = pid_flow(rng.normal(size=(120, 8)), questions, target, mode="marginal", **QUICK).diagnostics["flags"]
    assert any("language rows are duplicates" in flag for flag in flags)
    assert any("samples per dimension" in flag for flag in flags)


@pytest.mark.parametrize("warped_pair", [False, True])
def test_flow_mi_of_one_pair_is_its_mutual_information(warped_pair: bool) -> None:
    rng = np.random.default_rng(11)
    mixing = rng.normal(size=(4, 4)) + 2 * np.eye(4)
    rows = rng.normal(size=(1500, 4)) @ mixing.T
    truth = float(gaussian_mi(mixing @ mixing.T, (2, 2)))
    x, y = rows[:, :2], rows[:, 2:]
    if warped_pair:
        x, y = warp(rng, x, "wiggles"), warp(rng, y, "tails")
    assert flow_mi(x, y) == pytest.approx(truth, abs=0.07)


@pytest.mark.gpu
def test_flows_train_on_an_accelerator() -> None:
    data, _, truth = warped(1)
    result = pid_flow(*data, device="cuda", **QUICK)
    assert largest_error(result.atoms, truth) < 0.06
