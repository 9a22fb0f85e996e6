"""Which files of a folder are its content: not what systems and editors put beside it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["contents", "is_content"]

_NOT_NAMES = {"thumbs.db", "desktop.ini", "icon\r", "__pycache__", "__macosx"}
_NOT_ENDINGS = ("~", ".bak", ".orig", ".rej", ".swp", ".swo", ".tmp", ".part", ".partial", ".crdownload", ".pyc")


def is_content(path: str | Path) -> bool:
    """Whether a path, given as seen from the folder that is searched, is content.

    Hidden files and folders are not (``._NAME`` of macOS, ``.#NAME`` of Emacs, ``.ipynb_checkpoints`` of JupyterLab),
    nor are editors' copies, downloads that are under way, and what systems leave in folders.

    Examples
    --------
    >>> [is_content(name) for name in ("val_questions.json", "._val_questions.json", "a.py~", "Thumbs.db")]
    [True, False, False, False]
    """
    return not any(
        part.startswith((".", "#", "~$")) or part.casefold() in _NOT_NAMES or part.casefold().endswith(_NOT_ENDINGS)
        for part in Path(path).parts
        if part not in (".", "..")
    )


def contents(folder: str | Path, pattern: str) -> list[Path]:
    """The files of a folder that match a pattern (``"**/*.py"`` in all folders of it) and are content, sorted."""
    found = sorted(Path(folder).glob(pattern))
    return [path for path in found if is_content(path.relative_to(folder)) and path.is_file()]
