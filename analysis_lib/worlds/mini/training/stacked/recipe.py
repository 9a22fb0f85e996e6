"""The recipe of `..recipe` for several seeds side by side: same stages, same rates, pictures drawn on the device."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ...architectures import ARCHITECTURES, Architecture
from ...questions import FAMILIES
from ..accuracy import Questions, draw_questions, questions_accuracy
from ..loop import Stage
from ..packing import BINDING, GENERAL
from ..recipe import CURVE_SEED, LANGUAGE_IMAGES, REPORT_SEED, ROUNDS, VISION_IMAGES, good_enough, stages_of
from ..saving import save_model, write_report
from ..stages import VisionStage
from .drawn_ahead import Batch, QuestionChunks, SceneChunks, batches, on_device
from .loop import Log, run_stacked_stage
from .network import Network
from .stacked_weights import StackedParameters
from .stages import LanguageLoss, VisionLoss

__all__ = ["train_stacked"]

_CURVE_BLOCKS = 4
"""Blocks of pictures behind each point of the learning curve."""
_SHARES = {"vision": 0.14, "language": 0.5}
"""What a stage may take of the time that is left; binding takes the rest."""
_UNLIMITED = 10**9
_KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def train_stacked(arguments: argparse.Namespace) -> None:
    """Train ``arguments.seeds`` of ``arguments.model``; every seed becomes a model folder under ``arguments.output``.

    With ``arguments.deadline``, a time of `time.time`, the stages share what is left until then.
    """
    n_questions = arguments.report_questions
    tasks = FAMILIES if n_questions else ()
    # The report's questions are drawn while the models train, by processes that start before the GPU is touched.
    with ProcessPoolExecutor(len(FAMILIES) if arguments.workers else 1, get_context("fork")) as pool:
        draw = partial(draw_questions, ARCHITECTURES[arguments.model], n_questions=n_questions, seed=REPORT_SEED)
        drawn = {task: pool.submit(draw, task) for task in tasks}
        seeds = _Seeds(arguments)
        seeds.train()
        seeds.report({task: questions.result() for task, questions in drawn.items()})


class _Seeds:
    """The seeds of one architecture on their way from fresh weights to shipped models."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments, self.device = arguments, arguments.device
        self.architecture = ARCHITECTURES[arguments.model]
        self.on_gpu = self.device.startswith("cuda")
        self.models = [self.architecture.build_model(seed, arguments.layers) for seed in arguments.seeds]
        dtype = torch.bfloat16 if self.on_gpu else torch.float32
        self.network = Network(self.architecture, self.models[0], dtype).to(self.device)
        self.log: Log = []

    def train(self) -> None:
        """Both stages; kernels are chosen that need no plan of their own for every shape."""
        with sdpa_kernel(_KERNELS) if self.on_gpu else nullcontext():
            self._vision()
            self._language()

    def _vision(self) -> None:
        readers = [VisionStage(model.model.vision_tower, self.architecture) for model in self.models]
        states = [dict(reader.named_parameters()) for reader in readers]
        trained = {name for name, parameter in states[0].items() if parameter.requires_grad}
        parameters = StackedParameters(states, trained, self.device)
        loss = VisionLoss(self.network, self.architecture, self.device)
        (held_out,) = self._held_out(SceneChunks([CURVE_SEED, 0], 1, 100), 1)
        self._run(
            stages_of(self.arguments)["vision"],
            parameters,
            loss,
            SceneChunks(self._key(0), len(self.models), VISION_IMAGES),
            lambda: loss.accuracy(parameters.weights(), held_out),
        )
        _write_back(parameters, states)

    def _language(self) -> None:
        states = [dict(model.named_parameters()) for model in self.models]
        trained = {name for name in states[0] if "vision_tower" not in name}
        if self.on_gpu and not self.arguments.no_fusion:
            self.network.fuse()
        parameters = StackedParameters(states, trained, self.device)
        loss = LanguageLoss(self.network, self.architecture, self.device)
        families = QuestionChunks([CURVE_SEED, 1], 1, LANGUAGE_IMAGES, self.architecture, dict.fromkeys(FAMILIES, 2))
        held_out = self._held_out(families, _CURVE_BLOCKS)

        def figures() -> list[dict[str, float]]:
            return loss.accuracy(parameters.weights(), held_out)

        stages = stages_of(self.arguments)
        for stage, repeats, number in ((stages["language"], GENERAL, 1), (stages["binding"], BINDING, 3)):
            self._run(stage, parameters, loss, self._questions(number, repeats), figures)
            _write_back(parameters, states)
            self._save()
        for again in range(1, ROUNDS if self.arguments.deadline is None else 1):
            if all(good_enough(seed) for seed in self.log[-1]["seeds"]):
                break
            stage = stages["binding"].again(again)
            self._run(stage, parameters, loss, self._questions(3 + again, BINDING), figures)
        _write_back(parameters, states)

    def _run(
        self,
        stage: Stage,
        parameters: StackedParameters,
        loss: VisionLoss | LanguageLoss,
        chunks: SceneChunks | QuestionChunks,
        evaluate: Any,
    ) -> None:
        deadline, seconds = self.arguments.deadline, None
        if deadline is not None:
            seconds = max(0.0, deadline - time.time()) * _SHARES.get(stage.name, 1.0)
            if stage.name != "vision":
                stage = stage.lasting(_UNLIMITED)
        self.log += run_stacked_stage(
            stage,
            parameters,
            loss,
            lambda step: batches(chunks, step, self.arguments.workers, self.device),
            self.arguments.work,
            evaluate,
            seconds=seconds,
            capture=self.on_gpu and not self.arguments.no_graph,
        )

    def _held_out(self, chunks: SceneChunks | QuestionChunks, n_blocks: int) -> list[Batch]:
        """The same held-out blocks for every seed."""
        n = len(self.models)
        blocks = [on_device(chunks[number], self.device) for number in range(n_blocks)]
        return [
            {name: column.expand(n, *column.shape[1:]).contiguous() for name, column in block.items()}
            for block in blocks
        ]

    def _key(self, number: int) -> list[int]:
        """What a stage's data are drawn from; the first seed stands for all, who see the same in other orders."""
        return [self.arguments.seeds[0], len(self.models), number]

    def _questions(self, number: int, repeats: Mapping[str, int]) -> QuestionChunks:
        return QuestionChunks(self._key(number), len(self.models), LANGUAGE_IMAGES, self.architecture, repeats)

    def _save(self) -> None:
        for seed, model in zip(self.arguments.seeds, self.models, strict=True):
            save_model(model, self.architecture, self._folder(seed))

    def _folder(self, seed: int) -> Path:
        return Path(self.arguments.output) / f"{self.arguments.model}-seed-{seed}"

    def report(self, questions: Mapping[str, Questions]) -> None:
        """Save every model and its report; its accuracy is that of the weights that were saved."""
        self._save()
        for index, seed in enumerate(self.arguments.seeds):
            shipped = self.models[index].to(self.device)
            report: dict[str, Any] = {
                "recipe": _recipe(self.arguments) | {"seed": seed},
                "parameters": sum(p.numel() for p in shipped.parameters()),
                "curve": [_of_seed(record, index) for record in self.log],
                "accuracy_questions_per_task": self.arguments.report_questions,
            }
            if questions:
                report["accuracy"] = _accuracy(shipped, self.architecture, questions)
                report["ablations"] = {
                    name: _accuracy(shipped, self.architecture, questions, hide)
                    for name, hide in self.architecture.ablations.items()
                }
                print(json.dumps({"seed": seed, "accuracy": report["accuracy"]}), flush=True)  # noqa: T201
            write_report(self._folder(seed), report)


def _accuracy(model: Any, architecture: Architecture, questions: Mapping[str, Questions], hide: Any = None) -> Any:
    return {task: questions_accuracy(model, architecture, asked, hide=hide) for task, asked in questions.items()}


def _recipe(arguments: argparse.Namespace) -> dict[str, Any]:
    left_out = ("output", "work", "seed", "deadline", "processes", "workers", "blind_steps")
    return {name: value for name, value in vars(arguments).items() if name not in left_out}


def _of_seed(record: dict[str, Any], index: int) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != "seeds"} | record["seeds"][index]


@torch.no_grad()
def _write_back(parameters: StackedParameters, states: list[dict[str, torch.nn.Parameter]]) -> None:
    for index, state in enumerate(states):
        for name, value in parameters.of_seed(index).items():
            state[name].copy_(value)
