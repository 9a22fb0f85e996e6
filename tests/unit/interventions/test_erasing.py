"""What an eraser leaves: no trace for a linear reader of what it was fitted on, and all else as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from analysis_lib.interventions import Eraser, erase, fit_eraser, means, random_eraser
from tests.unit.interventions.conftest import Runs
from tests.unit.models.tiny import LAYERS

Sample = tuple[np.ndarray, np.ndarray]


def sample(n: int, hidden: int, kinds: int, seed: int) -> Sample:
    """States of an uneven covariance in which labels shift the mean."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % kinds)
    mixing = rng.normal(size=(hidden, hidden)) * np.geomspace(1, 30, hidden)
    return rng.normal(size=(n, hidden)) @ mixing + 20 * rng.normal(size=(kinds, hidden))[labels], labels


def apart(states: np.ndarray, labels: np.ndarray) -> float:
    """The largest difference between two labels' means."""
    middles = np.stack([states[labels == kind].mean(0) for kind in np.unique(labels)])
    return float(np.ptp(middles, axis=0).max())


def applied(eraser: Eraser, states: np.ndarray) -> np.ndarray:
    return eraser(torch.tensor(states, dtype=torch.float32)).numpy()


@settings(max_examples=40)
@given(st.integers(2, 6), st.integers(2, 4), st.integers(0, 10**6))
def test_no_label_is_left_in_the_means_and_nothing_more_is_taken(hidden: int, kinds: int, seed: int) -> None:
    states, labels = sample(40, hidden, kinds, seed)
    eraser = fit_eraser(states, labels)
    assert eraser.rank == min(kinds - 1, hidden)
    once = applied(eraser, states)
    assert apart(once, labels) < 1e-3 * apart(states, labels) + 1e-3
    np.testing.assert_allclose(applied(eraser, once), once, atol=1e-2)  # a projection
    np.testing.assert_allclose(once.mean(0), states.mean(0), atol=1e-2)


def test_a_linear_reader_finds_nothing_where_it_found_all() -> None:
    states, labels = sample(600, 6, 3, 0)
    reader = LogisticRegression(max_iter=2000)
    scaled = states / states.std(0)
    erased = applied(fit_eraser(states, labels), states) / states.std(0)
    assert reader.fit(scaled, labels).score(scaled, labels) > 0.8
    assert reader.fit(erased, labels).score(erased, labels) < 0.42
    spared = applied(random_eraser(fit_eraser(states, labels), 0), states) / states.std(0)
    assert reader.fit(spared, labels).score(spared, labels) > 0.6


def test_of_all_maps_that_do_so_it_moves_states_least() -> None:
    """In the norm of the states' own covariance an orthogonal eraser, or one along other directions, moves further."""
    states, labels = sample(4000, 5, 2, 1)
    eraser = fit_eraser(states, labels)
    step = states[labels == 1].mean(0) - states[labels == 0].mean(0)
    straight = states - ((states - states.mean(0)) @ step)[:, None] * step / (step @ step)
    whitening = np.linalg.inv(eraser.root)
    moved = [float((((new - states) @ whitening) ** 2).sum()) for new in (applied(eraser, states), straight)]
    assert apart(straight, labels) < 1e-6 and moved[0] < 0.9 * moved[1]


def test_a_random_eraser_has_the_same_rank_and_another_direction() -> None:
    eraser = fit_eraser(*sample(200, 6, 3, 2))
    drawn = [random_eraser(eraser, seed) for seed in (0, 0, 1)]
    assert [one.rank for one in drawn] == [eraser.rank] * 3
    assert np.array_equal(drawn[0].onto, drawn[1].onto) and not np.allclose(drawn[0].onto, drawn[2].onto)
    assert apart(applied(drawn[0], sample(200, 6, 3, 2)[0]), sample(200, 6, 3, 2)[1]) > 1


def test_more_dimensions_than_samples_are_erased_as_well() -> None:
    states, labels = sample(30, 80, 4, 3)
    assert apart(applied(fit_eraser(states, labels), states), labels) < 1e-3 * apart(states, labels)


@pytest.mark.parametrize(
    ("states", "labels", "words"),
    [
        (np.zeros((4, 2)), [0, 1, 0, 1], "all states are the same"),
        (np.eye(4), [1, 1, 1, 1], "every label is .*1.*; an eraser needs"),
        (np.eye(4), [0, 1], r"states are \(4, 4\) and labels \(2,\)"),
        (np.eye(4)[None], [0, 1, 0, 1], "give \\(n_samples, hidden\\)"),
        (np.array([[0.0, np.nan], [1, 2]]), [0, 1], "1 of 2 states hold NaN"),
        (np.array([[0.0, np.inf], [1, 2]]), [0, 1], "1 of 2 states hold NaN or infinity"),
    ],
)
def test_bad_input_gives_no_eraser(states: np.ndarray, labels: list[int], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        fit_eraser(states, labels)


def test_erasing_in_a_run_maps_the_mean_of_a_place_and_reaches_the_answer(some: Runs) -> None:
    rng = np.random.default_rng(0)
    after = [means(states, some.batch.spans, "question").numpy() for states in some.host.states]
    states, labels = np.concatenate([after[2] + rng.normal(size=after[2].shape) for _ in range(9)]), np.arange(27) % 3
    eraser = fit_eraser(states, labels)
    changed = erase(some.host, {2: eraser}, "question")
    assert (changed - some.host.logits).abs().max() > 1e-3
    mapped = means(eraser(some.host.states[2]), some.batch.spans, "question")
    torch.testing.assert_close(mapped, eraser(torch.tensor(after[2])), rtol=1e-4, atol=1e-4)
    assert torch.equal(erase(some.host, {}, "question"), some.host.logits)
    late = erase(some.host, {LAYERS: eraser}, "question")
    torch.testing.assert_close(late, some.host.logits, rtol=1e-4, atol=1e-5)
