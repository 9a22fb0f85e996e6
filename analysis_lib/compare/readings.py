"""Which rows of the atoms tables a claim is read from: target, Gaussianization, definition and cut."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from analysis_lib.compare.curves import NotMeasurableError, having

DRAWS = 1000
LEAST_PRESERVED = 0.5
"""Of the information: a joint flow that keeps less leaves atoms that are noise."""


@dataclass(frozen=True)
class Remembered:
    """A table that statistics ask for the same rows again and again, and what they were given."""

    table: pd.DataFrame
    given: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict)


Table = pd.DataFrame | Remembered
"""The tidy atoms tables of all models."""


@dataclass(frozen=True)
class Reading:
    """Which rows of the atoms tables are asked.

    Attributes
    ----------
    target
        what is told about.
    mode, definition
        Gaussianization and definition of the untouched model's trajectories.
    knockout_mode
        Gaussianization where conditions are compared; ``""`` where a reading knows the untouched model only.
    condition, target_from
        the knockout, and whether its target is ``recomputed`` or kept from the ``baseline``.
    least_preserved
        smallest median preservation of the totals with which the reading says anything; 0 asks for none.
    draws
        normal draws behind an interval.
    """

    target: str = "prediction_hidden"
    mode: str = "cartesian"
    definition: str = "broja"
    knockout_mode: str = "marginal"
    condition: str = "paper"
    target_from: str = "recomputed"
    least_preserved: float = 0.0
    draws: int = DRAWS

    def of(self, atoms: pd.DataFrame) -> pd.DataFrame:
        """All rows that it could ask for, of every model and condition."""
        either = having(atoms, mode=self.mode) | having(atoms, mode=self.knockout_mode)
        return atoms[either & having(atoms, target=self.target, definition=self.definition)]

    def untouched(self, atoms: Table, model: str, mode: str | None = None) -> pd.DataFrame:
        """The rows of one model without a knockout.

        Raises
        ------
        NotMeasurableError
            the Gaussianization kept so little information that its atoms are noise.
        """
        rows = self._rows(atoms, model, mode or self.mode, "baseline", "recomputed")
        if self.least_preserved and len(rows):
            kept = float(rows.loc[rows["quantity"] == "total", "preservation"].fillna(0.0).median())
            if kept < self.least_preserved:
                raise NotMeasurableError(f"its flow keeps {max(kept, 0):.0%} of the information (median)")
        return rows

    def knocked_out(self, atoms: Table, model: str) -> pd.DataFrame:
        """The rows of one model under the knockout."""
        return self._rows(atoms, model, self.knockout_mode, self.condition, self.target_from)

    def _rows(self, atoms: Table, model: str, mode: str, condition: str, target_from: str) -> pd.DataFrame:
        asked = {
            "model": model, "target": self.target, "mode": mode, "definition": self.definition,
            "condition": condition, "target_from": target_from,
        }  # fmt: skip
        if not isinstance(atoms, Remembered):
            return atoms[having(atoms, **asked)]
        key = tuple(asked.values())
        if key not in atoms.given:
            atoms.given[key] = atoms.table[having(atoms.table, **asked)]
        return atoms.given[key]


READINGS: dict[str, Reading] = {
    "final hidden state": Reading(),
    "final hidden state, target kept": Reading(target_from="baseline"),
    "final hidden state, rank marginals": Reading(mode="marginal"),
    "answer's logits": Reading(target="answer_logits"),
    "the answer, by the probe": Reading(target="answer", mode="probe", knockout_mode=""),
    "the paper's recipe": Reading(mode="joint", definition="mmi", knockout_mode="", least_preserved=LEAST_PRESERVED),
}
"""The readings that are judged, the one behind the book's conclusions first."""
