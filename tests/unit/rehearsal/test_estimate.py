"""Costs follow from counts and the peak, measurements from timings; what has not run at full size says so."""

from dataclasses import replace

import pytest
import torch

from analysis_lib.rehearsal import (
    H100_PEAK,
    N_QUESTIONS,
    SHAPES,
    Operations,
    Rehearsal,
    Timing,
    costs,
    measurements,
    minutes_by_way,
    rehearse_models,
    summarise,
)
from analysis_lib.rehearsal import full_size as module

ONE, TWO = SHAPES
COUNTS = {
    ONE: Operations(n_conditions=33, n_tokens=619, practice=300 * 10**12, picture=5 * 10**12, question=15 * 10**12),
    TWO: Operations(n_conditions=33, n_tokens=2187, practice=900 * 10**12, picture=20 * 10**12, question=20 * 10**12),
}
SMALL = {name: replace(count, practice=6 * count.lockstep) for name, count in COUNTS.items()}
TIMING = Timing(
    shape=ONE, device="an H100", dtype="bfloat16", batch=32, n_conditions=33, lockstep_seconds=(0.05, 0.04, 0.05),
    practice_seconds=(0.5, 1.6, 0.6), lockstep_operations=20e12, peak=H100_PEAK, peak_source="data sheet",
    memory=3_000_000, practice_memory=2_000_000, difference=3e-7,
)  # fmt: skip
TIMINGS = {ONE: TIMING, TWO: replace(TIMING, shape=TWO, lockstep_seconds=(0.1,) * 3, difference=4e-3)}
FULL = Rehearsal(COUNTS, TIMINGS, COUNTS, None)
NARROW = Rehearsal(COUNTS, TIMINGS, SMALL, 16)


def test_costs_are_operations_over_the_rate():
    table = costs(FULL, 0.4).set_index("model")
    minutes = N_QUESTIONS * 20e12 / (0.4 * H100_PEAK) / 60
    assert table.loc[ONE, "lockstep_minutes"] == pytest.approx(minutes)
    assert table.loc[ONE, "practice_minutes"] == pytest.approx(15 * minutes) and table.loc[ONE, "saved"] == 15
    # At the share that is needed, the questions take the minutes that are allowed.
    needed = table.loc[TWO, "needed"]
    assert costs(FULL, needed).set_index("model").loc[TWO, "lockstep_minutes"] == pytest.approx(
        table.loc[TWO, "allowed"]
    )


def test_shared_pictures_are_read_once():
    table = costs(FULL, 0.4).set_index("model")
    without = {name: replace(count, picture=0) for name, count in COUNTS.items()}
    questions = costs(replace(FULL, counts=without), 0.4).set_index("model")["lockstep_minutes"]
    pictures = table["lockstep_minutes"] - questions
    assert (table["shared_minutes"] - questions).to_list() == pytest.approx(pictures * 3818 / 5525)


def test_minutes_double_when_the_share_halves():
    once, twice = (minutes_by_way(NARROW, share)["minutes"] for share in (0.4, 0.2))
    assert twice.to_list() == pytest.approx(2 * once, abs=0.02)


def test_only_the_full_size_has_measured_minutes():
    narrow, full = minutes_by_way(NARROW, 0.4), minutes_by_way(FULL, 0.4)
    assert set(narrow["kind"]) == {"estimated"} and len(narrow) == 4
    seen = full[full["kind"] == "measured"].set_index("model")
    assert set(seen["way"]) == {"lockstep"}
    assert seen["minutes"].to_list() == pytest.approx([N_QUESTIONS * 0.05 / 60, N_QUESTIONS * 0.1 / 60], abs=0.005)
    assert "minutes" in measurements(FULL) and "minutes" not in measurements(NARROW)


def test_measurements_are_medians_beside_the_count_of_the_same_size():
    row = measurements(NARROW).set_index("model").loc[ONE]
    assert row["ratio"] == "12.0 [10.0, 40.0]" and row["counted"] == 6
    assert row["questions_per_second"] == pytest.approx(20) and row["memory"] == 3
    assert measurements(FULL)["counted"].to_list() == [15, 22.5]


def test_the_summary_says_what_was_measured_where():
    narrow, full = summarise(NARROW, 0.4), summarise(FULL, 0.4)
    assert narrow["status"].startswith("This is an estimate") and "models 16 times narrower" in narrow["where"]
    assert full["status"].startswith(f"Measured at full size on an H100: 4.6 minutes for {ONE} at 40% of the peak; 9.2")
    assert (narrow["counted_ratios"], full["counted_ratios"]) == ("6.0 and 6.0", "15.0 and 22.5")
    assert narrow["saved_least"].text == "15" and narrow["saved_most"].value == 22.5
    assert full["difference"].value == 4e-3 and full["n_questions"].text == "5,525"
    assert full["language_gigabytes"].value == pytest.approx(5525 * 33 * 33 * 4096 * 4 / 1e9)


@pytest.mark.parametrize(
    ("device", "gpu", "ran"),
    [
        ("cpu", True, (f"{TWO}, 8 times narrower", "cpu", torch.float32, 1)),
        ("auto", False, (f"{TWO}, 8 times narrower", "cpu", torch.float32, 1)),
        ("auto", True, (TWO, "cuda", torch.bfloat16, 32)),
        ("cuda", False, (TWO, "cuda", torch.bfloat16, 32)),
    ],
)
def test_a_gpu_takes_the_full_size_and_a_cpu_a_narrowed_one(monkeypatch, device, gpu, ran):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    asked, counted = [], []
    monkeypatch.setattr(
        module, "rehearse", lambda shape, on, dtype, *, batch, **_: asked.append((shape.name, on, dtype, batch))
    )
    monkeypatch.setattr(module, "count_operations", lambda shape: counted.append(shape.name) or COUNTS[TWO])
    found = rehearse_models([TWO], device, scale=8)
    assert asked == [ran]
    assert found.full_size == (ran[1] == "cuda") and counted == list(dict.fromkeys([TWO, ran[0]]))
    rehearse_models([TWO], device, scale=8, batch=5)
    assert asked[-1][-1] == 5


@pytest.mark.parametrize("names", [[], ["llava-13b"]])
def test_models_without_a_shape_are_refused(names):
    with pytest.raises(ValueError, match="expected one or more of llava-1.5-7b, llava-1.6-vicuna-7b"):
        rehearse_models(names, scale=16)
