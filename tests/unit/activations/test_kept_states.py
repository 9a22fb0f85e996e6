"""Which states a store keeps: of the conditions asked for, in the number format asked for, one file per condition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from analysis_lib.activations import Condition, Knockout, extract, open_activations, under
from analysis_lib.activations import store as store_module
from analysis_lib.activations.chunks import ArraySpec
from analysis_lib.activations.store import ActivationStore
from analysis_lib.models import VisionLanguageModel, load_model

NAMES = ("baseline", "paper", "strict")
WINDOW = Condition("window", (Knockout("image", "question", (1, 2)),))


def test_states_are_kept_of_the_conditions_asked_for_and_what_was_answered_of_all(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    whole = extract(one_model, questions, [*NAMES, WINDOW], store=tmp_path / "all", batch_size=2)
    few = extract(one_model, questions, [*NAMES, WINDOW], store=tmp_path / "few", batch_size=2, states_of=NAMES[::-1])
    assert [str(name) for name in few["kept"].values] == list(NAMES), "in the order of the conditions"
    for name in ("answer_logits", "answer_probability", "predicted_token", "correct"):
        assert few[name].equals(whole[name])
    for condition in NAMES:
        one, other = under(few, condition), under(whole, condition)
        assert one["language"].dims == ("sample", "layer", "hidden")
        for name in ("language", "vision", "language_final_norm", "prediction_hidden"):
            assert np.array_equal(one[name].values, other[name].values), (condition, name)
    together = under(few, NAMES[:2])
    assert together["language"].dims == whole["language"].dims
    assert together["language"].equals(under(whole, NAMES[:2])["language"])
    with pytest.raises(
        ValueError, match="keeps no states under window, only .* baseline, paper, strict. Extract again"
    ):
        under(few, "window")
    with pytest.raises(ValueError, match="no condition nope; it has baseline, paper, strict, window"):
        under(few, ["baseline", "nope"])


@pytest.mark.parametrize("asked", [(), "baseline", ["baseline", "nope"]])
def test_states_of_what_did_not_run_are_refused(
    one_model: VisionLanguageModel, questions: pd.DataFrame, asked: object
) -> None:
    with pytest.raises(ValueError, match="states_of is .*; list at least one of baseline, paper, strict, or None"):
        extract(one_model, questions, NAMES, states_of=asked)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="states_dtype is 'float8'; it is 'float16' or 'float32'"):
        extract(one_model, questions, NAMES, states_dtype="float8")


def test_a_state_is_one_file_per_condition_and_reading_one_opens_no_other(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    stored = extract(one_model, questions, NAMES, store=tmp_path / "store", batch_size=2)
    expected = under(stored, "strict")["language"].values
    for path in (tmp_path / "store" / "activations.zarr" / "language" / "c").glob("*/[01]/**/*"):
        if path.is_file():
            path.unlink()
    plain = xr.open_zarr(tmp_path / "store" / "activations.zarr", consolidated=False, chunks=None)["language"]
    order = pd.read_parquet(tmp_path / "store" / "questions.parquet")["position"].to_numpy()
    assert np.array_equal(plain.isel(condition=2).values, expected[order])
    assert np.isnan(plain.isel(condition=0).values).all(), "what is lost is no number"


def test_half_precision_states_hold_what_a_half_precision_model_gave(
    tiny_folders: dict[str, Path], kind: str, questions: pd.DataFrame
) -> None:
    vlm = load_model(tiny_folders[kind], dtype="bfloat16")
    wide, narrow = (extract(vlm, questions, NAMES, states_dtype=name) for name in ("float32", None))
    assert narrow["language"].dtype == narrow["vision"].dtype == narrow["prediction_hidden"].dtype == np.float16
    assert np.array_equal(narrow["prediction_hidden"], wide["prediction_hidden"]), "no token's own state loses a bit"
    for name in ("vision", "language", "vision_final_norm", "language_final_norm"):
        lost = np.abs(narrow[name].astype("float32") - wide[name]) / np.abs(wide[name]).clip(2.0**-14)
        assert 0 < float(lost.max()) <= 2.0**-11, name
    assert narrow["answer_logits"].equals(wide["answer_logits"])


def test_states_beyond_half_precision_are_refused_with_the_cure(tmp_path: Path) -> None:
    spec = ArraySpec(("hidden",), (2,), "float16")
    store = ActivationStore(tmp_path / "s", {"batch_size": 1}, pd.DataFrame({"question_id": ["a"]}), {"vision": spec})
    with pytest.raises(ValueError, match=r"vision reaches 7e\+04, but float16 ends at 6.55e\+04; .*'float32'"):
        store.write(slice(0, 1), {"vision": np.array([[1, 7e4]], dtype="float32")})
    assert store.pending() == [slice(0, 1)]


def test_a_store_of_the_layout_before_is_read(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LAYOUT", 3)
    before = extract(one_model, questions, NAMES, store=tmp_path / "store")
    monkeypatch.undo()
    assert before.attrs["layout"] == 3
    assert open_activations(tmp_path / "store").equals(before)
    with pytest.raises(ValueError, match="layout: 3 there, 5 asked for"):
        extract(one_model, questions, NAMES, store=tmp_path / "store")
