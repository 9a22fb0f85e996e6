"""Print the lowest version that pyproject.toml allows of everything that calculates, as constraints for pip."""

import tomllib
from pathlib import Path

from packaging.requirements import Requirement

NUMERICAL = {"torch", "FrEIA", "numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "xarray", "zarr", "transformers"}

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
for requirement in map(Requirement, project["dependencies"]):
    if requirement.name in NUMERICAL:
        (lowest,) = (bound.version for bound in requirement.specifier if bound.operator == ">=")
        print(f"{requirement.name}=={lowest}")
