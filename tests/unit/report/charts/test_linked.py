"""The linked view: one pick, seen by every panel."""

import json

import pandas as pd
import pytest

from analysis_lib.report import charts


def two_models(baseline: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([baseline, baseline.assign(model="other", bits=baseline["bits"] / 2)], ignore_index=True)


def test_a_pick_fades_the_rest_in_every_panel_and_the_model_has_a_menu(baseline: pd.DataFrame) -> None:
    spec = charts.linked_trajectories(two_models(baseline), description="A line per task in every panel.").to_dict()
    assert len(spec["concat"]) == 6
    for panel in spec["concat"]:
        text = json.dumps(panel)
        assert "pick_task" in text and "pick_quantity" in text and "choose_model" in text
    params = {param["name"]: param for param in spec["params"]}
    assert len(params["pick_task"]["views"]) >= 6
    assert params["choose_model"]["bind"]["options"] == ["mini-llava-1.5", "other"]


def test_one_model_has_no_menu(baseline: pd.DataFrame) -> None:
    spec = charts.linked_trajectories(baseline, description="A line per task in every panel.").to_dict()
    assert "choose_model" not in json.dumps(spec)


def test_the_last_panel_shows_each_models_own_last_layer(baseline: pd.DataFrame) -> None:
    shallow = baseline[baseline["layer"] < 2].assign(model="shallow")
    spec = charts.linked_trajectories(
        pd.concat([baseline, shallow]), description="A line per task in every panel."
    ).to_dict()
    rows = pd.DataFrame(next(iter(spec["datasets"].values())))
    assert rows[rows["last"]].groupby("model")["layer"].unique().map(list).to_dict() == {
        "mini-llava-1.5": [3], "shallow": [1],
    }  # fmt: skip


def test_mixed_targets_are_refused(baseline: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="target"):
        charts.linked_trajectories(
            pd.concat([baseline, baseline.assign(target="answer_logits")]),
            description="A line per task in every panel.",
        )
