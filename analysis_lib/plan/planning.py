"""``plan_profile``: from a profile to all that it takes, model by model, without loading a weight."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from analysis_lib.activations import asked_conditions
from analysis_lib.activations.backends import MOST_CHECKED
from analysis_lib.activations.chunks import whole_batches
from analysis_lib.activations.extract import N_CHECKED
from analysis_lib.activations.stored_arrays import array_specs, kept_of, states_format
from analysis_lib.run.execute import repository_root
from analysis_lib.vocabulary import ConditionName

from .asked import Run, read_asked
from .disk import bytes_per_question, draws_and_bytes, held_by_decomposition, stored_per_question
from .passes import PerQuestion, per_question
from .prompt_tokens import Prompts, prompts_of
from .weightless import shape_of

__all__ = ["ModelPlan", "Plan", "plan_profile"]

N_OF_NOISE = 32
"""Questions of each task that are asked about pictures of noise as well, one condition at a time: see extract.md."""


@dataclass(frozen=True)
class ModelPlan:
    """What one model takes.

    Attributes
    ----------
    model, loaded_from, family, dtype
        its name in the results, where it comes from, what it is, and its number format.
    known_from, assumed
        in words: where its sizes come from, and what was not counted but taken to be so.
    folder
        where its results lie, below those of the profile.
    width, parameters, weights
        of the decoder; of the whole model, and their bytes.
    tasks
        questions, pictures and tokens of each task.
    conditions, whole_conditions, windows
        how many; how many of them are asked for by name; and how many hold in a window of layers.
    batch_size
        questions that run together, by the profile.
    per_question
        operations and memory of a typical question.
    pixels
        values of the picture that the vision tower is given.
    array_bytes, store_bytes, table_bytes
        of all tasks: of arrays before they are compressed, of stores, of tables.
    batch_bytes, held_bytes
        on the host: of a batch's arrays, and of what a decomposition of the largest task holds at a time.
    draws
        over all tables, layers and parts, which take the time of a decomposition.
    generates
        whether answers are generated.
    """

    model: str
    loaded_from: str
    family: str
    dtype: str
    known_from: str
    assumed: tuple[str, ...]
    folder: str
    width: int
    parameters: int
    weights: int
    tasks: tuple[Prompts, ...]
    conditions: int
    whole_conditions: int
    windows: int
    batch_size: int
    per_question: PerQuestion
    pixels: int
    array_bytes: int
    store_bytes: int
    table_bytes: int
    batch_bytes: int
    held_bytes: int
    draws: int
    generates: bool

    @property
    def questions(self) -> int:
        """Of all tasks."""
        return sum(task.questions for task in self.tasks)

    @property
    def pictures(self) -> int:
        """Different ones of each task, over all tasks."""
        return sum(task.pictures for task in self.tasks)

    @property
    def tokens(self) -> int:
        """Of all prompts, each counted once."""
        return sum(task.tokens for task in self.tasks)

    @property
    def operations(self) -> dict[str, int]:
        """Floating point operations of ``extraction``, ``answers`` that are generated, and ``checks``.

        An answer is taken to be one token, after which one more pass says its end: it goes on from the keys and
        values that its prompt left in memory.
        """
        one, reads = self.per_question, sum(task.reads for task in self.tasks)
        checks = 0
        for task in self.tasks:
            checked, of_noise = min(N_CHECKED, task.questions), min(N_OF_NOISE, task.questions)
            both = one.vision + one.prefix + one.question + min(self.conditions, MOST_CHECKED) * one.plain
            checks += checked * both + of_noise * (1 + 2 * self.whole_conditions) * (one.vision + one.plain)
        return {
            "extraction": reads * (one.vision + one.prefix) + self.questions * one.question,
            "answers": one.plain * self.questions**2 // self.tokens if self.generates else 0,
            "checks": checks,
        }

    def device_memory(self, batch: int) -> int:
        """Bytes that weights and a batch take on the device."""
        return self.weights + batch * self.per_question.activations


@dataclass(frozen=True)
class Plan:
    """What a profile takes. ``real`` where it reads GQA, of which no world is at hand."""

    profile: str
    real: bool
    models: tuple[ModelPlan, ...]

    @property
    def disk(self) -> int:
        """Bytes of all stores and tables."""
        return sum(one.store_bytes + one.table_bytes for one in self.models)


def plan_profile(
    profile: str, *, gqa: str | None = None, model_path: str | None = None, root: Path | None = None
) -> Plan:
    """Work out what a profile takes; no weight is loaded and nothing downloaded.

    Parameters
    ----------
    profile
        a name in ``workflow/profiles``, or the path of a file.
    gqa, model_path
        the folders that the workflow would be given; without the first, figures are at most so large.
    root
        the folder that relative paths count from.

    Raises
    ------
    ValueError, FileNotFoundError
        the profile, its questions or its model cannot be used or are not known, with what to do.
    """
    here = root or repository_root()
    asked = read_asked(profile, here, gqa=gqa, model_path=model_path)
    return Plan(asked.profile, asked.real, tuple(_plan_model(run, here) for run in asked.runs))


def _plan_model(run: Run, root: Path) -> ModelPlan:
    shaped = shape_of(run.loaded_from, run.extract["prompt"], run.extract["dtype"], root)
    vlm = shaped.vlm
    tasks, typical, assumed = prompts_of(run, shaped)
    asked = run.extract
    whole, in_windows = asked_conditions(asked["conditions"], asked["windows_of"], asked["window_width"], vlm.n_layers)
    conditions = [*whole, *in_windows]
    names = [one.name for one in conditions]
    n_said = run.extract["max_new_tokens"] if run.extract["scoring"] == "generation" else 0
    kept = kept_of(run.extract["states_of"] or [one.name for one in whole], conditions)
    stored_as = states_format(run.extract["states_dtype"], vlm)
    specs = [array_specs(vlm, conditions, kept, stored_as, task.options, n_said) for task in tasks]
    stored, arrays = list(map(stored_per_question, specs)), list(map(bytes_per_question, specs))
    read = run.settings.conditions(names, [names[number] for number in kept])
    draws, table = draws_and_bytes(run, read, vlm.n_layers)
    held = held_by_decomposition(specs[0]["language"], max(task.questions for task in tasks))
    return ModelPlan(
        model=run.model,
        loaded_from=run.loaded_from,
        family=vlm.family.model_type,
        dtype=run.extract["dtype"],
        known_from=shaped.known_from,
        assumed=tuple(assumed),
        folder=run.folder,
        width=vlm.hidden_size,
        parameters=shaped.parameters,
        weights=shaped.weights,
        tasks=tuple(tasks),
        conditions=len(conditions),
        whole_conditions=len(whole),
        windows=sum(ConditionName.of(one.name).is_window for one in conditions),
        batch_size=run.extract["batch_size"],
        per_question=per_question(vlm, typical, conditions),
        pixels=typical.seen["pixel_values"].numel(),
        array_bytes=sum(size * task.questions for size, task in zip(arrays, tasks, strict=True)),
        store_bytes=sum(
            size * whole_batches(task.questions, run.extract["batch_size"])
            for size, task in zip(stored, tasks, strict=True)
        ),
        table_bytes=table * len(tasks),
        batch_bytes=max(arrays) * run.extract["batch_size"],
        held_bytes=held,
        draws=draws * len(tasks),
        generates=n_said > 1,
    )
