"""What Kubernetes' own client speaks with in the place of a cluster: jobs are noted, and their commands run here."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

CONFIGURATION = """\
apiVersion: v1
kind: Config
current-context: here
clusters: [{{name: here, cluster: {{server: "{address}"}}}}]
users: [{{name: me, user: {{}}}}]
contexts: [{{name: here, context: {{cluster: here, user: me}}}}]
"""


@dataclass
class Cluster:
    """Jobs in the order in which they came, and the processes that stand for their pods."""

    manifests: dict[str, dict[str, Any]] = field(default_factory=dict)
    pods: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    logs: dict[str, Path] = field(default_factory=dict)

    def submit(self, manifest: dict[str, Any], folder: Path) -> None:
        """Run a job's command in an empty folder, with this Python in the place of the image's."""
        name = manifest["metadata"]["name"]
        container = manifest["spec"]["template"]["spec"]["containers"][0]
        self.logs[name] = folder / f"{name}.log"
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | {"PATH": path}
        with self.logs[name].open("wb") as log:
            self.pods[name] = subprocess.Popen(
                [*container["command"], *container["args"]], cwd=tempfile.mkdtemp(dir=folder), env=environment,
                stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.manifests[name] = manifest

    def kill(self, name: str) -> None:
        """End all processes of a pod, as a node does that needs its memory."""
        first = psutil.Process(self.pods[name].pid)
        for process in (first, *first.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.pods[name].wait()

    def running(self) -> list[str]:
        """Names of the jobs whose pods run."""
        return [name for name, pod in self.pods.items() if pod.poll() is None]

    def answer(self, method: str, path: str, body: Any, folder: Path) -> Any:
        """What the cluster answers: text for logs, else what becomes JSON; None for what it does not know."""
        if method == "POST" and path.endswith("/jobs"):
            self.submit(body, folder)
            return body
        if found := re.search(r"/jobs/([\w-]+)/status$", path):
            code = self.pods[found[1]].poll()
            counted = {} if code is None else {"succeeded" if code == 0 else "failed": 1}
            return {"metadata": {"name": found[1]}, "status": counted}
        if found := re.search(r"/pods\?labelSelector=job-name%3D([\w-]+)$", path):
            return {"items": [self._pod(found[1])]}
        if found := re.search(r"/pods/([\w-]+)-pod/log", path):
            return self.logs[found[1]].read_text()
        return {} if re.search(r"/(secrets|pods|jobs)(/[\w-]+)?(\?|$)", path) else None

    def _pod(self, name: str) -> dict[str, Any]:
        code = self.pods[name].poll()
        state = {"running": {}} if code is None else {"terminated": {"exitCode": code % 256}}
        status = {"name": "snakemake", "image": "", "imageID": "", "ready": True, "restartCount": 0, "state": state}
        return {"metadata": {"name": f"{name}-pod"}, "status": {"containerStatuses": [status]}}


@contextmanager
def stand_in(folder: Path) -> Iterator[Cluster]:
    """A cluster whose files lie in ``folder``; `KUBECONFIG` is to name ``folder / "config"``. All pods end with it."""
    cluster = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            answer = cluster.answer(self.command, self.path, json.loads(body or "{}"), folder)
            content = (answer if isinstance(answer, str) else json.dumps(answer or {})).encode()
            self.send_response(404 if answer is None else 200)
            self.send_header("Content-Type", "text/plain" if isinstance(answer, str) else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = _reply  # noqa: N815  # as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}"
    (folder / "config").write_text(CONFIGURATION.format(address=address), encoding="utf-8")
    try:
        yield cluster
    finally:
        for name in cluster.running():
            cluster.kill(name)
        server.shutdown()
        server.server_close()
