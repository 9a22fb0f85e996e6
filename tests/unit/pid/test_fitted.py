"""Latents fitted once: every definition reads the same maps, and says what ``pid_flow`` says."""

import numpy as np
import pytest

from analysis_lib.pid import DEFINITIONS, QUANTITIES, fit_latents, pid_flow

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
    monkeypatch.setattr("analysis_lib.pid.flow.fit_cartesian", None)
    broja, mmi = (fitted.decompose(name, **COUNTS) for name in ("broja", "mmi"))
    for name in ("total", "information_vision", "information_language"):
        np.testing.assert_array_equal(getattr(broja.plug_in, name), getattr(mmi.plug_in, name))
    assert (np.minimum(mmi.atoms.unique_vision, mmi.atoms.unique_language) == 0).all()
    assert {"gain_bits", "flow_kept", "seed_spread"} <= set(broja.diagnostics)


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
    with pytest.raises(ValueError, match="cartesian, marginal"):
        fit_latents(vision, language, target, "joint")
    with pytest.raises(ValueError, match="there are no layers"):
        fit_latents(vision[0], language[0], target, "marginal").take([0])
    fitted = fit_latents(vision, language, target, "marginal")
    with pytest.raises(ValueError, match="n_bootstrap must be at least 2"):
        fitted.decompose(n_bootstrap=1)
    with pytest.raises(ValueError, match="unknown definition"):
        fitted.decompose("shapley")
