"""What conditions do to the answers, against the numbers themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.activations import extract, outcomes
from analysis_lib.models import VisionLanguageModel


def dataset(seed: int = 0, n: int = 400) -> xr.Dataset:
    """``same`` repeats the baseline, ``halved`` halves every probability and gives another answer."""
    rng = np.random.default_rng(seed)
    before = rng.uniform(0.1, 1, n)
    correct = rng.random(n) < 0.8
    token = rng.integers(0, 9, n)
    return xr.Dataset(
        {
            "answer_probability": (("sample", "condition"), np.stack([before, before, before / 2], 1)),
            "correct": (("sample", "condition"), np.stack([correct, correct, ~correct], 1)),
            "correct_first_token": (("sample", "condition"), np.stack([correct, correct, ~correct], 1)),
            "predicted_token": (("sample", "condition"), np.stack([token, token, token + 9], 1)),
        },
        {"condition": ["baseline", "same", "halved"]},
    )


def test_a_condition_that_does_nothing_changes_nothing_and_a_halving_is_a_half() -> None:
    given = dataset()
    rows = outcomes(given).set_index("condition").to_dict("index")
    for name in ("baseline", "same"):
        row = rows[name]
        assert row["unchanged"] == 1 and row["probability_change"] == row["relative_change"] == 0
        assert row["accuracy"] == given["correct"].sel(condition="baseline").values.mean()
    halved = rows["halved"]
    assert halved["unchanged"] == 0 and halved["accuracy"] == pytest.approx(1 - rows["baseline"]["accuracy"])
    assert halved["relative_change"] == pytest.approx(-0.5) and halved["relative_change_error"] < 1e-9
    assert halved["probability_change"] == pytest.approx(-rows["baseline"]["probability"] / 2)


def test_standard_errors_are_those_of_repeated_draws() -> None:
    tables = [outcomes(dataset(seed)).set_index("condition").loc["halved"] for seed in range(200)]
    for name in ("accuracy", "probability", "probability_change"):
        spread = np.std([table[name] for table in tables])
        assert np.mean([table[f"{name}_error"] for table in tables]) == pytest.approx(spread, rel=0.2)


def test_the_relative_change_is_over_questions_that_the_baseline_answers_right() -> None:
    given = dataset()
    wrong = ~given["correct"].sel(condition="baseline").values
    given["answer_probability"].values[wrong, 2] *= 100
    table = outcomes(given).set_index("condition")
    assert table.loc["halved", "relative_change"] == pytest.approx(-0.5)
    assert table.loc["halved", "n_right"] == (~wrong).sum()


def test_the_order_of_conditions_and_the_choice_of_baseline_are_free() -> None:
    given = dataset()
    turned = outcomes(given.isel(condition=[2, 0, 1])).set_index("condition")
    pd.testing.assert_frame_equal(turned.loc[["baseline", "same", "halved"]], outcomes(given).set_index("condition"))
    against = outcomes(given, "halved").set_index("condition").loc["baseline"]
    assert against["relative_change"] == pytest.approx(1)
    with pytest.raises(
        ValueError, match="no condition 'none' to compare with; the conditions are baseline, same, halved"
    ):
        outcomes(given, "none")


def test_without_any_right_answer_there_is_no_relative_change() -> None:
    given = dataset(n=3)
    given["correct"].values[:] = False
    assert outcomes(given)["relative_change"].isna().all() and (outcomes(given)["n_right"] == 0).all()


def test_a_models_own_outcomes(one_model: VisionLanguageModel, questions: pd.DataFrame) -> None:
    found = extract(one_model, questions, ["baseline", "strict", "image->last"])
    table = outcomes(found).set_index("condition")
    change = (found["answer_probability"] - found["answer_probability"].sel(condition="baseline")).mean("sample")
    np.testing.assert_allclose(table["probability_change"], change.values, atol=1e-7)
    np.testing.assert_allclose(table["accuracy"], found["correct"].mean("sample").values)
