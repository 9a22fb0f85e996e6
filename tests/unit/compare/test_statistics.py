"""Statistics behind the claims: differences are as sure as what their errors do not share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare.readings import Reading
from analysis_lib.compare.statistics import redundancy_share, rise

READING = Reading()
MODEL, TASK = "mini-llava-1.5", "QueryAttr"
ASKED = (READING, MODEL, TASK)


@pytest.fixture
def tables(made) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same values, with unrelated errors in both conditions, and with errors that both conditions share."""
    unrelated = made(knocked={TASK: {"unique_vision": np.full(9, 2.0)}}, tasks=(TASK,), half=0.3)
    unrelated = unrelated[unrelated["mode"] == "marginal"]
    untouched = unrelated[unrelated["condition"] == "baseline"].set_index(["quantity", "layer"])
    errors = {at: row["replicates"] - row["bits"] for at, row in untouched.iterrows()}
    shared = unrelated.copy()
    shared["replicates"] = [
        row.bits + errors[row.quantity, row.layer] for row in unrelated[["quantity", "layer", "bits"]].itertuples()
    ]
    return unrelated, shared


def test_a_rise_is_as_sure_as_what_conditions_do_not_share(tables):
    apart, paired = (rise(table, *ASKED, "unique_vision") for table in tables)
    truth = 2.0 - float(tables[0].query("condition == 'baseline' and quantity == 'unique_vision'")["bits"].mean())
    assert apart.value == pytest.approx(truth) == paired.value
    assert paired.high - paired.low == pytest.approx(0, abs=1e-9)
    # Nine layers and two conditions of unrelated errors, each of an interval 0.6 wide.
    assert apart.high - apart.low == pytest.approx(0.6 * np.sqrt(2) / 3, rel=0.2)


def test_a_rise_needs_the_same_draws_in_both_conditions(tables):
    cut = tables[0].copy()
    knocked = cut["condition"] != "baseline"
    cut.loc[knocked, "replicates"] = pd.Series([row[:50] for row in cut.loc[knocked, "replicates"]], cut.index[knocked])
    with pytest.raises(ValueError, match="resampled differently"):
        rise(cut, *ASKED, "unique_vision")


def test_degenerate_draws_are_left_out_of_a_rise(tables):
    broken = tables[0].copy()
    first = broken.index[(broken["condition"] == "baseline") & (broken["quantity"] == "unique_vision")][0]
    broken.at[first, "replicates"] = np.where(np.arange(200) == 3, np.nan, broken.at[first, "replicates"])
    whole, without = (rise(table, *ASKED, "unique_vision") for table in (tables[0], broken))
    assert np.isfinite([without.low, without.high]).all()
    assert without.low == pytest.approx(whole.low, abs=0.02) and without.high == pytest.approx(whole.high, abs=0.02)


def test_a_share_is_known_where_part_and_whole_scatter_together(tables):
    together = tables[0].copy()
    factors = np.random.default_rng(0).normal(1, 0.2, 50)
    together["replicates"] = [bits * factors for bits in together["bits"]]
    found = redundancy_share(together, *ASKED)
    assert found.low == pytest.approx(found.value) == found.high
    assert redundancy_share(tables[0], *ASKED).low < found.value
