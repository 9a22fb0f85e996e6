"""Fingerprints: shares that sum to one, distances that are distances, groups with honest support."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis_lib.compare import NotMeasurableError, clusters, read_fingerprints, share_distances

FLAT = np.ones(9)
VISUAL = {"unique_vision": 4 * FLAT, "unique_language": 1 * FLAT, "redundancy": FLAT, "synergy": 0 * FLAT}
VERBAL = {"unique_vision": 0 * FLAT, "unique_language": 5 * FLAT, "redundancy": FLAT, "synergy": 0 * FLAT}
NAMES = ["ChooseAttr", "ChooseCat", "ChooseRel", "CompareAttr"]


def four(made, half: float):
    slightly = {**VERBAL, "redundancy": 1.2 * FLAT}
    also = {**VISUAL, "redundancy": 1.2 * FLAT}
    return made(dict(zip(NAMES, (VISUAL, also, VERBAL, slightly), strict=True)), tasks=tuple(NAMES), half=half).query(
        "mode == 'cartesian'"
    )


def test_shares_are_parts_of_the_whole(made):
    prints = read_fingerprints(four(made, 0.05), NAMES, 8)
    assert prints.shares.sum(1) == pytest.approx(1) and prints.draws.sum(2) == pytest.approx(1)
    found = prints.interval("ChooseRel", "unique_language")
    assert found.value == pytest.approx(5 / 6)
    assert found.low < found.value < found.high


def test_the_table_of_shares_has_every_interval(made):
    prints = read_fingerprints(four(made, 0.05), NAMES, 8)
    rows = prints.to_frame().set_index(["task", "quantity"])
    assert len(rows) == 16
    for (task, atom), row in rows.iterrows():
        assert row.to_dict() == vars(prints.interval(task, atom))


def test_atoms_that_scatter_together_leave_shares_known(made):
    """Half as much of everything is the same mixture, however far the total scatters."""
    table = four(made, 0.05)
    factors = np.random.default_rng(0).normal(1, 0.2, 50)
    table["replicates"] = [bits * factors for bits in table["bits"]]
    prints = read_fingerprints(table, NAMES, 8)
    assert prints.draws == pytest.approx(np.broadcast_to(prints.shares, prints.draws.shape))


def test_a_table_without_replicates_is_refused(made):
    with pytest.raises(ValueError, match="decompose again"):
        read_fingerprints(four(made, 0.05).drop(columns="replicates"), NAMES, 8)


def test_clear_groups_are_found_in_every_draw(made):
    _, merges = clusters(read_fingerprints(four(made, 0.05), NAMES, 8))
    assert {merge.members for merge in merges} == {tuple(NAMES[:2]), tuple(NAMES[2:]), tuple(NAMES)}
    assert all(merge.support > 0.99 for merge in merges)


def test_equal_tasks_have_groups_of_little_support(made):
    same = dict.fromkeys(NAMES, VERBAL)
    _, merges = clusters(
        read_fingerprints(made(same, tasks=tuple(NAMES), half=0.3).query("mode == 'cartesian'"), NAMES, 8)
    )
    assert all(merge.support < 0.5 for merge in merges[:-1]) and merges[-1].support == 1


def test_two_tasks_and_a_total_within_its_noise_are_not_measurable(made):
    with pytest.raises(NotMeasurableError, match="one way only"):
        clusters(read_fingerprints(four(made, 0.05), NAMES[:2], 8))
    for half in (9.0, 1.6):  # of a total of 6 or 7; shares of what is under five standard errors may be any number
        with pytest.raises(NotMeasurableError, match="hardly more than its noise"):
            read_fingerprints(four(made, half), NAMES, 8)
    assert np.abs(read_fingerprints(four(made, 0.8), NAMES, 8).draws).max() < 5
    with pytest.raises(NotMeasurableError, match="no unique_vision of Elsewhere"):
        read_fingerprints(four(made, 0.05), ["Elsewhere"], 8)


def test_rows_of_several_readings_are_refused(made):
    with pytest.raises(ValueError, match="filter the table to one reading"):
        read_fingerprints(made(), ["QueryAttr"], 8)


@given(arrays(float, (3, 4), elements=st.floats(0.01, 1)))
def test_distances_are_symmetric_zero_to_oneself_and_take_no_detours(weights: np.ndarray):
    found = share_distances(weights / weights.sum(1, keepdims=True))
    assert found == pytest.approx(found.T) and np.diag(found) == pytest.approx(0)
    assert found.max() <= 1 + 1e-12 and found[0, 2] <= found[0, 1] + found[1, 2] + 1e-12
