"""Which store belongs to which model, questions, pictures and code: the same is resumed, any other refused by name."""

from __future__ import annotations

import copy
import re
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from analysis_lib.activations import extract, open_activations, store_settings
from analysis_lib.activations.source_code import code_digest
from analysis_lib.models import VisionLanguageModel, load_model
from analysis_lib.records import read_record, write_record
from tests.unit.activations.folders import contents


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
        *("prompt", "fingerprint", "conditions", "questions"),
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("attention", "dtype", "processor", "batch_size", "n_questions", "tasks")
        ),
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
    extract(one_model, questions, store=tmp_path / "store")
    monkeypatch.setattr(sys.modules[extract.__module__], "_code_digest", lambda: "another")
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
    read: list[str] = []
    digest = store_settings.picture_digest
    monkeypatch.setattr(store_settings, "picture_digest", lambda path: (read.append(path), digest(path))[1])
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
    package = tmp_path / "elsewhere" / "analysis_lib"
    library = Path(store_settings.__file__).parents[1]
    for part in ("activations", "models"):
        shutil.copytree(library / part, package / part)
    for alone in ("pictures.py", "answers.py"):
        assert code_digest(package) != code_digest(), "how pictures are read and answers compared counts"
        shutil.copy(library / alone, package)
    assert code_digest(package) == code_digest()
    spans = package / "models" / "spans.py"
    source = spans.read_text()
    spans.write_text("# said otherwise\n" + re.sub(r'"""(?=\w)', '"""Otherwise: ', source))
    assert code_digest(package) == code_digest(), "comments and docstrings say, they do not do"
    for beside in (".ipynb_checkpoints/spans-checkpoint.py", "._spans.py", "spans (copy).py", "spans_LOCAL_123.py"):
        (package / "models" / beside).parent.mkdir(exist_ok=True)
        (package / "models" / beside).write_bytes(b"\x00\x05\x16" if "._" in beside else b"VALUE = 1")
    assert code_digest(package) == code_digest(), "copies that nothing imports are not the code"
    spans.write_text(source.replace("return", "return not", 1))
    assert code_digest(package) != code_digest()
    with pytest.raises(RuntimeError, match=r"no source code in .*nowhere"):
        code_digest(tmp_path / "nowhere")


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
