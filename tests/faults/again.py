"""One measurement from questions to atoms, to be made again: in the same process or with another number of threads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
import xarray as xr
from threadpoolctl import threadpool_limits

from analysis_lib.activations import extract
from analysis_lib.models import load_model
from analysis_lib.pid import pid_flow
from analysis_lib.tasks import load_questions

FEW = {"n_bootstrap": 10, "n_null": 3, "n_matched": 0, "n_bias": 3, "variance_kept": 0.9, "max_components": 5}


def measured(threads: int, n_questions: int = 160) -> tuple[xr.Dataset, pd.DataFrame]:
    """What the embedded model holds, and the atoms of two layers by ranks and by flows, with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(threads):
            questions = load_questions("minigqa", "ChooseCat", n=n_questions)
            activations = extract(load_model("mini-llava-1.5", device="cpu"), questions, ["baseline", "strict"])
            here = activations.sel(condition="baseline", layer=[4, 8])
            sources = [here[name].transpose("layer", "sample", "hidden").values for name in ("vision", "language")]
            tables = [
                pid_flow(*sources, here["prediction_hidden"].values, mode=mode, **FEW).to_frame(replicates=True)
                for mode in ("marginal", "cartesian")
            ]
    finally:
        torch.set_num_threads(before)
    return activations, pd.concat(tables, ignore_index=True)


def largest_difference(first: pd.DataFrame, second: pd.DataFrame) -> float:
    """The largest difference of any number of bits in two tables of atoms, replicates included."""
    replicates = (np.stack(table["replicates"].to_list()) for table in (first, second))
    return float(max(np.abs(first["bits"] - second["bits"]).max(), np.abs(np.subtract(*replicates)).max()))
