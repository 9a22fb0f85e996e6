"""Pack book, results, sources with weights, and environment into one zip with checksums, for a deposit with a DOI.

``python workflow/deposit.py pack FILE --profile mini``, and ``check FILE``. The file appears when it is complete; a run
that was stopped goes on where it last rested. Times are left out, so that the same content gives the same bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import lzma
import os
import platform
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
from analysis_lib.contents import contents  # noqa: E402 - found beside this file, installed or not
from analysis_lib.digests import file_digest  # noqa: E402
from analysis_lib.files import write_atomically  # noqa: E402
from analysis_lib.locks import writing  # noqa: E402

SUMS = "SHA256SUMS"
ABOUT = "README.txt"
_DATE = (1980, 1, 1, 0, 0, 0)
_EVERY = 64 * 2**20
"""Bytes after which what is done is made good for a run that goes on."""
_ZSTD = getattr(zipfile, "zstd", None)  # from Python 3.14 on
_UNREADABLE = (
    OSError, ValueError, KeyError, TypeError, EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile,
    lzma.LZMAError, *([_ZSTD.ZstdError] if _ZSTD else ()),
)  # fmt: skip
"""What reading a damaged zip may raise: a changed byte may name any way of compressing."""
_TEXT = """\
{title}

book/         the built book: open book/index.html
results/      what the notebooks computed (profile {profile}): stores, tables of atoms, numbers
source/       the repository at commit {commit}; weights are in source/analysis_lib/worlds
environment.txt   the packages that were installed, beside the pins in source/requirements.lock
{sums}    of every file; compare them with `sha256sum --check {sums}` or `python source/workflow/deposit.py check FILE`

Cite as source/CITATION.cff says. Text and code: MIT licence; parts with another one say so beside them.
"""


def gather(root: Path, profile: str) -> dict[str, Path]:
    """The files of an archive, by their names in it, sorted.

    Raises
    ------
    FileNotFoundError
        there is no book or there are no results, with what to run first.
    """
    book, results = root / "_build" / "html", root / "results" / profile
    for needed in (book / "index.html", results / "contents.json"):
        if not needed.is_file():
            raise FileNotFoundError(f"{needed} is not there; run `make book PROFILE={profile}` first")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True)
    if listed.returncode:
        raise FileNotFoundError(f"{root} is no checkout ({listed.stderr.strip()}); pack from a clone of the repository")
    sources = [root / name for name in listed.stdout.split("\0") if name and (root / name).is_file()]
    parts = [
        ("book", book, _files(book)),
        ("results", results.parent, contents(results, "**/*")),
        ("source", root, sources),
    ]
    found = {f"{part}/{path.relative_to(base).as_posix()}": path for part, base, files in parts for path in files}
    return dict(sorted(found.items()))


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def environment() -> str:
    """Python, system and the installed packages, a line each."""
    packages = {f"{one.name}=={one.version}" for one in metadata.distributions() if one.name}
    head = [f"python {platform.python_version()}", f"{platform.system()} {platform.machine()}"]
    return "\n".join([*head, "", *sorted(packages, key=str.casefold), ""])


def pack(files: Mapping[str, Path], texts: Mapping[str, str], target: Path) -> Path:
    """Write files and texts, and their checksums, into ``target``, which appears when it is complete.

    Raises
    ------
    ValueError
        a file changed while it was packed, or another process packs the same target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial, journal = target.with_name(f"{target.name}.part"), target.with_name(f"{target.name}.journal")
    with writing(target):
        sums = _begun(partial, journal, files)
        archive = zipfile.ZipFile(partial, "a" if sums else "w")
        try:
            since = 0
            for name in list(files)[len(sums) :]:
                sums[name] = _add(archive, name, files[name])
                since += files[name].stat().st_size
                if since >= _EVERY:
                    archive, since = _rested(archive, partial, journal, sums), 0
            for name, text in texts.items():
                sums[name] = hashlib.sha256(text.encode()).hexdigest()
                archive.writestr(_entry(name), text)
            archive.writestr(_entry(SUMS), "".join(f"{digest}  {name}\n" for name, digest in sums.items()))
        finally:
            archive.close()
        check(partial)
        partial.replace(target)
        journal.unlink(missing_ok=True)
    write_atomically(target.with_name(f"{target.name}.sha256"), f"{file_digest(target)}  {target.name}\n")
    return target


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    return entry


