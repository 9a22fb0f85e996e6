"""What a profile takes before it runs: questions, operations, memory, disk, and minutes on GPUs and on this CPU.

Nothing is downloaded and no weight is loaded. Ends with 0, with 2 where no plan can be made,
and with 3 where something cannot fit.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from analysis_lib.run.execute import repository_root

NO_PLAN, CANNOT_FIT = 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line, plan and tell."""
    parser = argparse.ArgumentParser(prog="python -m analysis_lib.plan", description=__doc__)
    parser.add_argument("profile", help="a name in workflow/profiles, or the path of a .yaml file")
    parser.add_argument("--gqa", help="GQA's folder; without it figures are at most so large")
    parser.add_argument("--model-path", help="the folder of the weights, of which the configuration alone is read")
    parser.add_argument("--gpu", help="plan for this GPU alone, as if this machine had it: H100, A100-40GB, L4, ...")
    parser.add_argument("--json", action="store_true", help="print plain data: bytes and seconds")
    given = parser.parse_args(arguments)
    # Only now, so that help needs none of the models' libraries.
    from .limits import Room, refusals
    from .machines import known_gpu
    from .planning import plan_profile
    from .telling import as_data, told

    try:
        gpu = None if given.gpu is None else known_gpu(given.gpu)
        plan = plan_profile(given.profile, gqa=given.gqa, model_path=given.model_path)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return NO_PLAN
    room = Room.here(repository_root() / "results" / plan.profile, gpu)
    gpus = None if gpu is None else [gpu]
    if given.json:
        print(json.dumps(as_data(plan, room, gpus), indent=1))
    else:
        print(*told(plan, room, gpus), sep="\n", flush=True)
    return CANNOT_FIT if refusals(plan, room) else 0


if __name__ == "__main__":
    sys.exit(main())
