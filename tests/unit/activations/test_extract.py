"""The public path: what extract returns, what it refuses, and that an interruption loses nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from analysis_lib.activations import Condition, Knockout, extract, forward_condition, open_activations
from analysis_lib.activations.backends import TOLERANCES
from analysis_lib.activations.batching import arrange
from analysis_lib.activations.decoder import with_features
from analysis_lib.models import VisionLanguageModel, load_model, prepare
from tests.unit.activations.folders import contents
from tests.unit.models.tiny import LAYERS, WIDTH, questions_table

ROUNDING = 5e-6
NAMES = ("baseline", "paper", "strict")
WINDOW = Condition("window", (Knockout("image", "question", (1, 2)),))


def close(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference relative to the largest value."""
    return float(np.abs(one - other).max() / np.abs(other).max())


@pytest.fixture(scope="module")
def dataset(vlm: VisionLanguageModel, questions: pd.DataFrame) -> xr.Dataset:
    return extract(vlm, questions, [*NAMES, WINDOW])


@pytest.fixture(scope="module")
def reference(vlm: VisionLanguageModel, questions: pd.DataFrame) -> xr.Dataset:
    """The same, every condition run by itself."""
    return extract(vlm, questions, [*NAMES, WINDOW], backend="reference")


def test_everything_is_labelled(dataset: xr.Dataset, questions: pd.DataFrame) -> None:
    n = len(questions)
    assert dataset["language"].dims == ("sample", "condition", "layer", "hidden")
    assert dataset["language"].shape == (n, 4, LAYERS + 1, WIDTH)
    assert dataset["vision"].dims == ("sample", "layer", "hidden"), "the same under all conditions, so stored once"
    assert dataset["vision_final_norm"].dims == ("sample", "hidden")
    for name in ("language_final_norm", "prediction_hidden"):
        assert dataset[name].dims == ("sample", "condition", "hidden")
    assert dataset["answer_logits"].dims == ("sample", "condition", "option")
    assert list(dataset["condition"].values) == [*NAMES, "window"]
    assert list(dataset["layer"].values) == list(range(LAYERS + 1))
    assert list(dataset["option"].values) == sorted(set(questions["answer"]))
    for name in questions.columns:
        assert list(dataset[str(name)].values) == list(questions[name])
    assert dataset.attrs["tasks"] == ["QueryAttr"] and dataset.attrs["n_questions"] == n


ON_DEVICES = [
    ("cpu", "float32", ROUNDING),
    pytest.param("cuda", "float32", TOLERANCES[torch.float32], marks=pytest.mark.gpu),
    pytest.param("cuda", "float16", TOLERANCES[torch.float16], marks=pytest.mark.gpu),
]


def presets() -> tuple[Condition, ...]:
    image_question = Knockout("image", "question")
    strict = Condition("strict", (image_question, Knockout("image", "gap")))
    return Condition("baseline"), Condition("paper", (image_question,)), strict


@pytest.mark.parametrize(("device", "dtype", "tolerance"), ON_DEVICES)
def test_stored_numbers_are_the_models(
    tiny_folders: dict[str, Path],
    kind: str,
    attention: str,
    questions: pd.DataFrame,
    device: str,
    dtype: str,
    tolerance: float,
) -> None:
    vlm = load_model(tiny_folders[kind], attention=attention, dtype=dtype, device=device)
    dataset = extract(vlm, questions, [*NAMES, WINDOW], backend="reference")
    batch = prepare(vlm, questions)
    truth = [vlm.answer_token(answer) for answer in questions["answer"]]
    for condition in (*presets(), WINDOW):
        here = dataset.sel(condition=condition.name)
        states = forward_condition(vlm, batch, condition)
        for array in ("vision", "language", "vision_final_norm", "language_final_norm", "prediction_hidden"):
            assert close(here[array].values, states[array].numpy()) < tolerance
        logits = states["logits"]
        options = [vlm.answer_token(option) for option in here["option"].values]
        assert close(here["answer_logits"].values, logits[:, options].numpy()) < tolerance
        probability = logits.softmax(-1)[torch.arange(len(truth)), truth]
        np.testing.assert_allclose(here["answer_probability"], probability, rtol=20 * tolerance, atol=tolerance)
        predicted = here["predicted_token"].values
        chosen = logits[torch.arange(len(predicted)), predicted]  # in half precision the largest two may be equal
        assert (logits.amax(-1) - chosen).max() <= (tolerance if dtype == "float16" else 0) * logits.abs().max()
        assert here["correct"].values.tolist() == (predicted == truth).tolist()
        said = [vlm.tokenizer.decode([token]).strip() for token in predicted.tolist()]
        assert list(here["predicted"].values) == said


