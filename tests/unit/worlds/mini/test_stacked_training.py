"""Seeds trained side by side compute what each would alone: pictures, network, losses, optimiser, resumption."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from analysis_lib.worlds.mini import FAMILIES, render, sample_scene
from analysis_lib.worlds.mini.architectures import ARCHITECTURES, Architecture
from analysis_lib.worlds.mini.scene_pictures import JITTER, stripe_width
from analysis_lib.worlds.mini.training.loop import Stage, _optimizers
from analysis_lib.worlds.mini.training.packing import CAPTION, GENERAL, IGNORED, PackedBatch, cell_labels
from analysis_lib.worlds.mini.training.stacked import loop
from analysis_lib.worlds.mini.training.stacked.batched_drawing import Draws, Painter, cell_contents, padded_scenes
from analysis_lib.worlds.mini.training.stacked.drawn_ahead import (
    QuestionChunks,
    SceneChunks,
    batches,
    is_answer,
    on_device,
)
from analysis_lib.worlds.mini.training.stacked.loop import run_stacked_stage
from analysis_lib.worlds.mini.training.stacked.network import Network
from analysis_lib.worlds.mini.training.stacked.optimizer import StackedOptimizer, orthogonalize
from analysis_lib.worlds.mini.training.stacked.stacked_weights import StackedParameters
from analysis_lib.worlds.mini.training.stacked.stages import LanguageLoss, VisionLoss
from analysis_lib.worlds.mini.training.stages import CAPTION_WEIGHT, VisionStage
from analysis_lib.worlds.mini.world import SIZE

LLAVA = ARCHITECTURES["mini-llava-1.5"]
SEEDS = (3, 5)


def stacked(architecture: Architecture, layers: int = 1) -> tuple[list[Any], StackedParameters, Network]:
    """Two models whose every weight differs from its initial value, stacked for the language stage."""
    models = [architecture.build_model(seed, layers) for seed in SEEDS]
    for model in models:
        model.config._attn_implementation = "eager"
        with torch.no_grad():
            for weight in model.parameters():
                weight += 0.02 * torch.randn_like(weight)
    states = [dict(model.named_parameters()) for model in models]
    trained = {name for name in states[0] if "vision_tower" not in name}
    return models, StackedParameters(states, trained, "cpu"), Network(architecture, models[0])


def drawn_as_render_draws(scene: np.ndarray, rng: np.random.Generator, pixels: int) -> dict[str, np.ndarray]:
    """The chance that `render` takes from ``rng``, in its order."""
    side = 3 * pixels
    draws: dict[str, np.ndarray] = {
        "tint": rng.standard_normal(3).astype(np.float32),
        "cast": np.zeros((4, 3), np.float32),
        "jitter": np.zeros((4, 2), np.int64),
        "phase": np.zeros((4, 2), np.int64),
    }
    for number, item in enumerate(scene):
        reach = JITTER[item[SIZE]]
        draws["jitter"][number] = rng.integers(-reach, reach + 1, 2)
        draws["phase"][number] = rng.integers(0, 2 * stripe_width(pixels), 2)
        draws["cast"][number] = rng.standard_normal(3)
    return draws | {"noise": rng.standard_normal((side, side, 3), dtype=np.float32)}


@pytest.mark.parametrize("pixels", [16, 32])
def test_a_batch_of_pictures_is_what_render_draws_one_by_one(pixels: int) -> None:
    scenes = [sample_scene(np.random.default_rng(number)) for number in range(20)]
    alone = np.stack([render(scene, np.random.default_rng([1, i]), pixels) for i, scene in enumerate(scenes)])
    drawn = [drawn_as_render_draws(scene, np.random.default_rng([1, i]), pixels) for i, scene in enumerate(scenes)]
    draws = Draws(**{name: torch.from_numpy(np.stack([one[name] for one in drawn])) for name in drawn[0]})
    together = Painter(pixels, "cpu").paint(torch.from_numpy(padded_scenes(scenes)), draws).numpy()
    apart = np.abs(together.astype(int) - alone.astype(int))
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-4, "float32 instead of float64 may turn a rounding"


def test_chance_has_renders_ranges() -> None:
    scenes = torch.from_numpy(padded_scenes([sample_scene(np.random.default_rng(i)) for i in range(200)]))
    draws = Painter(16, "cpu").draw(scenes)
    small = scenes[:, :, SIZE] == 0
    assert set(draws.jitter[small].flatten().tolist()) == {-2, -1, 0, 1, 2} and not draws.jitter[~small].any()
    assert set(draws.phase.flatten().tolist()) == {0, 1, 2, 3}
    assert abs(draws.noise.mean()) < 0.01 and abs(draws.noise.std() - 1) < 0.01


def test_cells_hold_what_the_scenes_say() -> None:
    scenes = [sample_scene(np.random.default_rng(i)) for i in range(30)]
    told = cell_contents(torch.from_numpy(padded_scenes(scenes)))
    assert np.array_equal(told.numpy(), np.stack([cell_labels(scene) for scene in scenes]))


def loss_of_transformers(model: Any, architecture: Architecture, batch: PackedBatch) -> torch.Tensor:
    """The language loss as the ordinary modules compute it, in float32."""
    images = model.model.get_image_features(**architecture.image_inputs(batch.pixels), return_dict=True)
    states = model.model(
        input_ids=batch.ids,
        mm_encoder_outputs={"image": images},
        attention_mask=torch.where(batch.allowed, 0.0, -1e4),
        position_ids=batch.positions,
        use_cache=False,
    ).last_hidden_state
    answered = batch.labels != IGNORED
    entropy = cross_entropy(model.lm_head(states[answered]), batch.labels[answered], reduction="none")
    captions = batch.families[answered] == CAPTION
    return entropy[~captions].mean() + CAPTION_WEIGHT * entropy[captions].mean()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_losses_and_gradients_are_those_of_transformers_modules(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = ARCHITECTURES[name]
    models, parameters, network = stacked(architecture, layers=2)
    chunk = QuestionChunks([0], len(SEEDS), 2, architecture, GENERAL)[0]
    batch, loss = on_device(chunk, "cpu"), LanguageLoss(network, architecture, "cpu")
    pixels = loss.pixels(batch)
    monkeypatch.setattr(loss, "pixels", lambda _: pixels)
    losses = loss(parameters.weights(), batch)
    parameters.differentiate(losses.sum())
    for index, model in enumerate(models):
        n, t = batch["ids"].shape[1:]
        labels = torch.full((n, t), IGNORED).scatter(1, batch["targets"][index], batch["labels"][index])
        families = torch.full((n, t), -1).scatter(1, batch["targets"][index], batch["families"][index])
        segments = batch["segments"][index]
        seen = (segments[:, None] == 0) | (segments[:, None] == segments[:, :, None])
        packed = PackedBatch(
            batch["ids"][index],
            batch["positions"][index],
            labels,
            families,
            (seen & torch.ones(t, t, dtype=torch.bool).tril())[:, None],
            pixels[index],
        )
        own = loss_of_transformers(model, architecture, packed)
        own.backward()
        torch.testing.assert_close(losses[index], own, rtol=1e-5, atol=1e-5)
        gradients = {name: weight.grad for name, weight in model.named_parameters()}
        for group in parameters.groups:
            for number, weight in enumerate(group.names):
                torch.testing.assert_close(group.gradient[index, number], gradients[weight], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_vision_stage_is_that_of_one_tower(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    architecture = ARCHITECTURES[name]
    readers = [VisionStage(architecture.build_model(seed, 1).model.vision_tower, architecture) for seed in SEEDS]
    states = [dict(reader.named_parameters()) for reader in readers]
    parameters = StackedParameters(states, {n for n, p in states[0].items() if p.requires_grad}, "cpu")
    loss = VisionLoss(Network(architecture, architecture.build_model(0, 1)), architecture, "cpu")
    batch = on_device(SceneChunks([0], len(SEEDS), 4)[0], "cpu")
    pixels = loss.pixels(batch)
    monkeypatch.setattr(loss, "pixels", lambda _: pixels)
    losses = loss(parameters.weights(), batch)
    shares = loss.accuracy(parameters.weights(), batch)
    for index, reader in enumerate(readers):
        cells = cell_contents(batch["scenes"][index])[:, architecture.patch_cell]
        monkeypatch.setattr(reader, "_draw", lambda *_, seen=(pixels[index], cells): seen)
        monkeypatch.setattr(torch, "autocast", lambda *_: torch.no_grad())
        torch.testing.assert_close(losses[index], reader.loss(np.random.default_rng(), 4, "cpu"), rtol=1e-4, atol=1e-5)
        assert shares[index] == pytest.approx(reader.accuracy(np.random.default_rng(), 4, "cpu"), abs=1e-3)
        monkeypatch.undo()


def test_updates_are_those_of_torchs_optimisers() -> None:
    torch.manual_seed(0)
    shapes = {"tall": (8, 24), "square": (8, 8), "head": (8, 4)}
    modules = [nn.ModuleDict({name: nn.Linear(*shape) for name, shape in shapes.items()}) for _ in SEEDS]
    states = [{n: p.detach().clone() for n, p in module.named_parameters()} for module in modules]
    parameters = StackedParameters(states, set(states[0]), "cpu")
    assert parameters.n_hidden == 8 * 24 + 8 * 8
    ours = StackedOptimizer(parameters)
    stage = Stage("stage", 10, muon_rate=0.02, adam_rate=2e-3)
    theirs = [_optimizers(dict(module.named_parameters()), stage) for module in modules]
    ours.muon_rate.fill_(stage.muon_rate)
    ours.adam_rate.fill_(stage.adam_rate)
    for step in range(4):
        for index, (module, optimizers) in enumerate(zip(modules, theirs, strict=True)):
            for weight in module.parameters():
                weight.grad = torch.randn_like(weight) * (10.0 if index else 0.01)  # one is clipped, one is not
            gradients = {name: weight.grad for name, weight in module.named_parameters() if weight.grad is not None}
            for group in parameters.groups:
                group.gradient[index] = torch.stack([gradients[name] for name in group.names])
            nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            for optimizer in optimizers:
                optimizer.step()
        ours.step()
        weights = parameters.weights()
        for index, module in enumerate(modules):
            for name, weight in module.named_parameters():
                # Newton-Schulz runs in bfloat16, whose rounding depends on how products are summed.
                close = 0.004 * (step + 1) ** 0.5
                torch.testing.assert_close(weights[name][index], weight.detach(), rtol=0.02, atol=close)


def test_orthogonalized_matrices_have_singular_values_near_one() -> None:
    matrices = torch.randn(3, 24, 8, generator=torch.Generator().manual_seed(0))
    values = torch.linalg.svdvals(orthogonalize(matrices).float())
    assert values.min() > 0.6 and values.max() < 1.3
    assert torch.equal(orthogonalize(matrices)[1], orthogonalize(matrices[1:2])[0])


def test_every_seed_sees_every_block_and_a_later_start_goes_on() -> None:
    chunks = SceneChunks([7], 3, 2)
    taken = [batch["scenes"] for batch, _ in zip(batches(chunks, 0, 0, "cpu"), range(6), strict=False)]
    for seed in range(3):
        blocks = {tuple(batch[seed].flatten().tolist()) for batch in taken[:3]}
        assert blocks == {tuple(block.flatten().tolist()) for block in chunks[0]["scenes"]}
    later = [batch["scenes"] for batch, _ in zip(batches(chunks, 4, 0, "cpu"), range(2), strict=False)]
    assert torch.equal(taken[4], later[0]) and torch.equal(taken[5], later[1])


def test_worker_processes_draw_the_same_batches() -> None:
    chunks = QuestionChunks([7], 1, 2, LLAVA, dict.fromkeys(FAMILIES, 1))
    alone = [batch for batch, _ in zip(batches(chunks, 0, 0, "cpu"), range(2), strict=False)]
    ahead = [batch for batch, _ in zip(batches(chunks, 0, 1, "cpu"), range(2), strict=False)]
    assert all(torch.equal(a[name], b[name]) for a, b in zip(alone, ahead, strict=True) for name in a)


def test_answers_are_told_from_captions_and_ends() -> None:
    batch = on_device(QuestionChunks([7], 1, 3, LLAVA, dict.fromkeys(FAMILIES, 2))[0], "cpu")
    answers = is_answer(batch, LLAVA.vocabulary["</s>"])
    n_questions = (batch["labels"][batch["families"] != CAPTION] == LLAVA.vocabulary["</s>"]).sum()
    assert answers.sum() == n_questions > 20


def run(folder: Path, steps: int, stop_at: int | None = None, **options: Any) -> tuple[StackedParameters, list[Any]]:
    """Some steps of a vision stage, or an interruption at one of them."""
    readers = [VisionStage(LLAVA.build_model(seed, 1).model.vision_tower, LLAVA) for seed in SEEDS]
    states = [dict(reader.named_parameters()) for reader in readers]
    parameters = StackedParameters(states, {n for n, p in states[0].items() if p.requires_grad}, "cpu")
    loss = VisionLoss(Network(LLAVA, LLAVA.build_model(0, 1)), LLAVA, "cpu")
    chunks = SceneChunks([0], len(SEEDS), 4)

    def drawn(start: int) -> Any:
        for step, batch in enumerate(batches(chunks, start, 0, "cpu"), start=start):
            if step == stop_at:
                raise KeyboardInterrupt
            torch.manual_seed(step)  # pictures take their chance from the default generator
            yield batch

    stage = Stage("stage", steps, muon_rate=0.02, adam_rate=2e-3, warmup=2, checkpoint_every=2)
    held_out = on_device(SceneChunks([9], len(SEEDS), 4)[0], "cpu")
    log = run_stacked_stage(
        stage, parameters, loss, drawn, folder, lambda: loss.accuracy(parameters.weights(), held_out), **options
    )
    return parameters, log


def test_a_resumed_stage_equals_a_straight_one(tmp_path: Path) -> None:
    straight, log = run(tmp_path / "straight", 5)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "resumed", 5, stop_at=3)
    resumed, again = run(tmp_path / "resumed", 5)
    assert torch.equal(straight.flat, resumed.flat)
    assert [record["step"] for record in again] == [record["step"] for record in log] == [2, 4, 5]
    finished, same = run(tmp_path / "resumed", 5, stop_at=0)
    assert torch.equal(finished.flat, straight.flat) and same == again, "a finished stage takes no step"


def test_a_stage_whose_clock_runs_out_at_any_moment_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock advances a tenth at every look, so that it runs out wherever one is taken."""
    for ends_after in range(18, 24):
        looks = iter(range(10**6))
        monkeypatch.setattr(loop.time, "monotonic", lambda looks=looks: next(looks) / 10)
        _, log = run(tmp_path / str(ends_after), 10**9, seconds=ends_after / 10)
        assert run(tmp_path / str(ends_after), 10**9, stop_at=0, seconds=ends_after / 10)[1] == log, ends_after


def test_a_clock_ends_a_stage_before_its_steps_do(tmp_path: Path) -> None:
    parameters, log = run(tmp_path, 10**9, seconds=1.0)
    assert log[-1]["step"] < 10**6 and torch.isfinite(parameters.flat).all()
    assert run(tmp_path, 10**9, stop_at=0, seconds=1.0)[1] == log, "it is finished"
