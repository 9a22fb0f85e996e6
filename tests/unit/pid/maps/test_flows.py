"""Maps of every layer at once: invertible, with right Jacobians, and each layer's its own."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid import Atoms, gaussian_pid
from analysis_lib.pid.maps.candidates import FINE_DEPTH
from analysis_lib.pid.maps.cartesian import fit_cartesian
from analysis_lib.pid.maps.flows import MemberBumps, MemberFlow, coupling_flow, fine_flow, gaussianization_flow
from analysis_lib.pid.samples.folds import two_folds
from analysis_lib.pid.samples.marginals import rank_normal
from analysis_lib.truths import channels, maps
from analysis_lib.vocabulary import ATOMS

MEMBERS, ROWS, D = 3, 7, 4


# FrEIA keeps the coupling flow's rotations, their inverses and determinants in float32.
TOLERANCE = {"coupling": 1e-4, "gaussianization": 1e-8, "fine": 1e-8}


def build(kind: str) -> MemberFlow:
    generator = torch.Generator().manual_seed(0)
    if kind == "coupling":
        return coupling_flow(D, MEMBERS, blocks=3, hidden=8, generator=generator)
    kinds = {"gaussianization": gaussianization_flow, "fine": fine_flow}
    return kinds[kind](D, MEMBERS, depth=3, generator=generator)


def perturbed(kind: str, size: float) -> MemberFlow:
    """A flow with weights far from where training begins, in float64."""
    flow = build(kind).double()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in flow.parameters():
            if parameter.requires_grad:
                parameter.add_(size * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return flow


@pytest.mark.parametrize("kind", sorted(TOLERANCE))
@pytest.mark.parametrize("size", [0.1, 0.5])
def test_maps_invert_exactly(kind: str, size: float) -> None:
    flow = perturbed(kind, size)
    rows = 2 * torch.randn(MEMBERS, ROWS, D, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    latents, forward = flow(rows)
    recovered, backward = flow(latents, rev=True)
    torch.testing.assert_close(recovered, rows, atol=TOLERANCE[kind], rtol=TOLERANCE[kind])
    torch.testing.assert_close(forward, -backward, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("size", [0.0, 0.5, 2.0])
def test_gradients_of_bumps_are_those_of_finite_differences(size: float) -> None:
    bumps = MemberBumps([(D,)], MEMBERS).double()
    draws = torch.Generator().manual_seed(4)
    heights = size * torch.randn(bumps.heights.shape, generator=draws, dtype=torch.float64)
    rows = (2 * torch.randn(MEMBERS, ROWS, D, generator=draws, dtype=torch.float64)).requires_grad_()

    def told(rows: torch.Tensor, heights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        (value,), log_jacobian = torch.func.functional_call(
            bumps, {"heights": heights}, ((rows.reshape(-1, D),),), strict=False
        )
        return value, log_jacobian

    if size == 0.0:  # where training begins, the two branches meet with one slope: a difference to either side
        heights = heights + 1e-3
    assert torch.autograd.gradcheck(told, (rows, heights.requires_grad_()))


def test_bumps_are_the_sum_of_their_steps() -> None:
    bumps = MemberBumps([(D,)], MEMBERS).double()
    with torch.no_grad():
        bumps.heights.copy_(torch.rand(bumps.heights.shape, generator=torch.Generator().manual_seed(5)))
        rows = torch.linspace(-6, 6, ROWS, dtype=torch.float64)[None, :, None].expand(MEMBERS, -1, D)
        steps = torch.tanh((rows[..., None] - bumps.places) / bumps.width)
        slope = 1 + (bumps.heights * (1 - steps.square())).sum(-1)
        (value,), log_jacobian = bumps((rows.reshape(-1, D),))
    torch.testing.assert_close(value.view(rows.shape), rows + bumps.width * (bumps.heights * steps).sum(-1))
    torch.testing.assert_close(log_jacobian.view(rows.shape[:2]), slope.log().sum(-1))


@pytest.mark.parametrize("kind", sorted(TOLERANCE))
def test_log_jacobians_are_those_of_automatic_differentiation(kind: str) -> None:
    flow = perturbed(kind, 0.3)
    rows = torch.randn(MEMBERS, ROWS, D, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    _, claimed = flow(rows)
    claimed = claimed.detach()
    jacobian = torch.autograd.functional.jacobian(lambda x: flow(x)[0], rows)
    for member in range(MEMBERS):
        for row in range(ROWS):
            expected = torch.linalg.slogdet(jacobian[member, row, :, member, row, :])[1]
            assert float(claimed[member, row]) == pytest.approx(float(expected), abs=1e-2 * TOLERANCE[kind])


@pytest.mark.parametrize("kind", sorted(TOLERANCE))
def test_training_begins_at_a_rotation(kind: str) -> None:
    rows = torch.randn(MEMBERS, ROWS, D)
    latents, log_jacobian = build(kind)(rows)
    torch.testing.assert_close(latents.norm(dim=-1), rows.norm(dim=-1))
    torch.testing.assert_close(log_jacobian, torch.zeros(MEMBERS, ROWS), atol=1e-5, rtol=0)


@pytest.mark.parametrize("kind", sorted(TOLERANCE))
def test_gradients_where_training_begins_are_slopes_on_either_side(kind: str) -> None:
    """No gradient may rest on what the derivative at a kink is taken to be: releases of torch differ in that."""
    flow = build(kind).double()
    rows = torch.randn(MEMBERS, ROWS, D, dtype=torch.float64, generator=torch.Generator().manual_seed(4))

    def loss() -> torch.Tensor:
        latents, log_jacobian = flow(rows)
        return latents.pow(3).sum() + log_jacobian.square().sum() + 2 * log_jacobian.sum()

    loss().backward()
    step = 1e-6
    for parameter in flow.parameters():
        if not parameter.requires_grad:
            continue
        values, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for i in range(0, len(values), 17):
            here, own = float(loss().detach()), float(values[i])
            for side in (-step, step):
                values[i] = own + side
                assert (float(loss().detach()) - here) / side == pytest.approx(float(gradient[i]), abs=1e-3, rel=1e-3)
            values[i] = own


def test_heights_move_at_the_first_step() -> None:
    flow = build("gaussianization")
    flow(torch.randn(MEMBERS, ROWS, D))[1].sum().backward()
    heights = [parameter for name, parameter in flow.named_parameters() if name.endswith("heights")]
    assert len(heights) == 3 and all(bool((parameter.grad != 0).all()) for parameter in heights)


def layer(seed: int, n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(n, 2))
    return {
        "target": np.sinh(target),
        "vision": (target + rng.normal(size=(n, 2))) ** 3,
        "language": np.arctan(target @ [[1.0], [2.0]] + rng.normal(size=(n, 1))),
    }


def test_a_layer_does_not_depend_on_the_layers_beside_it() -> None:
    first, second = layer(0), layer(1)
    alone = fit_cartesian([first], np.arange(400), steps=20)[0]
    beside = fit_cartesian([second, first], np.arange(400), steps=20)[1]
    assert alone.depths == beside.depths
    assert alone.gain_bits == pytest.approx(beside.gain_bits, abs=1e-4)
    for (rows, latents), (other_rows, other_latents) in zip(alone.parts, beside.parts, strict=True):
        np.testing.assert_array_equal(rows, other_rows)
        for name in latents:
            np.testing.assert_allclose(latents[name], other_latents[name], atol=1e-3)


def test_a_finer_flow_is_tried_where_depth_pays_and_nowhere_else() -> None:
    rng = np.random.default_rng(0)
    target = rng.normal(size=(2000, 2))
    plain = {"target": target, "vision": target + rng.normal(size=(2000, 2)), "language": rng.normal(size=(2000, 1))}
    bent = {name: rank_normal(maps.in_rounds(maps.sines, 3)(rows)) for name, rows in plain.items()}
    beside, alone = (
        fit_cartesian([plain, bent], np.arange(2000), steps=25),
        fit_cartesian([bent], np.arange(2000), steps=25),
    )
    assert FINE_DEPTH not in beside[0].depths
    assert beside[1].depths == alone[0].depths == (FINE_DEPTH, FINE_DEPTH)
    assert beside[1].gain_bits == pytest.approx(alone[0].gain_bits, abs=1e-2)


def test_folds_cover_every_row_once_unseen_and_never_split_a_group() -> None:
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 60, size=500)
    folds = two_folds(groups, rng)
    np.testing.assert_array_equal(np.sort(np.concatenate([fold.unseen for fold in folds])), np.arange(500))
    for fold in folds:
        np.testing.assert_array_equal(np.sort(np.concatenate([fold.fit, fold.stop, fold.unseen])), np.arange(500))
        parts = [set(groups[rows]) for rows in (fold.fit, fold.stop, fold.unseen)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert 200 < len(fold.unseen) < 300


@pytest.mark.slow
@pytest.mark.parametrize(("width", "seed", "bar"), [(2, 11, 0.1), (2, 12, 0.1), (4, 11, 0.15), (16, 11, 0.25)])
def test_three_mixing_rounds_are_undone(width: int, seed: int, bar: float) -> None:
    """The four atoms' errors add up to little, less than half of what ranks miss, where nothing was chosen."""
    rng = np.random.default_rng([seed, width])
    gains = rng.normal(size=(width, 2)), rng.normal(size=(width, 2))
    truth = gaussian_pid(channels(*gains), (2, width, width))
    target = rng.normal(size=(10_000, 2))
    plain = {
        "target": target,
        **{name: target @ gain.T for name, gain in zip(("vision", "language"), gains, strict=True)},
    }
    plain |= {name: plain[name] + rng.normal(size=plain[name].shape) for name in ("vision", "language")}
    bent = {
        name: rank_normal(maps.in_rounds(maps.sines, 100 * seed + place)(rows))
        for place, (name, rows) in enumerate(plain.items())
    }
    fitted = fit_cartesian([bent], np.arange(len(target)))[0]
    of_flows = [_atoms(np.hstack([rank_normal(part[name]) for name in plain]), width) for _, part in fitted.parts]
    ours, of_ranks = (
        float(np.abs(found - _atoms_of(truth)).sum())
        for found in (np.mean(of_flows, axis=0), _atoms(np.hstack(list(bent.values())), width))
    )
    assert ours <= bar and ours < of_ranks / 2, (ours, of_ranks)


def _atoms(rows: np.ndarray, width: int) -> np.ndarray:
    return _atoms_of(gaussian_pid(np.corrcoef(rows.T), (2, width, width)))


def _atoms_of(atoms: Atoms) -> np.ndarray:
    return np.array([float(getattr(atoms, name)) for name in ATOMS])
