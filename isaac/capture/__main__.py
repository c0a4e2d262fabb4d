"""``python.sh -m isaac.capture FOLDER``: serve a job folder inside Isaac Sim's Python; started by the backend."""

from __future__ import annotations

import sys
from pathlib import Path


def main() -> None:
    """Serve the folder that is named on the command line."""
    if len(sys.argv) != 2:
        print("usage: python.sh -m isaac.capture FOLDER", file=sys.stderr)
        raise SystemExit(2)
    from isaac.capture.loop import run

    run(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
