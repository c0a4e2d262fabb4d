"""Labelled photographs in COCO files, LOCO's above all."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.common.errors import InputError


def load_coco(path: Path) -> dict[str, Any]:
    """A COCO file's content, with its three lists.

    Raises:
        InputError: when the file is missing, not JSON (a saved web page, a partial download) or not COCO.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"annotations '{path}' cannot be read ({error.strerror}); check the path") from None
    try:
        content = json.loads(text)
    except RecursionError:
        raise InputError(f"annotations '{path}' are nested too deeply to be COCO; check the file") from None
    except ValueError:
        start = text[:40].decode("utf-8", "replace").strip()
        kind = "a web page" if start.startswith("<") else "cut short or another kind of file"
        raise InputError(
            f"annotations '{path}' are no JSON but {kind} (they start with '{start}'); download the file again"
        ) from None
    lists = ("images", "annotations", "categories")
    if not isinstance(content, dict) or not all(isinstance(content.get(key), list) for key in lists):
        raise InputError(f"annotations '{path}' are not COCO, which has the lists {', '.join(lists)}; check the file")
    return content


def locate(image: Mapping[str, Any], root: Path) -> tuple[str, Path]:
    """Name and file of a photograph, from LOCO's ``path`` or else COCO's ``file_name``.

    LOCO's ``path`` starts with ``/dataset/``; names hold commas and dots and repeat between subsets, so the whole path
    counts. A root that is the ``dataset`` folder itself is understood too.
    """
    name = str(image.get("path") or image["file_name"]).lstrip("/")
    inside = root / name.removeprefix("dataset/")
    return name, inside if inside.is_file() else root / name


def in_folders(name: str, folders: Sequence[str]) -> bool:
    """Whether a photograph, by the name that :func:`locate` gives it, lies in one of the folders below ``dataset``."""
    return name.removeprefix("dataset/").partition("/")[0] in folders
