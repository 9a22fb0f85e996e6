"""Verdicts on the paper's claims: every criterion of ``book/claims.yml`` against the intervals that the tables give.

A verdict is never typed. `judge` computes each criterion's statistic for every model, task and reading and asks the
criterion; `tiles` joins the criteria of a claim; `standing` sums a claim up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis_lib.compare.blind import beside_probe, why_not_judged
from analysis_lib.compare.claims import DIFFERS, NOT_MEASURABLE, REPRODUCED, UNDECIDED, Claim, Criterion
from analysis_lib.compare.curves import NotMeasurableError
from analysis_lib.compare.readings import READINGS, Reading, Remembered
from analysis_lib.compare.statistics import AT_LAST_LAYER, BETWEEN_MODELS, STATISTICS, UNDER_KNOCKOUT
from analysis_lib.text import format_value

TOGETHER = "all tasks"
IN_PART = "in part"
POSSIBLE = {"correlation": (-1.0, 1.0), "depth": (0.0, 1.0)}
"""Between which ends every number of a unit lies: no interval says more."""
KEYS = ["model", "task", "condition", "target", "target_from", "mode", "definition", "quantity"]
"""Columns that say what a row is about, in words."""
ASKED = (*KEYS, "layer", "bits", "low", "high", "verdict", "preservation", "replicates")
"""Columns that statistics read."""
_ORDER = (DIFFERS, NOT_MEASURABLE, UNDECIDED, REPRODUCED)


def judge(claims: Mapping[str, Claim], atoms: pd.DataFrame, readings: Mapping[str, Reading] = READINGS) -> pd.DataFrame:
    """Judge every criterion of every claim.

    A reading that is blind where it is asked (`analysis_lib.compare.beside_probe`), or impossible, decides nothing.

    A claim about every task asks as many questions as there are tasks. Its intervals are widened so that all of them
    hold together as often as one interval does alone (Bonferroni), or one task in six would differ by chance too often.

    Parameters
    ----------
    claims
        Claims by id, as `read_claims` gives them.
    atoms
        The tidy atoms tables of all models and tasks of a profile.
    readings
        The rows to ask, by name.

    Returns
    -------
    One row per ``reading``, ``model``, ``claim``, ``statistic`` and ``task`` (or ``all tasks``), with ``value``,
    ``low``, ``high`` (not a number where nothing could be measured), ``unit``, ``verdict`` and, where there is no
    measurement or it is not judged, the ``reason``.

    Raises
    ------
    ValueError
        A criterion asks for a statistic that nobody computes.
    """
    return judge_prepared(claims, prepared(atoms), readings)


@dataclass(frozen=True)
class Prepared:
    """Tables that are judged again and again: their rows, what the probe says beside them, and every model's tasks.

    ``reasons`` not to judge are remembered, as criteria and cuts share them.
    """

    rows: pd.DataFrame
    compared: pd.DataFrame
    tasks: dict[str, list[str]]
    reasons: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def reason(self, read: pd.DataFrame, reading: Reading, statistic: str, models: list[str], tasks: list[str]) -> str:
        """What `why_not_judged` says of the rows ``read`` of a reading."""
        mode = reading.knockout_mode if statistic in UNDER_KNOCKOUT else reading.mode
        at_last = statistic in AT_LAST_LAYER
        key = (reading.target, mode, reading.definition, at_last, *models, *tasks)
        if key not in self.reasons:
            self.reasons[key] = why_not_judged(read, self.compared, reading, statistic, models, tasks)
        return self.reasons[key]


def prepared(atoms: pd.DataFrame, probed: pd.DataFrame | None = None) -> Prepared:
    """What `judge_prepared` asks of tables, worked out once for any number of readings.

    ``probed`` are rows of the probe that are held against them but are not among them.
    """
    compared = beside_probe(atoms if probed is None else pd.concat([atoms, probed]))
    rows, compared = (
        some.astype(dict.fromkeys(some.columns.intersection(KEYS), "category"))  # compared again and again
        for some in (atoms[[name for name in atoms.columns if name in ASKED]], compared)
    )
    return Prepared(
        rows,
        compared,
        {str(model): sorted(set(mine["task"])) for model, mine in atoms.groupby("model", sort=True, observed=True)},
    )


def judge_prepared(claims: Mapping[str, Claim], tables: Prepared, readings: Mapping[str, Reading]) -> pd.DataFrame:
    """As `judge`, of tables that are `prepared`."""
    rows = []
    for name, reading in readings.items():
        read = Remembered(reading.of(tables.rows))
        for model, tasks in tables.tasks.items():
            for claim in claims.values():
                for criterion in claim.criteria:
                    asked = [[task] for task in tasks] if criterion.holds_in == "every_task" else [tasks]
                    for some in asked:
                        place = some[0] if criterion.holds_in == "every_task" else TOGETHER
                        found = _measure(criterion, read, tables, reading, model, some, len(asked))
                        rows.append((name, model, claim.id, criterion.statistic, place, *found))
    columns = ["reading", "model", "claim", "statistic", "task", "value", "low", "high", "unit", "verdict", "reason"]
    return pd.DataFrame(rows, columns=columns)


def _measure(
    criterion: Criterion,
    read: Remembered,
    tables: Prepared,
    reading: Reading,
    model: str,
    tasks: list[str],
    n_asked: int,
) -> tuple[float, float, float, str, str, str]:
    if criterion.statistic not in STATISTICS:
        raise ValueError(
            f"no function computes {criterion.statistic!r}; add it to analysis_lib/compare/statistics.py, "
            f"which has {', '.join(STATISTICS)}"
        )
    try:
        found = STATISTICS[criterion.statistic](read, reading, model, tasks)
    except NotMeasurableError as missing:
        return float("nan"), float("nan"), float("nan"), criterion.unit, criterion.verdict(None), str(missing)
    found = found.widened(n_asked)
    least, most = POSSIBLE.get(criterion.unit, (found.low, found.high))
    ends = (max(least, found.low), min(most, found.high))
    models = list(read.table["model"].unique()) if criterion.statistic in BETWEEN_MODELS else [model]
    reason = tables.reason(read.table, reading, criterion.statistic, models, tasks)
    return found.value, *ends, criterion.unit, UNDECIDED if reason else criterion.verdict(ends), reason


def joined(verdicts: Iterable[str]) -> str:
    """The verdict on a claim from those on its criteria: one that differs decides, and all have to hold.

    Examples
    --------
    >>> joined(["reproduced", "differs"]), joined(["reproduced", "cannot tell"]), joined(["reproduced"])
    ('differs', 'cannot tell', 'reproduced')
    """
    given = set(verdicts)
    if not given or given - set(_ORDER):
        raise ValueError(f"expected verdicts among {', '.join(_ORDER)}, got {sorted(given)}")
    return next(verdict for verdict in _ORDER if verdict in given)


def tiles(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per ``reading``, ``model``, ``claim`` and ``task`` with the joint ``verdict`` of its criteria.

    In a task all criteria have to hold; a claim about all tasks together holds in part where some of them do.
    """
    rows = [
        (*key, task, verdict) for key, by_task in _by_claim(judged).items() for task, verdict in _parts(by_task).items()
    ]
    return pd.DataFrame(rows, columns=["reading", "model", "claim", "task", "verdict"])


