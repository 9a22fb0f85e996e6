"""Fetching from a server: only what is needed, told first, gone on with after a break, and checked."""

from __future__ import annotations

import json
import shutil
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from analysis_lib.tasks import archive, load_questions
from analysis_lib.tasks.__main__ import main
from tests.unit.tasks.download import QUESTIONS_FILE, Server, archives, packed, picture, questions, serving

ASKED = questions()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(archives(ASKED)) as running:
        yield running


@pytest.fixture
def fetch(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture):
    def run(*more: str, mirror: str | None = None) -> tuple[int, str, str]:
        status = main(["fetch", str(tmp_path / "gqa"), "--mirror", mirror or server.address, *more])
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def there(folder: Path) -> dict[str, bytes]:
    return {path.stem: path.read_bytes() for path in (folder / "gqa" / "images").glob("*.jpg")}


def test_questions_and_only_their_pictures_come_whole(fetch, server: Server, tmp_path: Path):
    status, told, _ = fetch()
    assert status == 0, told
    assert json.loads((tmp_path / "gqa" / QUESTIONS_FILE).read_text()) == ASKED
    ids = {one["imageId"] for one in ASKED.values()}
    assert there(tmp_path) == {name: picture(int(name)) for name in ids}, "no other picture of the archive"
    assert f"0 pictures are there, {len(ids)} are to come" in told
    assert main(["check", str(tmp_path / "gqa")]) == 0


def test_the_pictures_are_those_of_the_questions_that_a_run_draws(fetch, tmp_path: Path):
    assert fetch("--n", "3", "--seed", "5", "--tasks", "ChooseRel", "QueryAttr")[0] == 0
    drawn = [load_questions(tmp_path / "gqa", task, n=3, seed=5) for task in ("ChooseRel", "QueryAttr")]
    assert there(tmp_path).keys() == {name for table in drawn for name in table["image_id"]}


def test_a_dry_run_tells_the_same_sizes_and_writes_nothing(fetch, tmp_path: Path):
    status, planned, _ = fetch("--dry-run")
    assert status == 0 and not (tmp_path / "gqa").exists()
    _, done, _ = fetch()
    assert [line for line in planned.splitlines() if "MB" in line] == [
        line for line in done.splitlines() if "MB" in line
    ]


def test_what_is_there_and_whole_is_not_asked_for_again(fetch, server: Server, tmp_path: Path):
    fetch()
    images = tmp_path / "gqa" / "images"
    (images / "0.jpg").unlink()
    (images / "1.jpg").write_bytes(picture(1)[:-9])  # cut off
    (images / "2.jpg").write_bytes(picture(2)[:-9] + b"123456789")  # as long, of other bytes
    (images / "3.jpg").unlink()
    (images / "3.png").write_bytes(picture(3, "PNG"))  # its owner's choice
    server.asked, before = 0, there(tmp_path)
    status, told, _ = fetch()
    assert status == 0 and "3 are to come" in told
    assert server.asked < 3 + 5, "one request a picture, few for the directory"
    assert {**before, **{str(n): picture(n) for n in range(3)}} == there(tmp_path)
    assert f"{QUESTIONS_FILE}: there already" in told


@pytest.mark.parametrize("bytes_at_a_time", [700, 20_000])
def test_a_connection_that_breaks_again_and_again_goes_on_where_it_broke(
    fetch, server, tmp_path, monkeypatch, bytes_at_a_time
):
    monkeypatch.setattr(archive, "_PIECE", 256)
    server.breaks_after = bytes_at_a_time
    status, _, told = fetch()
    assert status == 0, told
    assert there(tmp_path) == {name: picture(int(name)) for name in {one["imageId"] for one in ASKED.values()}}
    assert server.sent["images.zip"] < 8 * len(server.files["images.zip"])


def test_after_a_dead_network_the_same_command_gets_only_the_rest(fetch, server: Server, tmp_path: Path, monkeypatch):
    content, count = archive.RemoteArchive.content, iter(range(100))

    def dies(self, info):
        if next(count) == 6:  # the questions and five pictures
            server.breaks_after = 0
        return content(self, info)

    monkeypatch.setattr(archive.RemoteArchive, "content", dies)
    status, _, told = fetch()
    assert status == 2 and "cannot be reached" in told and "run the same again" in told and "Traceback" not in told
    assert len(there(tmp_path)) == 5 and not list(tmp_path.rglob("*.partial"))
    server.breaks_after = None
    status, told, _ = fetch()
    assert status == 0 and "5 pictures are there" in told
    assert len(there(tmp_path)) == len({one["imageId"] for one in ASKED.values()})


