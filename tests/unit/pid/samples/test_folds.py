"""Folds share no group, and exist whatever the sizes of the groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.pid.samples.folds import STOP_SHARE, two_folds


@given(st.lists(st.integers(1, 400), min_size=4, max_size=40), st.integers(0, 99))
def test_halves_and_held_out_parts_share_no_group(sizes: list[int], seed: int) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    first, second = two_folds(groups, np.random.default_rng(seed))
    assert sorted([*first.unseen, *second.unseen]) == list(range(len(groups)))
    for fold in (first, second):
        parts = [set(groups[rows]) for rows in (fold.fit, fold.stop, fold.unseen)]
        assert all(parts) and sum(map(len, parts)) == len(sizes)


def test_groups_of_one_size_are_halved_and_a_fifth_stops() -> None:
    first, second = two_folds(np.repeat(np.arange(100), 3), np.random.default_rng(0))
    assert len(first.unseen) == len(second.unseen) == 150
    assert len(first.stop) == STOP_SHARE * 150


def test_one_group_with_most_of_the_rows_still_leaves_two_folds() -> None:
    groups = np.concatenate([np.zeros(600, int), np.repeat(np.arange(1, 10), 44)])
    for seed in range(50):
        assert all(len(fold.stop) for fold in two_folds(groups, np.random.default_rng(seed)))