def test_lockstep_stores_what_the_reference_stores(dataset: xr.Dataset, reference: xr.Dataset) -> None:
    assert (dataset.attrs["backend"], reference.attrs["backend"]) == ("lockstep", "reference")
    assert {**dataset.attrs, "backend": "reference"} == reference.attrs
    for name in ("vision", "language", "prediction_hidden", "answer_logits"):
        assert close(dataset[name].values, reference[name].values) < ROUNDING
    for name in ("predicted_token", "correct", "predicted"):
        assert np.array_equal(dataset[name].values, reference[name].values)


def test_states_before_the_first_cut_are_the_baselines_bits(dataset: xr.Dataset) -> None:
    language = dataset["language"]
    window, baseline = (language.sel(condition=name).values for name in ("window", "baseline"))
    assert np.array_equal(window[:, :2], baseline[:, :2]) and not np.array_equal(window[:, 2], baseline[:, 2])


def test_vision_stored_once_has_the_bits_of_every_condition_run_by_itself(
    vlm: VisionLanguageModel, questions: pd.DataFrame, dataset: xr.Dataset, reference: xr.Dataset
) -> None:
    """The fact that lets one copy stand for all of them, on states that were never shared."""
    order = arrange(vlm, questions)  # another order pads otherwise, which moves the last bits
    batch = prepare(vlm, questions.iloc[order])
    seen = with_features(vlm, batch, range(len(order)))
    for condition in (*presets(), WINDOW):
        states = forward_condition(vlm, seen, condition)
        for name in ("vision", "vision_final_norm"):
            assert np.array_equal(reference[name].values[order], states[name].numpy())
    language = dataset["language"]
    for name in ("paper", "strict", "window"):
        assert not np.array_equal(language.sel(condition=name), language.sel(condition="baseline"))


def test_the_batch_size_changes_rounding_at_most(
    vlm: VisionLanguageModel, questions: pd.DataFrame, dataset: xr.Dataset
) -> None:
    other = extract(vlm, questions, [*NAMES, WINDOW], batch_size=2)
    for name in ("vision", "language", "prediction_hidden", "answer_logits"):
        assert close(other[name].values, dataset[name].values) < ROUNDING


def test_the_order_of_questions_and_conditions_is_only_an_order(
    one_model: VisionLanguageModel, questions: pd.DataFrame
) -> None:
    straight = extract(one_model, questions, NAMES)
    turned = extract(one_model, questions[::-1], NAMES[::-1])
    for name in ("vision", "language", "answer_logits"):
        aligned = turned.isel(sample=slice(None, None, -1)).sel(condition=list(NAMES))[name]
        np.testing.assert_allclose(aligned.values, straight[name].values, rtol=1e-4, atol=1e-4)


def test_answers_that_begin_alike_share_an_option(one_model: VisionLanguageModel, questions: pd.DataFrame) -> None:
    table = questions.assign(answer=["red ball", "red", "red box", "left", "red"])
    dataset = extract(one_model, table, ["baseline"])
    assert list(dataset["option"].values) == ["left", "red | red ball | red box"]


