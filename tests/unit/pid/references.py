"""Independent solutions of the same problems: 60-digit arithmetic, and an iterative optimiser for BROJA."""

from __future__ import annotations

import mpmath as mp
import numpy as np


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


def iterative_unique_vision(covariance: np.ndarray, dims: tuple[int, int, int], steps: int = 2000) -> float:
    """BROJA unique information of vision by projected gradient descent, in bits.

    Union information is the least I(target; vision, language) over all correlations of the two channels' noises. With
    channels whitened so that each noise is the identity, those correlations are the matrices of spectral norm <= 1.
    """
    d_target, d_vision, _ = dims
    factor = np.linalg.cholesky(covariance[:d_target, :d_target])
    cross = np.linalg.solve(factor, covariance[:d_target, d_target:]).T
    channels = []
    for rows in (slice(0, d_vision), slice(d_vision, None)):
        own = covariance[d_target:, d_target:][rows, rows]
        noise = np.linalg.cholesky(own - cross[rows] @ cross[rows].T)
        channels.append(np.linalg.solve(noise, cross[rows]))
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
        return 0.5 * np.linalg.slogdet(posterior)[1] / np.log(2), gradient[:d_vision, d_vision:] / np.log(2)

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
    own_language = 0.5 * np.linalg.slogdet(identity + channels[1].T @ channels[1])[1] / np.log(2)
    return float(value - own_language)