def standing(judged: pd.DataFrame) -> pd.DataFrame:
    """One row per ``reading``, ``model`` and ``claim``: its ``verdict``, and in ``words`` with what is behind it.

    A claim about every task is reproduced where every task reproduces it, holds in part where some do, and differs
    where none does and some differ; the others may be undecided. A claim about all tasks together that has several
    criteria holds in part where some of them are reproduced. What could not be measured reproduces nothing, and
    decides only where there is nothing else. ``held`` of ``asked`` tasks (or criteria) reproduce it.
    """
    rows = []
    for key, by_task in _by_claim(judged).items():
        together = set(by_task) == {TOGETHER}
        parts = by_task[TOGETHER] if together else list(_parts(by_task).values())
        rows.append((*key, summed(parts), _worded(parts, "criteria" if together else "tasks"),
                     parts.count(REPRODUCED), len(parts)))  # fmt: skip
    return pd.DataFrame(rows, columns=["reading", "model", "claim", "verdict", "words", "held", "asked"])


def _by_claim(judged: pd.DataFrame) -> dict[tuple[str, str, str], dict[str, list[str]]]:
    """Verdicts on the criteria by reading, model and claim, and by task."""
    found: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    columns = (judged[name] for name in ("reading", "model", "claim", "task", "verdict"))
    for reading, model, claim, task, verdict in zip(*columns, strict=True):
        found.setdefault((reading, model, claim), {}).setdefault(task, []).append(verdict)
    return found


