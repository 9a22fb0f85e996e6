"""The public path: what extract returns, what it refuses, and that an interruption loses nothing."""

from __future__ import annotations

import copy
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from PIL import Image

from analysis_lib.activations import Condition, Knockout, extract, forward_condition, open_activations
from analysis_lib.activations.backends import TOLERANCES
from analysis_lib.activations.batching import arrange
from analysis_lib.activations.decoder import with_features
from analysis_lib.models import VisionLanguageModel, load_model, prepare
from analysis_lib.records import read_record, write_record
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


def test_lockstep_stores_what_the_reference_stores(
    vlm: VisionLanguageModel, questions: pd.DataFrame, dataset: xr.Dataset
) -> None:
    reference = extract(vlm, questions, [*NAMES, WINDOW], backend="reference")
    assert (dataset.attrs.pop("backend"), reference.attrs.pop("backend")) == ("lockstep", "reference")
    assert dataset.attrs == reference.attrs
    for name in ("vision", "language", "prediction_hidden", "answer_logits"):
        assert close(dataset[name].values, reference[name].values) < ROUNDING
    for name in ("predicted_token", "correct", "predicted"):
        assert np.array_equal(dataset[name].values, reference[name].values)


def test_states_before_the_first_cut_are_the_baselines_bits(dataset: xr.Dataset) -> None:
    language = dataset["language"]
    window, baseline = (language.sel(condition=name).values for name in ("window", "baseline"))
    assert np.array_equal(window[:, :2], baseline[:, :2]) and not np.array_equal(window[:, 2], baseline[:, 2])


def test_vision_stored_once_has_the_bits_of_every_condition_run_by_itself(
    vlm: VisionLanguageModel, questions: pd.DataFrame, dataset: xr.Dataset
) -> None:
    """The fact that lets one copy stand for all of them, on states that were never shared."""
    stored = extract(vlm, questions, [*NAMES, WINDOW], backend="reference")
    order = arrange(vlm, questions)  # another order pads otherwise, which moves the last bits
    batch = prepare(vlm, questions.iloc[order])
    seen = with_features(vlm, batch, range(len(order)))
    for condition in (*presets(), WINDOW):
        states = forward_condition(vlm, seen, condition)
        for name in ("vision", "vision_final_norm"):
            assert np.array_equal(stored[name].values[order], states[name].numpy())
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


def test_half_precision_is_stored_as_float32(tiny_folders: dict[str, Path], kind: str, questions: pd.DataFrame) -> None:
    dataset = extract(load_model(tiny_folders[kind], dtype="bfloat16", device="cpu"), questions)
    assert dataset["vision"].dtype == np.float32 and dataset.attrs["dtype"] == "bfloat16"
    assert np.isfinite(dataset["vision"].values).all()


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


def with_other_size(vlm: VisionLanguageModel) -> VisionLanguageModel:
    """Pictures are enlarged further before their middle is cut out: as many tokens, other pixels."""
    processor = copy.deepcopy(vlm.processor)
    processor.image_processor.size = {"shortest_edge": 40}
    return replace(vlm, processor=processor)


def other_settings(
    vlm: VisionLanguageModel, questions: pd.DataFrame, folders: dict[str, Path]
) -> dict[str, tuple[VisionLanguageModel, pd.DataFrame, dict[str, object]]]:
    shifted = [*questions["image"][1:], questions["image"][0]]
    return {
        "prompt": (replace(vlm, prompt="<image> {question} ASSISTANT:"), questions, {}),
        "attention": (load_model(folders["llava"], attention="eager", device="cpu"), questions, {}),
        "dtype": (load_model(folders["llava"], dtype="bfloat16", device="cpu"), questions, {}),
        "fingerprint": (load_model(folders["llava_next"], device="cpu"), questions, {}),
        "conditions": (vlm, questions, {"conditions": ["baseline"]}),
        "batch_size": (vlm, questions, {"batch_size": 3}),
        "n_questions": (vlm, questions[:4], {}),
        "processor": (with_other_size(vlm), questions, {}),
        "questions": (vlm, questions.assign(image=shifted), {}),
        "tasks": (vlm, questions.assign(task="ChooseAttr"), {}),
    }


@pytest.mark.parametrize(
    "name",
    [
        *("prompt", "attention", "dtype", "fingerprint", "processor", "conditions", "batch_size", "n_questions"),
        *("questions", "tasks"),
    ],
)
def test_a_store_of_other_settings_is_refused_by_name_and_replaced_on_demand(
    one_model: VisionLanguageModel,
    questions: pd.DataFrame,
    tiny_folders: dict[str, Path],
    tmp_path: Path,
    name: str,
) -> None:
    store = tmp_path / "store"
    extract(one_model, questions, store=store, batch_size=4)
    before = contents(store)
    vlm, table, options = other_settings(one_model, questions, tiny_folders)[name]
    wanted = {"store": store, "batch_size": 4, **options}
    with pytest.raises(ValueError, match=rf"written by other settings \(.*\b{name}: .* there, .* asked for.*replace"):
        extract(vlm, table, **wanted)  # type: ignore[arg-type]
    assert contents(store) == before, "a refusal changes nothing"
    extract(vlm, table, on_mismatch="replace", **wanted)  # type: ignore[arg-type]
    extract(vlm, table, **{**wanted, "store": tmp_path / "fresh"})  # type: ignore[arg-type]
    assert contents(store) == contents(tmp_path / "fresh")


