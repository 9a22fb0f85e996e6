"""The living model's parts, without a browser: the graph's forward pass is the library's own, maps and packing hold."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from analysis_lib.activations import Condition, Knockout, allowed_mask, forward_condition, get_condition
from analysis_lib.living import (
    BLOCKED,
    MANIFEST_FILE,
    MAPPED,
    SCRIPTS,
    Traced,
    attention_shares,
    find_runtime,
    landscape,
    most_moved,
    packed,
    pooled_states,
    readings,
    write_bundle,
)
from analysis_lib.living.export import _halved
from analysis_lib.models import VisionLanguageModel, load_model, prepare
from analysis_lib.tasks import load_questions

pytestmark = pytest.mark.mini

CONDITIONS = [
    *map(get_condition, ("baseline", "strict", "image->last", "last->last", "strict@2-4")),
    Condition("two", (Knockout("image", "question"), Knockout("question", "question", layers=(1, 5)))),
]


@pytest.fixture(scope="module")
def vlm() -> VisionLanguageModel:
    return load_model("mini-llava-1.5", attention="eager", device="cpu")


@pytest.fixture(scope="module")
def questions() -> pd.DataFrame:
    return load_questions("minigqa", "ChooseAttr", n=40)


@pytest.mark.parametrize("condition", CONDITIONS, ids=lambda one: one.name)
def test_the_traced_pass_is_the_librarys_own(vlm: VisionLanguageModel, questions: pd.DataFrame, condition: Condition):
    traced = Traced(vlm).eval()
    for row in (0, 7):
        batch = prepare(vlm, questions.iloc[row : row + 1])
        expected = forward_condition(vlm, batch, condition)
        allowed = torch.stack([allowed_mask(batch.spans, condition.active(layer), layer)[0, 0] for layer in range(8)])
        masks = torch.where(allowed, 0.0, BLOCKED)
        with torch.inference_mode():
            logits, states, attention = traced(batch.inputs["pixel_values"], batch.inputs["input_ids"], masks)
        assert torch.allclose(logits[-1], expected["logits"][0], atol=1e-4)
        for name, span in (("vision", "image"), ("language", "question")):
            start, stop = getattr(batch.spans[0], span)
            assert torch.allclose(states[:, start:stop].mean(1), expected[name][0], atol=1e-4)
        assert torch.allclose(attention.sum(-1), torch.ones(()), atol=1e-5)
        assert (attention[~allowed] == 0).all()


def test_a_model_of_another_class_is_refused():
    with pytest.raises(ValueError, match="llava_next"):
        Traced(load_model("mini-llava-1.6", device="cpu"))


def test_only_weights_that_halves_hold_become_halves():
    from onnx import helper, numpy_helper

    given = {
        "exact": np.array([1.5, -0.25, 0], np.float32),
        "fine": np.array([0.1, 2.0], np.float32),
        "large": np.array([1e9, 1.0], np.float32),
        "whole": np.array([1, 2]),
    }
    tensors = [numpy_helper.from_array(array, name) for name, array in given.items()]
    graph = helper.make_graph([], "weights", [], [], tensors)
    model = _halved(helper.make_model(graph))
    kept = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert kept.keys() == {"exact.half", "fine", "large", "whole"}
    assert kept["exact.half"].dtype == np.float16 and (kept["exact.half"] == given["exact"]).all()
    assert [(node.op_type, *node.input, *node.output) for node in model.graph.node] == [("Cast", "exact.half", "exact")]


def test_pooled_states_are_those_of_extraction_whatever_the_padding(
    vlm: VisionLanguageModel, questions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("analysis_lib.living.layer_maps._AT_ONCE", 30)
    states = pooled_states(vlm, questions)
    assert states.shape == (len(MAPPED), 9, 40, 128)
    batch = prepare(vlm, questions.iloc[37:38])
    expected = forward_condition(vlm, batch, get_condition("baseline"))
    assert np.allclose(states[MAPPED.index("image"), :, 37], expected["vision"][0], atol=1e-4)
    assert np.allclose(states[MAPPED.index("question"), :, 37], expected["language"][0], atol=1e-4)
    last = torch.from_numpy(states[MAPPED.index("last"), -1, 37])
    with torch.inference_mode():
        assert torch.allclose(vlm.final_norm(last), expected["prediction_hidden"][0], atol=1e-4)


def test_a_map_is_the_plane_in_which_questions_differ_most(vlm: VisionLanguageModel, questions: pd.DataFrame):
    found, states = landscape(vlm, questions), pooled_states(vlm, questions)
    assert found.answers == tuple(questions["answer"])
    assert np.allclose(found.axes @ found.axes.swapaxes(-1, -2), np.eye(2), atol=1e-4)
    assert (np.take_along_axis(found.axes, np.abs(found.axes).argmax(-1, keepdims=True), -1) > 0).all()
    spread = found.places.var(2)
    assert (spread[..., 0] >= spread[..., 1] - 1e-6).all()
    best = np.linalg.svd(states - states.mean(2, keepdims=True), compute_uv=False)[..., :2] ** 2 / 40
    assert np.allclose(spread, best, rtol=1e-3, atol=1e-6)
    with pytest.raises(ValueError, match="2 questions span no plane"):
        landscape(vlm, questions.iloc[:2])


def test_readings_end_in_the_answer_and_attention_is_shared_out(vlm: VisionLanguageModel, questions: pd.DataFrame):
    conditions = [get_condition("baseline"), get_condition("image->last")]
    one = most_moved(vlm, questions, conditions[1])
    read = readings(vlm, one, conditions, one["answer"])
    final = read[read["layer"] == 8].set_index("condition")["probability"]
    for condition in conditions:
        logits = forward_condition(vlm, prepare(vlm, one), condition)["logits"][0]
        expected = torch.softmax(logits, -1)[vlm.answer_token(one["answer"].iloc[0])]
        assert final[condition.name] == pytest.approx(float(expected), abs=1e-4)
    assert final["baseline"] > 0.5 > final["image->last"]
    shares = attention_shares(vlm, one, conditions[1])
    assert np.allclose(shares.groupby("layer")["share"].sum(), 1, atol=1e-5)
    assert (shares[shares["span"] == "image"]["share"] == 0).all()
    with pytest.raises(ValueError, match="answers none of these"):
        most_moved(vlm, one.assign(answer="bowl"), conditions[1])


@pytest.mark.parametrize("array", [np.arange(6, dtype=np.float32).reshape(2, 3) / 7, np.arange(11) % 3 == 0])
def test_what_is_packed_can_be_read_again(array: np.ndarray):
    told = json.loads(json.dumps(packed(array)))
    raw = base64.b64decode(told["data"])
    if told["type"] == "bits":
        again = np.unpackbits(np.frombuffer(raw, np.uint8), count=array.size).astype(bool)
    else:
        again = np.frombuffer(raw, "<f4")
    assert np.array_equal(again.reshape(told["shape"]), array)


def test_without_the_runtime_nothing_is_written_but_why(tmp_path: Path):
    assert not write_bundle(tmp_path / "scripts", runtime=tmp_path / "nowhere")
    assert [path.name for path in (tmp_path / "scripts").iterdir()] == [MANIFEST_FILE]
    told = json.loads((tmp_path / "scripts" / MANIFEST_FILE).read_text())
    assert told["there"] is False and "make install" in told["why"] and not set(SCRIPTS) & set(told)
    assert str(tmp_path) not in told["why"]


def test_a_runtime_that_is_not_whole_is_refused(tmp_path: Path):
    (tmp_path / "dist").mkdir()
    for name in ("package.json", "dist/ort.wasm.min.js", "dist/ort-wasm-simd-threaded.mjs"):
        (tmp_path / name).write_text('{"version": "1"}')
    with pytest.raises(FileNotFoundError, match=r"threaded\.wasm is missing.*make install"):
        find_runtime(tmp_path)
    (tmp_path / "dist" / "ort-wasm-simd-threaded.wasm").write_bytes(b"binary")
    assert find_runtime(tmp_path).binary == b"binary" and find_runtime(tmp_path).version == "1"
