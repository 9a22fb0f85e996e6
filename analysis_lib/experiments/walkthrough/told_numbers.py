"""What the page says in its prose."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr

from analysis_lib.experiments.walkthrough.followed_question import REFERENCE, Example, Mask, before_and_after
from analysis_lib.experiments.walkthrough.gaussian_steps import Cloud
from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS, QUANTITY_LABELS


def summarise(
    store: xr.Dataset,
    example: Example,
    mask: Mask,
    found: Mapping[str, Cloud],
    table: pd.DataFrame,
    layer: int,
    cut: str,
) -> Summary:
    """What the page says in its prose."""
    image, question = (end - start for start, end in (example.spans.image, example.spans.question))
    rows = table[table["layer"] == layer].set_index(["condition", "quantity"])[["bits", "low", "high", "null_high"]]
    bits = {place: Shown(row["bits"], ".2f", (row["low"], row["high"]), "bits") for place, row in rows.T.items()}
    largest = max(ATOMS, key=lambda atom: bits[REFERENCE, atom].value)
    before, after = before_and_after(store, example, cut)[example.answer]
    side = example.patches
    return {
        "question": example.question,
        "answer": example.answer,
        "said": example.said,
        "chosen": (
            "Of this task's questions it was chosen because the cut of the last step takes most from it."
            if example.states is not None
            else "It is the first question of its task; the model itself was not run again for this page."
        ),
        "patches": f"{side} rows of {side}" if side else "of the whole picture and of its parts",
        "n_tokens": len(example.tokens),
        "n_image": image,
        "n_question": question,
        "taken": mask.taken,
        "layer": layer,
        "last_layer": int(table["layer"].max()),
        "width": len(example.pooled["target"]),
        "n_questions": len(found["target"].scores),
        **{f"components_{name}": cloud.scores.shape[1] for name, cloud in found.items()},
        **{f"kept_{name}": Shown(cloud.kept, ".0%") for name, cloud in found.items()},
        "total_null": Shown(rows.loc[(REFERENCE, "total"), "null_high"], ".2f", unit="bits"),
        **{name: bits[REFERENCE, name] for name in ("information_vision", "information_language", "total")},
        **{name: bits[REFERENCE, name] for name in ("redundancy", "unique_vision")},
        **{f"cut_{name}": bits[cut, name] for name in ("redundancy", "unique_vision")},
        "largest": QUANTITY_LABELS[largest],
        "largest_bits": bits[REFERENCE, largest],
        "before": Shown(before, ".0%"),
        "after": Shown(after, ".0%"),
    }
