"""The paper's claims, read from ``book/claims.yml``, and the rule that turns a measured interval into a verdict.

A criterion accepts a region of the number line: all values within the tolerance of the paper's, or all on one side of
it. A measured interval inside the region reproduces the claim, one outside differs from it, and one that crosses its
edge cannot decide. Nothing in the file is a verdict, so none can be typed.
"""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis_lib.reading import read_yaml

__all__ = [
    "DIFFERS",
    "NOT_MEASURABLE",
    "REPRODUCED",
    "UNDECIDED",
    "Claim",
    "Claims",
    "Criterion",
    "Printed",
    "read_claims",
]

REPRODUCED, DIFFERS, UNDECIDED = "reproduced", "differs", "cannot tell"
NOT_MEASURABLE = "not measurable"


@dataclass(frozen=True)
class Criterion:
    """One number that has to come out in a certain region for a claim to hold.

    Attributes
    ----------
    statistic
        Name of the number to compute.
    meaning
        How it is computed, in words.
    relation
        ``equal``, ``below`` or ``above``.
    value
        The number it is compared with.
    tolerance
        How far off still counts, in the same unit.
    unit
        ``bits``, ``share``, ``depth`` (of the layers, 0 to 1) or ``correlation``.
    holds_in
        ``every_task`` or ``all_tasks_together``.
    source
        ``paper`` where the paper prints the number, ``reading`` where this book made it of a word.
    """

    statistic: str
    meaning: str
    relation: str
    value: float
    tolerance: float
    unit: str
    holds_in: str
    source: str

    @property
    def accepted(self) -> tuple[float, float]:
        """The region that fulfils the criterion; ``below`` and ``above`` have one end, which does not fulfil it."""
        low = -math.inf if self.relation == "below" else self.value - self.tolerance
        high = math.inf if self.relation == "above" else self.value + self.tolerance
        return low, high

    def verdict(self, interval: tuple[float, float] | None) -> str:
        """What a measured interval says of the criterion; ``None`` where nothing could be measured.

        Raises
        ------
        ValueError
            The interval's ends are not numbers in order.

        Examples
        --------
        >>> half = Criterion("peak", "depth of the peak", "below", 0.5, 0, "share", "every_task", "reading")
        >>> half.verdict((0.1, 0.2)), half.verdict((0.4, 0.6)), half.verdict((0.6, 0.7)), half.verdict(None)
        ('reproduced', 'cannot tell', 'differs', 'not measurable')
        """
        if interval is None:
            return NOT_MEASURABLE
        low, high = interval
        if not low <= high:
            raise ValueError(f"{self.statistic}: expected an interval from low to high, got {interval}")
        first, last = self.accepted
        # A rise of exactly nothing is no rise: what lies on the bar itself is neither above nor below it.
        inside = first <= low and high <= last if self.relation == "equal" else first < low and high < last
        if inside:
            return REPRODUCED
        return DIFFERS if high < first or low > last else UNDECIDED


@dataclass(frozen=True)
class Claim:
    """A claim of the paper; its fields are described at the top of ``book/claims.yml``."""

    id: str
    label: str
    sentence: str
    section: str
    quantity: str
    printed: str
    page: str
    would_change: str
    criteria: tuple[Criterion, ...]
    remark: str = ""

    def said(self, verdict: str) -> str:
        """A verdict in words, with the remark that belongs to it wherever it is shown."""
        return f"{verdict}; {self.remark}" if self.remark else verdict


@dataclass(frozen=True)
class Printed:
    """A single value of one of the paper's tables."""

    id: str
    section: str
    quantity: str
    task: str
    value: float
    unit: str


@dataclass(frozen=True)
class Claims:
    """All of ``book/claims.yml``: claims and printed values by id, and the paper's key in the bibliography."""

    paper: str
    claims: dict[str, Claim]
    printed: dict[str, Printed]


def read_claims(path: str | Path = "book/claims.yml") -> Claims:
    """Read and check the claims.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is no YAML that `read_yaml` takes, or an entry lacks a field, has one too many, a value of the
        wrong kind or an id twice; the message names the entry.

    Examples
    --------
    >>> claims = read_claims()
    >>> list(claims.claims)[:3], claims.claims["C3"].criteria[0].accepted
    (['C1', 'C2', 'C3'], (-inf, 0.02))
    """
    source = Path(path)
    try:
        content = read_yaml(source, typed=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"there are no claims at {source}; take the book's, book/claims.yml") from None
    try:
        _check(content)
        claims = [_claim(entry) for entry in content["claims"]]
        printed = [Printed(**entry) for entry in content["printed"]]
        _refuse_repeats([claim.id for claim in claims], "claim id")
        _refuse_repeats([value.id for value in printed], "id of a printed value")
        _refuse_repeats([one.statistic for claim in claims for one in claim.criteria], "statistic")
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return Claims(content["paper"], {one.id: one for one in claims}, {one.id: one for one in printed})


def _claim(entry: dict[str, Any]) -> Claim:
    return Claim(**entry | {"criteria": tuple(Criterion(**one) for one in entry["criteria"])})


def _check(content: Any) -> None:
    """Raise ``ValueError`` for the first thing that does not agree with the schema."""
    import jsonschema  # takes half a second, which who only compares numbers should not pay

    schema = read_yaml(Path(__file__).with_name("claims.schema.yaml"), typed=True)
    formats = jsonschema.FormatChecker([])
    formats.checks("finite")(lambda value: not isinstance(value, float) or math.isfinite(value))
    errors = jsonschema.Draft202012Validator(schema, format_checker=formats).iter_errors(content)
    error = min(errors, key=lambda error: list(map(str, error.path)), default=None)
    if error is not None:
        raise ValueError(_told(error, content))


def _told(error: Any, content: Any) -> str:
    """A violation of the schema in words: where it is, what was expected and what stands there."""
    *path, last = error.path or ["the file"]
    where, at = [], content
    for step in path:
        at = at[step]
        name = at.get("id") or at.get("statistic") if isinstance(at, dict) else None
        if isinstance(step, int):
            where.append(f"entry {step + 1}" + f" ({name})" * bool(name))
        else:
            where.append(str(step))
    place = ", ".join([*where, f"entry {last + 1}" if isinstance(last, int) else str(last)])
    if error.validator in ("required", "additionalProperties"):
        known, given = error.schema["required"], error.instance
        missing, unknown = [name for name in known if name not in given], [str(n) for n in given if n not in known]
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        return f"{place} {' and '.join(parts)}; it takes {', '.join(known)}"
    return f"{place}: expected {error.schema['description']}, got {reprlib.repr(error.instance)}"


def _refuse_repeats(names: list[str], what: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"the {what} {', '.join(repeated)} stands twice; each must be unique")
