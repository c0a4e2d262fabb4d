"""A process that mends one mesh: ``python -m stages.sdg.reconstruct.child JOB FOLDER``, started by ``job``.

It may import bpy (for USD and for openvdb), which the process that writes USD must not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from stages.sdg.assets.imports.child import MEMORY
from stages.sdg.assets.imports.process import do_job


def main(job: dict[str, Any], folder: Path) -> int:
    """Mend and store one object; 0 when ``folder`` holds it, 1 when it holds the reason why not."""
    from stages.sdg.assets.imports.raw import Unreadable
    from stages.sdg.assets.imports.store import write_ready
    from stages.sdg.reconstruct.work import make

    try:
        ready, files = make(Path(job["path"]), job)
        write_ready(folder, ready, files)
        return 0
    except Unreadable as error:
        reason = str(error)
    except MemoryError:
        reason = f"needs more than {MEMORY >> 30} GiB of memory: simplify it first"
    except RecursionError:
        reason = "is nested too deep: flatten it and export it again"
    (folder / "refused.json").write_text(json.dumps({"reason": reason}), encoding="utf-8")
    return 1


if __name__ == "__main__":
    do_job(main, MEMORY)
