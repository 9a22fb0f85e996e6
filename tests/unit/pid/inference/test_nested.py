"""Nested parts estimated together are what each is alone: plug-in exactly, bias and scatter as sampling has them."""

from __future__ import annotations

import numpy as np
import pytest

from analysis_lib.pid import QUANTITIES, gaussian_pid, nested_pid, rank_normal
from tests.unit.pid.test_gaussian import channels

UNIQUE, TOTAL = QUANTITIES.index("unique_vision"), QUANTITIES.index("total")
GAINS = np.array([[1.0, 0.3, 0.0], [0.0, 0.8, 0.4]])
N, FOLDS = 200, 8


@pytest.fixture(scope="module")
def truth() -> tuple[np.ndarray, tuple[int, int, int]]:
    return channels(GAINS, GAINS[:, ::-1])


@pytest.fixture(scope="module")
def samples(truth: tuple[np.ndarray, tuple[int, int, int]]) -> np.ndarray:
    """Many samples of one system, ``(n_samples, n_rows, d)``."""
    root = np.linalg.cholesky(truth[0])
    return np.random.default_rng(0).standard_normal((300, N, len(root))) @ root.T


@pytest.mark.parametrize("definition", ["broja", "idep", "mmi", "imin"])
def test_parts_are_those_columns_alone(samples: np.ndarray, definition: str) -> None:
    parts = {"whole": (3, 2, 2), "some": (2, 1, 2)}
    found = nested_pid(samples[:3], (3, 2, 2), parts, [definition], np.arange(N) % FOLDS)
    columns = [0, 1, 3, 5, 6]
    alone = gaussian_pid(np.stack([np.cov(rows[:, columns].T) for rows in samples[:3]]), parts["some"], definition)
    # Without a mean of their own, folds differ in the last digits that n gives.
    np.testing.assert_allclose(found["some", definition].plug_in, alone.to_array(), atol=2e-3)
    assert not np.allclose(found["some", definition].plug_in, found["whole", definition].plug_in, atol=0.01)


@pytest.mark.parametrize(
    ("definition", "ranked"), [("broja", False), ("idep", False), ("imin", False), ("broja", True)]
)
def test_bias_is_taken_off_and_replicates_scatter_as_samples_do(samples, truth, definition: str, ranked: bool) -> None:
    rows, (_, dims) = np.stack([rank_normal(one) for one in samples]) if ranked else samples, truth
    found = nested_pid(rows, dims, {"": dims}, [definition], np.arange(N) % FOLDS, ranked=ranked)["", definition]
    exact = gaussian_pid(*truth, definition).to_array()
    wrong, raw = (np.abs(bits.mean(0) - exact)[[UNIQUE, TOTAL]] for bits in (found.bits, found.plug_in))
    error = found.bits.std(0)[[UNIQUE, TOTAL]] / np.sqrt(len(rows))
    # What ranks take away is drawn once, for all samples alike.
    assert (wrong < 4 * error + (0.015 if ranked else 0.003)).all()
    assert ranked or raw[1] > 5 * wrong[1], "sampling adds to the total what is taken off"
    scatter = found.replicates.std(1, ddof=1).mean(0) / found.bits.std(0)
    np.testing.assert_allclose(scatter[[UNIQUE, TOTAL]], 1, atol=0.2)
    np.testing.assert_allclose(found.replicates.mean(1), found.bits, atol=0.1)


def test_what_cannot_be_read_is_no_number_and_wrong_shapes_are_refused(samples: np.ndarray) -> None:
    singular = samples[:2].copy()
    singular[0, :, 4] = singular[0, :, 3]
    folds = np.arange(N) % FOLDS
    found = nested_pid(singular, (3, 2, 2), {"": (3, 2, 2)}, ["broja"], folds)["", "broja"]
    assert np.isnan(found.bits[0]).all() and np.isfinite(found.bits[1]).all()
    refused = (((3, 2, 1), {}, folds), ((3, 2, 2), {"": (4, 2, 2)}, folds), ((3, 2, 2), {}, folds * 0))
    for widths, parts, some in refused:
        with pytest.raises(ValueError, match="must add up|folds or more"):
            nested_pid(samples[:1], widths, parts, ["mmi"], some)
