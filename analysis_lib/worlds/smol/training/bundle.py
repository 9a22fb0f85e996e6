"""What training needs on a machine that has torch, transformers and a GPU, but no network and not this repository.

``python -m analysis_lib.worlds.smol.training.bundle FOLDER`` writes the code of the training, the decoder and what
reads it as one archive in parts, each in a folder of its own, and a README with the lines to run.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.metadata
import io
import sys
import zipfile
from pathlib import Path

import analysis_lib
from analysis_lib.files import new_folder

from ..pretrained_decoder import check_decoder, decoder_path

__all__ = ["write_bundle"]

_CODE = (
    *("__init__.py", "digests.py", "files.py"),
    *(f"worlds/{name}" for name in ("__init__.py", "grid.py", "resuming.py", "wording.py", "smol")),
)
"""What training imports of this package; nothing of it needs more than torch, transformers, numpy and pillow."""
_READER = "gguf"
_ARCHIVE = "smol-training.zip"
_SECONDS_BESIDE = 75
_LINES = """Train smol-llava on a machine with a GPU, Python 3.11 or newer, torch, transformers, numpy and pillow.
No network is needed.

{archive} is here in {count} parts: {parts}.
Bring them into one folder, $IN, and run there:

set -o pipefail
cat {joined} > /tmp/{archive}
echo "{digest}  /tmp/{archive}" | sha256sum --check || exit
python3 -m zipfile -e /tmp/{archive} /tmp/smol-training
export PYTHONPATH=/tmp/smol-training PYTHONUNBUFFERED=1
python3 -m analysis_lib.worlds.smol.training --minutes 8 --gguf /tmp/smol-training/{decoder} \\
  --output $OUT/smol --work /tmp/smol-work 2>&1 | tee $OUT/log

--minutes covers loading, compiling, training, measuring and saving; unpacking and leaving take up to {beside} seconds
more. Where a call can bring one part only, copy the first parts to a place that stays (such as /tmp), and join them in
the last call.

$OUT then holds the log and the folder smol: the weights (9 MB in four files and their checksums, written about every 75
seconds, so that a run that is cut off leaves a model) and training.json (recipe, learning curve, accuracies). The same
lines resume a run that was cut off, as long as /tmp/smol-work is there. --seed 1 with another --output and --work
trains a second model. If compiling fails, the run says so and goes on without; --compile off spares the attempt.

To use the result, put the files of $OUT/smol into analysis_lib/worlds/smol/checkpoint.
"""


def write_bundle(folder: Path, decoder: Path, part_megabytes: int = 50) -> list[Path]:
    """Write the archive's parts and the README to ``folder``, which must not exist; returns the parts.

    Parameters
    ----------
    decoder
        the decoder's file, which is checked first.
    part_megabytes
        the largest size of a part, in millions of bytes; all parts are about as large.

    Raises
    ------
    FileNotFoundError, ValueError
        the decoder, or the package that reads it, is absent, cut or another one.
    FileExistsError
        when ``folder`` exists.
    """
    if part_megabytes < 1:
        raise ValueError(f"part_megabytes is {part_megabytes}; at least 1 is needed")
    check_decoder(decoder)
    archive = _archive(decoder)
    count = -(-len(archive) // (part_megabytes * 1_000_000))
    size = -(-len(archive) // count)
    pieces = [archive[start : start + size] for start in range(0, len(archive), size)]
    names = [f"{number}/{_ARCHIVE}.{number}" for number in range(len(pieces))]
    with new_folder(folder) as building:
        for name, piece in zip(names, pieces, strict=True):
            (building / name).parent.mkdir()
            (building / name).write_bytes(piece)
        (building / "README").write_text(
            _LINES.format(
                archive=_ARCHIVE,
                count=len(pieces),
                parts=", ".join(names),
                joined=" ".join(f"$IN/{Path(name).name}" for name in names),
                digest=hashlib.sha256(archive).hexdigest(),
                decoder=decoder.name,
                beside=_SECONDS_BESIDE,
            ),
            encoding="utf-8",
        )
    return [folder / name for name in names]


def _archive(decoder: Path) -> bytes:
    """Code, the decoder, and the package that reads it with the record of its version, as one zip archive."""
    buffer = io.BytesIO()
    root = Path(analysis_lib.__file__).parent
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for name in _CODE for path in [root / name, *(root / name).rglob("*")]):
            if path.is_file() and "__pycache__" not in path.parts and "checkpoint" not in path.parts:
                archive.write(path, Path("analysis_lib") / path.relative_to(root))
        for file in importlib.metadata.files(_READER) or ():
            if ".." not in file.parts and file.suffix != ".pyc" and Path(str(file.locate())).is_file():
                archive.write(str(file.locate()), str(file))
        archive.write(decoder, decoder.name)
    return buffer.getvalue()


def main() -> None:
    """Write a bundle as the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m analysis_lib.worlds.smol.training.bundle",
        description="Pack what training smol-llava needs on a machine without a network, in parts.",
    )
    parser.add_argument("folder", type=Path, help="where to; must not exist")
    parser.add_argument("--gguf", type=Path, help="the decoder's file; default: the installed package's")
    parser.add_argument("--part-megabytes", type=int, default=50, help="largest size of a part, default 50")
    arguments = parser.parse_args()
    try:
        parts = write_bundle(arguments.folder, arguments.gguf or decoder_path(), arguments.part_megabytes)
    except (OSError, ValueError) as error:
        sys.exit(f"bundle: {error}")
    for path in (*parts, arguments.folder / "README"):
        print(f"{path.stat().st_size / 1e6:6.1f} MB  {path}")  # noqa: T201 - what was asked for


if __name__ == "__main__":
    main()
