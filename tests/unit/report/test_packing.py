"""What a page carries packed is what a chart drew, row by row; `charts.js` unpacks it as here."""

import json

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from analysis_lib.report.packed_tables import pack_datasets

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.floats(allow_nan=False), st.sampled_from("abc"), st.text()
)


def unpacked(table: list | dict) -> list[dict]:
    if isinstance(table, list):
        return table
    columns = {
        name: values if isinstance(values, list) else [values["of"][place] for place in values["at"]]
        for name, values in table["columns"].items()
    }
    return [{name: values[row] for name, values in columns.items()} for row in range(table["length"])]


@given(st.lists(st.text(max_size=3), unique=True, max_size=4), st.integers(0, 12), st.data())
def test_unpacking_gives_the_rows_back(names: list[str], length: int, data: st.DataObject):
    rows = [{name: data.draw(VALUES) for name in names} for _ in range(length)]
    packed = json.loads(json.dumps(pack_datasets({"datasets": {"t": rows}, "mark": "point"})))
    assert packed["mark"] == "point" and unpacked(packed["datasets"]["t"]) == rows
    assert pack_datasets(packed) == packed


def test_rows_of_different_keys_stay_as_they_are():
    rows = [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}]
    assert pack_datasets({"datasets": {"t": rows}})["datasets"]["t"] == rows


def test_a_table_of_atoms_takes_a_third_of_the_room():
    table = pd.DataFrame(
        [("mini-llava-1.5", task, atom, layer, 0.12345) for task in "abcdef" for atom in "uvrs" for layer in range(33)],
        columns=["model", "task", "quantity", "layer", "bits"],
    ).replace({"quantity": {"u": "unique_language", "v": "unique_vision", "r": "redundancy", "s": "synergy"}})
    spec = {"datasets": {"t": table.to_dict("records")}}
    plain, packed = (len(json.dumps(one, separators=(",", ":"))) for one in (spec, pack_datasets(spec)))
    assert packed < plain / 3
