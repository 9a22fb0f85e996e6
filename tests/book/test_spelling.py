"""The prose holds none of the misspellings that codespell knows; words it may not touch are in `pyproject.toml`."""

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROSE = sorted(
    [*REPOSITORY.glob("book/*.md"), *REPOSITORY.glob("notebooks/*.md"), REPOSITORY / "README.md",
     *REPOSITORY.glob("analysis_lib/report/**/*.py")]
)  # fmt: skip


def misspelt(*paths: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "codespell_lib", *map(str, paths)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode in (0, 65), done.stderr
    return done.stdout


def test_the_prose_is_spelt_right():
    assert len(PROSE) > 30
    assert misspelt(*PROSE) == ""


def test_a_misspelling_is_found(tmp_path: Path):
    (tmp_path / "page.md").write_text("The redundancy of teh mutual informations\n")
    assert "teh ==> the" in misspelt(tmp_path / "page.md")
    assert "informations" not in misspelt(tmp_path / "page.md")
