"""The Altair renderer 'book': one output bundle that reads live, static, printed and aloud, without a network.

A chart becomes a figure with the Vega-Lite specification as inert JSON and a static SVG picture with alternative text.
The book's mount script turns the picture into the live chart; without JavaScript the picture stays. Outside the book
(JupyterLab, a PDF) the same bundle carries the specification, a PNG and plain text.

A chart has to *say what it shows* and *how sure it is*: `described` attaches both, and the renderer refuses a chart
without them, a chart that would load data over a network, and a chart so heavy that the page would suffer.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from typing import Any, TypeVar

import altair as alt
from PIL import Image

from analysis_lib.report.long_titles import break_long_titles
from analysis_lib.report.packed_tables import pack_datasets
from analysis_lib.report.theme import enable_theme
from analysis_lib.report.values import harmless, infinite_places, refuse_undrawable

MAX_SPEC_BYTES = 400_000
"""Largest specification, packed data included, of a single chart: three such charts still fit a page of 1.5 MB."""

MAX_SVG_BYTES = 150_000
"""A static picture beyond this size is shown as PNG: a cloud of points is lighter in pixels than in paths."""

STATIC_WIDTH = 620
"""Width in pixels of the static picture of a chart that is as wide as its container."""

AnyChart = TypeVar("AnyChart", bound=alt.TopLevelMixin)


def described(chart: AnyChart, *, description: str, uncertainty: str) -> AnyChart:
    """Attach to a chart what it shows (alternative text) and what its uncertainty is (printed under it).

    Parameters
    ----------
    chart
        Any Altair chart.
    description
        One or two sentences for a reader who cannot see the chart: what is drawn, and what to see.
    uncertainty
        What bands, bars and dotted lines mean, or why there are none (for instance
        ``"exact: computed, not sampled"``).

    Returns
    -------
    The chart with its top-level ``description`` and ``usermeta`` set.

    Raises
    ------
    ValueError
        The description is shorter than 20 characters, the uncertainty is empty, the chart is as wide as the
        page while its height is a step, which Vega-Lite cannot fit, or a table of it holds what no chart can show.

    Examples
    --------
    >>> chart = alt.Chart(alt.Data(values=[{"x": 1}])).mark_point().encode(x="x:Q")
    >>> described(chart, description="One point at one, as an example.", uncertainty="exact").usermeta
    {'companion': {'uncertainty': 'exact'}}
    """
    if len(description.strip()) < 20:
        raise ValueError(
            "a chart needs a description of at least 20 characters for readers who cannot see it, "
            f"got {description!r}; say what is drawn and what to see"
        )
    if not uncertainty.strip():
        raise ValueError("a chart needs its uncertainty in words; where there is none: 'exact: computed, not sampled'")
    if getattr(chart, "width", None) == "container" and isinstance(getattr(chart, "height", None), alt.Step):
        raise ValueError("a chart as wide as the page needs a height in pixels: the step times the number of rows")
    refuse_undrawable(chart)
    usermeta = {"companion": {"uncertainty": uncertainty.strip()}}
    return chart.properties(description=" ".join(description.split()), usermeta=usermeta)


def check_spec(spec: dict[str, Any]) -> tuple[str, str]:
    """Check that a Vega-Lite specification may enter the book.

    Returns
    -------
    The chart's description and its uncertainty.

    Raises
    ------
    ValueError
        A description or the uncertainty is missing, data or pictures would be loaded from an address, a
        number is infinite, or the specification is larger than `MAX_SPEC_BYTES`.
    """
    description = str(spec.get("description", "")).strip()
    uncertainty = str(spec.get("usermeta", {}).get("companion", {}).get("uncertainty", "")).strip()
    if not description or not uncertainty:
        lacking = [name for name, text in (("description", description), ("uncertainty", uncertainty)) if not text]
        raise ValueError(
            f"the chart has no {' and no '.join(lacking)}; "
            "use analysis_lib.report.described(chart, description=..., uncertainty=...)"
        )
    for part in _dictionaries(spec):
        data = part.get("data")
        if isinstance(data, dict) and "url" in data:
            raise ValueError(f"the chart loads {data['url']!r}, but the book works offline; give it a table instead")
        if reason := _loads_pictures(part):
            raise ValueError(f"{reason}, but the book works offline; rename the column, or draw another mark")
    if infinite := next(infinite_places(spec), None):
        raise ValueError(f"the chart holds {infinite}, which no chart can show; mend or drop it")
    size = len(_payload(spec))
    if size > MAX_SPEC_BYTES:
        raise ValueError(
            f"the chart weighs {size:,} bytes, expected at most {MAX_SPEC_BYTES:,}; aggregate or filter its table"
        )
    return description, uncertainty


def _loads_pictures(part: dict[str, Any]) -> str:
    """Why a part of a specification would load pictures from wherever the data say; empty where it does not."""
    if "url" in part and "type" in part.get("url", {}):
        return f"the chart draws pictures from the addresses in {part['url'].get('field')!r}"
    tooltip = part.get("tooltip")
    for one in tooltip if isinstance(tooltip, list) else [tooltip]:
        if isinstance(one, dict) and (one.get("title") or one.get("field")) == "image":
            return "a tooltip's entry called 'image' loads a picture from the address in it"
    return ""


def _payload(spec: dict[str, Any]) -> str:
    """The specification as a page carries it."""
    # "</" would end the script element early and "<!--" would start a comment in it, whatever the data says.
    return json.dumps(pack_datasets(spec), separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _dictionaries(node: Any) -> list[dict[str, Any]]:
    """Every dictionary of a specification outside its datasets."""
    if isinstance(node, dict):
        return [node] + [found for key, value in node.items() if key != "datasets" for found in _dictionaries(value)]
    return [found for value in node for found in _dictionaries(value)] if isinstance(node, list) else []


def static_spec(spec: dict[str, Any], width: int = STATIC_WIDTH) -> dict[str, Any]:
    """The specification with a fixed width and a white page, for pictures: a container has no width on paper."""
    fixed = {**spec, "config": {**spec.get("config", {}), "background": "white"}}
    return {**fixed, "width": width} if spec.get("width") == "container" else fixed


def _shorten_paths(svg: str) -> str:
    """Round path coordinates to a hundredth of a pixel; the text of the picture is left alone."""
    return re.sub(r' d="[^"]*"', lambda match: re.sub(r"(\.\d\d)\d+", r"\1", match.group()), svg)


def _without_speech(svg: str) -> str:
    """Without words for screen readers on every mark: a picture is read aloud by its alternative text."""
    return re.sub(r"<[^>]+>", lambda tag: re.sub(r' (?:role|aria-[a-z]+)="[^"]*"', "", tag.group()), svg)


def _fewer_colors(png: bytes) -> bytes:
    """The picture with at most 256 colours, which charts hardly exceed: a fraction of the bytes."""
    smaller = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
        smaller, "PNG", optimize=True
    )
    return smaller.getvalue()


def render(spec: dict[str, Any], scale: float = 2.0, **_: Any) -> dict[str, Any]:
    """Turn a Vega-Lite specification into the mime bundle of the book (Altair calls this; notebooks do not).

    Parameters
    ----------
    spec
        A complete Vega-Lite specification.
    scale
        Pixels of the PNG per pixel of the chart.

    Returns
    -------
    Mime type -> content: the specification, HTML, PNG (base64) and plain text.

    Raises
    ------
    ValueError
        See `check_spec`.
    """
    import vl_convert

    spec = break_long_titles(harmless(spec))
    description, uncertainty = check_spec(spec)
    version = ".".join(alt.SCHEMA_VERSION.lstrip("v").split(".")[:2])
    picture = static_spec(spec)
    svg = _without_speech(_shorten_paths(vl_convert.vegalite_to_svg(picture, vl_version=version)))
    png = vl_convert.vegalite_to_png(picture, vl_version=version, scale=scale)
    size = re.search(r'<svg[^>]*? width="([\d.]+)"[^>]*? height="([\d.]+)"', svg)
    extent = f' width="{float(size[1]):.0f}" height="{float(size[2]):.0f}"' if size else ""
    kind, content = ("png", _fewer_colors(png)) if len(svg) > MAX_SVG_BYTES else ("svg+xml", svg.encode())
    page = (
        f'<figure class="vl-figure">'
        f'<script type="application/json" class="vl-spec">{_payload(spec)}</script>'
        f'<img class="vl-static dark-light" alt="{html.escape(description)}"{extent} '
        f'src="data:image/{kind};base64,{base64.b64encode(content).decode()}">'
        f'<figcaption class="vl-note">{html.escape(uncertainty)}</figcaption></figure>'
    )
    return {
        f"application/vnd.vegalite.v{version.split('.')[0]}+json": spec,
        "text/html": page,
        "image/png": base64.b64encode(png).decode(),
        "text/plain": f"{description} ({uncertainty})",
    }


def enable() -> None:
    """Switch Altair to the book's theme and renderer. Every notebook of the book calls this once.

    Examples
    --------
    >>> enable()
    >>> alt.renderers.active
    'book'
    """
    enable_theme()
    # Altair counts rows, and 33 layers of two models have many; what a page can carry is its bytes (`MAX_SPEC_BYTES`).
    alt.data_transformers.enable("default", max_rows=None)
    alt.renderers.register("book", render)
    alt.renderers.enable("book")
