"""``python -m stages.train.emulator FOLDER``: the supervisor of one emulated job."""

from __future__ import annotations

import sys
from pathlib import Path

from stages.train.emulator.supervisor import supervise

if __name__ == "__main__":
    supervise(Path(sys.argv[1]))
