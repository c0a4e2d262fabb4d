"""What a model starts from: published weights, a file, or nothing."""

from __future__ import annotations

import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Literal

from stages.common.errors import InputError
from stages.common.files import atomic_write, sha256_of
from stages.common.settings.learning import Model

PUBLISHED = "https://github.com/ultralytics/assets/releases/download/v8.4.0"
"""Folder of Ultralytics' published weights (``ultralytics/utils/downloads.py``, 8.4)."""

ANSWER_TIMEOUT = 5.0
"""Seconds until the first byte of a download must be there."""

DOWNLOAD_TIMEOUT = 60.0
"""Seconds that a download may take (5 to 22 MB)."""

OFFLINE = os.environ.get("YOLO_OFFLINE", "").lower() in {"1", "true", "yes", "on"}
"""The user's wish; read once, since we set the variable ourselves before Ultralytics is imported."""


@dataclass(frozen=True)
class Weights:
    """Where a model starts.

    Attributes:
        origin: ``pretrained``, ``file`` or ``scratch``.
        path: of the weights; None from scratch.
        sha256: of the file; empty from scratch.
        notice: a sentence when this is not what was asked for; else empty.
    """

    origin: Literal["pretrained", "file", "scratch"]
    path: Path | None = None
    sha256: str = ""
    notice: str = ""


def find_weights(model: Model, cache: Path, project: Path) -> Weights:
    """Find what ``model.weights`` asks for.

    Published weights are looked for in ``cache`` and ``project`` and else downloaded into ``cache``, with little
    patience. Without them the model starts from scratch, and says so.

    Args:
        model: settings.
        cache: folder of downloaded weights.
        project: folder that a relative path starts at.

    Raises:
        InputError: when a path was given and there is no such checkpoint.
    """
    if model.weights == "scratch":
        return Weights("scratch")
    if model.weights != "pretrained":
        path = project / model.weights
        if not zipfile.is_zipfile(path):
            what = "is not a PyTorch checkpoint" if path.exists() else "does not exist"
            raise InputError(f"model.weights '{path}' {what}; give the path of a .pt file, pretrained or scratch")
        return Weights("file", path, sha256_of(path))
    name = f"{model.architecture}.pt"
    for path in (cache / name, project / name):
        if zipfile.is_zipfile(path):
            return Weights("pretrained", path, sha256_of(path))
    reason = "YOLO_OFFLINE is set" if OFFLINE else fetch(f"{PUBLISHED}/{name}", cache / name)
    if not reason:
        return Weights("pretrained", cache / name, sha256_of(cache / name))
    return Weights(
        "scratch",
        notice=f"the published weights of {model.architecture} cannot be had ({reason}), so it learns from scratch, "
        f"which takes far more frames and epochs; put {name} into .cache/weights of the repository to start from them",
    )


def fetch(url: str, path: Path) -> str:
    """Download a checkpoint; return why it failed, or nothing.

    The work is done in a thread that is left behind when it is late, since looking up a host heeds no timeout.
    """
    started, given_up = Event(), Event()
    reasons: list[str] = []
    thread = Thread(target=lambda: reasons.append(_download(url, path, started, given_up)), daemon=True)
    thread.start()
    if not started.wait(ANSWER_TIMEOUT):
        given_up.set()
        return f"no answer within {ANSWER_TIMEOUT:.0f} s"
    thread.join(DOWNLOAD_TIMEOUT)
    if not reasons:
        given_up.set()
        return f"not there after {DOWNLOAD_TIMEOUT:.0f} s"
    return reasons[0]


def _download(url: str, path: Path, started: Event, given_up: Event) -> str:
    import requests

    try:
        with requests.get(url, stream=True, timeout=ANSWER_TIMEOUT) as answer:
            if answer.status_code != 200:
                return f"HTTP {answer.status_code}"
            started.set()
            with atomic_write(path, "wb") as stream:
                for chunk in answer.iter_content(1 << 16):
                    if given_up.is_set():
                        raise TimeoutError
                    stream.write(chunk)
                stream.flush()
                if not zipfile.is_zipfile(stream.name):
                    raise ValueError
    except ValueError:
        return "what came was no checkpoint"
    except (requests.RequestException, OSError) as error:
        return type(error).__name__
    finally:
        started.set()
    return ""
