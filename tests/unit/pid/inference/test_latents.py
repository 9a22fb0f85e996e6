"""Covariances of bootstrap replicates are those of the rows drawn; what is degenerate is left out of every mean."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid.definitions import get_definition
from analysis_lib.pid.inference import latents
from analysis_lib.pid.inference.matched import random_systems


@pytest.mark.parametrize("rows_at_once", [7, 2048])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_weighted_covariances_are_those_of_the_rows_drawn(monkeypatch, rows_at_once: int, offset: float) -> None:
    monkeypatch.setattr(latents, "ROWS_AT_ONCE", rows_at_once)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(60, 5)) @ rng.normal(size=(5, 5)) + offset
    counts = rng.multinomial(60, np.full(60, 1 / 60), size=9)
    found = latents.weighted_covariances(torch.from_numpy(rows), torch.from_numpy(counts.astype(float))).numpy()
    for covariance, count in zip(found, counts, strict=True):
        np.testing.assert_allclose(covariance, np.cov(np.repeat(rows, count, axis=0).T, ddof=0), atol=1e-10)
    np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


@pytest.mark.parametrize("name", ["broja", "mmi", "idep", "delta"])
def test_the_bias_of_many_systems_is_the_mean_of_their_own(name: str) -> None:
    """Systems are decomposed together; one that is degenerate, or no covariance at all, counts for nothing."""
    dims, definition = (2, 3, 3), get_definition(name)
    sound = random_systems(2.0, dims, 3, np.random.default_rng(1))
    singular, indefinite = torch.ones(8, 8, dtype=torch.float64), -torch.eye(8, dtype=torch.float64)

    def bias(covariances: torch.Tensor) -> np.ndarray:
        return latents.covariance_bias(covariances, 60, dims, definition, 6, np.random.default_rng(2))

    alone = np.mean([bias(one[None]) for one in sound], axis=0)
    mixed = torch.stack([singular, sound[0], indefinite, sound[1], sound[2]])
    np.testing.assert_allclose(bias(sound), alone, atol=1e-9)
    np.testing.assert_allclose(bias(mixed), alone, atol=1e-9)
    assert bias(torch.stack([singular, indefinite]))[3] == 0
