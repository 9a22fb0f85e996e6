"""Snakemake's executor for Kubernetes, for jobs that all see the folder of the run: executor `kubernetes-shared`.

The plugin that it stands on brings every declared file into a pod and takes every declared one out. A store is many
files, and a killed extraction goes on from those that are there, so pods work in the folder itself, on a volume that
is mounted where it lies. Snakemake finds an executor by the name of its package, on `PYTHONPATH`.
"""

import shlex
from dataclasses import replace
from pathlib import Path

from snakemake_executor_plugin_kubernetes import Executor as KubernetesExecutor
from snakemake_executor_plugin_kubernetes import ExecutorSettings
from snakemake_executor_plugin_kubernetes import common_settings as without_shared_folder

__all__ = ["Executor", "ExecutorSettings", "common_settings"]

common_settings = replace(
    without_shared_folder,
    implies_no_shared_fs=False,
    job_deploy_sources=False,
    auto_deploy_default_storage_provider=False,
)


class Executor(KubernetesExecutor):
    """Jobs that begin in the folder of the run, and that end when their time is over."""

    def get_job_exec_prefix(self, job) -> str:
        """Go to the folder of the run: a pod begins in an empty one."""
        return shlex.join(["cd", str(Path.cwd())])

    def format_job_exec(self, job) -> str:
        """The command of a job, limited to its minutes (`runtime`), which the plugin leaves out of what it submits."""
        command = super().format_job_exec(job)
        minutes = job.resources.get("runtime")
        return command if minutes is None else shlex.join(["timeout", f"{minutes}m", "/bin/sh", "-c", command])
