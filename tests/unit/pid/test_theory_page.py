"""The page that proves the closed form: its numbers are what the code says, its identities hold in random systems."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg

from analysis_lib.pid import Atoms, gaussian_mi, gaussian_pid, unique_directions
from analysis_lib.pid.definitions.broja import uniques

TOLERANCE = 1e-9
ATOMS = ("redundancy", "unique_vision", "unique_language", "synergy")


class Channels(NamedTuple):
    """The page's setting: a target of covariance I, gains ``(d_source, d_target)``, and the noises' covariance K."""

    vision: np.ndarray
    language: np.ndarray
    between: np.ndarray

    @property
    def dims(self) -> tuple[int, int, int]:
        return self.vision.shape[1], len(self.vision), len(self.language)

    @property
    def covariance(self) -> np.ndarray:
        stacked = np.concatenate([np.eye(self.dims[0]), self.vision, self.language])
        noise = np.block([[np.eye(self.dims[1]), self.between], [self.between.T, np.eye(self.dims[2])]])
        return stacked @ stacked.T + linalg.block_diag(np.zeros((self.dims[0],) * 2), noise)

    @property
    def precisions(self) -> tuple[np.ndarray, np.ndarray]:
        """A and B of the page."""
        one = np.eye(self.dims[0])
        return one + self.vision.T @ self.vision, one + self.language.T @ self.language

    @property
    def atoms(self) -> Atoms:
        return gaussian_pid(self.covariance, self.dims)


def contraction(rng: np.random.Generator, rows: int, columns: int, norm: float) -> np.ndarray:
    matrix = rng.normal(size=(rows, columns))
    return norm * matrix / np.linalg.norm(matrix, 2)


def random_channels(seed: int) -> Channels:
    rng = np.random.default_rng(seed)
    d, d_vision, d_language = rng.integers(1, 5, size=3)
    vision, language = (rng.normal(size=(rows, d)) * rng.uniform(0.3, 2) for rows in (d_vision, d_language))
    return Channels(vision, language, contraction(rng, d_vision, d_language, rng.uniform(0, 0.9)))


SEEDS = st.integers(0, 2**32 - 1)
SYSTEMS = SEEDS.map(random_channels)


def on_random_systems(**strategies: st.SearchStrategy) -> Callable[[Callable], Callable]:
    return lambda test: settings(max_examples=12, deadline=None)(given(**strategies)(test))


def pencil(channels: Channels) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues and W of step 1, by an eigensolver that the library does not use."""
    given_vision, given_language = map(np.linalg.inv, channels.precisions)
    return linalg.eigh(given_language, given_vision)


def as_good_as_both(channels: Channels) -> np.ndarray:
    """C of step 2."""
    values, vectors = pencil(channels)
    return vectors @ np.diag(np.maximum(1, 1 / values)) @ vectors.T


def half_log_det(matrix: np.ndarray) -> float:
    return float(np.linalg.slogdet(matrix)[1] / (2 * np.log(2)))


def told(channels: Channels, read: np.ndarray, noise: float = 0.0) -> float:
    """I(T;V) - I(T;L) of T = ``read @ Y`` and noise of that variance."""
    d, (_, d_vision, d_language) = len(read), channels.dims
    bits = []
    for gain, width in ((channels.vision, d_vision), (channels.language, d_language)):
        stacked = np.concatenate([read, gain])
        own = linalg.block_diag(noise * np.eye(d), np.eye(width))
        bits.append(float(gaussian_mi(stacked @ stacked.T + own, (d, width))))
    return bits[0] - bits[1]


def side_by_side(first: Channels, second: Channels) -> Channels:
    return Channels(*map(linalg.block_diag, first, second))


def mirrored(channels: Channels) -> Channels:
    return Channels(channels.language, channels.vision, channels.between.T)


@on_random_systems(channels=SYSTEMS)
def test_the_closed_form_is_the_sum_over_eigenvalues_and_the_channel_of_step_2(channels: Channels) -> None:
    (a, b), c, (values, vectors) = channels.precisions, as_good_as_both(channels), pencil(channels)
    assert np.allclose(vectors @ vectors.T, a) and np.allclose(vectors @ np.diag(1 / values) @ vectors.T, b)
    assert min(np.linalg.eigvalsh(c - a).min(), np.linalg.eigvalsh(c - b).min()) > -TOLERANCE * np.abs(c).max()
    atoms = channels.atoms
    vision, language = atoms.information_vision, atoms.information_language
    assert vision == pytest.approx(half_log_det(a), abs=TOLERANCE)
    assert language == pytest.approx(half_log_det(b), abs=TOLERANCE)
    assert atoms.unique_vision == pytest.approx(np.log2(np.maximum(values, 1)).sum() / 2, abs=TOLERANCE)
    assert atoms.unique_language == pytest.approx(np.log2(np.maximum(1 / values, 1)).sum() / 2, abs=TOLERANCE)
    for union in (atoms.total - atoms.synergy, language + atoms.unique_vision, vision + atoms.unique_language):
        assert union == pytest.approx(half_log_det(c), abs=TOLERANCE)


