"""A zip archive on a server, of which single files are read: the rest of it is not downloaded.

GQA's pictures are one archive of twenty gigabytes, its questions another of one. A zip archive ends in a directory that
says of each file where it lies, how large it is and its CRC-32, and servers give any part of a file that is asked for.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import requests

from analysis_lib.text import visible

__all__ = ["RemoteArchive", "open_archive"]

_TIMEOUT_SECONDS = 60
_TRIES = 5
"""How often in a row a connection may break without a byte before we give up."""
_BROKEN = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
"""What another try may mend."""
_AHEAD, _PIECE = 2**18, 2**14
"""Bytes asked for at least, and kept at a time."""
_HEADER = 30
"""Bytes in front of a file in an archive, before its name and notes."""
_NOTES = 1024
"""Room for a file's notes in front of it; what they take more is asked for."""
_WITHOUT_PARTS = (
    "{address} does not answer with parts of the file (HTTP {status} instead of 206), so all of it would have to "
    "be downloaded; give a --mirror that does, or download it by other means, unpack it and run check"
)


class RemoteArchive(zipfile.ZipFile):
    """The files of an archive on a server, read by their names; from `open_archive`."""

    def __init__(self, file: _RemoteFile) -> None:
        super().__init__(file)
        self.remote = file
        self.address = file.address
        self._members = {info.filename.rsplit("/", 1)[-1]: info for info in self.infolist() if not info.is_dir()}

    def member(self, name: str) -> zipfile.ZipInfo | None:
        """What the directory knows of a file called so, in whichever folder of the archive it lies."""
        return self._members.get(name)

    def content(self, info: zipfile.ZipInfo) -> bytes:
        """The bytes of a file, asked for at once and compared with the directory's checksum.

        Raises
        ------
        ValueError
            what came is not what the directory says.
        """
        front = _HEADER + len(info.filename.encode()) + _NOTES
        self.remote.prefetch(info.header_offset, info.header_offset + front + info.compress_size)
        try:
            return self.read(info)
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
            raise ValueError(
                f"{info.filename} of {self.address} is not what the archive's directory says ({error}); run it again, "
                "or give another --mirror"
            ) from None


@contextmanager
def open_archive(address: str) -> Iterator[RemoteArchive]:
    """Read an archive's directory.

    Raises
    ------
    ValueError
        the server gives no parts of files, or what it gives is no archive.
    OSError
        it cannot be reached, or has no such file.
    """
    with requests.Session() as session:
        file = _RemoteFile(session, address)
        try:
            archive = RemoteArchive(file)
        except zipfile.BadZipFile:
            raise ValueError(
                f"{address} is no zip archive, or is cut off; give a --mirror with the whole archive"
            ) from None
        with archive:
            yield archive


class _RemoteFile(io.RawIOBase):
    """A file on a server, read in parts; a part whose connection breaks goes on where it broke."""

    def __init__(self, session: requests.Session, address: str) -> None:
        self.session, self.address = session, address
        self._at, self._held, self._held_from = 0, b"", 0
        self._tag: str | None = None
        self._size = 0  # known with the first answer
        self._get(0, 1)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        left = max(self._size - self._at, 0)
        wanted = left if size is None or size < 0 else min(size, left)
        if not self._held_from <= self._at <= self._at + wanted <= self._held_from + len(self._held):
            self.prefetch(self._at, self._at + max(wanted, _AHEAD))
        first = self._at - self._held_from
        self._at += wanted
        return self._held[first : first + wanted]

    def prefetch(self, start: int, stop: int) -> None:
        """Hold a part of the file, so that reading it asks the server once."""
        self._held, self._held_from = self._get(start, min(stop, self._size)), start

    def _get(self, start: int, stop: int) -> bytes:
        found, in_vain = bytearray(), 0
        while len(found) < stop - start:
            before, told = len(found), "it sends nothing"
            try:
                self._continue(found, start, stop)
            except _BROKEN as error:
                told = visible(error)[:200]
            except requests.RequestException as error:
                in_vain, told = _TRIES, visible(error)[:200]
            in_vain = 0 if len(found) > before else in_vain + 1
            if in_vain >= _TRIES:
                raise OSError(
                    f"{self.address} cannot be reached ({told}); run the same again once it can, which goes on "
                    "where it stopped, or give another --mirror"
                )
        return bytes(found)

    def _continue(self, found: bytearray, start: int, stop: int) -> None:
        asked = {"Range": f"bytes={start + len(found)}-{stop - 1}", "Accept-Encoding": "identity"}
        with self.session.get(self.address, headers=asked, stream=True, timeout=_TIMEOUT_SECONDS) as answer:
            self._check(answer, start + len(found))
            for piece in answer.iter_content(_PIECE):
                found += piece
        del found[stop - start :]

    def _check(self, answer: requests.Response, start: int) -> None:
        if answer.status_code >= 400:
            raise OSError(
                f"{self.address} cannot be had: HTTP {answer.status_code} {answer.reason}; give a --mirror that has it"
            )
        given = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if answer.status_code != 206 or given is None or int(given[1]) != start:
            raise ValueError(_WITHOUT_PARTS.format(address=self.address, status=answer.status_code))
        tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if self._size and (int(given[2]) != self._size or tag != self._tag):
            raise ValueError(f"{self.address} has changed while it was read; run it again")
        self._size, self._tag = int(given[2]), tag
