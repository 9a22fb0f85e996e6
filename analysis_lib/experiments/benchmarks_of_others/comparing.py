"""What the benchmarks of others come to: errors added up, beside what was published."""

from __future__ import annotations

import pandas as pd

from analysis_lib.shown import Shown, Summary
from analysis_lib.vocabulary import ATOMS

from .bent_channels import CUBES, MIXED, PUBLISHED, UNWARPED, true_atoms
from .run_benchmarks import Found, Grid

__all__ = ["errors_of_atoms", "protocol_table", "summarise"]

SUMMED = {
    "unwarped": (UNWARPED, "ranks"),
    "cubes_ranks": (CUBES, "ranks"),
    "mixed_ranks": (MIXED, "ranks"),
    "mixed_flows": (MIXED, "flows"),
}
"""Which warp and estimate a name of the summary stands for."""


NOT_TRIED = "not tried on this grid"


def errors_of_atoms(bent: pd.DataFrame) -> pd.DataFrame:
    """``error`` of every atom with the ends of its interval, by ``sources``, ``way`` and ``quantity``."""
    found = bent.assign(sources=bent["width"].map("sources of {} columns".format), way=bent["warp"] + ": " + bent["by"])
    errors = {"error": "bits", "low": "low", "high": "high"}
    return found.assign(**{name: found[end] - found["truth"] for name, end in errors.items()})


def protocol_table(bent: pd.DataFrame) -> pd.DataFrame:
    """A row per width, warp and estimate: the four atoms, their ``sum`` of errors and ``seconds``, in words.

    Of Flow-PID the sum of errors is all that is known here.
    """
    rows: list[dict[str, str]] = []
    for width, mine in bent.groupby("width", sort=False):
        published, at = PUBLISHED[int(str(width))], {"columns": str(width)}
        true = mine.drop_duplicates("quantity").set_index("quantity")["truth"]
        rows.append({**at, "warp": "any", "estimate": "truth", **{atom: f"{true[atom]:.3f}" for atom in ATOMS}})
        theirs = {"sum": f"{published.flow_pid_error:.2f}", "seconds": published.flow_pid_seconds}
        rows.append({**at, "warp": CUBES, "estimate": "Flow-PID", **theirs})
        for (warp, by), found in mine.groupby(["warp", "by"], sort=False):
            bits = found.set_index("quantity")["bits"]
            ours = {"sum": f"{_summed(found):.3f}", "seconds": f"{found['seconds'].iloc[0]:.1f}"}
            by_what = {"warp": str(warp), "estimate": str(by)}
            rows.append({**at, **by_what, **{atom: f"{bits[atom]:.3f}" for atom in ATOMS}, **ours})
    return pd.DataFrame(rows).fillna("")[["columns", "warp", "estimate", *ATOMS, "sum", "seconds"]]


def summarise(found: Found, grid: Grid) -> Summary:
    """What the page says of what `run` found."""
    bent, copies, sweeps = found.bent, found.doubled, found.sweeps
    said: dict[str, object] = {"n": Shown(grid.n, ",")}
    for width, published in PUBLISHED.items():
        said[f"flow_pid_{width}"] = Shown(published.flow_pid_error, ".2f", unit="bits")
        for name, (warp, by) in SUMMED.items():
            mine = bent[(bent["width"] == width) & (bent["warp"] == warp) & (bent["by"] == by)]
            said[f"{name}_{width}"] = NOT_TRIED if mine.empty else Shown(_summed(mine), ".2f", unit="bits")
    away = max(
        abs(float(getattr(true_atoms(width), atom)) - getattr(published, atom))
        for width, published in PUBLISHED.items()
        for atom in ATOMS
    )
    largest = copies[copies["dimensions"] == copies["dimensions"].max()]
    error = sweeps.assign(error=(sweeps["bits"] - sweeps["truth"]).abs(), apart=(sweeps["bits"] - sweeps["mmi"]).abs())
    return {
        **said,
        "truth_away": Shown(away, ".4f", unit="bits"),
        "largest_dimensions": Shown(int(largest["dimensions"].iloc[0]), ","),
        "doubling_error": Shown(copies["error"].max(), ".1g", unit="bits"),
        "doubling_seconds": Shown(largest["seconds"].max(), ".2g"),
        "n_sweeps": len(sweeps.drop_duplicates(["family", "at"])),
        "sweep_error": Shown(error["error"].max(), ".1g", unit="bits"),
        "sweep_apart": Shown(error["apart"].max(), ".1g", unit="bits"),
    }


def _summed(found: pd.DataFrame) -> float:
    """The errors of the four atoms, added up whatever their sign."""
    return float((found["bits"] - found["truth"]).abs().sum())
