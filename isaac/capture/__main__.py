"""``python.sh -m isaac.capture FOLDER``: serve a job folder inside Isaac Sim's Python; started by the backend."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

GRACE = 5.0
"""Seconds between the end of standard input, which is the end of the parent, and the end of this process."""


def main() -> None:
    """Serve the folder; ends with the parent, however that ends."""
    if len(sys.argv) != 2:
        print("usage: python.sh -m isaac.capture FOLDER", file=sys.stderr)
        raise SystemExit(2)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from isaac.capture.loop import run

    run(Path(sys.argv[1]))


def _end_with_parent() -> None:
    """Wait for the end of standard input; the parent holds its other end, also through ``docker run -i``."""
    try:
        while os.read(0, 4096):
            pass
    except OSError:
        pass
    threading.Event().wait(GRACE)
    os._exit(3)


if __name__ == "__main__":
    main()
