"""What the network said, kept: a report that looks different tomorrow asks it nothing again."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stages.common.files import atomic_write

Arrays = dict[str, NDArray[Any]]


class Cache:
    """Arrays in files named after all that they depend on.

    A file is whole or absent; one that cannot be read counts as absent. The folder may be deleted at any time.
    """

    def __init__(self, folder: Path | None) -> None:
        """Args: folder: where files lie; None keeps nothing."""
        self._folder = folder

    def arrays(self, kind: str, depends_on: tuple[str, ...], make: Callable[[], Arrays]) -> Arrays:
        """The arrays of a kind for what they depend on, from the file or else from ``make``.

        Args:
            kind: start of the file's name.
            depends_on: digests and settings.
            make: computes them.
        """
        if self._folder is None:
            return make()
        digest = hashlib.sha256("\n".join(depends_on).encode()).hexdigest()
        path = self._folder / f"{kind}-{digest[:32]}.npz"
        kept = _read(path)
        if kept is not None:
            return kept
        made = make()
        with atomic_write(path, "wb") as stream:
            np.savez(stream, **made)
        return made


def code_digest(*files: Path) -> str:
    """Digest of source files that results depend on."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in files)).hexdigest()


def _read(path: Path) -> Arrays | None:
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None
