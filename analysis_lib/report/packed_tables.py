"""Tables of charts by columns, repeated values written once: a page carries every row that its charts draw.

``charts.js`` unpacks them before a chart is drawn; nothing else reads this form.
"""

from __future__ import annotations

from typing import Any

Rows = list[dict[str, Any]]


def pack_datasets(spec: dict[str, Any]) -> dict[str, Any]:
    """The specification with its datasets packed where all rows have the same keys; others, and packed ones, stay.

    Examples
    --------
    >>> spec = {"datasets": {"t": [{"atom": "synergy", "bits": 0.1}, {"atom": "synergy", "bits": 0.2}]}}
    >>> pack_datasets(spec)["datasets"]["t"]
    {'length': 2, 'columns': {'atom': {'of': ['synergy'], 'at': [0, 0]}, 'bits': [0.1, 0.2]}}
    """
    if "datasets" not in spec:
        return spec
    return {**spec, "datasets": {name: _pack(rows) for name, rows in spec["datasets"].items()}}


def _pack(table: Rows | dict[str, Any]) -> Rows | dict[str, Any]:
    if isinstance(table, dict) or not table or any(list(row) != list(table[0]) for row in table):
        return table
    return {"length": len(table), "columns": {name: _column([row[name] for row in table]) for name in table[0]}}


def _column(values: list[Any]) -> list[Any] | dict[str, list[Any]]:
    """Texts as places in the list of the different ones, unless nearly all differ; anything else as it is."""
    if not all(isinstance(value, str) for value in values):
        return values
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    if 2 * len(places) > len(values):
        return values
    return {"of": list(places), "at": [places[value] for value in values]}
