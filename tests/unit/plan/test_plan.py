"""A plan's figures are those of the run: counted against an extraction; what cannot fit is refused, with a cure."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from analysis_lib.activations import extract, named_condition, pixel_dependence, window_conditions
from analysis_lib.activations.prompt_keys import SHARE
from analysis_lib.models import PROMPTS, VisionLanguageModel, load_model, prepare
from analysis_lib.plan import GPUS, ModelPlan, Plan, Room, known_gpu, plan_profile, refusals, told
from analysis_lib.plan.__main__ import main
from analysis_lib.plan.limits import LEAST_STORED
from analysis_lib.plan.minutes import largest_batch, on_gpu
from analysis_lib.plan.passes import per_question
from analysis_lib.plan.prompt_tokens import Typical, pieces
from analysis_lib.plan.weightless import PUBLISHED, shape_of
from analysis_lib.rehearsal import SHAPES, build, generate, window_run
from analysis_lib.rehearsal.operations import counted
from analysis_lib.tasks import load_questions

N, MODEL, TASK = 40, "mini-llava-1.6", "CompareAttr"
CONDITIONS, WINDOWED, WIDTH = ["baseline", "paper", "image->last"], "strict", 3
PARAMETERS = (7_063_427_072, 7_063_431_168, 256_484_928)
NO_ROOM = Room("L4", 1.0, 1.0, 1.0, Path("results/planned"))
PLENTY = Room("H100", 1e15, 1e15, 1e15, Path("results/planned"))


@pytest.fixture(scope="module")
def profile(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Path:
    """The profile smoke with one model, one task and few conditions."""
    content = yaml.safe_load((repository / "workflow" / "profiles" / "smoke.yaml").read_text())
    content |= {"models": {MODEL: MODEL}, "tasks": [TASK]}
    content["extract"] |= {"n_questions": N, "conditions": CONDITIONS, "windows_of": [WINDOWED], "window_width": WIDTH}
    content["extract"] |= {"batch_size": 25}
    content["decompose"] |= {"decomposed": ["baseline", "paper"]}
    path = tmp_path_factory.mktemp("profile") / "planned.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="module")
def plan(profile: Path) -> Plan:
    with pytest.MonkeyPatch.context() as patched:  # nothing that could read a weight is there
        patched.setattr("safetensors.safe_open", None)
        patched.setattr("safetensors.torch.load_file", None)
        return plan_profile(str(profile))


@pytest.fixture(scope="module")
def one(plan: Plan) -> ModelPlan:
    (found,) = plan.models
    return found


@pytest.fixture(scope="module")
def vlm() -> VisionLanguageModel:
    return load_model(MODEL)


@pytest.mark.mini
def test_figures_are_those_of_the_run(one: ModelPlan, vlm: VisionLanguageModel, tmp_path: Path):
    questions = load_questions("minigqa-fine", TASK, n=N)
    whole = [named_condition(name, vlm.n_layers) for name in CONDITIONS]
    conditions = [*whole, *window_conditions(WINDOWED, vlm.n_layers, WIDTH)]
    store = tmp_path / "store"
    kept = [condition.name for condition in whole]
    ran = counted(lambda: extract(vlm, questions, conditions, store=store, batch_size=25, states_of=kept))
    noise = counted(lambda: pixel_dependence(vlm, questions.head(32), whole))
    assert one.questions == N and one.conditions == len(conditions) and one.whole_conditions == len(whole)
    assert one.pictures == questions["image"].nunique()
    assert one.tokens == int(prepare(vlm, questions).lengths.sum())
    assert one.parameters == sum(weight.numel() for weight in vlm.model.parameters())
    assert sum(one.operations.values()) == pytest.approx(ran + noise, rel=0.02)
    written = sum(path.stat().st_size for path in (store / "activations.zarr").rglob("*") if path.is_file())
    assert LEAST_STORED * one.store_bytes < written < 1.02 * one.store_bytes + 20_000


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"gpu_memory": 1.0}, r"weights and one question take 1\.0 GB in float32, and L4 has .*; take `dtype: fl"),
        ({"host": 1.0}, r"take 1\.\d GB of main memory in float32, batch_size 25, and this machine has .* smaller"),
        ({"host": 1.0}, r"a decomposition holds 1\.5 GB in main memory, .*; take fewer n_questions"),
        ({"disk": 1.0}, r"stores and tables take .* of disk, and results/planned has room for .*; free some"),
    ],
)  # fmt: skip
def test_what_cannot_fit_is_refused_with_figure_setting_and_cure(plan: Plan, change: dict[str, float], expected: str):
    assert refusals(plan, PLENTY) == []
    found = refusals(plan, replace(PLENTY, gpu="L4", **change))
    assert any(re.search(expected, problem) for problem in found), found
    assert all(problem.startswith("profile planned") for problem in found)
    assert "It cannot fit:" in list(told(plan, replace(PLENTY, **change)))


def test_a_batch_is_halved_until_it_fits_and_no_further(one: ModelPlan):
    assert largest_batch(one, 1e12) == one.batch_size
    beyond = (one.device_memory(13) + one.device_memory(12)) / 2 - one.weights
    assert largest_batch(replace(one, generates=False), 1e9 + one.weights + beyond) == 12
    assert largest_batch(one, 1e9 + one.weights + beyond) == 6, "answers go on from keys that want room as well"
    assert largest_batch(one, 1e9 + one.weights + beyond / (1 - SHARE)) == 12
    assert largest_batch(one, 1e9) == 0


def test_more_asked_takes_more(plan: Plan, profile: Path, tmp_path: Path):
    content = yaml.safe_load(profile.read_text())
    content["extract"] |= {"n_questions": N // 2, "windows_of": []}
    fewer = tmp_path / "fewer.yaml"
    fewer.write_text(yaml.safe_dump(content))
    (less,), (more,) = plan_profile(str(fewer)).models, plan.models
    assert less.questions * 2 == more.questions and less.tokens < more.tokens
    assert less.per_question.question < more.per_question.question
    assert less.per_question.activations < more.per_question.activations and less.store_bytes < more.store_bytes / 2
    assert less.draws == more.draws


@pytest.mark.parametrize(("name", "parameters"), [*zip(PUBLISHED, PARAMETERS, strict=True)])
def test_published_sizes_are_those_of_the_published_models(name: str, parameters: int, tmp_path: Path):
    shaped = shape_of(f"{name}@main", None, "float16", tmp_path)
    assert shaped.parameters == parameters and shaped.weights == 2 * parameters
    assert shaped.vlm.processor is None and "published" in shaped.known_from


def test_only_what_was_measured_is_called_so(one: ModelPlan):
    half = replace(one, dtype="float16")
    measured = {name for name, gpu in GPUS.items() if on_gpu(half, gpu).measured}
    assert measured == {"H100"} and not on_gpu(one, GPUS["H100"]).measured
    assert not on_gpu(replace(half, family="smolvlm"), GPUS["H100"]).measured
    assert on_gpu(half, GPUS["L4"]).forward > on_gpu(half, GPUS["H100"]).forward


def test_without_a_tokenizer_text_counts_rather_too_many_tokens():
    system = PROMPTS["vicuna-v1-short"].split("<image>")[0]
    assert 35 <= pieces(system) + 1 <= 50  # Vicuna's tokenizer makes 35 of it


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = main(arguments)
    return code, *capsys.readouterr()


def test_unknown_names_are_told_what_is_known(capsys: pytest.CaptureFixture[str]):
    code, _, error = run(capsys, "mimi")
    assert code == 2 and "there is no profile 'mimi'; give one of llava-1.5-7b" in error
    code, _, error = run(capsys, "smoke", "--gpu", "H10")
    assert code == 2 and "no GPU 'H10' is known; did you mean H100? Those that are: H100, H200" in error
    assert known_gpu("rtx-4090").name == "RTX-4090"
    code, _, error = run(capsys, "llava-1.5-7b", "--gqa", "nowhere")
    assert code == 2 and "GQA=nowhere lacks *_questions.json or images/" in error


@pytest.mark.mini
def test_the_command_prints_a_plan_or_plain_data_and_ends_with_what_it_found(
    profile: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, plan: Plan
):
    monkeypatch.setattr("analysis_lib.plan.planning.plan_profile", lambda *_, **__: plan)
    code, out, _ = run(capsys, str(profile))
    assert code == 0 and f"questions   {N}, 1 tasks" in out and out.endswith("It fits.\n")
    monkeypatch.setattr(Room, "here", classmethod(lambda *_: NO_ROOM))
    code, out, _ = run(capsys, str(profile), "--json", "--gpu", "L4")
    data = json.loads(out)
    assert code == 3 and len(data["refusals"]) == 4 and list(data["gpus"]) == ["L4"]
    assert data["models"][0]["questions"] == N and data["models"][0]["operations"]["extraction"] > 0


def test_help_says_how_it_ends(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0 and "with 3 where something cannot fit" in " ".join(capsys.readouterr().out.split())


def test_nothing_says_what_an_unknown_model_is_like(tmp_path: Path):
    with pytest.raises(ValueError, match=r"what sizes some/model has: give its folder \(MODEL_PATH\)"):
        shape_of("some/model", None, "float16", tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "gigabytes"), [("llava-1.5-7b", 15.7), ("llava-1.6-vicuna-7b", 13.7)])
def test_memory_is_what_a_gpu_was_seen_to_use(name: str, gigabytes: float):
    """Measured on an H100 with 33 conditions and 32 questions."""
    shape = SHAPES[name]
    vlm = build(shape, "meta", dtype=torch.bfloat16)
    batch = generate(build(shape.narrowed(64), "cpu"), shape.narrowed(64), 1)
    seen = {name: value for name, value in batch.inputs.items() if name in ("pixel_values", "image_sizes")}
    found = per_question(vlm, Typical(batch.spans[0], seen), window_run(shape))
    assert 32 * found.activations / 1e9 == pytest.approx(gigabytes, rel=0.03)
