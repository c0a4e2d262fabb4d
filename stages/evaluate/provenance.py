"""What a report's figures come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from stages.common.files import sha256_of
from stages.common.settings.learning import Evaluate


def provenance(
    model: Path, run_id: str, settings: Evaluate, measured_on: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """By what it is: the weights, how they were trained as far as ``training.json`` beside them says, and the measure.

    Times are left out, so that the same model gives the same report.

    Args:
        model: ONNX file.
        run_id: MLflow run that trained it; empty when there is none.
        settings: of the measure.
        measured_on: SHA-256 of pictures and annotations, by set.
    """
    import numpy
    import onnxruntime

    training = _training(model.parent / "training.json")
    weights = _mapping(training.get("weights"))
    epochs = training.get("epochs")
    told = {
        "model": f"{model.name}, sha256 {sha256_of(model)}",
        "MLflow run": run_id,
        "architecture": training.get("architecture"),
        "started from": weights.get("origin") and f"{weights['origin']}, sha256 {weights.get('sha256') or 'unknown'}",
        "epochs": f"{len(epochs)}, the best {training.get('best_epoch')}" if isinstance(epochs, list) else None,
        "data revision": training.get("data_revision"),
        "training data": training.get("data_sha256") and f"sha256 {training['data_sha256']}",
        "training settings": training.get("settings_sha256") and f"sha256 {training['settings_sha256']}",
        **{
            f"measured on {name}": ", ".join(f"{what} sha256 {sha256}" for what, sha256 in digests.items())
            for name, digests in measured_on.items()
        },
        "intervals": f"{settings.resamples} resamples of the pictures, seed {settings.seed}",
        "runtime": f"onnxruntime {onnxruntime.__version__}, numpy {numpy.__version__}",
    }
    return {name: str(text) for name, text in told.items() if text}


def _training(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return _mapping(content)


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
