"""Charts that show PID Flow step by step: what PCA keeps, what the flow does, what the eigenvalues say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from analysis_lib.report import theme
from analysis_lib.report.charts.grammar import rounded
from analysis_lib.report.renderer import described
from analysis_lib.report.values import finite_array

BLOCK_COLORS = {
    "vision": theme.QUANTITY_COLORS["unique_vision"],
    "language": theme.QUANTITY_COLORS["unique_language"],
    "target": "#7b61c9",
}
BLOCK_DASHES = {"vision": [1, 0], "language": [7, 4], "target": [2, 3]}
MAX_POINTS = 1500


def variance_spectrum(
    explained: Mapping[str, ArrayLike], *, description: str, keep: float = 0.95, uncertainty: str, title: str = ""
) -> alt.TopLevelMixin:
    """Cumulative share of variance by number of principal components, a line per block.

    Parameters
    ----------
    explained
        Block (``vision``, ``language``, ``target``) -> shares of variance ``(n_components,)``, falling.
    description
        Alternative text.
    keep
        Share that is kept; drawn as a line.
    uncertainty
        What the reader should know of the spectrum's own error.
    title
        Title over the chart.

    Raises
    ------
    ValueError
        A spectrum is empty, not finite, or its block has no colour.

    Examples
    --------
    >>> chart = variance_spectrum({"vision": [0.7, 0.2, 0.1]}, uncertainty="exact for this sample",
    ...                           description="Cumulative variance of vision over three components.")
    """
    parts = [
        pd.DataFrame({"block": name, "component": np.arange(1, shares.size + 1), "variance": np.cumsum(shares)})
        for name, shares in ((name, finite_array(values, name, 1)) for name, values in explained.items())
    ]
    data = rounded(pd.concat(parts), ["block", "component", "variance"])
    names = list(explained)
    hue = alt.Color(
        "block:N", scale=theme.scale_of(names, BLOCK_COLORS), legend=alt.Legend(title=None, symbolOpacity=1)
    )
    base = alt.Chart(data).encode(
        x=alt.X(
            "component:Q",
            title="principal components",
            axis=alt.Axis(format="d", tickMinStep=1),
            scale=alt.Scale(nice=False),
        ),
        y=alt.Y(
            "variance:Q",
            title="cumulative share of variance",
            axis=alt.Axis(format=".0%"),
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=hue,
        tooltip=["block:N", "component:Q", alt.Tooltip("variance:Q", format=".1%")],
    )
    dash = alt.StrokeDash(
        "block:N", scale=theme.scale_of(names, BLOCK_DASHES), legend=alt.Legend(title=None, symbolType="stroke")
    )
    limit = alt.Chart(data).mark_rule(style="reference").encode(y=alt.datum(keep))
    chart: Any = alt.layer(limit, base.mark_line().encode(strokeDash=dash), base.mark_point(size=18)).properties(
        width="container", height=240, **({"title": title} if title else {})
    )
    return described(chart, description=description, uncertainty=f"Dashed: {keep:.0%} of the variance. {uncertainty}")


def latent_scatter(
    panels: Mapping[str, ArrayLike],
    *,
    description: str,
    group: Sequence[str] | None = None,
    uncertainty: str = "Each point is one question.",
    size: int = 230,
    title: str = "",
) -> alt.TopLevelMixin:
    """Two coordinates before and after a step, a panel each (for instance before and after the flow).

    Parameters
    ----------
    panels
        Title of the panel -> points ``(n_samples, 2)``; at most 1500 points in each.
    description
        Alternative text.
    group
        Optional name per sample, told apart by colour (an answer, say).
    uncertainty
        What a point is.
    size
        Side of a panel in pixels.
    title
        Title over the chart.

    Raises
    ------
    ValueError
        A panel is not ``(n_samples, 2)`` or not finite, or too long, or ``group`` has another length.

    Examples
    --------
    >>> chart = latent_scatter({"before": [[0.0, 1.0], [1.0, 0.0]]}, description="Two points on a falling line.")
    """
    rows = []
    for name, values in panels.items():
        points = finite_array(values, name, 2)
        if points.shape[1] != 2 or len(points) > MAX_POINTS:
            raise ValueError(f"panel {name!r} must be (n_samples <= {MAX_POINTS}, 2), got shape {points.shape}")
        if group is not None and len(group) != len(points):
            raise ValueError(f"panel {name!r} has {len(points)} points but group has {len(group)} names")
        part = pd.DataFrame({"panel": name, "a": points[:, 0], "b": points[:, 1]})
        rows.append(part.assign(group=list(group)) if group is not None else part)
    data = rounded(pd.concat(rows), list(rows[0].columns), digits=4)
    # A colour means one group; where there are more groups than colours, none has one, and pointing names them.
    few = group is not None and len(set(group)) <= len(theme.SERIES_COLORS)
    charts = [
        alt.Chart(data[data["panel"] == name], title=name)
        .mark_circle(size=14, opacity=0.55)
        .encode(
            x=alt.X("a:Q", title="first", scale=alt.Scale(zero=False)),
            y=alt.Y("b:Q", title="second", scale=alt.Scale(zero=False)),
            color=alt.Color("group:N", legend=alt.Legend(title=None)) if few else alt.value(theme.SERIES_COLORS[0]),
            **({} if group is None else {"tooltip": alt.Tooltip("group:N", title=None)}),
        )
        .properties(width=size, height=size)
        for name in panels
    ]
    chart: Any = alt.concat(*charts, columns=2)
    if title:
        chart = chart.properties(title=title)
    return described(chart, description=description, uncertainty=uncertainty)


def eigenvalue_bars(
    eigenvalues: ArrayLike,
    *,
    description: str,
    uncertainty: str,
    low: ArrayLike | None = None,
    high: ArrayLike | None = None,
    title: str = "",
) -> alt.TopLevelMixin:
    """Half the base-2 logarithm of each generalised eigenvalue: bars above zero add up to the vision-unique bits.

    In the closed form of the Gaussian BROJA decomposition, ``U_vision = 1/2 sum log2 max(lambda, 1)`` and
    ``U_language = 1/2 sum log2 max(1/lambda, 1)``: every target direction belongs to one source or the other.

    Parameters
    ----------
    eigenvalues
        Generalised eigenvalues ``(n_directions,)``, positive.
    description
        Alternative text.
    uncertainty
        What the interval marks mean, or why there are none.
    low
        Lower ends of an interval of the eigenvalues, or nothing.
    high
        Upper ends.
    title
        Title over the chart.

    Raises
    ------
    ValueError
        An eigenvalue or an interval end is not positive and finite, or the lengths differ.

    Examples
    --------
    >>> chart = eigenvalue_bars([4.0, 1.0, 0.25], uncertainty="exact: a constructed example",
    ...                         description="One direction of vision, one shared, one of language; a bit each.")
    """
    values = {"bits": eigenvalues, **({"low": low, "high": high} if low is not None and high is not None else {})}
    arrays = {name: finite_array(value, name, 1) for name, value in values.items()}
    if any((array <= 0).any() or len(array) != len(arrays["bits"]) for array in arrays.values()):
        raise ValueError("eigenvalues and their interval ends must be positive and of equal length")
    data = pd.DataFrame({name: 0.5 * np.log2(array) for name, array in arrays.items()})
    data = data.sort_values("bits", ascending=False)
    names = ["unique_vision", "unique_language"]
    labels = theme.QUANTITY_LABELS
    data["atom"] = [labels[names[0]] if value >= 0 else labels[names[1]] for value in data["bits"]]
    data["direction"] = np.arange(1, len(data) + 1)
    data = rounded(data, list(data.columns))
    base = alt.Chart(data).encode(
        x=alt.X("direction:O", title="target direction, by eigenvalue", axis=alt.Axis(labelAngle=0))
    )
    hue = alt.Color("atom:N", scale=theme.scale_of(names, theme.QUANTITY_COLORS, labels), legend=alt.Legend(title=None))
    y_title = "bits (up: vision knows more)"
    bars = base.mark_bar().encode(
        y=alt.Y("bits:Q", title=y_title),
        color=hue,
        tooltip=["direction:O", "atom:N", alt.Tooltip("bits:Q", format=".3f")],
    )
    layers: list[Any] = [bars]
    if "low" in data:
        layers.append(base.mark_rule(style="interval").encode(y=alt.Y("low:Q", title=y_title), y2="high:Q"))
    layers.append(alt.Chart(data).mark_rule(style="reference").encode(y=alt.datum(0)))
    chart: Any = alt.layer(*layers).properties(width="container", height=240, **({"title": title} if title else {}))
    return described(chart, description=description, uncertainty=uncertainty)


def matrix_picture(
    matrix: ArrayLike,
    blocks: Mapping[str, int],
    *,
    description: str,
    uncertainty: str,
    value: str = "correlation",
    size: int = 340,
    title: str = "",
) -> alt.TopLevelMixin:
    """A covariance or correlation matrix as a heat map with its blocks outlined.

    Parameters
    ----------
    matrix
        Square matrix ``(d, d)``, finite, d at most 80.
    blocks
        Name -> size of each block in order; the sizes add up to d.
    description
        Alternative text.
    uncertainty
        What the reader should know of its error.
    value
        What an entry is.
    size
        Side in pixels.
    title
        Title over the chart.

    Raises
    ------
    ValueError
        The matrix is not square, too large or not finite, or the blocks do not add up.

    Examples
    --------
    >>> chart = matrix_picture(np.eye(3), {"target": 1, "vision": 1, "language": 1}, uncertainty="exact",
    ...                        description="The identity: three variables that know nothing of each other.")
    """
    entries = finite_array(matrix, "matrix", 2)
    d = len(entries)
    if entries.shape != (d, d) or sum(blocks.values()) != d or d > 80:
        raise ValueError(
            f"expected a square matrix as wide as its blocks {dict(blocks)} and at most 80, got {entries.shape}"
        )
    names = [name for name, width in blocks.items() for _ in range(width)]
    rows = [
        {"row": i, "column": j, value: float(f"{entries[i, j]:.3g}"), "blocks": f"{names[i]} x {names[j]}"}
        for i in range(d)
        for j in range(d)
    ]
    top = float(np.abs(entries).max()) or 1.0
    edges = np.cumsum([0, *blocks.values()])
    middles = [
        {"name": name, "at": float(edges[place] + width / 2), "start": int(edges[place])}
        for place, (name, width) in enumerate(blocks.items())
    ]
    extent = alt.Scale(domain=[0, d], nice=False)
    down = alt.Scale(domain=[d, 0], nice=False)
    cells = (
        alt.Chart(alt.Data(values=rows))
        .transform_calculate(right="datum.column + 1", below="datum.row + 1")
        .mark_rect()
        .encode(
            x=alt.X("column:Q", scale=extent, axis=None),
            x2="right:Q",
            y=alt.Y("row:Q", scale=down, axis=None),
            y2="below:Q",
            color=alt.Color(
                f"{value}:Q",
                scale=alt.Scale(scheme="purpleorange", domain=[-top, top], reverse=True),
                legend=alt.Legend(orient="bottom", gradientLength=160),
            ),
            tooltip=["blocks:N", "row:Q", "column:Q", f"{value}:Q"],
        )
    )
    lines = alt.Chart(alt.Data(values=middles)).transform_filter("datum.start > 0")
    words = alt.Chart(alt.Data(values=middles)).mark_text(dy=-8, baseline="bottom")
    chart: Any = alt.layer(
        cells,
        lines.mark_rule().encode(x=alt.X("start:Q", scale=extent, axis=None)),
        lines.mark_rule().encode(y=alt.Y("start:Q", scale=down, axis=None)),
        words.encode(x=alt.X("at:Q", scale=extent, axis=None), y=alt.value(0), text="name:N"),
    ).properties(width=size, height=size, **({"title": title} if title else {}))
    return described(chart, description=description, uncertainty=uncertainty)
