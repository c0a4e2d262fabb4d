"""A process that reads one file: ``python -m stages.sdg.assets.imports.child JOB FOLDER``, started by ``reader``.

Files of others may be broken in ways that crash a library, eat all memory or never end; here that hurts nobody.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.sdg.assets.imports.process import do_job

if TYPE_CHECKING:
    from stages.sdg.assets.imports.raw import RawScene

MEMORY = 12 << 30
"""Bytes of address space that reading one file may take."""


def main(job: dict[str, Any], folder: Path) -> int:
    """Read, settle and store one object; 0 when ``folder`` holds it, 1 when it holds the reason why not."""
    from stages.common.settings.imports import ImportedAsset
    from stages.sdg.assets.imports.normalise import normalise
    from stages.sdg.assets.imports.raw import Unreadable
    from stages.sdg.assets.imports.store import write_ready

    path = Path(job["path"])
    entry = ImportedAsset.model_validate(job["entry"])
    try:
        raw = read_scene(path, entry.variants)
        limit = int(entry.max_file_mb * (1 << 20))
        total = sum(file.stat().st_size for file in raw.files if file.is_file())
        if total > limit:
            raise Unreadable(
                f"and what it refers to take {total / (1 << 20):.0f} MiB, above max_file_mb: {entry.max_file_mb:g}; "
                "raise that limit, or simplify it first"
            )
        write_ready(folder, normalise(raw, entry), raw.files)
        return 0
    except Unreadable as error:
        reason, missing = str(error), error.missing
    except MemoryError:
        reason, missing = f"needs more than {MEMORY >> 30} GiB of memory to read: simplify it first", []
    except RecursionError:
        reason, missing = "is nested too deep: flatten it and export it again", []
    (folder / "refused.json").write_text(json.dumps({"reason": reason, "missing": missing}))
    return 1


def read_scene(path: Path, variants: dict[str, str]) -> RawScene:
    """Read a file of any format, in its USD variants.

    Raises:
        Unreadable: when it cannot be used.
    """
    if path.suffix.lower() in (".usd", ".usda", ".usdc", ".usdz"):
        from stages.sdg.assets.imports.read_usd import read_usd_file

        return read_usd_file(path, variants)
    from stages.sdg.assets.imports.read_mesh import read_mesh_file

    return read_mesh_file(path)


if __name__ == "__main__":
    do_job(main, MEMORY)