@on_random_systems(channels=SYSTEMS)
def test_the_coupling_of_step_4_has_the_given_pairs_and_attains_the_union_information(channels: Channels) -> None:
    c = as_good_as_both(channels)
    powers, turn = np.linalg.eigh(c - np.eye(len(c)))
    kept = powers > 1e-10 * powers.max()
    d, inverse = turn[:, kept].T * np.sqrt(powers[kept])[:, None], turn[:, kept] / np.sqrt(powers[kept])
    vision, language = channels.vision @ inverse, channels.language @ inverse
    for theta, gain in ((vision, channels.vision), (language, channels.language)):
        assert np.allclose(theta @ d, gain)
        assert np.linalg.norm(theta, 2) <= 1 + TOLERANCE
    coupled = channels._replace(between=vision @ language.T)
    stacked = np.concatenate([channels.vision, channels.language])
    noise = coupled.covariance[len(c) :, len(c) :] - stacked @ stacked.T
    # Where the noises share a direction fully, the sources are no more than one of them: a pseudoinverse leaves it out.
    precision = np.eye(len(c)) + stacked.T @ np.linalg.pinv(noise, rcond=1e-9, hermitian=True) @ stacked
    assert half_log_det(precision) == pytest.approx(half_log_det(c), abs=1e-6)
    if np.linalg.norm(coupled.between, 2) < 0.999:
        atoms = coupled.atoms
        assert atoms.total == pytest.approx(half_log_det(c), abs=TOLERANCE)
        assert atoms.synergy == pytest.approx(0, abs=TOLERANCE)


@on_random_systems(channels=SYSTEMS, seed=SEEDS)
def test_no_contraction_comes_out_below_and_none_changes_more_than_synergy(channels: Channels, seed: int) -> None:
    rng = np.random.default_rng(seed)
    _, d_vision, d_language = channels.dims
    other = channels._replace(between=contraction(rng, d_vision, d_language, rng.uniform(0, 0.999)))
    before, after = channels.atoms, other.atoms
    assert after.total > half_log_det(as_good_as_both(channels)) - TOLERANCE
    for name in ("redundancy", "unique_vision", "unique_language"):
        assert getattr(after, name) == pytest.approx(getattr(before, name), abs=TOLERANCE)


@on_random_systems(channels=SYSTEMS, seed=SEEDS)
def test_no_direction_tells_a_receiver_more_than_the_eigenvectors_do(channels: Channels, seed: int) -> None:
    """Step 5 and the wiretap channel: linear T, with and without noise, and inputs of a smaller covariance."""
    rng = np.random.default_rng(seed)
    d, unique = channels.dims[0], channels.atoms.unique_vision
    read = rng.normal(size=(rng.integers(1, d + 1), d))
    assert max(told(channels, read), told(channels, read, rng.uniform(0, 3))) <= unique + TOLERANCE
    found = unique_directions(channels.covariance, channels.dims)
    if best := int((found.eigenvalues > 1).sum()):
        assert told(channels, found.vectors[:, :best].T) == pytest.approx(unique, abs=TOLERANCE)
    weaker = contraction(rng, d, d, rng.uniform(0.1, 1))
    input_changed = Channels(channels.vision @ weaker, channels.language @ weaker, channels.between)
    assert input_changed.atoms.unique_vision <= unique + TOLERANCE


@on_random_systems(channels=SYSTEMS)
def test_halves_of_an_orthonormal_basis_hold_the_eigenvalues(channels: Channels) -> None:
    factors = [np.linalg.cholesky(np.linalg.inv(precision)).T for precision in channels.precisions]
    basis, rest = np.linalg.qr(np.concatenate(factors))
    d = channels.dims[0]
    squares, turn = np.linalg.eigh(basis[:d].T @ basis[:d])
    assert np.allclose(basis[d:].T @ basis[d:], turn @ np.diag(1 - squares) @ turn.T)
    values, _ = pencil(channels)
    assert np.sort((1 - squares) / squares) == pytest.approx(values, rel=1e-8)
    vectors = np.linalg.solve(rest, turn)
    given_vision, given_language = map(np.linalg.inv, channels.precisions)
    assert np.allclose(given_language @ vectors, given_vision @ vectors @ np.diag((1 - squares) / squares))


