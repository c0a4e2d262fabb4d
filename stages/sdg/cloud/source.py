"""The checkout as one archive, for a machine that renders with exactly these sources."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from fnmatch import fnmatch
from pathlib import Path

from stages.common.errors import StageError

LEFT_OUT = ("weights/", "docs/", "tests/", "benchmarks/", ".github/", "data/", "models/", "reports/")
"""Folders that rendering needs nothing of."""

SECRET = (".env*", "*.pem", "*.key")
"""Names of files that may hold credentials, wherever they lie and whether git ignores them or not."""

LARGEST = 512 << 20
"""Bytes of the archive at most."""


def pack_source(folder: Path) -> bytes:
    """A ``tar.gz`` of the files that git tracks or does not ignore, and of own objects; the same files, the same bytes.

    Raises:
        StageError: when the folder is no git checkout, or too large.
    """
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if done.returncode:
        raise StageError(f"{folder} is no git checkout ({done.stderr.decode().strip()}): run this command in one")
    names = sorted(name for name in done.stdout.decode().split("\0") if name and not name.startswith(LEFT_OUT))
    # own objects may be under DVC, whose files git ignores
    own = (path.relative_to(folder).as_posix() for path in (folder / "assets").rglob("*") if path.is_file())
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        for name in sorted({*names, *own}):
            path = folder / name
            if any(fnmatch(path.name, pattern) for pattern in SECRET):
                continue
            if not path.is_file():
                continue  # deleted, and not yet committed
            entry = archive.gettarinfo(path, name)
            entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname = 0, 0, 0, "", ""
            with open(path, "rb") as stream:
                archive.addfile(entry, stream)
    packed = gzip.compress(plain.getvalue(), mtime=0)
    if len(packed) > LARGEST:
        raise StageError(
            f"the sources take {len(packed) >> 20} MB, above {LARGEST >> 20}: ignore large files in .gitignore"
        )
    return packed
