"""Gaussian readings below what the probe finds, and impossible estimates: counted, and nothing rests on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare import READINGS, Reading, beside_probe, blind_by_task, summarise_blind
from analysis_lib.compare.blind import SIGNED
from analysis_lib.compare.claims import REPRODUCED, UNDECIDED, read_claims
from analysis_lib.compare.judgement import judge
from analysis_lib.pid import DEFINITIONS
from tests.unit.compare.conftest import PLAIN, RISING, TASKS, rows_of

MAIN = {"main": Reading()}
PROBE = {"probe": READINGS["the answer, by the probe"]}
SURGE = {"unique_language": 1.0 + 8.5 * RISING}


def probed(task: str, *, layers: slice = slice(None), scale: float = 0.02, **curves: np.ndarray) -> pd.DataFrame:
    """Rows of the probe, whose atoms are few bits but for those that are named."""
    small = {name: scale * bits for name, bits in PLAIN.items()}
    rows = rows_of(small | curves, task=task, mode="probe").assign(target="answer")
    return rows[rows["layer"].isin(range(9)[layers])]


def informed(atoms: pd.DataFrame) -> pd.DataFrame:
    """With the informations of both sources, which are sums of atoms."""
    keys = [name for name in atoms.columns if name not in ("quantity", "bits", "low", "high", "replicates")]
    wide = {name: rows.set_index(keys) for name, rows in atoms.groupby("quantity")}
    rows = [atoms]
    for source in ("vision", "language"):
        told, shared = wide[f"unique_{source}"], wide["redundancy"]
        summed = {name: told[name] + shared[name].reindex(told.index) for name in ("bits", "low", "high")}
        rows.append(told.assign(**summed, quantity=f"information_{source}").reset_index())
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def claims(repository: Path):
    return read_claims(repository / "book" / "claims.yml").claims


def verdict(claims, claim: str, atoms: pd.DataFrame, readings=MAIN) -> pd.DataFrame:
    return judge({claim: claims[claim]}, atoms, readings)


def test_a_reading_below_the_probes_lower_limit_is_blind_where_it_stands(made):
    language = np.where(np.arange(9) == 4, 30.0, 0.1)
    atoms = informed(pd.concat([made(), probed("QueryAttr", unique_language=language)]))
    compared = beside_probe(atoms)
    blind = compared[compared["blind"]]
    assert set(blind["task"]) == {"QueryAttr"} and set(blind["layer"]) == {4}
    assert set(blind["quantity"]) == {"information_language", "total"} and set(blind["mode"]) == {
        "cartesian",
        "marginal",
    }
    assert summarise_blind(compared) == {"n_blind": 1, "n_beside_probe": 9}
    assert summarise_blind(beside_probe(made())) == {"n_blind": 0, "n_beside_probe": 0}
    short = blind_by_task(compared)
    flows = blind[blind["mode"] == "cartesian"]
    assert short[["task", "layers", "total", "information_vision", "information_language"]].values.tolist() == [
        ["QueryAttr", 9, 1, 0, 1]
    ]
    assert short["missing"].item() == (flows["probed"] - flows["bits"]).max()
    assert blind_by_task(beside_probe(made())).empty


def test_no_verdict_rests_on_a_blind_reading(claims, made):
    sound = made(dict.fromkeys(TASKS, SURGE))
    assert set(verdict(claims, "C2", sound)["verdict"]) == {REPRODUCED}
    last = informed(pd.concat([sound, probed("QueryAttr", layers=slice(8, 9), unique_language=30.0 + RISING)]))
    judged = verdict(claims, "C2", last)
    assert set(judged["verdict"]) == {UNDECIDED} and judged["value"].notna().all()
    assert judged["reason"].str.contains("blind .layers: 1..*QueryAttr at layer 8.*the probe finds").all()
    # The share is asked about the last layer, the rise about all.
    early = informed(pd.concat([sound, probed("QueryAttr", layers=slice(2, 3), unique_language=30.0 + RISING)]))
    assert verdict(claims, "C2", early)["verdict"].tolist() == [REPRODUCED, UNDECIDED]


def test_other_tasks_are_judged_as_before(claims, made):
    atoms = informed(pd.concat([made(), probed("QueryAttr", unique_language=30.0 + RISING)]))
    judged = verdict(claims, "C3", atoms).set_index("task")["verdict"]
    assert judged["QueryAttr"] == UNDECIDED
    assert judged.drop("QueryAttr").equals(verdict(claims, "C3", made()).set_index("task")["verdict"].drop("QueryAttr"))


def test_an_impossible_estimate_is_not_judged(claims):
    sound = pd.concat([probed(task, scale=1.0) for task in TASKS])
    assert set(verdict(claims, "C3", sound, PROBE)["reason"]) == {""}
    broken = probed(TASKS[0], scale=1.0, synergy=-0.5 - 0 * RISING)
    wrong = pd.concat([*(probed(task, scale=1.0) for task in TASKS[1:]), broken])
    judged = verdict(claims, "C3", wrong, PROBE).set_index("task")
    assert judged.loc[TASKS[0], "verdict"] == UNDECIDED
    assert set(judged.drop(TASKS[0])["reason"]) == {""}
    reasons = judged.loc[TASKS[0], "reason"]
    assert "impossible: synergy of ChooseAttr" in reasons and "less than nothing" in reasons


def test_which_atoms_may_be_negative_is_what_the_definitions_say():
    assert {name: set(atoms) for name, atoms in SIGNED.items()} == {
        name: set(one.signed) for name, one in DEFINITIONS.items() if one.signed
    }
