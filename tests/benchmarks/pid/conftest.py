"""One table of all speed bars, printed when the benchmarks are over."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from tests.benchmarks.pid.pid_cases import Row

MEASURED = pytest.StashKey[list[Row]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[MEASURED] = []


@pytest.fixture
def measured(pytestconfig: pytest.Config) -> list[Row]:
    """Rows of every case so far; tests add theirs."""
    return pytestconfig.stash[MEASURED]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Median ratio of every case beside its bar, with the range over repeats."""
    cases: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in config.stash.get(MEASURED, []):
        cases[row.case, row.compared_with].append(row)
    if not cases:
        return
    terminalreporter.section("speed, CPU seconds of one core")
    terminalreporter.write_line(
        f"{'case':<52}{'compared with':<26}{'ours':>10}{'reference':>11}{'ratio':>9}{'range':>19}{'bar':>7}"
    )
    for (case, compared_with), rows in cases.items():
        ours, reference = (
            float(np.median([getattr(row, name) for row in rows])) for name in ("ours_seconds", "reference_seconds")
        )
        ratios = [row.ratio for row in rows]
        spread = f"{min(ratios):.1f} to {max(ratios):.1f}"
        terminalreporter.write_line(
            f"{case:<52}{compared_with:<26}{ours:>10.5f}{reference:>11.4f}{np.median(ratios):>9.1f}{spread:>19}"
            f"{rows[0].bar:>7.0f}"
        )
