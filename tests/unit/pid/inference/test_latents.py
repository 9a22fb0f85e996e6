"""Covariances of bootstrap replicates are those of the rows drawn."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid.inference import latents


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
