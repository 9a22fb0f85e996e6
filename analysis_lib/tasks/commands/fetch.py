"""Fetch GQA's questions, and of its pictures only those that the questions are about; what is there stays."""

from __future__ import annotations

import argparse
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
from tqdm import tqdm

from analysis_lib.files import check_space, write_atomically

from ..archive import RemoteArchive, open_archive
from ..gqa import image_paths
from ..source import Records, question_files, read_questions
from .arguments import add_choice, by_task, chosen

__all__ = ["HOME", "PICTURES", "QUESTIONS", "add_arguments", "run"]

HOME = "https://downloads.cs.stanford.edu/nlp/data/gqa"
"""Where GQA's own page points to (https://cs.stanford.edu/people/dorarad/gqa/download.html)."""
QUESTIONS, PICTURES = "questions1.2.zip", "images.zip"
_SPLIT = "val_balanced"
_SHOWN = 3
_MEGABYTE = 1e6


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("folder", help="folder to fill; questions that lie there, or a selection, are used as they are")
    add_choice(parser, n=None)
    parser.add_argument("--split", default=_SPLIT, help=f"questions to fetch where there are none; {_SPLIT}")
    parser.add_argument(
        "--mirror", default=HOME, metavar="ADDRESS",
        help=f"of the folder that holds {QUESTIONS} and {PICTURES}, on a server that gives parts of files; {HOME}",
    )  # fmt: skip
    parser.add_argument("--dry-run", action="store_true", help="say how much would be fetched; nothing is written")


def run(given: argparse.Namespace) -> Iterator[str]:
    """Say how much is to come, then fetch it, a file at a time; a file that is there and whole is not fetched again."""
    folder, mirror = Path(given.folder), given.mirror.rstrip("/")
    if not mirror.startswith(("http://", "https://")):
        raise ValueError(f"--mirror is {given.mirror!r}; give an address that begins with http:// or https://")
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give a folder, which is made if it is not there")
    records = yield from _questions(folder, given.split, mirror, given.dry_run)
    selected = chosen(by_task(records, given.tasks), given, str(folder))
    wanted = sorted({record["imageId"] for those in selected.values() for record in those.values()})
    yield f"{sum(map(len, selected.values())):,} questions of {', '.join(selected)} are about {len(wanted):,} pictures"
    with open_archive(f"{mirror}/{PICTURES}") as archive:
        yield from _pictures(folder / "images", wanted, archive, given.dry_run)


def _questions(folder: Path, split: str, mirror: str, dry_run: bool) -> Generator[str, None, Records]:
    """The questions of the folder, or else of the archive."""
    try:
        files = question_files(folder)
    except FileNotFoundError:
        files = []
    if files:
        yield f"{', '.join(path.name for path in files)}: there already"
        return read_questions(files)
    name = f"{split}_questions.json"
    with ExitStack() as stack:
        archive = stack.enter_context(open_archive(f"{mirror}/{QUESTIONS}"))
        info = archive.member(name)
        if info is None:
            there = sorted(one.filename for one in archive.infolist() if one.filename.endswith("_questions.json"))
            raise ValueError(f"{archive.address} has no {name}; give a --split of those it has: {', '.join(there)}")
        yield f"{name}: {_megabytes(info.compress_size)} to fetch, {_megabytes(info.file_size)} on disk"
        target = folder / name
        check_space(target, info.file_size)
        if dry_run:
            target = Path(stack.enter_context(TemporaryDirectory())) / name
        write_atomically(target, archive.content(info))
        return read_questions([target])


def _pictures(folder: Path, wanted: list[str], archive: RemoteArchive, dry_run: bool) -> Iterator[str]:
    """Fetch the pictures that are not there, or not whole."""
    strange, missing = [], []
    for name, path in zip(wanted, map(Path, image_paths(folder, pd.Series(wanted))), strict=True):
        info = archive.member(f"{name}.jpg")
        if info is None and not path.is_file():
            strange.append(name)
        elif info is not None and not _is_whole(path, info):
            missing.append((path, info))
    yield (
        f"{len(wanted) - len(strange) - len(missing):,} pictures are there, {len(missing):,} are to come: "
        f"{_megabytes(sum(info.compress_size for _, info in missing))} to fetch to {folder}"
    )
    check_space(folder, sum(info.file_size for _, info in missing))
    if not dry_run:
        for path, info in tqdm(missing, unit="picture", disable=None):
            write_atomically(path, archive.content(info))
        yield f"{folder} has {len(wanted) - len(strange):,} of the {len(wanted):,} pictures"
    if strange:
        raise ValueError(
            f"{archive.address} lacks {len(strange)} pictures, such as {', '.join(strange[:_SHOWN])}.jpg; give a "
            "--mirror that has them, or put them there by hand"
        )


def _is_whole(path: Path, info: zipfile.ZipInfo) -> bool:
    """Whether a picture is there, and is the archive's; one in another format is its owner's choice."""
    if not path.is_file():
        return False
    if path.name != info.filename.rsplit("/", 1)[-1]:
        return True
    return path.stat().st_size == info.file_size and zlib.crc32(path.read_bytes()) == info.CRC


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / _MEGABYTE:,.1f} MB"
