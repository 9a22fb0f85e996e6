"""A real SLURM of one node, this machine: Debian's slurm-wlm and munge, started for a test and ended after it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

CONFIGURATION = Path("/etc/slurm/slurm.conf")
"""Where `srun` within a job looks: a path in SLURM_CONF does not reach it."""
KEY = Path("/etc/munge/munge.key")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "sinfo")

SETTINGS = """\
ClusterName=one
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ReturnToService=2
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def lacking() -> str | None:
    """Why no SLURM can be started here, None where one can."""
    if os.name != "posix" or os.geteuid() != 0:
        return "SLURM's daemons are started by root"
    missing = [name for name in PROGRAMS if _program(name) is None]
    return f"{', '.join(missing)} not installed: apt-get install slurm-wlm munge" if missing else None


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def one_node(folder: Path, cores: int = 2, memory: int = 7000) -> Iterator[None]:
    """Run SLURM with ``cores`` and ``memory`` (megabytes), its files in ``folder``.

    What was configured before is put back, and every daemon that was started is ended.
    """
    if CONFIGURATION.exists():
        raise FileExistsError(f"{CONFIGURATION} belongs to a SLURM of this machine: it is left alone")
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    started: list[int] = []
    made_key = not KEY.exists()
    try:
        if made_key:
            KEY.write_bytes(os.urandom(1024))
        shutil.chown(KEY, "munge", "munge")
        KEY.chmod(0o400)
        run = Path("/run/munge")
        run.mkdir(exist_ok=True)
        shutil.chown(run, "munge", "munge")
        CONFIGURATION.parent.mkdir(exist_ok=True)
        CONFIGURATION.write_text(
            SETTINGS.format(host=socket.gethostname(), folder=folder, cores=cores, memory=memory), encoding="utf-8"
        )
        if not (run / "munge.socket.2").is_socket() or subprocess.run(["munge", "-n"], capture_output=True).returncode:
            munged = subprocess.Popen([_program("munged") or "", "-F"], user="munge", group="munge")
            started.append(munged.pid)
        for name in ("slurmctld", "slurmd"):
            subprocess.run([_program(name) or ""], check=True, timeout=60)
            started.append(_written(folder / f"{name}.pid"))
        _wait_for_the_node()
        yield
    finally:
        for pid in reversed(started):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        CONFIGURATION.unlink(missing_ok=True)
        if made_key:
            KEY.unlink(missing_ok=True)


def _written(path: Path, seconds: float = 30) -> int:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with suppress(FileNotFoundError, ValueError):
            return int(path.read_text())
        time.sleep(0.2)
    raise TimeoutError(f"{path} was not written")


def _wait_for_the_node(seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        said = subprocess.run(["sinfo", "-h", "-o", "%t"], capture_output=True, text=True)
        if said.stdout.strip() in ("idle", "mix", "alloc"):
            return
        time.sleep(0.5)
    raise TimeoutError(f"the node does not come up: {said.stdout} {said.stderr}")
