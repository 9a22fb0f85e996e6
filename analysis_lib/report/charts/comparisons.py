"""Charts of comparisons: correlations over what chance gives, clusterings with support, points with two spreads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import dendrogram

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import require_one_value_per_point, rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import drawable, finite_array

BINS = 48
LOWEST, HIGHEST = -0.9, 0.9995
"""Correlations beyond these are drawn at them: on this axis a perfect one would stand at infinity."""

TICKS = (-0.5, 0.0, 0.5, 0.8, 0.9, 0.99, 0.999)


def correlations_over_null(
    observed: pd.DataFrame,
    null: Sequence[float],
    *,
    description: str,
    uncertainty: str,
    reference: float,
    others: pd.DataFrame | None = None,
    others_label: str = "other pairs",
    labels: Mapping[str, str] = theme.QUANTITY_LABELS,
) -> alt.TopLevelMixin:
    """A panel per quantity: correlations with intervals as dots, over the shaded distribution of a null.

    The axis is even in Fisher's z, so that 0.9 and 0.99 are told apart.

    Parameters
    ----------
    observed
        One row per dot: ``quantity``, ``row``, ``value``, ``low``, ``high``.
    null
        Correlations that the null gives, the same for every panel.
    description
        Alternative text.
    uncertainty
        What bars and shading mean.
    reference
        A correlation marked by a dashed line.
    others
        More correlations, ``quantity`` and ``value``, drawn as ticks in a row of their own.
    others_label
        What that row is called.
    labels
        Words for the quantities.

    Raises
    ------
    ValueError
        A column is missing, a table is empty, or a dot occurs twice.
    """
    observed = drawable(observed, ["quantity", "row"], ["value"], ["low", "high"])
    others = None if others is None else drawable(others, ["quantity"], ["value"])
    require_one_value_per_point(observed, ["quantity", "row"])
    panels = [name for name in theme.ATOMS if name in set(observed["quantity"])]
    dots = observed.assign(kind="dot")
    ticks = others.assign(kind="tick", row=others_label) if others is not None else None
    counts, edges = np.histogram(_z(finite_array(null, "null", 1)), bins=BINS, range=(_z(LOWEST), _z(HIGHEST)))
    filled = counts > 0
    shade = pd.DataFrame(
        {"z": edges[:-1][filled], "z_end": edges[1:][filled], "share": (counts / counts.max())[filled]}
    )
    shade = pd.concat([shade.assign(quantity=name, kind="null") for name in panels])
    data = pd.concat([shade, dots, *([ticks] if ticks is not None else [])], ignore_index=True)
    for name, z in (("value", "z"), ("low", "z_low"), ("high", "z_high")):
        known = data[name].notna()
        data.loc[known, z] = _z(data.loc[known, name].to_numpy(float))
    data["atom"] = [labels.get(name, name) for name in data["quantity"]]
    data = rounded(
        data, ["quantity", "atom", "kind", "row", "value", "low", "high", "z", "z_end", "z_low", "z_high", "share"]
    )

    axis = alt.Axis(
        values=[float(_z(np.array(tick))) for tick in (*TICKS, reference)],
        labelExpr="format((exp(2*datum.value)-1)/(exp(2*datum.value)+1), '.3~f')",
        labelOverlap=True,
        grid=False,
    )
    ends = [float(_z(LOWEST)), float(_z(HIGHEST))]
    x = alt.X("z:Q", title="correlation over depth", axis=axis, scale=alt.Scale(domain=ends, nice=False))
    order = [*dict.fromkeys(observed["row"]), *([others_label] if others is not None else [])]
    y = alt.Y("row:N", sort=order, title=None, axis=alt.Axis(grid=False))
    color = alt.Color("quantity:N", scale=theme.scale_of(panels, theme.QUANTITY_COLORS), legend=None)
    base = alt.Chart()
    only = {
        kind: base.transform_filter(alt.FieldEqualPredicate(field="kind", equal=kind))
        for kind in ("null", "dot", "tick")
    }
    words = [alt.Tooltip("row:N", title="pair"), alt.Tooltip("atom:N")]
    words += [alt.Tooltip(f"{name}:Q", format=".3f") for name in ("value", "low", "high")]
    layers = [
        only["null"]
        .mark_rect(color=theme.LIGHT_INK["axis"], stroke=None)
        .encode(
            x=x,
            x2="z_end:Q",
            opacity=alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.04, 0.55]), legend=None),
        ),
        base.mark_rule(style="reference").encode(x=alt.datum(float(_z(np.array(reference))))),
        only["dot"].mark_rule(strokeWidth=2).encode(x=alt.X("z_low:Q"), x2="z_high:Q", y=y, color=color),
        only["dot"].mark_point(size=55).encode(x=x, y=y, color=color, tooltip=words),
    ]
    if others is not None:
        layers.append(
            only["tick"].mark_tick(thickness=1.5, opacity=0.75).encode(x=x, y=y, color=color, tooltip=words[1:3])
        )
    panel = alt.layer(*layers, data=data).properties(width=205, height=19 * len(order))
    chart = panel.facet(facet=alt.Facet("atom:N", sort=[labels.get(n, n) for n in panels], title=None), columns=2)
    return described(chart, description=description, uncertainty=uncertainty)


def clustering(
    tree: np.ndarray,
    names: Sequence[str],
    support: Sequence[float],
    *,
    description: str,
    uncertainty: str,
    x_title: str = "distance",
) -> alt.TopLevelMixin:
    """A hierarchical clustering lying on its side: leaves at the left, merges at their distance, support in words.

    Parameters
    ----------
    tree
        SciPy's linkage ``(n - 1, 4)``.
    names
        The ``n`` leaves.
    support
        How often draws find each merge, in the order of ``tree``, 0 to 1.
    description
        Alternative text.
    uncertainty
        What the support is.
    x_title
        Title of the distance axis, whose distances are shares.

    Raises
    ------
    ValueError
        Numbers of merges, leaves and supports do not fit together.
    """
    if not len(names) - 1 == len(tree) == len(support):
        raise ValueError(
            f"{len(names)} leaves have {len(names) - 1} merges, got {len(tree)} and {len(support)} supports"
        )
    tree, support = finite_array(tree, "tree", 2), finite_array(support, "support", 1).tolist()
    order = dendrogram(tree, no_plot=True)["leaves"]
    # Where each node stands and how high: leaves, then merges in the order of the tree, as SciPy numbers them.
    places = [0.0] * len(order)
    for at, leaf in enumerate(order):
        places[leaf] = 5.0 + 10 * at
    heights = [0.0] * len(order)
    lines, merges = [], []
    for number, (first, second, distance, _) in enumerate(tree.tolist()):
        below = [(places[int(node)], heights[int(node)]) for node in (first, second)]
        path = [below[0], (below[0][0], distance), (below[1][0], distance), below[1]]
        lines += [
            {"merge": number, "step": step, "place": place, "distance": height}
            for step, (place, height) in enumerate(path)
        ]
        places.append((below[0][0] + below[1][0]) / 2)
        heights.append(distance)
        merges.append({"place": places[-1], "distance": distance, "support": support[number]})
    leaves = [names[leaf] for leaf in order]
    named = " : ".join(f"datum.value == {5 + 10 * at} ? {leaf!r}" for at, leaf in enumerate(leaves)) + " : ''"
    y = alt.Y(
        "place:Q",
        title=None,
        scale=alt.Scale(domain=[0, 10 * len(leaves)], reverse=True, nice=False),
        axis=alt.Axis(values=[5 + 10 * at for at in range(len(leaves))], labelExpr=named, grid=False, ticks=False),
    )
    x = alt.X(
        "distance:Q",
        title=x_title,
        axis=alt.Axis(format="~%", tickCount=6),  # whole percents would stand there twice
        scale=alt.Scale(domain=[0, max(heights) * 1.15], nice=False),
    )
    # The last merge holds all leaves in every draw: its support says nothing.
    told = pd.DataFrame(merges[:-1], columns=["place", "distance", "support"])
    branches = alt.Chart(rounded(pd.DataFrame(lines), ["merge", "step", "place", "distance"]))
    text = alt.Chart(rounded(told, ["place", "distance", "support"]))
    where = {
        "x": x,
        "y": y,
        "tooltip": [alt.Tooltip("distance:Q", format=".1%"), alt.Tooltip("support:Q", format=".0%")],
    }
    chart = alt.layer(
        branches.mark_line(color=theme.SERIES_COLORS[0]).encode(x=x, y=y, detail="merge:N", order="step:Q"),
        text.mark_point(size=60, opacity=1, color=theme.SERIES_COLORS[0]).encode(**where),
        text.mark_text(align="left", dx=7, dy=-8).encode(**where, text=alt.Text("support:Q", format=".0%")),
    ).properties(width="container", height=34 * len(leaves))
    return described(chart, description=description, uncertainty=uncertainty)


def task_scatter(
    table: pd.DataFrame,
    *,
    x: str,
    y: str,
    x_title: str,
    y_title: str,
    description: str,
    uncertainty: str,
    x_format: str = ".0%",
    y_format: str = ".2f",
) -> alt.TopLevelMixin:
    """A named point per task with an interval in each direction.

    Parameters
    ----------
    table
        One row per ``task`` with ``x`` and ``y`` and, for each, columns ``_low`` and ``_high``.
    x
        Column of the horizontal axis.
    y
        Column of the vertical axis.
    x_title
        Title of the horizontal axis.
    y_title
        Title of the vertical axis.
    description
        Alternative text.
    uncertainty
        What the bars mean.
    x_format
        Format of the horizontal axis.
    y_format
        Format of the vertical axis.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or a task occurs twice.
    """
    columns = ["task", *(f"{name}{end}" for name in (x, y) for end in ("", "_low", "_high"))]
    table = drawable(table, columns[:1], columns[1:])
    require_one_value_per_point(table, ["task"])
    data = rounded(table, columns)
    base = alt.Chart(data)
    across = alt.X(
        f"{x}:Q", title=x_title, axis=alt.Axis(format=x_format, tickCount=6), scale=alt.Scale(zero=False, padding=40)
    )
    up = alt.Y(f"{y}:Q", title=y_title, axis=alt.Axis(format=y_format), scale=alt.Scale(zero=True, padding=10))
    tooltip = ["task", alt.Tooltip(f"{x}:Q", format=x_format), alt.Tooltip(f"{y}:Q", format=y_format)]
    hue = theme.SERIES_COLORS[0]
    chart = alt.layer(
        base.mark_rule(color=hue, opacity=0.6).encode(x=alt.X(f"{x}_low:Q"), x2=f"{x}_high:Q", y=up),
        base.mark_rule(color=hue, opacity=0.6).encode(x=across, y=alt.Y(f"{y}_low:Q"), y2=f"{y}_high:Q"),
        base.mark_point(size=60, color=hue, opacity=1).encode(x=across, y=up, tooltip=tooltip),
        base.mark_text(align="left", dx=7, dy=-9).encode(x=across, y=up, text="task:N"),
    ).properties(width="container", height=280)
    return described(chart, description=description, uncertainty=uncertainty)


def _z(correlation: Any) -> Any:
    """Fisher's z, at the ends of the axis for what lies beyond them."""
    return np.arctanh(np.clip(correlation, LOWEST, HIGHEST))
