"""Latents fitted once: every definition reads the same maps, and says what ``pid_flow`` says."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from analysis_lib.decompose.parts import plan
from analysis_lib.decompose.settings import Settings
from analysis_lib.pid import DEFINITIONS, MODES, QUANTITIES, Atoms, fit_latents, pid_flow
from analysis_lib.pid.definitions import Definition
from analysis_lib.pid.system.whitened import Informations

COUNTS = {"n_bootstrap": 4, "n_null": 2, "n_matched": 2, "n_bias": 2}


def layered(n_layers: int = 3, n: int = 400) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sources that tell more of the target from layer to layer."""
    rng = np.random.default_rng(1)
    target = rng.normal(size=(n, 2))
    noise = rng.normal(size=(2, n_layers, n, 2)) / np.arange(1, n_layers + 1)[:, None, None]
    return target[:, :1] + noise[0], target + noise[1], target


@pytest.mark.parametrize("definition", sorted(set(DEFINITIONS) - {"delta"}))  # whose optimiser takes long
def test_a_definition_on_fitted_latents_is_pid_flow(definition: str) -> None:
    vision, language, target = layered()
    fitted = fit_latents(vision, language, target, "marginal", seed=3)
    alone = pid_flow(vision, language, target, "marginal", definition, seed=3, **COUNTS)
    assert fitted.decompose(definition, **COUNTS).to_frame().equals(alone.to_frame())


def test_trained_maps_are_shared_by_definitions(monkeypatch: pytest.MonkeyPatch) -> None:
    vision, language, target = layered()
    fitted = fit_latents(vision, language, target, steps=20, n_seeds=2)
    monkeypatch.setattr("analysis_lib.pid.modes.cartesian.fit_cartesian", None)
    broja, mmi = (fitted.decompose(name, **COUNTS) for name in ("broja", "mmi"))
    for name in ("total", "information_vision", "information_language"):
        np.testing.assert_array_equal(getattr(broja.plug_in, name), getattr(mmi.plug_in, name))
    assert (np.minimum(mmi.atoms.unique_vision, mmi.atoms.unique_language) == 0).all()
    assert {"gain_bits", "flow_kept", "seed_spread"} <= set(broja.diagnostics)


def test_the_papers_recipe_is_fitted_once_too_and_read_with_what_it_can_be() -> None:
    vision, language, target = layered(2)
    how = {"seed": 3, "steps": 10, "n_seeds": 2}
    fitted = fit_latents(vision, language, target, "joint", **how)
    alone = pid_flow(vision, language, target, "joint", **how, **COUNTS)
    assert fitted.decompose(**COUNTS).to_frame().equals(alone.to_frame()) and set(alone.to_frame()["definition"]) == {
        "mmi"
    }
    with pytest.raises(ValueError, match="joint mode cannot evaluate 'broja'.*no joint covariance"):
        fitted.decompose("broja", **COUNTS)


def by_the_larger(informations: Informations) -> Atoms:
    """A definition as a fork would write it: all that the better source tells is its own."""
    redundancy = torch.zeros_like(informations.vision)
    return Atoms.from_redundancy(redundancy, informations.vision, informations.language, informations.total)


def test_a_definition_is_one_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Definition("own", "nothing is shared", "a test", by_the_larger, from_informations=True, closed_form=False)
    monkeypatch.setitem(DEFINITIONS, "own", own)
    vision, language, target = layered(2)
    for mode in MODES:
        table = pid_flow(vision, language, target, mode, "own", steps=5, **COUNTS).to_frame()
        assert (table.loc[table["quantity"] == "redundancy", "plug_in"] == 0).all() and set(table["definition"]) == {
            "own"
        }
        assert table["bracket_low"].isna().all()
    # Without a closed form it is asked for at few layers only.
    own_part, mmi_part = (
        next(part for part in plan(Settings(definitions=[name]), ["baseline"], 8) if part.definition == name)
        for name in ("own", "mmi")
    )
    assert len(own_part.layers) == 1 and mmi_part.layers is None


def test_a_mode_is_one_line_in_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    ranks = MODES["marginal"]
    monkeypatch.setitem(MODES, "own", replace(ranks, name="own", definition="mmi", variance_kept=0.9))
    vision, language, target = layered(2)
    own = pid_flow(vision, language, target, "own", **COUNTS)
    same = pid_flow(vision, language, target, "marginal", "mmi", variance_kept=0.9, **COUNTS)
    assert own.to_frame().drop(columns="mode").equals(same.to_frame().drop(columns="mode"))
    assert set(own.to_frame()["mode"]) == {"own"}


def test_layers_taken_keep_their_numbers() -> None:
    fitted = fit_latents(*layered(), "marginal")
    whole, some = fitted.decompose(**COUNTS), fitted.take([0, 2]).decompose(**COUNTS)
    for quantity in QUANTITIES:
        np.testing.assert_array_equal(getattr(whole.atoms, quantity)[[0, 2]], getattr(some.atoms, quantity))


def test_layers_of_unequal_dimensions_stay_in_order() -> None:
    vision, language, target = layered()
    vision = np.concatenate([vision, np.random.default_rng(2).normal(size=vision.shape)], axis=2)
    vision[1, :, 1] = vision[1, :, 0]
    fitted = fit_latents(vision, language, target, "marginal", variance_kept=0.99)
    dims = fitted.decompose(**COUNTS).diagnostics["d_vision"]
    assert dims[0] == dims[2] > dims[1]


@pytest.mark.parametrize(
    ("layers", "message"),
    [([], "layers 0 to 2"), ([3], "layers 0 to 2, got"), ([-1], "layers 0 to 2"), ([1, 1], "each layer once")],
)
def test_layers_that_do_not_exist_are_refused(layers: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_latents(*layered(), "marginal").take(layers)


def test_refusals_say_what_to_give() -> None:
    vision, language, target = layered()
    with pytest.raises(ValueError, match="choose one of cartesian, joint, marginal"):
        fit_latents(vision, language, target, "direct")
    with pytest.raises(ValueError, match="there are no layers"):
        fit_latents(vision[0], language[0], target, "marginal").take([0])
    fitted = fit_latents(vision, language, target, "marginal")
    with pytest.raises(ValueError, match="n_bootstrap must be at least 2"):
        fitted.decompose(n_bootstrap=1)
    with pytest.raises(ValueError, match="unknown definition"):
        fitted.decompose("shapley")