@on_random_systems(channels=SYSTEMS, seed=SEEDS)
def test_a_degraded_source_has_nothing_unique_and_the_other_a_difference_of_log_determinants(
    channels: Channels, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    gain = contraction(rng, channels.dims[2], channels.dims[1], rng.uniform(0, 1)) @ channels.vision
    degraded = channels._replace(language=gain)
    a, b = degraded.precisions
    atoms = degraded.atoms
    assert atoms.unique_language == pytest.approx(0, abs=TOLERANCE)
    assert atoms.unique_vision == pytest.approx(half_log_det(a) - half_log_det(b), abs=TOLERANCE)
    atoms = channels.atoms
    difference = atoms.information_vision - atoms.information_language
    assert atoms.unique_vision - atoms.unique_language == pytest.approx(difference, abs=TOLERANCE)


@on_random_systems(channels=SYSTEMS)
def test_sources_that_tell_the_same_have_exactly_nothing_unique(channels: Channels) -> None:
    same = Channels(channels.vision, channels.vision, np.zeros((channels.dims[1],) * 2))
    atoms = same.atoms
    assert atoms.unique_vision == atoms.unique_language == 0


@pytest.mark.parametrize("d", [1, 2, 5])
def test_an_eigenvalue_that_is_one_up_to_rounding_counts_as_one(d: int) -> None:
    one, spacing = torch.eye(d, dtype=torch.float64)[None], np.finfo(float).eps
    for multiple, is_one in ((4, True), (16, False)):
        away = one * np.exp(multiple * d * spacing / 2)
        assert (uniques(one, away)[0] == 0) == is_one and (uniques(away, one)[1] == 0) == is_one


@on_random_systems(channels=SYSTEMS)
def test_mmi_calls_the_smaller_unique_redundant_and_is_broja_for_a_scalar_target(channels: Channels) -> None:
    for system in (channels, Channels(channels.vision[:, :1], channels.language[:, :1], channels.between)):
        atoms, mmi = system.atoms, gaussian_pid(system.covariance, system.dims, "mmi")
        extra = min(atoms.unique_vision, atoms.unique_language)
        assert mmi.redundancy - atoms.redundancy == pytest.approx(extra, abs=TOLERANCE)
        assert mmi.synergy - atoms.synergy == pytest.approx(extra, abs=TOLERANCE)
    assert extra == 0  # of the scalar target, the last


@on_random_systems(first=SYSTEMS, second=SYSTEMS)
def test_atoms_of_independent_systems_add_up_and_those_of_mmi_exceed(first: Channels, second: Channels) -> None:
    both = side_by_side(first, second)
    one, other, together = first.atoms, second.atoms, both.atoms
    for name in ATOMS:
        parts = getattr(one, name) + getattr(other, name)
        assert getattr(together, name) == pytest.approx(parts, abs=TOLERANCE), name
    mmi = [float(gaussian_pid(c.covariance, c.dims, "mmi").redundancy) for c in (first, second, both)]
    assert mmi[2] > mmi[0] + mmi[1] - TOLERANCE
    beside = side_by_side(first, mirrored(first))
    a, b = one.information_vision, one.information_language
    found = gaussian_pid(beside.covariance, beside.dims, "mmi").redundancy
    assert found == pytest.approx(a + b, abs=TOLERANCE)
    assert found - 2 * mmi[0] == pytest.approx(abs(a - b), abs=TOLERANCE)


@pytest.fixture(scope="module")
def page(repository: Path) -> str:
    return (repository / "book" / "theory.md").read_text(encoding="utf-8")


def matrix(page: str, before: str) -> np.ndarray:
    """The matrix that the page prints behind some words."""
    entries = re.search(re.escape(before) + r"\\begin{([pv])matrix}(.*?)\\end{\1matrix}", page)
    assert entries, before
    return np.array([[float(entry) for entry in row.split("&")] for row in entries[2].split(r"\\")])


@pytest.fixture(scope="module")
def example(page: str) -> Channels:
    """The page's example, from the two matrices that the page prints."""
    printed = [matrix(page, f"{name} = ") for name in "AB"]
    assert all((precision == precision.T).all() for precision in printed)
    roots = (np.linalg.cholesky(precision - np.eye(2)).T for precision in printed)
    return Channels(*roots, np.zeros((2, 2)))


def test_the_example_by_hand_is_what_the_matrices_say(page: str, example: Channels) -> None:
    a, b = example.precisions
    vectors, c = matrix(page, "\nW = "), matrix(page, "W^\\top \\\\\n= ")
    assert np.allclose(vectors @ vectors.T, a) and np.allclose(c, as_good_as_both(example))
    assert np.allclose(vectors @ matrix(page, "\nC = W ") @ vectors.T, c)
    assert np.allclose(matrix(page, "|A + B - I| = "), a + b - np.eye(2))
    for name, value in {"A": a, "B": b, "C": c}.items():
        assert f"|{name}| = {np.linalg.det(value):.0f}" in page
    assert rf"\end{{vmatrix}} = {np.linalg.det(a + b - np.eye(2)):.0f}" in page
    values, _ = pencil(example)
    assert values == pytest.approx([1 / 2, 4])
    assert r"\lambda_1 = 4$ and $\lambda_2 = 1/2$" in page
    middle = np.linalg.det(a - b) - np.linalg.det(a) - np.linalg.det(b)
    rows = [f"({a[k]:.0f} - {b[k]:.0f}\\lambda)" for k in ((0, 0), (1, 1), (0, 1))]
    polynomial = f"{np.linalg.det(b):.0f}\\lambda^2 - {-middle:.0f}\\lambda + {np.linalg.det(a):.0f}"
    steps = (f"&{rows[0]}{rows[1]} - {rows[2]}^2", f"= {polynomial}", "= 16\\,(2\\lambda - 1)(\\lambda - 4),")
    assert " \\\\\n&\\quad ".join(steps) in page
    assert np.allclose(16 * np.polymul([2, -1], [1, -4]), [np.linalg.det(b), middle, np.linalg.det(a)])
    directions = np.array([[2, 1], [0, 1]])
    left = [Fraction(w @ np.linalg.inv(m) @ w).limit_denominator(100) for w in directions for m in (a, b)]
    words = (
        f"$w_1 = (2, 1)$ and $w_2 = (0, 1)$. The sum $2Y_1 + Y_2$ has variance ${directions[0] @ directions[0]}$; "
        f"vision leaves ${left[0]}$ of it, language ${left[1]}$. "
        f"Of $Y_2$ vision leaves ${left[2]}$ and language ${left[3]}$."
    )
    assert words in " ".join(page.split())
    found = unique_directions(example.covariance, example.dims).vectors
    assert np.allclose(found[0] / found[1], [2, 0])


def test_the_example_by_hand_is_what_the_code_says(page: str, example: Channels) -> None:
    mmi = gaussian_pid(example.covariance, example.dims, "mmi")
    printed = {
        rf"I(Y;V) = \tfrac12 \log_2 64 = {example.atoms.information_vision:.0f}$ bits",
        rf"I(Y;L) = \tfrac12 \log_2 32 = {example.atoms.information_language:.1f}$ bits",
        rf"U_V = \tfrac12 \log_2 4 = {example.atoms.unique_vision:.0f}, \\",
        rf"U_L = \tfrac12 \log_2 2 = {example.atoms.unique_language:.1f}, \\",
        rf"R = 3 - 1 = 2.5 - 0.5 = {example.atoms.redundancy:.0f} .",
        rf"I_\cup = \tfrac12 \log_2 128 = {example.atoms.total - example.atoms.synergy:.1f}$ bits",
        rf"S = \tfrac12 \log_2 204 - 3.5 \approx {example.atoms.synergy:.3f} .",
        rf"$\min(U_V, U_L) = {mmi.redundancy - example.atoms.redundancy:.1f}$ bits in each",
    }
    assert {text for text in printed if text not in page} == set()


def test_the_snippet_prints_what_the_table_says(page: str, example: Channels) -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    rows = re.findall(r"^\| (\w+) \| \$(.*?)\$ \| \$([\d.]+)\$ \| \$([\d.]+)\$ \|$", page, re.MULTILINE)
    assert [name for name, *_ in rows] == list(ATOMS)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(snippet, {})
    columns = [(definition, column) for column, definition in enumerate(("broja", "mmi"), start=2)]
    table = [f"{definition} {row[0]} {row[column]}" for definition, column in columns for row in rows]
    assert out.getvalue().splitlines() == table
    by_hand = [hand for _, hand, *_ in rows]
    assert by_hand.pop() == r"\tfrac12 \log_2 204 - 3.5"
    assert [f"{float(bits):.3f}" for bits in by_hand] == [row[2] for row in rows[:3]]


def test_the_example_beside_its_mirrored_copy(page: str, example: Channels) -> None:
    beside = side_by_side(example, mirrored(example))
    mmi = [float(gaussian_pid(c.covariance, c.dims, "mmi").redundancy) for c in (beside, example)]
    text = " ".join(page.split())
    assert f"copy MMI finds ${mmi[0]:.1f}$ bits redundant, while its own parts hold ${mmi[1]:.1f}$ bits each" in text
    assert f"BROJA finds ${beside.atoms.redundancy:.0f}$, twice ${example.atoms.redundancy:.0f}$" in text
