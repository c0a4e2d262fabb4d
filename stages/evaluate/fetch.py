"""Photographs of a public set, fetched once and checked."""

from __future__ import annotations

import hashlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from stages.common.errors import InputError
from stages.common.files import atomic_write, sha256_of

TIMEOUT_SECONDS = 8.0
"""Longest wait for an answer, and between two parts of one."""

TRIES = 2
"""Of each file, where another try may help: no answer in time, or the server's own trouble."""

TRANSIENT = (408, 429, 500, 502, 503, 504)
"""HTTP statuses that may pass."""


def read_checksums(path: Path) -> dict[str, str]:
    """A list in ``sha256sum``'s format: hex digest by file name, which may hold any character but a line end.

    Raises:
        InputError: when the file is missing or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"checksums '{path}' cannot be read ({error}); correct real.checksums") from None
    sums = {}
    for line in filter(None, lines):
        digest, separator, name = line[:64], line[64:66], line[66:]
        if len(digest) != 64 or separator not in ("  ", " *") or not name:
            raise InputError(f"checksums '{path}' have the line '{line[:80]}', not 'SHA256  NAME'; correct the file")
        sums[name] = digest.lower()
    return sums


def fetch(source: str, files: Mapping[str, Path], sums: Mapping[str, str], timeout: float = TIMEOUT_SECONDS) -> int:
    """Get the files that are not there yet.

    Each is checked before it gets its name, so a run that was cut off goes on where it stopped. The first file that
    cannot be had ends it: without a network that is after seconds.

    Args:
        source: address of their folder.
        files: where each goes, by name.
        sums: SHA-256 by name; a file that is there with another one is fetched again.
        timeout: seconds to wait for the server.

    Returns:
        How many were fetched.

    Raises:
        InputError: when a file cannot be had or is not the expected one.
    """
    unlisted = sorted(set(files) - set(sums))
    if unlisted:
        raise InputError(f"real.checksums has no line for '{unlisted[0]}'; add it")
    fetched = 0
    for name, path in files.items():
        if path.is_file() and sha256_of(path) == sums[name]:
            continue
        data = _get(f"{source.rstrip('/')}/{urllib.parse.quote(name)}", timeout)
        if hashlib.sha256(data).hexdigest() != sums[name]:
            raise InputError(f"'{name}' from {source} is not the photograph that was labelled; set real.root to a copy")
        with atomic_write(path, "wb") as stream:
            stream.write(data)
        fetched += 1
    return fetched


def _get(address: str, timeout: float) -> bytes:
    """The body of an answer.

    Raises:
        InputError: naming the server and what it said.
    """
    reason = ""
    for _ in range(TRIES):
        try:
            with urllib.request.urlopen(address, timeout=timeout) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            reason = f"it answers {error.code} {error.reason}"
            if error.code not in TRANSIENT:
                break
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            reason = str(getattr(cause, "strerror", None) or cause) or type(error).__name__
        except ValueError as error:
            reason = str(error)
            break
    server = urllib.parse.urlsplit(address).netloc or address
    raise InputError(f"photographs cannot be fetched from {server} ({reason}); set real.root to a copy of them")
