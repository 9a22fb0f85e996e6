"""The card of smol-llava's learned part."""

import json
from math import prod
from pathlib import Path

from huggingface_hub import ModelCardData
from safetensors import safe_open

from analysis_lib.worlds.smol import pretrained_decoder
from analysis_lib.worlds.smol.scene_pictures import PICTURE_SIDE
from analysis_lib.worlds.smol.smol_llava import N_PATCHES
from companion.cards.filling import checksums, fill, megabytes, read_report, results, share, table

DECODER = "HuggingFaceTB/SmolLM2-135M-Instruct"


def smol_card(folder: Path) -> str:
    """The card of the checkpoint in ``folder``."""
    report = read_report(folder)
    recipe, accuracy, hidden, n = (report[key] for key in ("recipe", "accuracy", "hidden_accuracy", "questions"))
    weights = sorted(folder.glob("*.safetensors"))
    last = {record["stage"]: record for record in report["curve"]}
    metadata = ModelCardData(
        language="en",
        license="mit",
        library_name="transformers",
        pipeline_tag="image-text-to-text",
        base_model=DECODER,
        tags=["vision-language", "interpretability", "adapters"],
        datasets=["smolgqa"],
        model_name="smol-llava",
        eval_results=results("smolgqa", accuracy),
    )
    values = {
        "recipe": recipe,
        "pixels": PICTURE_SIDE,
        "patches": N_PATCHES,
        "parameters": f"{sum(map(_learned, weights)):,}",
        "parts": table(["Part", "Values learned"], ([f"`{path.name}`", f"{_learned(path):,}"] for path in weights)),
        "megabytes": megabytes(weights),
        "decoder": DECODER,
        "package": f"{pretrained_decoder.PACKAGE} {pretrained_decoder.VERSION}",
        "decoder_megabytes": f"{pretrained_decoder.N_BYTES / 1e6:.0f}",
        "decoder_digest": pretrained_decoder.SHA256,
        "torch": report["versions"]["torch"],
        "seconds": f"{report['seconds']:.0f}",
        "hours": f"{report['seconds'] / 3600:.2f}",
        "stages": table(
            ["Stage", "Steps", "Pictures a step", "Last loss", "Seconds"],
            (
                [name, f"{one['step']:,}", recipe[f"{name}_pictures"], f"{one['loss']:.3f}", f"{one['seconds']:,.0f}"]
                for name, one in last.items()
            ),
        ),
        "n": f"{n:,}",
        "accuracy": table(
            ["Questions", "Accuracy, %", "Picture hidden, %"],
            ([name, share(value, n), share(hidden[name], n)] for name, value in accuracy.items()),
        ),
        "files": checksums([*weights, folder / "training.json"]),
    }
    return fill("smol.md.jinja", metadata, values)


def _learned(weights: Path) -> int:
    """How many values a file holds, before they were packed."""
    with safe_open(weights, framework="np") as opened:
        shapes = json.loads(opened.metadata()["shapes"])
    return sum(prod(shape) for shape in shapes.values())
