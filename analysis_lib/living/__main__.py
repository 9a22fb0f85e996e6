"""Write the living model's scripts: ``python -m analysis_lib.living FOLDER``."""

import argparse
import json
from pathlib import Path

from .page_scripts import MANIFEST_FILE, write_bundle


def main() -> None:
    """Read the command line and write."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.living", description=main.__doc__)
    parser.add_argument("folder", type=Path, help="where the scripts go")
    folder = parser.parse_args().folder
    if write_bundle(folder):
        sizes = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["bytes"]
        print(f"{folder}: {sum(sizes.values()) / 1e6:.1f} MB in {len(sizes)} scripts")
    else:
        print(json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))["why"])


if __name__ == "__main__":
    main()
