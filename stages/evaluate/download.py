"""One large file by HTTP, gone on with where it stopped and checked before it gets its name."""

from __future__ import annotations

import errno
import http.client
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from stages.common.errors import InputError
from stages.common.progress import Progress
from stages.evaluate.fetch import TRANSIENT

CHUNK = 1 << 18
STALL_SECONDS = 30.0
"""Longest wait for an answer, and between two parts of one."""

TRIES = 5
"""Without a new byte, before giving up; a try that brought some counts anew."""

MEBIBYTE = 1 << 20

OURS = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EFBIG)
"""Errors of writing here."""


class _Passing(Exception):
    """Trouble that may pass: a stall, a closed connection, the server's own."""


def download(address: str, part: Path, size: int, timeout: float = STALL_SECONDS) -> None:
    """Get a file into ``part``, which keeps what came when it fails, so that the next call goes on from there.

    Args:
        address: of the file.
        part: where it grows.
        size: in bytes; 0: what the server says.
        timeout: seconds without a byte that count as a stall.

    Raises:
        InputError: when the server has something else (a web page, another size) or does not send all of it.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    failures, reason, farthest = 0, "", _size(part)
    while failures < TRIES:
        before = _size(part)
        if size and before > size:  # of something else
            part.unlink()
            before = 0
        if size and before == size:
            return
        try:
            size = _go_on(address, part, size, timeout)
            if _size(part) == size:
                return
            reason = "it closes the connection"
        except _Passing as error:
            reason = str(error)
        # beyond all that came before: a server that begins anew each time would be asked for ever
        failures = 0 if _size(part) > farthest else failures + 1
        farthest = max(farthest, _size(part))
    raise InputError(
        f"{_server(address)} sent {_size(part)} of {size or 'the'} bytes of '{address}' and no more ({reason}); run it "
        "again, it goes on from there"
    )


def _go_on(address: str, part: Path, size: int, timeout: float) -> int:
    """Append what one answer brings; return the size of the whole file."""
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            start, total = _extent(answer, address, have, size)
            with open(part, "r+b" if start else "wb") as stream:
                stream.seek(start)
                stream.truncate()
                _copy(answer, stream, start, total)
            return total
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have:
            part.unlink()  # longer than the server's file, or of another one
            raise _Passing("the part that was there did not fit") from None
        text = f"it answers {error.code} {error.reason}"
        if error.code in TRANSIENT:
            raise _Passing(text) from None
        raise _cannot(address, text) from None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, OSError) and error.errno in OURS:
            raise InputError(f"'{part}' cannot be written ({error.strerror}); make room and run it again") from None
        raise _Passing(str(getattr(error, "reason", error)) or type(error).__name__) from None
    except ValueError as error:
        raise _cannot(address, str(error)) from None


def _extent(answer: Any, address: str, have: int, size: int) -> tuple[int, int]:
    """Where the answer starts and how long the whole file is.

    Raises:
        InputError: when it is a web page or of another size.
    """
    if answer.headers.get_content_type() == "text/html":
        raise _cannot(address, "it sends a web page instead")
    length = answer.headers.get("Content-Length")
    start, total = 0, int(length) if length and length.isdigit() else 0
    if answer.status == http.HTTPStatus.PARTIAL_CONTENT:
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+)", answer.headers.get("Content-Range", ""))
        if not found or int(found[1]) != have:
            raise _cannot(address, f"it answers the range '{answer.headers.get('Content-Range')}'")
        start, total = int(found[1]), int(found[2])
    if size and total and total != size:
        raise _cannot(address, f"its file has {total} bytes, not {size}")
    if not (size or total):
        raise _cannot(address, "it does not say how long its file is")
    return start, size or total


def _copy(answer: Any, stream: Any, start: int, total: int) -> None:
    done = start
    with Progress("fetch", total=-(-total // MEBIBYTE), unit="MiB", done=start // MEBIBYTE) as progress:
        while chunk := answer.read1(CHUNK):
            stream.write(chunk[: total - done])
            progress.advance((done + len(chunk)) // MEBIBYTE - done // MEBIBYTE)
            done += len(chunk)
            if done > total:
                raise InputError("the server sends more than it said; run it again")
        stream.flush()
        os.fsync(stream.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _server(address: str) -> str:
    return urllib.parse.urlsplit(address).netloc or address


def _cannot(address: str, reason: str) -> InputError:
    return InputError(
        f"'{address}' cannot be fetched ({reason}); open it in a browser, or set real.root to a copy of the set"
    )
