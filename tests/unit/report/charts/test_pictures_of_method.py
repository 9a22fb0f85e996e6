"""Masks, spectra, eigenvalues and matrices: what is drawn is what was given."""

import json

import altair as alt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from analysis_lib.report import charts, theme
from analysis_lib.report.charts.mask_charts import _runs
from analysis_lib.report.renderer import check_spec

WORDS = "A picture, as an example of it."
SPANS = {"image": (0, 3), "question": (3, 5), "last": (5, 6)}


@settings(max_examples=50, deadline=None)
@given(arrays(bool, (6, 6)))
def test_a_mask_is_covered_exactly_once_by_its_rectangles(allowed: np.ndarray):
    owner = ["image"] * 3 + ["question"] * 2 + ["last"]
    painted = np.zeros((6, 6), dtype=object)
    for row in range(6):
        for run in _runs(row, allowed[row], owner):
            assert not painted[row, run["from"] : run["to"]].any()
            painted[row, run["from"] : run["to"]] = run["reads"]
    causal = np.tril(np.ones((6, 6), dtype=bool))
    assert ((painted == "cut by the knockout") == (causal & ~allowed)).all()
    assert all(painted[i, j] == owner[j] for i, j in zip(*np.nonzero(allowed), strict=True))
    assert not painted[~causal & ~allowed].any()


def test_a_mask_without_a_cut_has_no_key_for_one():
    causal = np.tril(np.ones((6, 6), dtype=bool))
    assert "cut by" not in json.dumps(charts.mask_picture(causal, SPANS, description=WORDS).to_dict())


@pytest.mark.parametrize(
    ("mask", "spans", "complaint"),
    [
        (np.ones((2, 3)), {}, "square"),
        (np.ones((2, 2)), {"image": (0, 3)}, "outside"),
        (np.ones((2, 2)), {"surprise": (0, 2)}, "surprise"),
    ],
)
def test_a_mask_that_does_not_fit_its_spans_is_refused(mask: np.ndarray, spans: dict, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        charts.mask_picture(mask, spans, description=WORDS)


def test_a_gallery_draws_each_mask_under_its_name_with_one_legend():
    causal = np.tril(np.ones((6, 6), dtype=bool))
    cut = causal.copy()
    cut[3:5, :3] = False
    masks = {"baseline": causal, "paper as in the paper of 2026": cut}
    chart = charts.mask_gallery(
        masks, SPANS, captions={"paper as in the paper of 2026": "question does not read image"}, description=WORDS
    )
    spec = chart.to_dict()
    check_spec(spec)
    assert [one["title"]["text"] for one in spec["concat"]] == [["baseline"], ["paper as in the paper", "of 2026"]]
    assert spec["concat"][1]["title"]["subtitle"] == ["question does not read", "image"]
    looks = [one["encoding"]["color"]["scale"]["domain"] for one in spec["concat"]]
    assert looks[0] == looks[1] == ["image", "question", "last", "cut by the knockout"]
    drawn = [spec["datasets"][one["data"]["name"]] for one in spec["concat"]]
    area = [sum(cell["to"] - cell["from"] for cell in rows if "cut" in cell["reads"]) for rows in drawn]
    assert area == [0, 6]


def test_a_gallery_of_nothing_or_with_a_stray_caption_is_refused():
    for masks, captions in (({}, {}), ({"paper": np.eye(6)}, {"papers": "text"})):
        with pytest.raises(ValueError, match="expected masks by name"):
            charts.mask_gallery(masks, SPANS, captions=captions, description=WORDS)
    with pytest.raises(ValueError, match="outside"):
        charts.mask_gallery({"small": np.eye(2)}, SPANS, description=WORDS)


def bars_of(chart: alt.TopLevelMixin) -> list[dict]:
    (rows,) = chart.to_dict()["datasets"].values()
    return rows


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=12))
def test_eigenvalue_bars_add_up_to_the_unique_atoms(eigenvalues: list[float]):
    rows = bars_of(charts.eigenvalue_bars(eigenvalues, description=WORDS, uncertainty="exact"))
    values = np.array(eigenvalues)
    up = sum(row["bits"] for row in rows if row["bits"] > 0)
    down = -sum(row["bits"] for row in rows if row["bits"] < 0)
    assert up == pytest.approx(0.5 * np.log2(np.maximum(values, 1)).sum(), rel=1e-3, abs=1e-9)
    assert down == pytest.approx(0.5 * np.log2(np.maximum(1 / values, 1)).sum(), rel=1e-3, abs=1e-9)


@pytest.mark.parametrize("eigenvalues", [[1.0, -1.0], [0.0], [np.nan], [], [[1.0]]])
def test_eigenvalues_that_cannot_be_are_refused(eigenvalues: list):
    with pytest.raises(ValueError, match="positive|finite"):
        charts.eigenvalue_bars(eigenvalues, description=WORDS, uncertainty="exact")


def test_a_spectrum_rises_to_everything():
    chart = charts.variance_spectrum({"vision": [0.5, 0.3, 0.2]}, description=WORDS, uncertainty="exact")
    assert [row["variance"] for row in bars_of(chart)] == [0.5, 0.8, 1.0]


def test_too_many_points_are_refused_with_their_number():
    with pytest.raises(ValueError, match="9999"):
        charts.latent_scatter({"all": np.zeros((9999, 2))}, description=WORDS)


def test_the_largest_cloud_that_is_taken_fits_a_page():
    cloud = np.random.default_rng(0).normal(size=(1500, 2))
    check_spec(charts.latent_scatter({"before": cloud, "after": cloud}, description=WORDS).to_dict())


def test_no_colour_means_two_groups():
    cloud = np.random.default_rng(0).normal(size=(14, 2))
    most = len(theme.SERIES_COLORS)
    for n_groups in (most, most + 1):
        names = [str(place % n_groups) for place in range(14)]
        spec = charts.latent_scatter({"all": cloud}, group=names, description=WORDS).to_dict()
        encoding = spec["concat"][0]["encoding"]
        assert ("field" in encoding["color"]) == (n_groups == most) and encoding["tooltip"]["field"] == "group"


def test_blocks_must_add_up_to_the_matrix():
    with pytest.raises(ValueError, match="blocks"):
        charts.matrix_picture(np.eye(3), {"target": 2}, description=WORDS, uncertainty="exact")
    chart = charts.matrix_picture(np.eye(3), {"target": 1, "vision": 2}, description=WORDS, uncertainty="exact")
    check_spec(chart.to_dict())
