"""The card of an embedded model, from what lies in its folder."""

import json
from pathlib import Path
from typing import Any

from huggingface_hub import ModelCardData

from analysis_lib.worlds.eight_bit import EIGHT_BIT_FILE
from analysis_lib.worlds.mini import PIXELS_PER_CELL
from analysis_lib.worlds.mini.training.recipe import GOOD_ENOUGH, LANGUAGE_IMAGES, REPORT_SEED, ROUNDS, VISION_IMAGES
from companion.cards.filling import checksums, fill, megabytes, read_report, results, share, table, with_interval

_STAGES = {
    "vision": ("Tower alone", "name what is in the cell of each patch"),
    "language": (
        "Projector and decoder, the tower frozen",
        "answer many questions about each picture, and describe it",
    ),
    "binding": ("The same, other questions more often", "tell which attribute belongs to which object"),
    "blind": (
        "A twin of the same size, from scratch, that sees no picture",
        "the same questions, to show what words tell",
    ),
}
_WEIGHTS = {"model.safetensors": "half precision", EIGHT_BIT_FILE: "eight bits a value"}


def mini_card(folder: Path) -> str:
    """The card of the checkpoint in ``folder``."""
    report = read_report(folder)
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    base, _, seed = folder.name.partition("-seed-")
    (weights,) = [folder / name for name in _WEIGHTS if (folder / name).is_file()]
    accuracy, blind = report["accuracy"], report.get("blind_accuracy")
    worst = min(accuracy, key=accuracy.__getitem__)
    n = report["accuracy_questions_per_task"]
    tiles = config["model_type"] == "llava_next"
    metadata = ModelCardData(
        language="en",
        license="mit",
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        tags=["vision-language", "interpretability", "tiny"],
        datasets=["MiniGQA"],
        model_name=folder.name,
        eval_results=results("MiniGQA", accuracy),
    )
    values = {
        "name": folder.name,
        "base": base,
        "seed": report["recipe"]["seed"],
        "load": folder.name if not seed else f"analysis_lib/worlds/mini/checkpoints/{folder.name}",
        "source": "minigqa-fine" if tiles else "minigqa",
        "config": config,
        "tower": config["vision_config"],
        "decoder": config["text_config"],
        "pixels": 3 * PIXELS_PER_CELL * (2 if tiles else 1),
        "tiles": tiles,
        "parameters": f"{report['parameters']:,}",
        "precision": _WEIGHTS[weights.name],
        "megabytes": megabytes([weights]),
        "stages": _stages(report),
        "side_by_side": len(report["recipe"].get("seeds", [])),
        "minutes": report["recipe"].get("minutes"),
        "processes": report.get("processes"),
        "device": {"cpu": "a CPU", "cuda": "a GPU"}[report["recipe"]["device"]],
        "hours": f"{_seconds(report) / 3600:.2f}",
        "pictures": {"vision": VISION_IMAGES, "language": LANGUAGE_IMAGES},
        "n": f"{n:,}",
        "report_seed": REPORT_SEED,
        "good_enough": f"{100 * GOOD_ENOUGH:g}",
        "rounds": ROUNDS,
        "accuracy": _accuracy(accuracy, blind, report.get("ablations") or {}, n),
        "has_blind": blind is not None,
        "worst": worst,
        "worst_accuracy": share(accuracy[worst], n),
        "below": [task for task, value in accuracy.items() if value < GOOD_ENOUGH],
        "files": checksums(
            sorted(path for path in folder.iterdir() if path.suffix in (".json", ".jinja", ".safetensors"))
        ),
    }
    return fill("mini.md.jinja", metadata, values)


def _last(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The last record of each stage; a further round of a stage goes by its name and a number."""
    return {record["stage"]: record for record in report["curve"]}


def _seconds(report: dict[str, Any]) -> float:
    return sum(float(record["seconds"]) for record in _last(report).values())


def _stages(report: dict[str, Any]) -> str:
    rows = []
    for name, record in _last(report).items():
        what, how = next(said for stage, said in _STAGES.items() if name.startswith(stage))
        rows.append([name, what, how, f"{record['step']:,}", f"{record['loss']:.3f}", f"{record['seconds']:,.0f}"])
    return table(["Stage", "What is trained", "To do what", "Steps", "Last loss", "Seconds"], rows)


def _accuracy(
    accuracy: dict[str, float], blind: dict[str, float] | None, hidden: dict[str, dict[str, float]], n: int
) -> str:
    head = [
        "Task",
        "Accuracy, % (90 % interval)",
        *(["Blind twin, %"] if blind else []),
        *(f"{one}, %" for one in hidden),
    ]
    rows = [
        [task, with_interval(value, n)]
        + ([share(blind[task], n)] if blind else [])
        + [share(of[task], n) for of in hidden.values()]
        for task, value in accuracy.items()
    ]
    return table(head, rows)
