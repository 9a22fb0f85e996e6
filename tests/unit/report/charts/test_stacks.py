"""Stacked atoms: every bar is as long as its total, in one order and in the atoms' colours."""

import pandas as pd
import pytest

from analysis_lib.report import charts, theme

WORDS = "Stacked bars of four atoms for two gates."


@pytest.fixture
def gates() -> pd.DataFrame:
    values = {"AND": (0.0, -1e-12, 0.311, 0.5), "COPY": (1.0, 1.0, 0.0, 0.0)}
    return pd.DataFrame(
        [
            {"gate": gate, "quantity": q, "bits": b}
            for gate, row in values.items()
            for q, b in zip(theme.ATOMS, row, strict=True)
        ]
    )


def draw(table: pd.DataFrame) -> dict:
    return charts.atom_stacks(table, row="gate", description=WORDS, uncertainty="exact").to_dict()


def test_bars_add_up_to_the_total_and_keep_the_order_of_the_atoms(gates: pd.DataFrame):
    spec = draw(gates)
    (rows,) = spec["datasets"].values()
    drawn = pd.DataFrame(rows)
    assert drawn.groupby("gate")["bits"].sum().to_dict() == pytest.approx({"AND": 0.811, "COPY": 2.0})
    assert (drawn["bits"] >= 0).all()
    assert drawn.sort_values("place")["quantity"].unique().tolist() == [theme.QUANTITY_LABELS[q] for q in theme.ATOMS]
    scale = spec["encoding"]["color"]["scale"]
    assert scale["range"] == [theme.QUANTITY_COLORS[q] for q in theme.ATOMS]


def test_a_total_beside_its_atoms_is_not_stacked_on_them(gates: pd.DataFrame):
    total = pd.DataFrame([{"gate": "AND", "quantity": "total", "bits": 0.811}])
    assert draw(pd.concat([gates, total]))["datasets"] == draw(gates)["datasets"]


def test_negative_atoms_and_doubled_ones_are_refused(gates: pd.DataFrame):
    with pytest.raises(ValueError, match="synergy of COPY is -0.2 bits.*atom_dots"):
        draw(gates.assign(bits=gates["bits"].where(gates.index != 7, -0.2)))
    with pytest.raises(ValueError, match="2 rows for the one point"):
        draw(pd.concat([gates, gates]))
