"""Charts of comparisons draw what they are given and refuse what does not fit together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import linkage

from analysis_lib.report import charts

WORDS = {"description": "A chart of made-up numbers.", "uncertainty": "made up"}
OBSERVED = pd.DataFrame(
    {
        "quantity": ["synergy", "redundancy"],
        "row": "QueryAttr",
        "value": [0.5, 1.0],
        "low": [-1.0, 0.9],
        "high": [0.9, 1.0],
    }
)


def rows_of(chart: object) -> list[dict]:
    (rows,) = chart.to_dict()["datasets"].values()
    return rows


def test_correlations_stand_over_one_shaded_null_per_panel_even_at_the_edge() -> None:
    null = np.tanh(np.random.default_rng(0).normal(1, 0.5, 500))
    rows = rows_of(charts.correlations_over_null(OBSERVED, null, reference=0.96, **WORDS))
    shade = [row for row in rows if row["kind"] == "null"]
    assert {row["quantity"] for row in shade} == {"synergy", "redundancy"} and max(row["share"] for row in shade) == 1
    dots = [row for row in rows if row["kind"] == "dot"]
    assert all(np.isfinite([row["z"], row["z_low"], row["z_high"]]).all() for row in dots) and dots[1]["value"] == 1


def test_other_pairs_are_ticks_in_a_row_of_their_own() -> None:
    others = pd.DataFrame({"quantity": "synergy", "value": [0.1, 0.2, 0.3]})
    rows = rows_of(
        charts.correlations_over_null(OBSERVED, [0.5], reference=0.9, others=others, others_label="others", **WORDS)
    )
    assert sum(row["row"] == "others" for row in rows) == 3


def test_a_dot_that_occurs_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="rows for the one point"):
        charts.correlations_over_null(pd.concat([OBSERVED, OBSERVED]), [0.5], reference=0.9, **WORDS)


def test_a_clustering_names_its_leaves_and_each_merge_but_the_last() -> None:
    points = np.array([[0.0], [1.0], [5.0], [7.0]])
    chart = charts.clustering(linkage(points, "average"), list("abcd"), [0.7, 0.4, 1.0], **WORDS).to_dict()
    lines, merges = chart["datasets"].values()
    assert len(lines) == 3 * 4 and sorted(row["support"] for row in merges) == [0.4, 0.7]
    assert all(f"'{name}'" in str(chart["layer"]) for name in "abcd")
    with pytest.raises(ValueError, match="4 leaves have 3 merges"):
        charts.clustering(linkage(points, "average"), list("abcd"), [1.0], **WORDS)


def test_merges_at_one_height_keep_their_own_support() -> None:
    points = np.array([[0.0], [10.0], [1.0], [11.0]])
    chart = charts.clustering(linkage(points, "average"), list("abcd"), [0.2, 0.9, 1.0], **WORDS).to_dict()
    lines, merges = chart["datasets"].values()
    axis = chart["layer"][0]["encoding"]["y"]["axis"]["labelExpr"]
    stands = {name: 5 + 10 * at for at in range(4) for name in "abcd" if f"== {5 + 10 * at} ? '{name}'" in axis}
    assert [row["distance"] for row in merges] == [1, 1]
    assert {row["place"]: row["support"] for row in merges} == {
        (stands["a"] + stands["c"]) / 2: 0.2,
        (stands["b"] + stands["d"]) / 2: 0.9,
    }
    root = [row for row in lines if row["merge"] == 2]
    assert [row["distance"] for row in root] == [1, 10, 10, 1]
    assert {row["place"] for row in root} == {row["place"] for row in merges}


def test_a_task_has_one_point() -> None:
    table = pd.DataFrame({"task": ["QueryAttr"], **{f"{n}{e}": 0.5 for n in "xy" for e in ("", "_low", "_high")}})
    chart = charts.task_scatter(table, x="x", y="y", x_title="share", y_title="bits", **WORDS)
    assert len(rows_of(chart)) == 1
    with pytest.raises(ValueError, match="no column"):
        charts.task_scatter(table.drop(columns="y_low"), x="x", y="y", x_title="share", y_title="bits", **WORDS)
