"""A real decoder's tables ship in short: they belong to the shipped weights, and what is said of them is in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis_lib.compare.claims import read_claims
from analysis_lib.compare.judgement import TOGETHER, judge
from analysis_lib.compare.over_trainings import MAIN_READING
from analysis_lib.digests import file_digest
from analysis_lib.experiments import real_decoder as experiment
from analysis_lib.experiments.trainings import read_trainings
from analysis_lib.records import DamagedError, write_table
from analysis_lib.run.profile import read_profile
from analysis_lib.vocabulary import ATOMS, EMBEDDED_MODELS
from analysis_lib.worlds.smol.pretrained_decoder import SHA256


@pytest.fixture(scope="module")
def shipped() -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    return experiment.read_real_decoder()


@pytest.fixture(scope="module")
def trained() -> pd.DataFrame:
    return read_trainings()[0]


@pytest.fixture(scope="module")
def shares(shipped, trained) -> pd.DataFrame:
    return experiment.shares_at_last_layer(shipped[0], trained)


def answers(**changes: float) -> pd.DataFrame:
    """Answers of one task: right untouched, and so much less often under each condition, within five points."""
    rows = [
        ("accuracy", name, "QueryAttr", 1 + change, change, change - 0.05, change + 0.05)
        for name, change in {"baseline": 0.0, **changes}.items()
    ]
    return pd.DataFrame(rows, columns=["measure", "condition", "task", "value", "change", "change_low", "change_high"])


def test_the_shipped_table_is_of_the_shipped_weights_and_the_decoder_that_is_installed(shipped) -> None:
    how = shipped[2]
    assert how["weights"] == file_digest(experiment.WEIGHTS) and how["decoder"] == SHA256, "make it again"


def test_it_has_what_the_profile_asks(shipped, repository: Path) -> None:
    atoms, found, how = shipped
    asked = read_profile(repository / "workflow/profiles/smol.yaml")
    assert set(atoms["task"]) == set(found["task"]) == set(asked["tasks"]) and set(atoms["layer"]) == set(range(31))
    assert set(found["condition"]) == set(asked["extract"]["conditions"])
    assert how["questions"] <= int(asked["extract"]["n_questions"])
    assert how["components"] == int(asked["decompose"]["max_components"])


def test_atoms_sum_to_their_total(shipped) -> None:
    gaussian = shipped[0].query("mode != 'probe'")
    bits = gaussian.pivot(index=["task", "condition", "mode", "layer"], columns="quantity", values="bits")
    np.testing.assert_allclose(bits[list(ATOMS)].sum(axis=1), bits["total"], atol=1e-6)


def test_shares_sum_to_one_and_the_judge_reads_the_same(shipped, shares) -> None:
    mine = shares[shares["model"] == experiment.MODEL]
    np.testing.assert_allclose(mine.groupby("task")["value"].sum(), 1.0, atol=1e-9)
    claims = {"C2": read_claims().claims["C2"]}
    measurable = shipped[0][shipped[0]["task"].isin(set(mine["task"]))]
    judged = judge(claims, measurable, {"": MAIN_READING}).set_index("statistic")
    said = mine.set_index(["task", "quantity"])["value"][TOGETHER, "unique_language"]
    assert judged.loc["language_unique_last_share", "value"] == pytest.approx(said)


def test_the_surge_is_where_most_tasks_have_their_largest_step() -> None:
    bits = {"A": [0.0, 0.5, 3.0, 3.1], "B": [0.0, 0.2, 1.2, 1.0], "C": [0.0, 0.7, 0.8, 0.9]}
    rows = [(task, layer, some) for task, curve in bits.items() for layer, some in enumerate(curve)]
    reading = {"target": "prediction_hidden", "target_from": "recomputed", "mode": "cartesian", "definition": "broja"}
    atoms = pd.DataFrame(rows, columns=["task", "layer", "bits"]).assign(
        model=experiment.MODEL, quantity="unique_language", condition="baseline", **reading
    )
    said = experiment.summarise_surge(atoms)
    assert (said["surge_layer"], said["n_surge"], said["surge_most_task"]) == (2, 2, "A")
    assert [said[f"surge_{end}"].value for end in ("least", "most", "others")] == pytest.approx([1.0, 2.5, 0.7])


def test_curves_end_at_the_last_layer_and_are_means_over_trainings(shipped, trained) -> None:
    atoms = shipped[0].query("task == 'QueryAttr'")
    curves = experiment.curves_by_depth(atoms, trained.query("task == 'QueryAttr'"))
    assert not curves.duplicated(["model", "task", "atom", "depth"]).any()
    assert (curves.groupby("model")["depth"].agg(["min", "max"]) == [0.0, 1.0]).all(axis=None)
    where = "task == 'QueryAttr' and quantity == 'synergy' and mode == 'cartesian' and target == 'prediction_hidden'"
    of_one = trained[trained["model"].str.startswith("mini-llava-1.5")].query(where).query("layer == 4")
    said = curves.query("model == 'mini-llava-1.5' and atom == 'synergy' and depth == 0.5")
    assert len(of_one) == 5 and said["bits"].item() == pytest.approx(of_one["bits"].mean())


def test_beside_each_embedded_model_it_has_another_to_agree_with(shipped, trained) -> None:
    both = experiment.with_first_trainings(shipped[0], trained)
    assert list(dict.fromkeys(both["model"])) == [experiment.MODEL, *EMBEDDED_MODELS]
    judged = judge({"C4": read_claims().claims["C4"]}, both[both["task"] == "QueryAttr"], {"": MAIN_READING})
    assert judged.loc[judged["model"] == experiment.MODEL, "value"].between(-1, 1).all()


def test_the_costliest_window_is_named_unless_its_cost_may_be_nothing() -> None:
    windows = {"strict": -0.5, "strict@0-8": -0.2, "strict@9-17": -0.3, "strict@18-26": -0.01}
    said = experiment.summarise_costs(answers(**windows))
    assert said["costliest_window"] == "layers 9 to 17 in 1" and said["strict_most"].text == "50 [45, 55] points"
    assert said["n_less_than_half"] == 0  # 30 of 50 points
    other = answers(strict=-0.6, **{"strict@0-8": -0.1}).assign(task="ChooseCat")
    assert experiment.summarise_costs(pd.concat([answers(**windows), other]))["n_less_than_half"] == 1
    nothing = experiment.summarise_costs(answers(**dict.fromkeys(windows, -0.01)))
    assert nothing["costliest_window"] == "no window in any"
    assert experiment.summarise_costs(answers(strict=-0.5, **{"strict@9-17": -0.2}))["n_less_than_half"] == 1


def test_what_is_packed_is_read_and_what_is_damaged_is_not(tmp_path: Path, shipped, trained) -> None:
    atoms = trained.query("model == 'mini-llava-1.5' and task == 'ChooseCat'").assign(
        d_target=3, d_vision=5, d_language=4
    )
    experiment.pack_real_decoder(atoms, shipped[1], "of its code", tmp_path)
    found, of_answers, how = experiment.read_real_decoder(tmp_path)
    assert how["components"] == 5 and how["code"]["extraction"] == "of its code"
    assert len(of_answers) == len(shipped[1])
    assert set(found["target"]) == {"prediction_hidden", "answer"} and set(found["bits"]) <= set(atoms["bits"])
    write_table(shipped[0].head(3), tmp_path / experiment.TABLE)
    content = bytearray((tmp_path / experiment.TABLE).read_bytes())
    content[40] ^= 1
    (tmp_path / experiment.TABLE).write_bytes(content)
    with pytest.raises(DamagedError, match="make real-decoder"):
        experiment.read_real_decoder(tmp_path)
