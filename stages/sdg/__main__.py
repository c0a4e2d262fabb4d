"""``python -m stages.sdg``: render the frames that ``params.yaml`` asks for."""

import sys

from stages.sdg.cli import main

if __name__ == "__main__":
    sys.exit(main())
