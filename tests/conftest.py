"""Fixtures that every part of the test suite shares."""

from pathlib import Path

import pytest
from hypothesis import settings

# A busy machine is slow, which is no failure of a property.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")

REPOSITORY = Path(__file__).resolve().parent.parent
# Makes the small book that many files look at: one worker begins with it, and none waits for it later.
FIRST = REPOSITORY / "tests" / "book" / "test_pdf.py"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with `FIRST`, and skip tests marked `gpu` where there is none, for which alone torch is imported."""
    items.sort(key=lambda item: item.path != FIRST)
    gpu_tests = [item for item in items if item.get_closest_marker("gpu")]
    if not gpu_tests:
        return
    import torch

    if not torch.cuda.is_available():
        for item in gpu_tests:
            item.add_marker(pytest.mark.skipif(True, reason="needs a GPU; torch finds none on this machine"))


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root folder of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_gqa(repository: Path) -> Path:
    """The six tasks' question lists of the real GQA: `../shared/gqa/six_tasks_questions.json` beside the repository."""
    path = repository.parent / "shared" / "gqa" / "six_tasks_questions.json"
    if not path.is_file():
        pytest.skip(f"GQA's question lists are not on this machine (looked for {path})")
    return path
