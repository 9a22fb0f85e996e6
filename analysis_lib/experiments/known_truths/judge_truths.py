"""What was found against the truth comes to: largest errors, flags, and whether the bars are met."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis_lib.shown import Shown, Summary

from .run_truths import PAIR_BAR, PLAINLY, Found, Grid

__all__ = ["BARS", "beside_truth", "judge", "mean_errors", "summarise"]

BARS = {"system": 0.05, "gate": 0.9, "pairs allowed to miss": 1}
"""What the book asks for: the largest error of an atom, the least synergy of XOR in bits, and pairs over `PAIR_BAR`."""

STRENGTHS = ("light", "heavy")
WAYS = {"plain": PLAINLY, "ranks": "ranks", "flows": "flows"}


def mean_errors(systems: pd.DataFrame) -> pd.DataFrame:
    """Mean ``error`` over draws with its interval, by ``warps``, ``way`` and ``quantity``."""
    mean = systems.groupby(["warps", "way", "quantity"], sort=False)[["error", "half"]].mean().reset_index()
    return mean.assign(low=mean["error"] - mean["half"], high=mean["error"] + mean["half"])


def beside_truth(hard: pd.DataFrame) -> pd.DataFrame:
    """Pairs that maps of single columns do not undo, as a row is drawn for flows, copula and truth."""
    apart = hard.query("kind != 'columns'")
    others = [
        apart.assign(estimator=name, bits=apart[name], low=apart[name], high=apart[name])
        for name in ("copula", "truth")
    ]
    return pd.concat([apart.assign(estimator="flows"), *others])


def summarise(found: Found, grid: Grid) -> Summary:
    """What the page says of what `run` found."""
    sizes = {"n_pair": grid.n_pair, "n_system": grid.n_system, "n_gate": grid.n_gate}
    return {
        "draws": grid.draws,
        **{key: Shown(n, ",") for key, n in sizes.items()},
        "pair_bar": _bits(PAIR_BAR),
        **_of_pairs(found),
        **_of_systems(found.systems),
        **_of_gates(found.gates),
    }


def judge(found: Found) -> tuple[pd.DataFrame, Summary]:
    """The table of bars, ``check, bar, measured, met`` in words, and what the page says of it."""
    flows = found.columns.query("estimator == 'flows'")
    within, enough = int((flows["error"].abs() <= PAIR_BAR).sum()), len(flows) - BARS["pairs allowed to miss"]
    flagged = found.hard.query("kind == 'outside'")["flagged"]
    worst, xor = _worst(found.systems), float(_xor(found.gates)["probe"]["bits"])
    bars = {
        "pairs": _Bar(
            "benchmarks within the bar",
            f"at least {enough} of {len(flows)}, to {PAIR_BAR:.3f} bits",
            f"{within} of {len(flows)}",
            within >= enough,
        ),
        "outside": _Bar(
            "pairs that these maps do not make Gaussian",
            "each flagged",
            f"{int(flagged.sum())} of {len(flagged)}",
            flagged.all(),
        ),
        **{
            strength: _Bar(
                f"atoms under {strength} warps",
                f"each within {BARS['system']} bits",
                f"largest error {worst[f'{strength} warps', 'flows']:.3f}",
                worst[f"{strength} warps", "flows"] <= BARS["system"],
            )
            for strength in STRENGTHS
        },
        "gates": _Bar(
            "synergy of XOR by the probe", f"at least {BARS['gate']} bits", f"{xor:.2f}", xor >= BARS["gate"]
        ),
    }
    verdicts = {f"verdict_{name}": bar.verdict for name, bar in bars.items()}
    counts = {"n_bars": len(bars), "n_bars_met": list(verdicts.values()).count("met")}
    return pd.DataFrame([bar.row() for bar in bars.values()]), {**counts, **verdicts}


@dataclass(frozen=True)
class _Bar:
    check: str
    bar: str
    measured: str
    holds: Any

    @property
    def verdict(self) -> str:
        return "met" if bool(self.holds) else "missed"

    def row(self) -> dict[str, str]:
        return {"check": self.check, "bar": self.bar, "measured": self.measured, "met": self.verdict}


def _of_pairs(found: Found) -> Summary:
    flows, copula = (found.columns.query("estimator == @name")["error"].abs() for name in ("flows", "copula"))
    hard = found.hard
    mixed, outside = (hard[hard["kind"] == kind] for kind in ("mixed", "outside"))
    spiral = hard[hard["pair"].str.startswith("spiral")].iloc[0]
    return {
        "n_pairs": len(flows),
        "n_within": int((flows <= PAIR_BAR).sum()),
        "largest_pair_error": _bits(flows.max()),
        "largest_copula_error": _bits(copula.max()),
        "n_mixed": len(mixed),
        "n_mixed_missed": int(mixed["missed"].sum()),
        "n_outside": len(outside),
        "n_outside_flagged": int(outside["flagged"].sum()),
        "n_missed": int(hard["missed"].sum()),
        "n_missed_flagged": int((hard["missed"] & hard["flagged"]).sum()),
        "n_found": int((~hard["missed"]).sum()),
        "n_found_flagged": int((~hard["missed"] & hard["flagged"]).sum()),
        "spiral_truth": Shown(spiral["truth"], ".2f", unit="bits"),
        "spiral_bits": _interval(spiral),
    }


def _of_systems(systems: pd.DataFrame) -> Summary:
    worst = _worst(systems)
    paired = systems.pivot(index=["warps", "draw", "quantity"], columns="way", values="error")
    return {
        **{
            f"{strength}_{word}": _bits(worst[f"{strength} warps", way])
            for strength in STRENGTHS
            for word, way in WAYS.items()
        },
        "warp_cost": _bits((paired["flows"] - paired[PLAINLY]).abs().max()),
        "warp_cost_ranks": _bits((paired["ranks"] - paired[PLAINLY]).abs().max()),
        "system_error": _bits(max(worst[f"{strength} warps", "flows"] for strength in STRENGTHS)),
    }


def _of_gates(gates: pd.DataFrame) -> Summary:
    xor = _xor(gates)
    others = gates.query("gate != 'XOR'").pivot_table(index="gate", columns="by", values="bits", aggfunc="sum")
    cluster = others.iloc[int((others["covariance"] - others["truth"]).argmax())]
    wide = gates.pivot(index=["gate", "quantity"], columns="by", values="bits")
    return {
        "xor_probe": _interval(xor["probe"]),
        "xor_covariance": _interval(xor["covariance"]),
        "cluster_gate": str(cluster.name),
        "cluster_bits": Shown(cluster["covariance"], ".2f", unit="bits"),
        "cluster_truth": Shown(cluster["truth"], ".2f", unit="bits"),
        "cluster_side": "more" if cluster["covariance"] > cluster["truth"] else "less",
        "gate_error": _bits((wide["probe"] - wide["truth"]).abs().max()),
    }


def _worst(systems: pd.DataFrame) -> pd.Series:
    """The largest error of any atom, by warps and way."""
    return systems.assign(error=systems["error"].abs()).groupby(["warps", "way"])["error"].max()


def _xor(gates: pd.DataFrame) -> pd.DataFrame:
    """``bits, low, high`` of the synergy of XOR, a column per estimator."""
    return gates.query("gate == 'XOR' and quantity == 'synergy'").set_index("by")[["bits", "low", "high"]].T


def _bits(value: float) -> Shown:
    return Shown(value, ".3f", unit="bits")


def _interval(row: pd.Series) -> Shown:
    return Shown(row["bits"], ".2f", (row["low"], row["high"]), "bits")
