"""A plan in words and as plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from analysis_lib.activations.prompt_keys import SHARE

from .limits import Room, gigabytes, refusals
from .machines import GPUS, RATES, Gpu
from .minutes import Seconds, cores, is_wide, largest_batch, on_cpu, on_gpu, to_decompose
from .planning import ModelPlan, Plan

__all__ = ["as_data", "told"]


def told(plan: Plan, room: Room, gpus: list[Gpu] | None = None) -> Iterator[str]:
    """The plan line by line, and what of it cannot fit."""
    yield f"Plan of profile {plan.profile}: counted from configurations and questions, no weight is loaded."
    for one in plan.models:
        yield ""
        yield from _model(one)
    yield ""
    yield "Extraction" + (", all models after each other" if len(plan.models) > 1 else "")
    if all(is_wide(one) for one in plan.models):
        yield from (_machine(plan, gpu) for gpu in gpus or GPUS.values())
    else:
        yield "  on GPUs: not told, models so small wait for the launch of kernels"
    yield _line(
        "this CPU", [on_cpu(one) for one in plan.models], f"estimated from a matrix product on {cores()} cores now"
    )
    yield f"Decomposition  {_duration(sum(map(to_decompose, plan.models)))} on {cores()} cores, estimated"
    yield f"Disk  up to {gigabytes(plan.disk)}; {room.folder} has room for {gigabytes(room.disk)}"
    if all(is_wide(one) for one in plan.models):
        yield f"Measured on  {RATES['measured']['told']}; pictures and writing {RATES['beside']['told']}"
        yield "Estimated  a data sheet's peak times the share of its own that the measured GPU reached"
    problems = refusals(plan, room)
    yield "It cannot fit:" if problems else "It fits."
    yield from (f"  {problem}" for problem in problems)


def _model(one: ModelPlan) -> Iterator[str]:
    at_most = " at most" if any(note.startswith("questions:") for note in one.assumed) else ""
    size = f"{one.parameters / 1e9:.2f} billion" if one.parameters >= 1e9 else f"{one.parameters / 1e6:.1f} million"
    operations = one.operations
    shares = ", ".join(f"{name} {value / sum(operations.values()):.0%}" for name, value in operations.items() if value)
    batch, beyond = one.batch_size, one.per_question.activations
    yield f"{one.folder}{one.model}: {size} weights in {one.dtype}; sizes from {one.known_from}"
    yield f"  questions   {one.questions:,}{at_most}, {len(one.tasks)} tasks, about {one.pictures:,} pictures{at_most}"
    yield f"  conditions  {one.conditions}, of which {one.windows} hold in a window of layers"
    yield f"  tokens      {one.tokens:,}{at_most}, {one.tokens / one.questions:,.0f} in a prompt"
    yield f"  operations  {sum(operations.values()):.2e} ({shares})"
    yield (
        f"  memory      {gigabytes(one.weights)} of weights, and for each of {batch} questions in a batch "
        f"{gigabytes(beyond)} of states with one layer's keys and values: {gigabytes(one.device_memory(batch))}"
    )
    if one.generates:
        yield f"              answers go on from prompts' keys and values, up to {SHARE:.0%} of what weights leave"
    yield (
        f"              on the host {gigabytes(one.batch_bytes)} for a batch's states, "
        f"{gigabytes(one.held_bytes)} for what a task's decomposition holds at a time"
    )
    yield f"  disk        stores up to {gigabytes(one.store_bytes)}, tables about {gigabytes(one.table_bytes)}"
    yield from (f"  not counted: {note}" for note in one.assumed)


def _machine(plan: Plan, gpu: Gpu) -> str:
    """A line of the table of GPUs."""
    batches = [largest_batch(one, gpu.memory) for one in plan.models]
    if not all(batches):
        return f"  {gpu.name:<11}{'-':>9}  does not fit into its {gpu.memory / 1e9:.0f} GB"
    seconds = [on_gpu(one, gpu) for one in plan.models]
    halved = [str(batch) for batch, one in zip(batches, plan.models, strict=True) if batch < one.batch_size]
    kind = "by rates measured on it" if all(one.measured for one in seconds) else "estimated"
    return _line(gpu.name, seconds, kind + (f", in batches of {' and '.join(halved)}" if halved else ""))


def _line(name: str, seconds: list[Seconds], note: str) -> str:
    total, forward, beside = (sum(getattr(one, part) for one in seconds) for part in ("total", "forward", "beside"))
    parts = f"forward {_duration(forward)}, pictures and writing {_duration(beside)}"
    return f"  {name:<11}{_duration(total):>9}: {parts}; {note}"


def _duration(seconds: float) -> str:
    """Seconds in words.

    Examples
    --------
    >>> [_duration(value) for value in (5, 300, 40_000, 900_000)]
    ['5 s', '5 min', '11.1 h', '10.4 days']
    """
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.{0 if unit == 'min' else 1}f} {unit}"
    return f"{seconds:.0f} s"


def as_data(plan: Plan, room: Room, gpus: list[Gpu] | None = None) -> dict[str, Any]:
    """The plan as plain data: sizes in bytes, times in seconds."""
    return {
        "profile": plan.profile,
        "models": [
            asdict(one)
            | {"questions": one.questions, "pictures": one.pictures, "tokens": one.tokens, "operations": one.operations}
            | {"device_bytes": one.device_memory(one.batch_size)}
            for one in plan.models
        ],
        "disk_bytes": plan.disk,
        "gpus": {
            gpu.name: {
                "batch_sizes": (batches := [largest_batch(one, gpu.memory) for one in plan.models]),
                **(_seconds([on_gpu(one, gpu) for one in plan.models]) if all(batches) else {}),
            }
            for gpu in gpus or GPUS.values()
        },
        "this_cpu": {"cores": cores(), **_seconds([on_cpu(one) for one in plan.models])},
        "decomposition_seconds": sum(map(to_decompose, plan.models)),
        "room": {"gpu": room.gpu, "gpu_bytes": room.gpu_memory, "host_bytes": room.host, "disk_bytes": room.disk},
        "rates": {name: RATES[name]["told"] for name in ("measured", "beside", "cpu", "decompose")},
        "refusals": refusals(plan, room),
    }


def _seconds(found: list[Seconds]) -> dict[str, Any]:
    return {
        "forward_seconds": sum(one.forward for one in found),
        "beside_seconds": sum(one.beside for one in found),
        "measured": all(one.measured for one in found),
    }