def test_replace_keeps_a_store_of_the_same_settings(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    extract(one_model, questions, store=tmp_path / "store")
    monkeypatch.setattr(one_model.model.model, "forward", None)
    extract(one_model, questions, store=tmp_path / "store", on_mismatch="replace")


def test_a_store_that_other_code_wrote_is_refused(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = sys.modules[extract.__module__]
    extract(one_model, questions, store=tmp_path / "store")
    monkeypatch.setattr(module, "_code_digest", lambda: "another")
    with pytest.raises(ValueError, match=r"written by other settings \(code: '\w+' there, 'another' asked for\)"):
        extract(one_model, questions, store=tmp_path / "store")


def elsewhere(questions: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The same questions, with copies of their pictures under the same names in another folder."""
    folder.mkdir()
    return questions.assign(image=[str(shutil.copy(path, folder)) for path in questions["image"]])


def test_pictures_that_moved_are_the_same_ones_and_each_is_read_once(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doubled = pd.concat([questions, questions.assign(question_id=questions["question_id"] + "again")])
    extract(one_model, doubled, store=tmp_path / "store", batch_size=3)
    before = contents(tmp_path / "store")
    monkeypatch.setattr(one_model.model.model, "forward", None)
    module = sys.modules[extract.__module__]
    read: list[str] = []
    digest = module.picture_digest
    monkeypatch.setattr(module, "picture_digest", lambda path: (read.append(path), digest(path))[1])
    moved = elsewhere(doubled, tmp_path / "elsewhere")
    extract(one_model, moved, store=tmp_path / "store", batch_size=3)
    assert sorted(read) == sorted(set(moved["image"]))
    assert contents(tmp_path / "store") == before


@pytest.mark.parametrize("n_done", [2, 3])
def test_other_pictures_under_the_same_names_are_refused_and_replaced_on_demand(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, n_done: int
) -> None:
    """Whether the store is finished or only as far as the batch whose picture changed."""
    store, table = tmp_path / "store", elsewhere(questions, tmp_path / "pictures")
    extract(one_model, table, store=store, batch_size=2)
    if n_done == 2:
        (store / "manifest.json").unlink()
        progress = read_record(store / "progress.json", cure="")
        del progress["batches"]["4"]
        write_record(store / "progress.json", {key: progress[key] for key in ("files", "batches")}, of=progress["of"])
    before = contents(store)
    changed = Path(table["image"][pd.read_parquet(store / "questions.parquet")["position"][3]])
    Image.open(changed).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(changed)
    complaint = r"written by other settings \(pictures of samples 2 to 3: '\w+' there, '\w+' asked for\); .* replace"
    with pytest.raises(ValueError, match=complaint):
        extract(one_model, table, store=store, batch_size=2)
    assert contents(store) == before, "a refusal changes nothing"
    extract(one_model, table, store=store, batch_size=2, on_mismatch="replace")
    extract(one_model, table, store=tmp_path / "fresh", batch_size=2)
    assert contents(store) == contents(tmp_path / "fresh") != before


def test_a_picture_that_is_gone_is_named_rather_than_taken_for_the_same(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path
) -> None:
    table = elsewhere(questions, tmp_path / "pictures")
    extract(one_model, table, store=tmp_path / "store")
    Path(table["image"][2]).unlink()
    with pytest.raises(FileNotFoundError, match=r"2\.png is missing"):
        extract(one_model, table, store=tmp_path / "store")
    open_activations(tmp_path / "store")


def test_the_code_is_known_by_wherever_the_checkout_lies(tmp_path: Path) -> None:
    module = sys.modules[extract.__module__]
    package = tmp_path / "training" / "analysis_lib"
    library = Path(module.__file__).parents[1]
    for part in ("activations", "models"):
        shutil.copytree(library / part, package / part, ignore=shutil.ignore_patterns("checkpoints"))
    assert module._code_digest(package) != module._code_digest(), "how pictures are read counts"
    shutil.copy(library / "pictures.py", package)
    assert module._code_digest(package) == module._code_digest()
    (package / "models" / "training" / "__init__.py").write_text("# how a model came about says its fingerprint")
    assert module._code_digest(package) == module._code_digest()
    spans = package / "models" / "spans.py"
    source = spans.read_text()
    spans.write_text("# said otherwise\n" + re.sub(r'"""(?=\w)', '"""Otherwise: ', source))
    assert module._code_digest(package) == module._code_digest(), "comments and docstrings say, they do not do"
    for beside in (".ipynb_checkpoints/spans-checkpoint.py", "._spans.py", "spans (copy).py", "spans_LOCAL_123.py"):
        (package / "models" / beside).parent.mkdir(exist_ok=True)
        (package / "models" / beside).write_bytes(b"\x00\x05\x16" if "._" in beside else b"VALUE = 1")
    assert module._code_digest(package) == module._code_digest(), "copies that nothing imports are not the code"
    spans.write_text(source.replace("return", "return not", 1))
    assert module._code_digest(package) != module._code_digest()
    with pytest.raises(RuntimeError, match=r"no source code in .*nowhere"):
        module._code_digest(tmp_path / "nowhere")


@pytest.mark.parametrize("column", ["question_id", "image_id", "question", "detailed", "note"])
def test_a_store_belongs_to_all_that_is_known_of_its_questions(
    one_model: VisionLanguageModel, questions: pd.DataFrame, tmp_path: Path, column: str
) -> None:
    table = questions.assign(note=1)
    extract(one_model, table, ["baseline"], store=tmp_path / "store")
    values = table[column].astype(object).copy()
    values[2] = "1" if column == "note" else f"{values[2]} x"
    with pytest.raises(ValueError, match=r"written by other settings \(questions: "):
        extract(one_model, table.assign(**{column: values.map(str)}), ["baseline"], store=tmp_path / "store")
