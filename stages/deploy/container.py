"""Serving as SageMaker runs it: the model in ``/opt/ml/model``, port 8080, limits from the environment."""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

from stages.common.cli import run
from stages.common.errors import InputError, SettingsError
from stages.deploy.bundle import SUMS, Bundle, Serving, open_bundle, pack

ROOT = "OPT_ML"
"""Environment variable with another place than ``/opt/ml``."""

PORT = 8080
"""Where SageMaker sends requests; ``SAGEMAKER_BIND_TO_PORT`` names another."""


def main() -> int:
    """Serve what lies in ``/opt/ml/model`` until SIGTERM.

    Returns:
        0 after SIGTERM; otherwise the status of a :class:`~stages.common.errors.StageError`, with its sentence on
        standard error.
    """
    return run(_serve, argparse.Namespace(debug=False))


def _serve(_args: argparse.Namespace) -> None:
    from stages.deploy.server import serve

    bundle = with_limits(find_bundle(Path(os.environ.get(ROOT) or "/opt/ml") / "model"))
    serve(
        bundle,
        os.environ.get("DETECTOR_HOST", "0.0.0.0"),
        int(_number("SAGEMAKER_BIND_TO_PORT", PORT)),
        int(_number("DETECTOR_THREADS", 0)),
        _number("DETECTOR_CLIENT_TIMEOUT", 20),
        int(_number("DETECTOR_FOLLOW", 0)) or None,
    )


def find_bundle(folder: Path) -> Bundle:
    """The bundle in ``model.tar.gz``, at its top or one folder below; or one made of the only ONNX file.

    Raises:
        InputError: when there is nothing to serve, or it is damaged.
    """
    for place in (folder, *sorted(path for path in folder.glob("*") if path.is_dir())):
        if (place / SUMS).is_file():
            return open_bundle(place)
    models = sorted(folder.glob("*.onnx"))
    if len(models) != 1:
        there = ", ".join(sorted(path.name for path in folder.glob("*"))) or "nothing"
        raise InputError(
            f"'{folder}' holds neither a bundle nor one ONNX file, but {there}: make model.tar.gz of models/bundle"
        )
    return pack(models[0], Path(tempfile.mkdtemp()) / "bundle", Serving())


def with_limits(bundle: Bundle) -> Bundle:
    """The bundle with the limits that its surroundings set: batch transform says how long a body may be."""
    serving = bundle.settings.serving
    largest = max(serving.max_body_mb, _number("SAGEMAKER_MAX_PAYLOAD_IN_MB", 0))
    if largest == serving.max_body_mb:
        return bundle
    changed = serving.model_copy(update={"max_body_mb": largest})
    return Bundle(bundle.folder, bundle.settings.model_copy(update={"serving": changed}))


def _number(name: str, default: float) -> float:
    """A number from the environment.

    Raises:
        SettingsError: when it is none.
    """
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else float(default)
    except ValueError:
        value = -1.0
    if not 0 <= value < 2**31:
        raise SettingsError(f"{name} is '{text}': give a number of at least 0")
    return value