def test_a_selection_fetches_its_own_pictures(fetch, server: Server, tmp_path: Path):
    (tmp_path / QUESTIONS_FILE).write_text(json.dumps(ASKED))
    assert (
        main(["select", str(tmp_path / QUESTIONS_FILE), str(tmp_path / "gqa"), "--n", "2", "--tasks", "ChooseCat"]) == 0
    )
    status, told, _ = fetch()
    assert status == 0 and server.sent["questions1.2.zip"] == 0
    assert there(tmp_path).keys() == set(load_questions(tmp_path / "gqa", "ChooseCat")["image_id"])


def _flipped(content: bytes) -> bytes:
    place = content.index(picture(0)) + 300
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _served(**files: bytes) -> Callable[[Server], None]:
    return lambda server: server.files.update({f"{name}.zip": content for name, content in files.items()})


ARCHIVES = archives(ASKED)
IMAGES = ARCHIVES["images.zip"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda server: setattr(server, "gives_parts", False), ["HTTP 200 instead of 206", "give a --mirror"]),
        (lambda server: server.files.pop("images.zip"), ["images.zip cannot be had: HTTP 404", "give a --mirror"]),
        (_served(images=b"<html>Not here</html>" * 9), ["images.zip is no zip archive"]),
        (_served(images=b""), ["images.zip cannot be had: HTTP 416"]),
        (_served(images=IMAGES[:-50]), ["no zip archive, or is cut off"]),
        (_served(images=_flipped(IMAGES)), ["images/0.jpg", "not what the archive"]),
        (_served(images=packed({"images/0.jpg": picture(0)})), ["lacks 23 pictures", "--mirror"]),
        (_served(**{"questions1.2": packed({"a_questions.json": b"{}"})}), [QUESTIONS_FILE, "a_questions"]),
        (_served(**{"questions1.2": packed({QUESTIONS_FILE: b'{"1": '})}), ["not valid JSON"]),
    ],
    ids=["no parts", "missing", "a page", "empty", "cut", "damaged", "too few", "other split", "cut questions"],
)
def test_a_server_that_has_something_else_is_told_of_by_address_and_cure(fetch, server: Server, spoil, told):
    spoil(server)
    status, _, error = fetch()
    assert status == 2 and "Traceback" not in error
    assert all(part in error for part in told), error


def test_a_damaged_picture_is_never_written(fetch, server: Server, tmp_path: Path):
    server.files["images.zip"] = _flipped(server.files["images.zip"])
    fetch()
    assert "0" not in there(tmp_path)


def test_an_archive_that_changes_meanwhile_is_refused(fetch, server: Server, monkeypatch):
    content = archive.RemoteArchive.content

    def changes(self, info):
        server.tag = '"two"'
        return content(self, info)

    monkeypatch.setattr(archive.RemoteArchive, "content", changes)
    status, _, error = fetch()
    assert status == 2 and "has changed while it was read; run it again" in error


def test_too_small_a_disk_is_told_before_anything_is_fetched(fetch, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: namedtuple("usage", "free")(100))
    status, _, error = fetch()
    assert status == 2 and "MiB free; free some" in error and not (tmp_path / "gqa").exists()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--n", "0"], "n is 0"),
        (["--seed", "-1"], "--seed is -1"),
        (["--tasks", "ChooseTaste"], "unknown task 'ChooseTaste'"),
        (["--mirror", "ftp://somewhere"], "'ftp://somewhere'; give an address"),
        (["--mirror", "/data/gqa"], "'/data/gqa'; give an address"),
        (["--mirror", "http://127.0.0.1:1"], "cannot be reached"),
        (["--mirror", "http://[broken"], "give another --mirror"),
    ],
)
def test_arguments_out_of_range_are_refused(fetch, more: list[str], told: str):
    status, _, error = fetch(*more)
    assert status == 2 and told in error and "Traceback" not in error


def test_a_folder_that_is_a_file_or_holds_two_splits_is_refused(fetch, tmp_path: Path):
    (tmp_path / "gqa").write_text("")
    assert "is a file; give a folder" in fetch()[2]
    (tmp_path / "gqa").unlink()
    (tmp_path / "gqa").mkdir()
    for name in ("train_balanced_questions.json", QUESTIONS_FILE):
        (tmp_path / "gqa" / name).write_text("{}")
    assert "keep the one to read" in fetch()[2]
