"""Entry point of the image: ``train`` or ``serve``, as SageMaker starts it (``docker run IMAGE train``)."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    match sys.argv[1:]:
        case ["train"]:
            from container.train import main
        case ["serve"]:
            from container.serve import main
        case _:
            print(f"error: '{' '.join(sys.argv[1:])}' is not known: start it with train or serve", file=sys.stderr)
            sys.exit(2)
    sys.exit(main())
