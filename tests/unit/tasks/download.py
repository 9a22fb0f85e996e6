"""A small GQA as its authors publish it, two archives, and a server on this machine that gives parts of files."""

from __future__ import annotations

import io
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from PIL import Image

from analysis_lib.tasks import TASKS

QUESTIONS_FILE = "val_balanced_questions.json"


def record(number: int, task: str, **changes: Any) -> dict[str, Any]:
    types = {
        "structural": TASKS[task].structural,
        "semantic": TASKS[task].semantic,
        "detailed": TASKS[task].detailed[0],
    }
    asked = {"imageId": str(number // 2), "question": f"Which {number}?", "answer": "left" if number % 3 else "right"}
    return asked | {"types": types, "semanticStr": "kept as it is"} | changes


def questions(per_task: int = 8) -> dict[str, dict[str, Any]]:
    """Questions of all tasks in turn, two about a picture."""
    names = list(TASKS) * per_task
    return {f"{number:04d}": record(number, task) for number, task in enumerate(names)}


def picture(number: int, kind: str = "JPEG") -> bytes:
    held = io.BytesIO()
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (24, 24, 3), np.uint8)).save(held, kind)
    return held.getvalue()


def archives(asked: dict[str, dict[str, Any]]) -> dict[str, bytes]:
    """The two archives; questions are packed, pictures lie in a folder as they are."""
    ids = sorted({one["imageId"] for one in asked.values()})
    texts = {QUESTIONS_FILE: json.dumps(asked).encode(), "readme.txt": b"GQA"}
    pictures = {f"images/{name}.jpg": picture(int(name)) for name in [*ids, "99998", "99999"]}
    return {"questions1.2.zip": packed(texts, zipfile.ZIP_DEFLATED), "images.zip": packed(pictures)}


def packed(files: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", how) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


class Server(ThreadingHTTPServer):
    """Serves ``files``; ``sent`` counts bytes by file, and the switches make it fail as servers do."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files, self.sent, self.asked = files, dict.fromkeys(files, 0), 0
        self.gives_parts = True
        self.breaks_after: int | None = None
        self.tag = '"one"'

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the other side has had enough of is nothing to tell of."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize, disable_nagle_algorithm = -1, True
    server: Server

    def do_GET(self) -> None:
        self.server.asked += 1
        name = self.path.removeprefix("/")
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        if not content:
            self.send_error(416)
            return
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked is None or not self.server.gives_parts:
            self.send_response(200)
            part = content
        else:
            start, stop = int(asked[1]), min(int(asked[2]) + 1, len(content))
            part = content[start:stop]
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{stop - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(part)))
        self.send_header("ETag", self.server.tag)
        self.end_headers()
        if self.server.breaks_after is not None and len(part) > self.server.breaks_after:
            part = part[: self.server.breaks_after]
            self.close_connection = True
        self.wfile.write(part)
        self.server.sent[name] += len(part)

    def log_message(self, *told: Any) -> None:
        """The tests' output is not for the server's."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    with Server(files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
