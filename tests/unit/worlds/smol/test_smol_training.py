"""Training: a resumed run equals a straight one, both stages learn, the clock is kept, what is learned comes back."""

from __future__ import annotations

import json
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from analysis_lib.worlds.smol.adapters import Adapters
from analysis_lib.worlds.smol.questions import FAMILIES
from analysis_lib.worlds.smol.storage import learned, load_weights, restore
from analysis_lib.worlds.smol.training import loop
from analysis_lib.worlds.smol.training import recipe as recipe_module
from analysis_lib.worlds.smol.training.loop import Stage, run_stage
from analysis_lib.worlds.smol.training.recipe import Recipe, train

from .conftest import tiny_decoder
from .test_smol_reader import tiny_llava

TINY: dict[str, Any] = {
    "vision_pictures": 4,
    "language_pictures": 1,
    "rank": 4,
    "tower_width": 32,
    "tower_layers": 1,
    "curve_batches": 1,
    "report_batches": 1,
}


def run(folder: Path, tokenizer: Any, name: str, **changes: Any) -> dict[str, Any]:
    """Train from the work folder ``name`` into an output folder of the same name."""
    decoder = tiny_decoder(len(tokenizer), layers=1, spread=0.2)
    return train(Recipe(**(TINY | changes)), decoder, tokenizer, folder / name, folder / f"{name}-work")


@pytest.mark.parametrize("killed_at", [("vision", 3), ("language", 3)])
def test_a_run_that_was_killed_ends_like_a_straight_one(
    tmp_path: Path, tokenizer: Any, killed_at: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = {"vision_steps": 5, "language_steps": 5}
    report = run(tmp_path, tokenizer, "straight", **steps)
    real = recipe_module._stream

    def broken(data: Any, first: int, recipe: Recipe) -> Any:
        kind = "vision" if type(data).__name__ == "Pictures" else "language"
        for step, batch in enumerate(real(data, first, recipe), start=first):
            if (kind, step) == killed_at:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(recipe_module, "_stream", broken)
    often = {"save_every": 20.0}
    monkeypatch.setattr(recipe_module, "Stage", lambda *args, **options: Stage(*args, **(options | often)))
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, tokenizer, "resumed", **steps)
    monkeypatch.setattr(recipe_module, "_stream", real)
    again = run(tmp_path, tokenizer, "resumed", **steps)
    straight, resumed = (load_weights(tmp_path / name) for name in ("straight", "resumed"))
    assert straight.keys() == resumed.keys()
    assert all(torch.equal(straight[name], resumed[name]) for name in straight)
    assert again["accuracy"] == report["accuracy"]


LOOK = 0.25


def test_the_clock_is_kept_and_a_report_is_there_from_the_first_checkpoint(
    tmp_path: Path, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on whenever it is looked at, as every step does once: none of this machine's."""
    looks = count(100)
    clock = SimpleNamespace(monotonic=lambda: LOOK * next(looks))
    for module in (loop, recipe_module):
        monkeypatch.setattr(module, "time", clock)
    started = clock.monotonic()
    report = run(tmp_path, tokenizer, "timed", vision_seconds=2.0, until=started + 5.0, started=started)
    by_stage = {record["stage"]: record for record in report["curve"]}
    assert by_stage["vision"]["seconds"] == pytest.approx(2.0)
    assert by_stage["language"]["seconds"] == pytest.approx(5.0 - 2.0, abs=4 * LOOK)
    assert 5.0 <= report["seconds"] < 5.0 + 6 * LOOK, "what is measured at the end takes looks as well"
    written = json.loads((tmp_path / "timed" / "training.json").read_text(encoding="utf-8"))
    assert written["complete"] and written["recipe"]["seed"] == 0 and "until" not in written["recipe"]
    assert set(written["accuracy"]) <= {*FAMILIES, "natural", "contrary"} and written["accuracy"]
    assert by_stage["language"]["questions_per_second"] > 0


def test_both_stages_learn(tmp_path: Path, tokenizer: Any) -> None:
    report = run(tmp_path, tokenizer, "falls", vision_steps=30, language_steps=50, adapter_rate=1e-2)
    for stage in ("vision", "language"):
        losses = [record["loss"] for record in report["curve"] if record["stage"] == stage]
        assert losses[-1] < 0.9 * losses[0], (stage, losses)


@pytest.mark.slow
def test_two_hundred_steps_of_either_stage_bring_the_loss_down(tmp_path: Path, tokenizer: Any) -> None:
    report = run(
        tmp_path, tokenizer, "long", vision_steps=200, language_steps=200, vision_pictures=16, adapter_rate=1e-2
    )
    for stage, share in (("vision", 0.8), ("language", 0.75)):
        losses = [record["loss"] for record in report["curve"] if record["stage"] == stage]
        assert losses[-1] < share * losses[0], (stage, losses)


def test_what_is_learned_comes_back(tokenizer: Any) -> None:
    first, second = tiny_llava(tokenizer), tiny_llava(tokenizer, spread=0.1)
    trained, fresh = (Adapters(llava.model.language_model, 3) for llava in (first, second))
    restore(second, fresh, learned(first, trained))
    assert all(torch.equal(a, b) for a, b in zip(trained.parameters(), fresh.parameters(), strict=True))
    ours, theirs = first.model.vision_tower.state_dict(), second.model.vision_tower.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize("length", [{}, {"steps": 3, "seconds": 1.0}])
def test_a_stage_lasts_steps_or_seconds(length: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="steps or seconds"):
        Stage("one", **length)


def test_the_rate_rises_holds_and_falls_to_its_floor() -> None:
    stage = Stage("one", steps=1000, warmup=10, hold=0.5, floor=0.02)
    rates = [stage.rate(step, stage.progress(step, 0.0)) for step in range(1000)]
    assert rates[0] == 0.1 and set(rates[10:500]) == {1.0} and rates[-1] == 0.02
    assert all(a >= b for a, b in zip(rates[500:], rates[501:], strict=False))
    assert Stage("two", seconds=10.0).progress(3, 5.0) == 0.5


def test_a_finished_stage_is_not_trained_again(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.ones(2))

    def train_it() -> list[dict[str, Any]]:
        return run_stage(
            Stage("one", steps=3),
            {"weight": weight},
            [("", 0.1)],
            lambda first: iter(range(first, 100)),
            lambda batch, step: (weight * batch).sum(),
            tmp_path,
            dict,
        )

    log = train_it()
    after = weight.detach().clone()
    assert train_it() == log and torch.equal(weight, after) and not torch.equal(after, torch.ones(2))
