"""Whether jobs can be given to an executor: its options lie here, snakemake has it, and it has what it needs."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BUILT_IN = "local"
COMMANDS = {"slurm": "sbatch"}
"""The command that has to be on the machine that submits, where there is one."""
PODS = "kubernetes-shared"
INSIDE_A_CLUSTER = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def problem(name: str) -> str | None:
    """What is in the way of an executor, and what to do; None where nothing is."""
    known = sorted(path.parent.name for path in HERE.glob("*/profile.yaml"))
    if name not in known:
        return f"EXECUTOR={name!r} has no options in workflow/executors; there is {', '.join(known)}"
    options = HERE / name / "profile.yaml"
    found = re.search(r"^executor: *([\w-]+)", options.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        return f"workflow/executors/{name}/profile.yaml names no executor; write `executor: NAME`, as the others do"
    if (executor := found[1]) == BUILT_IN:
        return None
    plugin = executor.removesuffix("-shared")
    if importlib.util.find_spec(f"snakemake_executor_plugin_{plugin.replace('-', '_')}") is None:
        return (
            f"EXECUTOR={name} needs snakemake's plugin snakemake-executor-plugin-{plugin}: "
            f".venv/bin/python -m pip install -e '.[{plugin}]'"
        )
    command = COMMANDS.get(executor)
    if command is not None and shutil.which(command) is None:
        return f"EXECUTOR={name} needs {command}, which this machine has not: start from a node that has it"
    return _problem_of_pods(options) if executor == PODS else None


def _problem_of_pods(path: Path) -> str | None:
    """What pods lack: an image, a volume that holds this folder, a cluster."""
    import yaml  # comes with snakemake, as its plugins do

    try:
        options = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        return f"{path} is no YAML: {' '.join(str(error).split())}"
    if not isinstance(options, dict):
        return f"{path} is no mapping; write `key: value` a line, as the others do"
    image = options.get("container-image")
    if not (isinstance(image, str) and image.strip()):
        return f"{path} names no container-image: build one by Containerfile, push it, and name it there"
    if (wrong := _problem_of_volumes(options, Path.cwd())) is not None:
        return f"{path}, {PODS}-persistent-volumes: {wrong}"
    configuration = [
        Path(each).expanduser() for each in os.environ.get("KUBECONFIG", "~/.kube/config").split(os.pathsep)
    ]
    if not INSIDE_A_CLUSTER.is_file() and not any(each.is_file() for each in configuration):
        shown = ", ".join(map(str, configuration))
        return (
            f"no cluster is named: {shown} is not there; set KUBECONFIG to the file by which kubectl finds the cluster"
        )
    return None


def _problem_of_volumes(options: Mapping[str, Any], folder: Path) -> str | None:
    volumes = options.get(f"{PODS}-persistent-volumes") or []
    volumes = volumes if isinstance(volumes, list) else [volumes]
    for volume in volumes:
        if not re.fullmatch(r"[^:]+:/[^:]*", str(volume)):
            return f"{volume!r} is no volume; write CLAIM:/PATH, a claim's name and the path at which it is mounted"
    mounted = [Path(str(volume).partition(":")[2]) for volume in volumes]
    if not any(folder.is_relative_to(path) for path in mounted):
        there = ", ".join(map(str, mounted)) or "none"
        return f"no volume holds {folder} (mounted: {there}); name the claim of the one that this folder lies on"
    return None


if __name__ == "__main__":
    found = problem(sys.argv[1])
    if found:
        sys.stderr.write(f"{found}\n")
        sys.exit(2)
