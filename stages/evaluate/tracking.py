"""The figures, pictures and the verdict in the MLflow run of the pipeline."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stages.common.tracking import RunLogger
from stages.evaluate.gallery import TITLES
from stages.evaluate.headline import headline, real_name
from stages.evaluate.verdict import verdict

FOLDER = "evaluation"
"""Of the run's artifacts."""

FILES = ("metrics.json", "evaluation.json", "report.html", "report.md", "plots", "pictures")

FIXED = ("box_height", "aspect_ratio", "occlusion", "truncation", "distance", "scenario", "site", "camera")
"""Slices whose bins are the same in every run; those of drawn values are cut anew in each."""

SHOWN = 2
"""Pictures of a kind that the run shows beside those of other runs."""


def log_evaluation(run: RunLogger, metrics: Mapping[str, Any], reports: Path, trained_by: str = "") -> None:
    """Log figures, slices, pictures, report and a description that says what changed and whether it helped.

    ``real.f1`` and its like are the figures of the first real set and come before all others in lists; then
    ``real/loco-dev/ap50``, ``sim/classes/pallet/f1``, ``slices/loco-dev/box_height/32 to 64/f1``.

    Args:
        run: to log into; one that logs nothing is let be.
        metrics: all figures, as :attr:`Evaluation.metrics <stages.evaluate.run.Evaluation.metrics>` has them.
        reports: folder of the stage's results.
        trained_by: run that trained the model, where that is another one.
    """
    if not run.run_id:
        return
    details = _read(reports / "evaluation.json")
    top = headlines(metrics)
    run.log_metrics(top)
    run.log_metrics({name: value for name, value in flat(metrics).items() if name != "schema"})
    run.log_metrics(dict(slice_figures(details)))
    run.log_tags(
        {
            "real.set": real_name(metrics),
            "trained_by": trained_by if trained_by != run.run_id else "",
            "model.sha256": str(details.get("model", {}).get("sha256", "")),
            "mlflow.note.content": verdict(top, metrics, details, run),
        }
    )
    for name, part in details.get("real", {}).items():
        if part.get("pictures"):
            run.log_dataset(name, _digest(part), name, "real test")
    for path, key in pictures(reports / "pictures", metrics):
        run.log_image(path, key)
    for name in FILES:
        if (reports / name).exists():
            run.log_artifact(reports / name, FOLDER if (reports / name).is_file() else f"{FOLDER}/{name}")


def headlines(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The figures to compare runs by, as ``{"real.f1": 0.84, "sim.f1": 0.61}``."""
    made = headline(metrics)
    real = made["real"].get(real_name(metrics), {})
    numbers = {f"real.{name}": value for name, value in real.items()}
    numbers |= {f"sim.{name}": value for name, value in made["sim"].items()}
    return {name: float(value) for name, value in numbers.items() if isinstance(value, int | float)}


def slice_figures(details: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Recall of slices of objects and F1 of slices of pictures, by name."""
    for name, part in {"sim": details.get("sim", {}), **details.get("real", {})}.items():
        for item in part.get("slices", ()):
            figure = "recall" if item.get("of") == "objects" else "f1"
            value = item.get(figure)
            if value is not None and (item["measure"] in FIXED or name != "sim"):
                yield f"slices/{name}/{item['measure']}/{item['bin']}/{figure}", float(value)


def pictures(folder: Path, metrics: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """The first pictures of each kind of the first real set, or else of the renders, with stable keys."""
    name = real_name(metrics)
    start, key = (name, "real") if name and list(folder.glob(f"{name}-*")) else ("sim", "sim")
    for kind in TITLES:
        for number in range(1, SHOWN + 1):
            path = folder / f"{start}-{kind}-{number}.jpg"
            if path.is_file():
                yield path, f"{key}/{kind}-{number}"


def flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Nested numbers as ``{"sim/classes/pallet/ap50": 0.5}``; intervals, words and what is None are left out.

    The gap to a real set stands with its figures (``real/loco-dev/gap/kid``); of errors and calibration only those of
    all classes together are kept, since a run with a thousand numbers is compared by nobody.
    """
    numbers: dict[str, float] = {}
    for key, value in metrics.items():
        if key in ("errors", "calibration") and "/classes/" in prefix:
            continue
        if key == "gap" and not prefix:
            for name, gap in value.items():
                numbers |= flat(gap, f"real/{name}/gap/")
        elif isinstance(value, Mapping):
            numbers |= flat(value, f"{prefix}{key}/")
        elif isinstance(value, int | float):
            numbers[f"{prefix}{key}" if prefix or key != "threshold" else "sim/threshold"] = float(value)
    return numbers


def _digest(part: Mapping[str, Any]) -> str:
    """Of the photographs' content and their labels, so that the same name does not stand for other data."""
    import hashlib

    content = json.dumps(part.get("digests"), sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
