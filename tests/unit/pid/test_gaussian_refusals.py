"""Covariances that must never yield a number, each refused by the name of its block and with a cure."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from analysis_lib.pid import DEFINITIONS, gaussian_mi, gaussian_pid

DIMS = (2, 3, 2)
SPANS = {"target": slice(0, 2), "vision": slice(2, 5), "language": slice(5, 7)}


def covariance() -> np.ndarray:
    rows = np.random.default_rng(0).normal(size=(7, 20))
    return rows @ rows.T / 20


@pytest.mark.parametrize("name", SPANS)
def test_a_singular_block_is_named(name: str) -> None:
    rows = np.random.default_rng(1).normal(size=(7, 20))
    span = SPANS[name]
    rows[span.stop - 1] = 2 * rows[span.start]
    with pytest.raises(ValueError, match=rf"the {name} block is singular.*linearly dependent columns"):
        gaussian_pid(rows @ rows.T, DIMS)


@pytest.mark.parametrize("name", SPANS)
def test_an_indefinite_block_is_named(name: str) -> None:
    matrix = covariance()
    start = SPANS[name].start
    matrix[start, start + 1] = matrix[start + 1, start] = 1.5 * np.sqrt(
        matrix[start, start] * matrix[start + 1, start + 1]
    )
    with pytest.raises(ValueError, match=rf"the {name} block is indefinite.*no negative eigenvalue"):
        gaussian_pid(matrix, DIMS)


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_entry_that_is_not_finite_is_named(name: str, value: float) -> None:
    matrix = covariance()
    matrix[SPANS[name].start, SPANS[name].start] = value
    with pytest.raises(ValueError, match=rf"the {name} block holds NaN or infinite.*Drop the rows"):
        gaussian_pid(matrix, DIMS)


def test_an_entry_between_blocks_that_is_not_finite_is_blamed_on_the_joint() -> None:
    matrix = covariance()
    matrix[0, 6] = matrix[6, 0] = np.nan
    with pytest.raises(ValueError, match="the joint covariance between blocks holds NaN"):
        gaussian_pid(matrix, DIMS)


@pytest.mark.parametrize("name", SPANS)
@pytest.mark.parametrize("variance", [0.0, -1.0])
def test_a_column_without_variance_is_named(name: str, variance: float) -> None:
    matrix = covariance()
    row = SPANS[name].start + 1
    matrix[row, :] = matrix[:, row] = 0
    matrix[row, row] = variance
    with pytest.raises(ValueError, match=rf"the {name} block has variance .* in column 1.*Remove constant"):
        gaussian_pid(matrix, DIMS)


@pytest.mark.parametrize(
    ("copied", "source", "names"),
    [(5, 2, "vision and language"), (2, 0, "target and vision"), (6, 1, "target and language")],
)
def test_a_pair_that_determines_each_other_is_named(copied: int, source: int, names: str) -> None:
    rows = np.random.default_rng(2).normal(size=(7, 20))
    rows[copied] = rows[source]
    with pytest.raises(ValueError, match=f"the joint covariance of {names} is singular"):
        gaussian_pid(rows @ rows.T, DIMS)


def test_a_target_that_only_both_sources_determine_is_blamed_on_all_three() -> None:
    rows = np.random.default_rng(3).normal(size=(7, 40))
    rows[0] = rows[2] + rows[5]
    with pytest.raises(ValueError, match="the joint covariance of target, vision and language is singular"):
        gaussian_pid(rows @ rows.T, DIMS)


def test_an_indefinite_joint_of_sound_blocks_is_named() -> None:
    matrix = np.eye(7)
    matrix[0, 2] = matrix[2, 0] = 0.9
    matrix[0, 5] = matrix[5, 0] = 0.9
    with pytest.raises(ValueError, match="the joint covariance of target, vision and language is indefinite"):
        gaussian_pid(matrix, DIMS)


def test_an_asymmetric_matrix_is_refused_and_rounding_is_not() -> None:
    matrix = covariance()
    matrix[0, 3] *= 1.01
    with pytest.raises(ValueError, match=r"the joint of target and vision is not symmetric at \(0, 3\)"):
        gaussian_pid(matrix, DIMS)
    matrix = covariance()
    matrix[0, 3] *= 1 + 1e-14
    gaussian_pid(matrix, DIMS)


def test_the_position_in_a_batch_is_told() -> None:
    batch = np.stack([covariance()] * 6).reshape(2, 3, 7, 7)
    batch[1, 2, 0, 0] = -1
    with pytest.raises(ValueError, match=r"batch index \(1, 2\), 1 of 6"):
        gaussian_pid(batch, DIMS)


@pytest.mark.parametrize("dims", [(2, 3, 3), (7, 0, 0), (2, 5), (2, 3, -2), (2.5, 2.5, 2), "233", None, (2, 3, None)])
def test_dims_that_do_not_describe_the_matrix_are_refused(dims: object) -> None:
    with pytest.raises(ValueError, match="dims"):
        gaussian_pid(covariance(), dims)


@pytest.mark.parametrize("shape", [(7,), (7, 6), (2, 6, 7), ()])
def test_a_matrix_that_is_not_square_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        gaussian_pid(np.ones(shape), DIMS)


@pytest.mark.parametrize("matrix", [np.eye(7) * 1j, np.eye(7) > 0, np.full((7, 7), "a"), torch.eye(7) > 0])
def test_entries_that_are_not_real_numbers_are_refused(matrix: object) -> None:
    with pytest.raises(ValueError, match="real numbers"):
        gaussian_pid(matrix, DIMS)


@pytest.mark.parametrize("definition", ["BROJA", "shapley", "", None, ["broja"]])
def test_an_unknown_definition_lists_what_exists(definition: object) -> None:
    with pytest.raises(ValueError, match=f"unknown definition.*{', '.join(sorted(DEFINITIONS))}"):
        gaussian_pid(covariance(), DIMS, definition)


def test_mutual_information_names_its_own_blocks() -> None:
    with pytest.raises(ValueError, match="the joint covariance of first and second is singular"):
        gaussian_mi(np.ones((2, 2)), (1, 1))


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.int64])
def test_other_number_types_are_taken_as_float64(kind: type) -> None:
    matrix = (np.eye(7) * 4 + 1).astype(kind)
    assert gaussian_pid(matrix, DIMS).total == gaussian_pid(matrix.astype(float), DIMS).total
