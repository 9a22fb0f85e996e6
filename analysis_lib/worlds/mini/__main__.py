"""Keep the checkpoints that ship with the package: ``seal`` writes the checksums that loading compares them with."""

import argparse

from .embedded import seal


def main() -> None:
    """Read the command line and write the checksums."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.worlds.mini", description=__doc__)
    parser.add_argument("command", choices=["seal"])
    parser.parse_args()
    print(seal())


if __name__ == "__main__":
    main()
