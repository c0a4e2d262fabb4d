"""What a Python process of ours hands on to another."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def python_path(first: Path) -> str:
    """``PYTHONPATH`` for a child that imports what this process can.

    Blender puts folders of its own on the path when it starts; a child that found them there would take its scripts for
    the package ``bpy``.

    Args:
        first: folder that comes before all others.
    """
    return os.pathsep.join([str(first), *(place for place in sys.path if place and "bpy" not in Path(place).parts)])
