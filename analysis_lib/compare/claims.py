"""The paper's claims, read from ``book/claims.yml``, and the rule that turns a measured interval into a verdict.

A criterion accepts a region of the number line: all values within the tolerance of the paper's, or all on one side of
it. A measured interval inside the region reproduces the claim, one outside differs from it, and one that crosses its
edge cannot decide. Nothing in the file is a verdict, so none can be typed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
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
NOT_MEASURABLE = "not measurable at this profile"
_CHOICES = {
    "relation": ("equal", "below", "above"),
    "unit": ("bits", "share", "correlation"),
    "holds_in": ("every_task", "all_tasks_together"),
    "source": ("paper", "reading"),
}


@dataclass(frozen=True)
class Criterion:
    """One number that has to come out in a certain region for a claim to hold.

    Attributes:
        statistic: Name of the number to compute.
        meaning: How it is computed, in words.
        relation: ``equal``, ``below`` or ``above``.
        value: The number it is compared with.
        tolerance: How far off still counts, in the same unit.
        unit: ``bits``, ``share`` or ``correlation``.
        holds_in: ``every_task`` or ``all_tasks_together``.
        source: ``paper`` where the paper prints the number, ``reading`` where this book made it of a word.
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

        Raises:
            ValueError: The interval's ends are not numbers in order.

        Example:
            >>> half = Criterion("peak", "depth of the peak", "below", 0.5, 0, "share", "every_task", "reading")
            >>> half.verdict((0.1, 0.2)), half.verdict((0.4, 0.6)), half.verdict((0.6, 0.7)), half.verdict(None)
            ('reproduced', 'cannot tell', 'differs', 'not measurable at this profile')
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

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no YAML that `read_yaml` takes, or an entry lacks a field, has one too many, a value of the
            wrong kind or an id twice; the message names the entry.

    Example:
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
        top = _mapping(content, ("paper", "claims", "printed"), "the file")
        claims = [_claim(entry, f"claim {place}") for place, entry in enumerate(_list(top, "claims", "the file"), 1)]
        printed = [
            _filled(Printed, entry, f"printed value {place}")
            for place, entry in enumerate(_list(top, "printed", "the file"), 1)
        ]
        _refuse_repeats([claim.id for claim in claims], "claim id")
        _refuse_repeats([value.id for value in printed], "id of a printed value")
        _refuse_repeats([one.statistic for claim in claims for one in claim.criteria], "statistic")
        return Claims(
            _text(top["paper"], "paper", "the file"), {one.id: one for one in claims}, {one.id: one for one in printed}
        )
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _claim(entry: Any, where: str) -> Claim:
    content = _mapping(entry, [field.name for field in fields(Claim)], where)
    where = f"claim {content['id']}"
    criteria = tuple(
        _filled(Criterion, one, f"{where}, criterion {place}")
        for place, one in enumerate(_list(content, "criteria", where), 1)
    )
    if any(one.tolerance < 0 for one in criteria):
        raise ValueError(f"{where}: a tolerance is negative; it is a distance")
    texts = {name: _text(value, name, where) for name, value in content.items() if name != "criteria"}
    return Claim(**texts, criteria=criteria)


def _filled(kind: Any, entry: Any, where: str) -> Any:
    """An entry of text and numbers, every field checked by the type that it is declared with."""
    content = _mapping(entry, [field.name for field in fields(kind)], where)
    where = f"{where} ({next(iter(content.values()))})"
    values: dict[str, Any] = {}
    for field in fields(kind):
        read = _number if field.type == "float" else _text
        values[field.name] = read(content[field.name], field.name, where)
    return kind(**values)


def _mapping(content: Any, names: Any, where: str) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise ValueError(f"{where} must be a mapping with {', '.join(names)}, got {content!r}")
    missing, unknown = [n for n in names if n not in content], [str(n) for n in content if n not in names]
    if missing or unknown:
        parts = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"has unknown {', '.join(unknown)}"] * bool(unknown)
        raise ValueError(f"{where} {' and '.join(parts)}; it takes {', '.join(names)}")
    return content


def _list(content: dict[str, Any], name: str, where: str) -> list[Any]:
    if not isinstance(content[name], list) or not content[name]:
        raise ValueError(f"{where}: {name} must be a list with at least one entry")
    return content[name]


def _text(value: Any, name: str, where: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{where}: {name} must be text, got {value!r}")
    if name in _CHOICES and value not in _CHOICES[name]:
        raise ValueError(f"{where}: {name} is {value!r}; it is one of {', '.join(_CHOICES[name])}")
    return value


def _number(value: Any, name: str, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{where}: {name} must be a finite number, got {value!r}")
    return float(value)


def _refuse_repeats(names: list[str], what: str) -> None:
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"the {what} {', '.join(repeated)} stands twice; each must be unique")
