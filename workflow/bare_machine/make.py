"""A folder for a GPU machine without a network: this checkout, the wheels it may lack, and the lines to run there.

``python workflow/bare_machine/make.py FOLDER`` with the environment's Python, where packages can be had. The machine
is taken to have Python 3.12 with torch, transformers, pandas, pyarrow, xarray, scipy, scikit-learn, pillow and pytest,
as images for deep learning do; what is listed in `WHEELS` travels. No file is larger than 55 MB.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
WHEELS = [
    "altair",
    "donfig",
    "freia",
    "google-crc32c",
    "jsonschema",
    "jsonschema-specifications",
    "numcodecs",
    "referencing",
    "rpds-py",
    "transformers",
    "zarr",
]
SOURCE_ONLY = {"freia"}
"""Of these no wheels are to be had; they are pure Python and built here."""
PYTHON = "3.12"
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux1_x86_64")
LARGEST = 55_000_000


def make(folder: Path) -> None:
    """Write the folder, which must not exist.

    Raises
    ------
    FileExistsError: it exists. ValueError: a file would be larger than `LARGEST`.
    """
    folder.mkdir(parents=True)
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", (REPOSITORY / "requirements.lock").read_text(encoding="utf-8"), re.M))
    pins = {name.lower(): version for name, version in pins.items()}
    with tempfile.TemporaryDirectory() as wheels:
        for name in WHEELS:
            _fetch(name, f"{name}=={pins[name]}", wheels)
        _tar(folder / "wheels.tar", Path(wheels), ["."])
    listed = _run("git", "-C", str(REPOSITORY), "ls-files", "analysis_lib", "tests", "pyproject.toml").splitlines()
    _tar(folder / "tree.tar", REPOSITORY, listed)
    shutil.copy(Path(__file__).with_name("run.sh"), folder / "run.sh")
    for path in sorted(folder.iterdir()):
        if path.stat().st_size > LARGEST:
            raise ValueError(f"{path} has {path.stat().st_size:,} bytes, more than {LARGEST:,}; carry fewer wheels")
        sys.stdout.write(f"{path.stat().st_size:12,}  {path}\n")
    sys.stdout.write(f"There, in {folder.name}: OUT=results MINUTES=3.3 bash run.sh train tests extraction\n")


def _fetch(name: str, requirement: str, wheels: str) -> None:
    if name in SOURCE_ONLY:
        _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", wheels, requirement)
        return
    platforms = [option for platform in PLATFORMS for option in ("--platform", platform)]
    target = ["--python-version", PYTHON, "--implementation", "cp", *platforms, "--only-binary=:all:"]
    _run(sys.executable, "-m", "pip", "download", "-q", "--no-deps", *target, "-d", wheels, requirement)


def _tar(path: Path, base: Path, names: list[str]) -> None:
    subprocess.run(["tar", "cf", str(path), "-C", str(base), "-T", "-"], input="\n".join(names), text=True, check=True)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