def _add(archive: zipfile.ZipFile, name: str, path: Path) -> str:
    """Put a file in, read once; its checksum."""
    entry, hashed, before = _entry(name), hashlib.sha256(), path.stat()
    entry.file_size = before.st_size
    with path.open("rb") as source, archive.open(entry, "w") as inside:
        while piece := source.read(2**20):
            hashed.update(piece)
            inside.write(piece)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError(f"{path} changed while it was packed; run the command again when nothing writes there")
    return hashed.hexdigest()


def _rested(archive: zipfile.ZipFile, partial: Path, journal: Path, sums: Mapping[str, str]) -> zipfile.ZipFile:
    """Close and open again, and keep the list of members, which whatever is added next overwrites."""
    begins = archive.start_dir
    archive.close()
    with partial.open("r+b") as file:
        os.fsync(file.fileno())
        file.seek(begins)
        members = file.read().hex()
    write_atomically(journal, json.dumps({"begins": begins, "members": members, "sums": sums}))
    return zipfile.ZipFile(partial, "a")


def _begun(partial: Path, journal: Path, files: Mapping[str, Path]) -> dict[str, str]:
    """What an earlier run has packed, as it lay there at its last rest; nothing where a file is another now."""
    try:
        kept = json.loads(journal.read_text(encoding="utf-8"))
        begins, members, sums = int(kept["begins"]), bytes.fromhex(kept["members"]), dict(kept["sums"])
        with partial.open("r+b") as file:
            if file.seek(0, os.SEEK_END) < begins:
                return {}
            file.truncate(begins)
            file.seek(begins)
            file.write(members)
        same = list(sums) == list(files)[: len(sums)] and all(file_digest(files[name]) == sums[name] for name in sums)
        return sums if same and _differing(partial, sums) == [] else {}
    except _UNREADABLE:
        return {}


def _differing(path: Path, sums: Mapping[str, str]) -> list[str]:
    """Members that are missing, or not what their checksum was taken of."""
    with zipfile.ZipFile(path) as archive:
        names = set(archive.namelist())
        return [name for name, digest in sums.items() if name not in names or _inside(archive, name) != digest]


def _inside(archive: zipfile.ZipFile, name: str) -> str:
    with archive.open(name) as member:
        return hashlib.file_digest(member, "sha256").hexdigest()


def check(path: Path) -> int:
    """Compare every member with its checksum; how many there are.

    Raises
    ------
    ValueError
        it is no such archive, or members are missing, damaged or not listed.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            lines = archive.read(SUMS).decode().splitlines()
            sums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
            strangers = sorted(set(archive.namelist()) - sums.keys() - {SUMS})
        wrong = strangers + _differing(path, sums)
    except _UNREADABLE as error:
        raise ValueError(f"{path} is no whole archive of this command ({error}); fetch or pack it again") from None
    if wrong:
        raise ValueError(f"{path}: {', '.join(wrong[:5])} not as its checksum says; fetch or pack it again")
    return len(sums)


def main(arguments: Iterable[str] | None = None) -> int:
    """Read the command line, pack or check, and tell; 2 after a refusal."""
    parser = argparse.ArgumentParser(prog="python workflow/deposit.py", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    packing = commands.add_parser("pack", help="write an archive")
    packing.add_argument("file", type=Path)
    packing.add_argument("--profile", default="mini", help="whose results are packed; mini")
    commands.add_parser("check", help="compare an archive with its checksums").add_argument("file", type=Path)
    given = parser.parse_args(None if arguments is None else list(arguments))
    try:
        if given.command == "check":
            print(f"{given.file}: {check(given.file)} files as their checksums say")
            return 0
        files = gather(ROOT, given.profile)
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
        title = "How Vision Becomes Language: a reproducible companion"
        about = _TEXT.format(title=title, profile=given.profile, commit=commit, sums=SUMS)
        print(pack(files, {ABOUT: about, "environment.txt": environment()}, given.file))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
