"""The same run, each of its jobs a manifest for Kubernetes, whose client speaks with a stand-in for the cluster."""

import importlib.util
import os
import re
import subprocess
import sys
import time

import pytest

from analysis_lib.locks import LOCK
from tests.integration.workflow.stand_in_cluster import stand_in

OPTIONS = """\
container-image: companion:cuda
kubernetes-shared-persistent-volumes: ["shared-claim:{shared}"]
set-resources:
  extract:
    gpu: 1
    gpu_manufacturer: nvidia
    mem_mb: 40000
    runtime: 720
"""
QUICKLY = ("--latency-wait", "5", "--seconds-between-status-checks", "1")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        importlib.util.find_spec("snakemake_executor_plugin_kubernetes") is None,
        reason="snakemake-executor-plugin-kubernetes is not installed: pip install -e '.[kubernetes]'",
    ),
]


@pytest.fixture(scope="module")
def run(miniature, tmp_path_factory):
    """All manifests of a run, one of whose pods was killed as it extracted, and what the run said."""
    folder = tmp_path_factory.mktemp("cluster")
    executor = miniature.root / "workflow" / "executors" / "kubernetes"
    with (executor / "profile.yaml").open("a") as profile:
        profile.write(OPTIONS.format(shared=miniature.root.parent))
    (miniature.root / "hold").touch()
    command = [sys.executable, "-m", "snakemake", "--config", "profile=tiny", "--workflow-profile", str(executor)]
    environment = os.environ | {"KUBECONFIG": str(folder / "config"), "PYTHONPATH": str(executor)}
    with stand_in(folder) as cluster:
        asked = [sys.executable, str(executor.parent / "can_submit.py"), "kubernetes"]
        checked = subprocess.run(asked, cwd=miniature.root, env=environment, capture_output=True, text=True)
        assert checked.returncode == 0, checked.stderr
        called = subprocess.Popen(
            [*command, *QUICKLY, "pages"], cwd=miniature.root, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        while len(cluster.running()) < 2 or len(list((miniature.root / "logs").rglob(LOCK))) < 2:
            assert called.poll() is None, called.communicate()
            time.sleep(0.2)
        cluster.kill(cluster.running()[0])
        (miniature.root / "hold").unlink()
        said, _ = called.communicate(timeout=600)
        assert called.returncode == 0, said + "".join(log.read_text() for log in cluster.logs.values())
        assert cluster.running() == []
    return list(cluster.manifests.values()), said


def of_rule(manifests, rule):
    return [one for one in manifests if f"--allowed-rules {rule} " in command_of(one)]


def command_of(manifest):
    return container_of(manifest)["args"][1]


def container_of(manifest):
    return manifest["spec"]["template"]["spec"]["containers"][0]


def test_every_job_is_a_manifest_and_a_killed_one_is_submitted_again(miniature, run):
    manifests, said = run
    assert [len(of_rule(manifests, rule)) for rule in ("extract", "decompose", "page")] == [3, 2, 1]
    assert re.search("Trying to restart job", said)
    ran = miniature.ran()
    assert ran[-1] == "page overview" and ran.count("decompose ChooseAttr") == ran.count("decompose ChooseCat") == 1
    assert set(miniature.would_run()) <= {"all", "book"}


def test_a_manifest_asks_for_what_the_profile_says(run):
    manifests, _ = run
    for manifest in of_rule(manifests, "extract"):
        asked = container_of(manifest)["resources"]
        assert asked["requests"] == {"cpu": "950m", "memory": "40000M", "nvidia.com/gpu": "1"} | disk(asked["requests"])
        assert asked["limits"]["nvidia.com/gpu"] == "1", "no cluster takes a GPU that is asked for without a limit"
        assert asked["limits"]["memory"] == "40000M"
        tolerated = manifest["spec"]["template"]["spec"]["tolerations"]
        assert [one["key"] for one in tolerated] == ["nvidia.com/gpu"]
        assert command_of(manifest).startswith("timeout 720m /bin/sh -c ")
    for manifest in of_rule(manifests, "page"):
        asked = container_of(manifest)["resources"]
        assert asked["requests"]["memory"] == asked["limits"]["memory"] == "1500M"
        assert "nvidia.com/gpu" not in asked["requests"]
        assert command_of(manifest).startswith("timeout 240m /bin/sh -c ")


def disk(requests):
    return {name: value for name, value in requests.items() if name == "ephemeral-storage"}


def test_a_pod_is_of_the_image_and_works_in_the_shared_folder(miniature, run):
    for manifest in run[0]:
        pod, container = manifest["spec"]["template"]["spec"], container_of(manifest)
        assert manifest["spec"]["backoffLimit"] == 0 and pod["restartPolicy"] == "Never", "snakemake tries again itself"
        assert container["image"] == "companion:cuda"
        mounted = {one["name"]: one["mountPath"] for one in container["volumeMounts"]}
        claims = {one["name"]: one["persistentVolumeClaim"]["claimName"] for one in pod["volumes"][1:]}
        assert mounted["shared-claim"] == str(miniature.root.parent) and claims == {"shared-claim": "shared-claim"}
        assert f"cd {miniature.root} &&" in command_of(manifest)
        assert re.search(r"&& +python +-m snakemake --snakefile \S+/workflow/Snakefile", command_of(manifest))
        assert "pip install" not in command_of(manifest) and "--deploy-sources" not in command_of(manifest)