@pytest.mark.parametrize(
    ("conditions", "complaint"),
    [
        ([], "conditions are \\[\\]; give at least one"),
        (["baseline", "paper", "baseline"], "each with its own name"),
        ([Condition("baseline", (Knockout("image", "last"),)), "baseline"], "each with its own name"),
        (["baseline", "papers"], "unknown condition 'papers'; the presets are baseline, paper, strict"),
        ([Condition("deep", (Knockout("image", "last", (3, 4)),))], r"names layers \[4\]; this model has 0 to 3"),
    ],
)
def test_unusable_conditions_are_refused_before_anything_is_written(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, conditions: list[str], complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        extract(one_model, questions, conditions, store=tmp_path / "store")
    assert not list(tmp_path.iterdir())


def test_unusable_questions_and_settings_are_refused_before_anything_is_written(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    with pytest.raises(ValueError, match="lacks the columns image"):
        extract(one_model, questions.drop(columns="image"), store=store)
    with pytest.raises(ValueError, match="is empty"):
        extract(one_model, questions[:0], store=store)
    with pytest.raises(ValueError, match="1 questions have an empty question"):
        extract(one_model, questions.assign(question=["", *questions["question"][1:]]), store=store)
    with pytest.raises(ValueError, match="batch_size is 0; at least 1 is needed"):
        extract(one_model, questions, store=store, batch_size=0)
    with pytest.raises(ValueError, match="on_mismatch is 'overwrite'; it is 'refuse' or 'replace'"):
        extract(one_model, questions, store=store, on_mismatch="overwrite")
    with pytest.raises(ValueError, match="'zebra' is not in the vocabulary"):
        extract(one_model, questions.assign(answer="zebra"), store=store)
    assert not list(tmp_path.iterdir())


def test_a_missing_or_foreign_picture_is_refused_before_anything_runs(
    one_model: VisionLanguageModel, tmp_path: Path
) -> None:
    table = questions_table(tmp_path / "pictures", 9)
    victim = Path(table["image"][8])
    victim.write_bytes(b"<html>404</html>")
    with pytest.raises(ValueError, match=r"8\.png cannot be read"):
        extract(one_model, table, store=tmp_path / "store", batch_size=2)
    victim.unlink()
    with pytest.raises(FileNotFoundError, match=r"8\.png is missing"):
        extract(one_model, table, store=tmp_path / "store", batch_size=2)
    assert [path.name for path in tmp_path.iterdir()] == ["pictures"]


def test_a_truncated_picture_half_way_loses_nothing(one_model: VisionLanguageModel, tmp_path: Path) -> None:
    table = questions_table(tmp_path / "pictures", 9)
    expected = extract(one_model, table, store=tmp_path / "straight", batch_size=2).load()
    order = pd.read_parquet(tmp_path / "straight" / "questions.parquet")["position"]
    victim = Path(table["image"][order[5]])
    whole = victim.read_bytes()
    victim.write_bytes(whole[: len(whole) // 2])
    for _ in range(2):
        with pytest.raises(ValueError, match=r"\.png cannot be read"):
            extract(one_model, table, store=tmp_path / "resumed", batch_size=2)
    with pytest.raises(ValueError, match=r"unfinished \(2 batches done\); run extract again to resume it"):
        open_activations(tmp_path / "resumed")
    victim.write_bytes(whole)
    assert extract(one_model, table, store=tmp_path / "resumed", batch_size=2).load().identical(expected)
    assert contents(tmp_path / "resumed") == contents(tmp_path / "straight")


def test_a_finished_store_is_returned_without_running_the_model(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = extract(one_model, questions, store=tmp_path / "store", batch_size=2).load()
    before = contents(tmp_path / "store")
    monkeypatch.setattr(type(one_model.model), "forward", None)
    monkeypatch.setattr(one_model.model.model, "forward", None)
    assert extract(one_model, questions, store=tmp_path / "store", batch_size=2).load().identical(first)
    assert contents(tmp_path / "store") == before
    assert open_activations(tmp_path / "store").load().identical(first)


def test_a_store_on_disk_equals_one_in_memory(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    assert extract(one_model, questions, store=tmp_path / "store").load().identical(extract(one_model, questions))
    assert [path.name for path in tmp_path.iterdir()] == ["store"], "nothing is left beside the store"
