"""What is timed: on a CPU the code that a GPU runs, at a few thousandths of the size."""

from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from analysis_lib.activations.backends import TOLERANCES
from analysis_lib.rehearsal import H100_PEAK, SHAPES, count_operations, device_peak, rehearse
from analysis_lib.rehearsal.timing import Allocations

TINY = {
    name: replace(shape.narrowed(32), tile=56, picture=(100, 67), question=5, tail=3) for name, shape in SHAPES.items()
}


def numbers_in(value: object) -> list[float]:
    if isinstance(value, (tuple, list)):
        return [number for part in value for number in numbers_in(part)]
    return [float(value)] if isinstance(value, (int, float)) else []


@pytest.mark.parametrize("shape", TINY.values(), ids=lambda shape: shape.name)
def test_a_rehearsal_measures_everything_and_agrees_with_the_reference(shape):
    timing = rehearse(shape, batch=2, repeats=2)
    measured = numbers_in([*asdict(timing).values(), timing.share, timing.questions_per_second, timing.ratios])
    assert np.isfinite(measured).all()
    assert (np.array(measured) > 0).all() or timing.difference == 0
    assert timing.difference < TOLERANCES[torch.float32]
    assert timing.lockstep_operations == count_operations(shape).lockstep
    assert len(timing.lockstep_seconds) == len(timing.ratios) == 2
    assert timing.n_conditions == shape.layers + 1
    assert timing.share < 1.5  # of a matrix product on the same core; more would be a wrong count


def test_impossible_settings_are_refused():
    with pytest.raises(ValueError, match="batch is 0 and repeats is 3; both must be at least 1"):
        rehearse(TINY["llava-1.5-7b"], batch=0)


def test_the_most_memory_is_that_of_what_lives_at_once():
    kept = torch.zeros(100)
    with Allocations() as allocations:
        first = torch.ones(1000)
        second = first * 2
        del first
        view = second.view(10, 100)
        kept.add_(1)
        third = view + 1
        del view, second, third
        torch.ones(500)
    assert allocations.peak == 2 * 1000 * 4
    assert allocations.now == 0


def test_a_known_device_has_the_peak_of_its_data_sheet(monkeypatch):
    for name in ("NVIDIA H100 80GB HBM3", "NVIDIA H200"):
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _, name=name: name)
        assert device_peak("cuda") == (H100_PEAK, "data sheet")
    assert device_peak("cpu")[1] == "matrix product"


@pytest.mark.gpu
@pytest.mark.parametrize("name", SHAPES)
def test_the_true_size_runs_and_agrees_with_the_reference(name: str):
    enough = 40e9
    if torch.cuda.get_device_properties(0).total_memory < enough:
        pytest.skip("a model of this size and its states need a GPU of 40 GB or more")
    timing = rehearse(SHAPES[name], "cuda", torch.bfloat16, batch=8, repeats=1)
    assert np.isfinite(numbers_in([*asdict(timing).values(), timing.share])).all()
    assert timing.difference < TOLERANCES[torch.bfloat16]
    assert timing.lockstep_operations == count_operations(SHAPES[name]).lockstep
    assert min(timing.ratios) > 1