def _parts(by_task: Mapping[str, list[str]]) -> dict[str, str]:
    """One verdict per task, or on all together."""
    return {task: (summed if task == TOGETHER else joined)(verdicts) for task, verdicts in by_task.items()}


def summed(verdicts: Iterable[str]) -> str:
    """One verdict from those of tasks or criteria: *in part* where some of them reproduce what others do not."""
    given = set(verdicts)
    if REPRODUCED in given and len(given) > 1:
        return IN_PART
    return joined(given - {NOT_MEASURABLE} or {NOT_MEASURABLE})


def _worded(verdicts: Sequence[str], what: str) -> str:
    """The verdict, and of how many tasks or criteria, where they do not all say the same."""
    verdict, n = summed(verdicts), len(verdicts)
    counts = Counter(verdicts)
    if verdict == IN_PART:
        return f"{verdict} ({counts[REPRODUCED]} of {n} {what})"
    if verdict == DIFFERS and counts[DIFFERS] < n:
        open_ones = [f"{counts[one]} {one}" for one in (UNDECIDED, NOT_MEASURABLE) if one in counts]
        return f"{verdict} ({counts[DIFFERS]} of {n} {what}; {', '.join(open_ones)})"
    return verdict


def accepted_words(criterion: Criterion) -> str:
    """The region that fulfils a criterion, in words, and whose it is where the paper does not ask it.

    Examples
    --------
    >>> accepted_words(Criterion("s", "in words", "equal", 0.82, 0.05, "share", "every_task", "paper"))
    '77% to 87%'
    """
    low, high = (_number(end, criterion.unit) for end in criterion.accepted)
    words = {"equal": f"{low} to {high}", "below": f"below {high}", "above": f"above {low}"}[criterion.relation]
    return f"{words} (asked by this book, not by the paper)" if criterion.source == "own" else words


def measured_words(rows: pd.DataFrame) -> str:
    """What was measured for one criterion of one model: a value with its interval, or the ends of the span over tasks.

    Parameters
    ----------
    rows
        Its rows of what `judge` gives, one or one per task.

    Examples
    --------
    >>> rows = pd.DataFrame({"task": ["A", "B"], "value": [0.1, 0.3], "low": [0.0, 0.2], "high": [0.2, 0.4]})
    >>> measured_words(rows.assign(unit="share", reason=""))
    '10% [0, 20%] (A) to 30% [20%, 40%] (B)'
    >>> measured_words(rows.head(1).assign(unit="share", reason=""))
    '10% [0, 20%]'
    """
    unit, found = rows["unit"].iloc[0], rows.dropna(subset="value").sort_values("value", kind="stable")
    if found.empty:
        return f"not measured: {rows['reason'].iloc[0]}"
    first, last = found.iloc[0], found.iloc[-1]
    if len(found) == 1:
        return _interval(first, unit)
    return f"{_interval(first, unit)} ({first['task']}) to {_interval(last, unit)} ({last['task']})"


def _interval(row: pd.Series, unit: str) -> str:
    value, low, high = (_number(row[end], unit).removesuffix(" bits") for end in ("value", "low", "high"))
    return f"{value} [{low}, {high}]" + " bits" * (unit == "bits")


def _number(value: float, unit: str) -> str:
    if value == 0:
        return "0"
    text = format_value(float(value), {"share": ".0%", "depth": ".0%", "bits": ".2f", "correlation": ".2f"}[unit])
    return f"{text} bits" if unit == "bits" else text
