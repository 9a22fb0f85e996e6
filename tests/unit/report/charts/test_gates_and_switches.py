"""Pictures that a menu switches: every choice draws what was given, and what does not fit is refused."""

import numpy as np
import pandas as pd
import pytest

from analysis_lib.report import charts
from analysis_lib.report.charts.switches import CUT
from analysis_lib.report.renderer import check_spec

WORDS = "A picture that a menu switches, as an example."
TOKENS = ["USER", "patch", "newline", "Is", "it"]
SPANS = {"system": (0, 1), "image": (1, 2), "gap": (2, 3), "question": (3, 5)}


@pytest.fixture
def atoms() -> pd.DataFrame:
    values = {"XOR": (0.0, 0.0, 0.0, 1.0), "COPY": (1.0, 1.0, 0.0, 0.0)}
    names = ("unique_vision", "unique_language", "redundancy", "synergy")
    return pd.DataFrame(
        [{"gate": g, "quantity": q, "bits": b} for g, row in values.items() for q, b in zip(names, row, strict=True)]
    )


@pytest.fixture
def outcomes() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"gate": gate, "vision": v, "language": w, "answer": answer(v, w), "how often": "1/4"}
            for gate, answer in (("XOR", lambda v, w: str(int(v != w))), ("COPY", lambda v, w: v + w))
            for v in "01"
            for w in "01"
        ]
    )


def params(spec: dict, name: str) -> dict:
    (found,) = [given for given in spec["params"] if given["name"] == name]
    return found


def rows_of(spec: dict, column: str) -> pd.DataFrame:
    (found,) = [rows for rows in spec["datasets"].values() if column in rows[0]]
    return pd.DataFrame(found)


def test_every_gate_has_its_bars_and_its_truth_table(atoms: pd.DataFrame, outcomes: pd.DataFrame):
    spec = charts.gate_picture(atoms, outcomes, description=WORDS).to_dict()
    menu = params(spec, "choose_gate")
    assert menu["value"] == "XOR" and menu["bind"]["options"] == ["XOR", "COPY"]
    bars = rows_of(spec, "bits").set_index(["gate", "quantity"])["bits"]
    assert bars["XOR", "synergy"] == 1 and bars["COPY", "vision-unique"] == 1 and len(bars) == 8
    cells = rows_of(spec, "says").pivot(index=["gate", "line"], columns="column", values="says")
    assert list(cells.loc["XOR"]["answer"]) == ["0", "1", "1", "0"]
    assert list(cells.loc["COPY"]["answer"]) == ["00", "01", "10", "11"]
    assert check_spec(spec)


def test_every_mark_of_a_gate_obeys_the_menu(atoms: pd.DataFrame, outcomes: pd.DataFrame):
    spec = charts.gate_picture(atoms, outcomes, description=WORDS).to_dict()
    layers = [layer for panel in spec["concat"] for layer in panel["layer"]]
    assert len(layers) == 4
    assert all({"filter": "datum.gate == choose_gate"} in layer["transform"] for layer in layers)


def test_gates_that_do_not_match_are_refused(atoms: pd.DataFrame, outcomes: pd.DataFrame):
    with pytest.raises(ValueError, match=r"XOR.*COPY.*truth tables of \['COPY'\]"):
        charts.gate_picture(atoms, outcomes.query("gate == 'COPY'"), description=WORDS)
    with pytest.raises(ValueError, match="2 rows for the one point"):
        charts.gate_picture(pd.concat([atoms, atoms]), outcomes, description=WORDS)


def test_a_switched_mask_draws_each_readable_cell_once_and_each_cut_in_red():
    causal = np.tril(np.ones((5, 5), dtype=bool))
    strict = causal.copy()
    strict[2:, 1] = False
    spec = charts.mask_switch({"baseline": causal, "strict": strict}, TOKENS, SPANS, description=WORDS).to_dict()
    cells = rows_of(spec, "reads")
    for condition, matrix in (("baseline", causal), ("strict", strict)):
        here = cells[cells["condition"] == condition]
        drawn = {(row["reads"], row["is read"]): row["what"] for _, row in here.iterrows()}
        assert len(drawn) == len(here) == causal.sum()
        for i, j in zip(*np.tril_indices(5), strict=True):
            assert (drawn[TOKENS[i], TOKENS[j]] == CUT) == (not matrix[i, j])
    assert params(spec, "choose_condition")["value"] == "baseline"
    assert {"filter": "datum.condition == choose_condition"} in spec["transform"]
    assert set(spec["encoding"]["color"]["scale"]["domain"]) == {*SPANS, CUT}


@pytest.mark.parametrize(
    ("tokens", "spans", "matrix", "complaint"),
    [
        (["a", "a"], {"image": (0, 2)}, np.eye(2), "2, 1 of them different"),
        (["a", "b"], {"image": (0, 1)}, np.eye(2), "'b' belongs to no span"),
        (["a", "b"], {"image": (0, 3)}, np.eye(2), "outside the 2 tokens"),
        (["a", "b"], {"image": (0, 2)}, np.eye(3), r"'strict'.*\(2, 2\), got \(3, 3\)"),
    ],
)
def test_a_mask_that_does_not_fit_its_tokens_is_refused(tokens: list, spans: dict, matrix: np.ndarray, complaint: str):
    with pytest.raises(ValueError, match=complaint):
        charts.mask_switch({"strict": matrix}, tokens, spans, description=WORDS)
