"""What knockouts do to answers: accuracies, their changes question by question, and changes by window of layers."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import pandas as pd

from analysis_lib.report import theme
from analysis_lib.report.charts.dots import dots_with_interval
from analysis_lib.report.charts.grammar import looks_of_conditions
from analysis_lib.report.charts.lines import lines_with_interval
from analysis_lib.report.values import drawable

BARS, BANDS = "Bars", "Bands"
CHANGE = ("change", "change_low", "change_high")
MEASURES = {"accuracy": "circle", "probability": "diamond"}
"""What is told of answers, and its point's shape."""


def answer_accuracies(
    answers: pd.DataFrame,
    conditions: Sequence[str],
    *,
    description: str,
    select: str | Sequence[str] | None = None,
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """Accuracy per task under these conditions.

    Parameters
    ----------
    answers
        As `behaviour` gives them, with a ``task``: ``condition``, ``measure``, ``value``, ``low``, ``high``.
    conditions
        Those to draw; what is not in the table is left out.
    description
        Alternative text.
    select
        Column or columns with a drop-down menu.
    further
        The same of single trainings of its models: small rings.

    Raises
    ------
    ValueError
        A column is missing, nothing is left to draw, or two rows share one dot.
    """
    answers = drawable(answers, ["measure", "condition"])
    shown = answers[answers["condition"].isin(list(conditions)) & (answers["measure"] == "accuracy")]
    return dots_with_interval(
        shown,
        value="value",
        low="low",
        high="high",
        row="task",
        color="condition",
        **looks_of_conditions(shown["condition"]),
        select=select,
        x_title="accuracy",
        x_format=".0%",
        domain=(0, 1),
        uncertainty=_interval_of(shown, BARS),
        description=description,
        further=None if further is None else further[further["measure"] == "accuracy"],
    )


def answer_changes(
    answers: pd.DataFrame,
    *,
    description: str,
    select: str | Sequence[str] | None = None,
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """Change of accuracy and of the right answer's probability per condition, in percentage points.

    Parameters
    ----------
    answers
        As `behaviour` gives them: ``condition``, ``measure``, ``change``, ``change_low``, ``change_high``.
    description
        Alternative text.
    select
        Column or columns with a drop-down menu.
    further
        The same of single trainings of its models: small rings.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or two rows share one dot.
    """
    answers = drawable(answers, ["condition", "measure"], CHANGE[:1], CHANGE[1:])
    places = {name: place for place, name in enumerate(theme.condition_looks(answers["condition"]))}
    answers = answers.sort_values("condition", key=lambda names: names.map(places), kind="stable")
    return dots_with_interval(
        _told(answers),
        value="change",
        low="change_low",
        high="change_high",
        row="condition",
        color="measure",
        select=select,
        colors=dict(zip(MEASURES, theme.SERIES_COLORS, strict=False)),
        shapes=MEASURES,
        labels={"probability": "probability of the right answer"},
        x_title="change, percentage points",
        x_format=".0f",
        reference=[0],
        uncertainty=_interval_of(answers, BARS),
        description=description,
        further=None if further is None else _told(further),
    )


def window_changes(
    windows: pd.DataFrame,
    *,
    description: str,
    select: str | Sequence[str] | None = None,
    further: pd.DataFrame | None = None,
) -> alt.TopLevelMixin:
    """Change of accuracy against the middle of the window in which a knockout holds, a panel per task.

    Parameters
    ----------
    windows
        As `windowed_accuracy` gives them: ``condition``, ``centre``, ``task``, ``change``, ``change_low``,
        ``change_high``.
    description
        Alternative text.
    select
        Column or columns with a drop-down menu.
    further
        The same of single trainings of its models: thin lines.

    Raises
    ------
    ValueError
        A column is missing, the table is empty, or two rows share one point.
    """
    windows = drawable(windows, ["condition", "task", "centre"], CHANGE)
    return lines_with_interval(
        _percent(windows),
        x="centre",
        y="change",
        low="change_low",
        high="change_high",
        color="condition",
        facet="task",
        select=select,
        reference=0.0,
        height=130,
        x_title="layer in the middle",
        y_title="change of accuracy, points",
        uncertainty=_interval_of(windows, BANDS),
        description=description,
        further=None if further is None else _percent(further),
    )


def _told(answers: pd.DataFrame) -> pd.DataFrame:
    """Changes in percentage points, conditions in words."""
    return _percent(answers).assign(condition=answers["condition"].map(theme.condition_words))


def _interval_of(answers: pd.DataFrame, marks: str) -> str:
    """What the intervals are over, for a caption: ``trainings``, where it is there, says of how many."""
    none = "; no bar where no answer changed" if marks == BARS else ""
    if "trainings" in answers and answers["trainings"].max() > 1:
        return f"{marks}: 90 % interval over pictures and, of means over trainings, over these{none}."
    return f"{marks}: 90 % bootstrap interval over pictures{none}."


def _percent(answers: pd.DataFrame) -> pd.DataFrame:
    """Changes in percentage points."""
    return answers.assign(**{name: 100 * answers[name] for name in CHANGE})
