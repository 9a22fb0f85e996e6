"""Independent solutions of the same problems: 60-digit arithmetic, and an iterative optimiser for BROJA."""

from __future__ import annotations

import mpmath as mp
import numpy as np
from scipy import linalg


def high_precision_atoms(covariance: np.ndarray, dims: tuple[int, int, int]) -> dict[str, float]:
    """BROJA atoms of exactly this matrix of doubles, from conditional covariances in 60 digits."""
    with mp.workdps(60):
        d_target, d_vision, d_language = dims
        matrix = mp.matrix(covariance.tolist())
        matrix = (matrix + matrix.T) / 2
        target = list(range(d_target))
        vision = list(range(d_target, d_target + d_vision))
        language = list(range(d_target + d_vision, sum(dims)))

        def part(rows: list[int], columns: list[int]) -> mp.matrix:
            return mp.matrix([[matrix[i, j] for j in columns] for i in rows])

        def half_log2_det(block: mp.matrix) -> mp.mpf:
            factor = mp.cholesky((block + block.T) / 2)
            return sum(mp.log(factor[i, i], 2) for i in range(block.rows))

        def given(rows: list[int]) -> mp.matrix:
            return part(target, target) - part(target, rows) * mp.inverse(part(rows, rows)) * part(rows, target)

        own = half_log2_det(part(target, target))
        i_vision, i_language, total = (
            own - half_log2_det(given(rows)) for rows in (vision, language, vision + language)
        )
        inverse = mp.inverse(mp.cholesky((given(vision) + given(vision).T) / 2))
        pencil = inverse * given(language) * inverse.T
        values = mp.eigsy((pencil + pencil.T) / 2, eigvals_only=True)
        unique_vision = sum(mp.log(value, 2) / 2 for value in values if value > 1)
        unique_language = sum(-mp.log(value, 2) / 2 for value in values if value < 1)
        return {
            "redundancy": float(i_vision - unique_vision),
            "unique_vision": float(unique_vision),
            "unique_language": float(unique_language),
            "synergy": float(total - i_language - unique_vision),
            "total": float(total),
            "information_vision": float(i_vision),
            "information_language": float(i_language),
        }


def unit_noise_channels(covariance: np.ndarray, dims: tuple[int, int, int]) -> list[np.ndarray]:
    """Gains ``(d_source, d_target)`` of vision and language with the target and each source's noise whitened."""
    d_target, d_vision, _ = dims
    factor = np.linalg.cholesky(covariance[:d_target, :d_target])
    cross = np.linalg.solve(factor, covariance[:d_target, d_target:]).T
    channels = []
    for rows in (slice(0, d_vision), slice(d_vision, None)):
        own = covariance[d_target:, d_target:][rows, rows]
        noise = np.linalg.cholesky(own - cross[rows] @ cross[rows].T)
        channels.append(np.linalg.solve(noise, cross[rows]))
    return channels


def log2_det(matrix: np.ndarray) -> float:
    """Of a positive definite matrix."""
    return float(np.linalg.slogdet(matrix)[1] / np.log(2))


def iterative_unique_vision(covariance: np.ndarray, dims: tuple[int, int, int], steps: int = 2000) -> float:
    """BROJA unique information of vision by projected gradient descent, in bits.

    Union information is the least I(target; vision, language) over all correlations of the two channels' noises. With
    channels whitened so that each noise is the identity, those correlations are the matrices of spectral norm <= 1.
    """
    d_target, d_vision, _ = dims
    channels = unit_noise_channels(covariance, dims)
    channel = np.concatenate(channels)
    identity = np.eye(d_target)

    def joint_noise(correlation: np.ndarray) -> np.ndarray:
        noise = np.eye(len(channel))
        noise[:d_vision, d_vision:] = correlation
        noise[d_vision:, :d_vision] = correlation.T
        return noise

    def value_and_gradient(correlation: np.ndarray) -> tuple[float, np.ndarray]:
        solved = np.linalg.solve(joint_noise(correlation), channel)
        posterior = identity + channel.T @ solved
        gradient = -solved @ np.linalg.solve(posterior, solved.T)
        return 0.5 * log2_det(posterior), gradient[:d_vision, d_vision:] / np.log(2)

    def project(correlation: np.ndarray, radius: float) -> np.ndarray:
        left, values, right = np.linalg.svd(correlation, full_matrices=False)
        return (left * np.minimum(values, radius)) @ right

    correlation = np.zeros((d_vision, len(channel) - d_vision))
    # The gradient is unbounded where a correlation reaches one, and would pin the iterate to the first such point.
    for radius in (0.9, 0.99, 0.999, 0.9999, 1 - 1e-5, 1 - 1e-6):
        value, gradient = value_and_gradient(correlation)
        step = 1.0
        for _ in range(steps):
            proposal = project(correlation - step * gradient, radius)
            proposed, proposed_gradient = value_and_gradient(proposal)
            move = proposal - correlation
            if proposed <= value + np.sum(gradient * move) + np.sum(move**2) / (2 * step) + 1e-14:
                done = np.linalg.norm(move) < 1e-5 * step
                correlation, value, gradient, step = proposal, proposed, proposed_gradient, step * 1.3
                if done:
                    break
            else:
                step /= 2
    return float(value - 0.5 * log2_det(identity + channels[1].T @ channels[1]))


