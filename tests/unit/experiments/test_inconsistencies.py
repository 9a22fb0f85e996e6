"""Maps of each variable keep information and a map of both does not; entropies are those of the answers counted."""

from types import SimpleNamespace

import numpy as np
import pytest

from analysis_lib.experiments import inconsistencies as experiment


def test_entropies_are_of_answers_that_occur_so_often():
    answers = experiment.answer_entropies({"even": {5: 4}, "one": {7: 1}, "mixed": {2: 1, 1: 2}})
    assert answers.to_dict() == pytest.approx({"even": 2.0, "one": 0.0, "mixed": 1.5})


def test_the_task_whose_uniques_add_up_to_most_is_named():
    printed = [SimpleNamespace(task=task, value=value) for task, value in (("a", 1.0), ("b", 0.9), ("b", 0.8))]
    said = experiment.summarise_printed(printed, experiment.answer_entropies({"a": {1: 2}, "b": {1: 4}}))
    assert (said["printed_most_task"], said["printed_most"].text, said["entropy_there"].text) == (
        "b",
        "1.70 bits",
        "2.00 bits",
    )


def test_mapped_apart_information_stays_and_mapped_together_it_goes():
    way = experiment.way_to_normal(500, np.random.default_rng(0), n_steps=5)
    apart, together = (way.loc[way["flow"] == name, "bits"].to_numpy() for name in ("each by itself", "both together"))
    assert np.allclose(apart, apart[0]) and apart[0] > 1
    assert (np.diff(together) < 0).all() and together[-1] == pytest.approx(0.0, abs=1e-9)
    said = experiment.summarise_way(way)
    assert said["joint_before"].value == apart[0] and said["joint_after"].value == together[-1]


def joint_of(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(24)).reshape(4, 3, 2)


@pytest.mark.parametrize("seed", range(20))
def test_the_least_specific_information_is_between_zero_and_what_either_source_tells(seed: int):
    joint = joint_of(seed)
    each = [mutual_information(joint.sum(axis)) for axis in (2, 1)]
    assert 0 <= experiment.imin(joint) <= min(each) + 1e-12
    assert experiment.imin(joint) == pytest.approx(experiment.imin(joint.swapaxes(1, 2)))
    alike = np.einsum("yv,vw->yvw", joint.sum(2), np.eye(3))  # one source twice
    assert experiment.imin(alike) == pytest.approx(each[0])


def mutual_information(table: np.ndarray) -> float:
    outer = table.sum(1, keepdims=True) * table.sum(0, keepdims=True)
    return float((table * np.log2(table / outer)).sum())


def test_of_two_sources_that_recognise_two_answers_each_a_bit_is_shared_and_the_rest_is_unique():
    said = experiment.summarise_imin(experiment.TWO_EACH)
    assert experiment.TWO_EACH.sum() == 1
    assert [said[f"imin_{name}"].text for name in ("each", "shared", "unique")] == ["1.5 bits", "1.0 bits", "0.5 bits"]
    copy = np.zeros((4, 2, 2))
    for answer in range(4):
        copy[answer, answer // 2, answer % 2] = 1 / 4
    assert experiment.imin(copy) == pytest.approx(1.0), "two independent bits: Williams and Beer's known oddity"
