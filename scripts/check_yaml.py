"""Say which of the given YAML files cannot be read, or repeat a key; for pre-commit."""

from __future__ import annotations

import sys
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError


def mistakes(paths: list[Path]) -> list[str]:
    """One line for each file that cannot be read."""
    found = []
    for path in paths:
        try:
            list(YAML(typ="safe").load_all(path))
        except MarkedYAMLError as error:
            line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
            problem = (error.problem or "").partition("\n")[0]
            found.append(f"{path}{line} is not YAML ({problem}): mend that line")
    return found


if __name__ == "__main__":
    lines = mistakes([Path(name) for name in sys.argv[1:]])
    print("\n".join(lines), end="\n" if lines else "", file=sys.stderr)
    sys.exit(bool(lines))