def published_unique_vision(
    covariance: np.ndarray, dims: tuple[int, int, int], limit: int = 10_000
) -> tuple[float, int]:
    """The same as the released optimiser of Venkatesh et al. (2023) finds it, and its number of iterations.

    Written from its settings, not its code: steps of the gradient's sign, from 0.001, each entry's longer by 1 / 0.9
    while its sign lasts and shorter by 0.9 when it turns, all shrinking by 0.999 an iteration; after each step negative
    eigenvalues of the noise correlation are cut and its blocks made identities again; 1e-7 is added to the noise; it
    stops when twenty values in a row lie within 1e-6 bits, or after ``limit`` iterations. As released, linear algebra
    is scipy's, whitening is by matrix roots, and the value and its gradient are computed one after the other.
    """
    vision, language = _channels_by_roots(covariance, dims)
    own_language = np.eye(dims[0]) + language.T @ language

    def posterior_and_solved(correlation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        noise = (1 + 1e-7) * np.eye(len(vision)) - correlation @ correlation.T
        rest = vision - correlation @ language
        solved = linalg.solve(noise, rest)
        return own_language + rest.T @ solved, solved

    correlation = _nearest_correlation(vision @ linalg.pinv(language))
    steps, signs = np.full(correlation.shape, 1e-3), np.zeros(correlation.shape)
    values: list[float] = []
    for iteration in range(1, limit + 1):
        values.append(0.5 * log2_det(posterior_and_solved(correlation)[0]))
        if len(values) > 20 and max(abs(value - values[-1]) for value in values[-21:-1]) < 1e-6:
            break
        posterior, solved = posterior_and_solved(correlation)
        gradient = solved @ linalg.solve(posterior, solved.T @ correlation - language.T)
        previous, signs = signs, np.sign(gradient)
        steps = steps * 0.9 ** (-signs * previous)
        correlation = _nearest_correlation(correlation - 0.999**iteration * steps * signs)
    informations = [0.5 * log2_det(np.eye(dims[0]) + gain.T @ gain) for gain in (vision, language)]
    union = min(max(min(values), *informations), sum(informations))
    return union - informations[1], iteration


def _channels_by_roots(covariance: np.ndarray, dims: tuple[int, int, int]) -> list[np.ndarray]:
    """Unit-noise gains of vision and language, one variable whitened after the other by symmetric roots."""
    white = covariance.copy()
    target = slice(0, dims[0])
    spans = [slice(dims[0], dims[0] + dims[1]), slice(dims[0] + dims[1], None)]
    for span in (target, *spans):
        own = white[span, span]
        if span is not target:
            own = own - white[span, target] @ linalg.solve(white[target, target], white[target, span], assume_a="pos")
        root = linalg.sqrtm(own).real
        white[:, span] = linalg.solve(root, white[:, span].T, assume_a="pos").T
        white[span, :] = linalg.solve(root, white[span, :], assume_a="pos")
    return [white[span, target] for span in spans]


def _nearest_correlation(correlation: np.ndarray) -> np.ndarray:
    """A cross-correlation of two white noises, from one whose joint matrix may have negative eigenvalues."""
    d = len(correlation)

    def joint(cross: np.ndarray) -> np.ndarray:
        return np.block([[np.eye(d), cross], [cross.T, np.eye(cross.shape[1])]])

    values, vectors = linalg.eigh(joint(correlation))
    if values[0] > 0:
        return correlation
    cut = (vectors * np.maximum(values, 0)) @ vectors.T
    roots = [linalg.sqrtm(block).real for block in (cut[:d, :d], cut[d:, d:])]
    for ridge in 10.0 ** np.arange(-12, 1):
        left, right = (root + ridge * np.eye(len(root)) for root in roots)
        correlation = linalg.solve(right, linalg.solve(left, cut[:d, d:]).T).T
        if linalg.eigvalsh(joint(correlation))[0] > 0:
            break
    return correlation
