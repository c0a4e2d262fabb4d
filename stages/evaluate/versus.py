"""``python -m stages.evaluate compare``: two models on the same pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from stages.common.detection import Detector
from stages.common.errors import InputError
from stages.common.files import write_json
from stages.common.settings import Settings
from stages.evaluate.bootstrap import resampling
from stages.evaluate.cache import Cache
from stages.evaluate.compare import Difference, compare_models
from stages.evaluate.inference import Model, detect_set
from stages.evaluate.leak import check_leaks, doubt, trained_on
from stages.evaluate.metrics import ALL
from stages.evaluate.real import Unmeasured, real_set
from stages.evaluate.run import sim_set
from stages.evaluate.table import table
from stages.evaluate.truth import SIM, LabelledSet

Differences = dict[str, dict[str, Difference]]


def versus(first: Model, second: Model, labelled: LabelledSet, resamples: int, seed: int) -> Differences:
    """Differences on one set by class name and ``all``, then by figure: the first model less the second.

    Raises:
        InputError: when the models have different classes, or not one of the pictures can be used.
    """
    names = first.detector.names
    if second.detector.names != names:
        raise InputError(
            f"'{second.detector.path}' knows {', '.join(second.detector.names)}, and '{first.detector.path}' "
            f"{', '.join(names)}; compare models of the same classes"
        )
    found = [detect_set(model, labelled)[0] for model in (first, second)]
    if not found[0]:
        raise InputError(f"none of the pictures of {labelled.name} can be used; get them again")
    thresholds = first.detector.threshold, second.detector.threshold
    sampling = resampling(len(found[0]), resamples, seed)
    return compare_models(table(found[0]), table(found[1]), names, labelled.scored, thresholds, sampling)


def compare_command_line(
    model: Path, other: Path, dataset: Path, settings: Settings, out: Path | None, project: Path, cache: Path
) -> str:
    """Compare on the test frames and on every real set.

    Returns:
        A line for each set, after one for each model of which it is not known that it learnt from ``dataset``.

    Raises:
        InputError: when a photograph is among the training pictures, or a model or set is wrong.
    """
    first, second = (Model(Detector(path), Cache(cache)) for path in (model, other))
    names = first.detector.names
    sets = {SIM: sim_set(dataset, names)} | {item.name: real_set(item, names, project) for item in settings.real.sets}
    depth = settings.evaluate
    real = {name: item for name, item in sets.items() if name != SIM and isinstance(item, LabelledSet)}
    check_leaks(dataset, real, cache)
    lines, content = _doubts(dataset, (model, other)) if real else [], dict[str, Any]()
    for name, labelled in sets.items():
        if isinstance(labelled, Unmeasured):
            lines.append(f"{name}: not measured ({labelled.reason})")
            continue
        made = versus(first, second, labelled, depth.resamples, depth.seed)
        lines.append(f"{name}: " + "; ".join(_words(figure, made[ALL][figure]) for figure in ("ap50", "f1")))
        content[name] = {
            label: {figure: item.as_json() for figure, item in figures.items()} for label, figures in made.items()
        }
    if out:
        write_json(out, content)
    return "\n".join(lines)


def _doubts(dataset: Path, models: Sequence[Path]) -> list[str]:
    """Models that may have learnt from photographs that they are measured on, in sentences."""
    found = [(path, doubt(dataset, trained_on(path.parent / "training.json"))) for path in models]
    return [f"warning: '{path}' may have learnt from the photographs: {text}" for path, text in found if text]


def _words(figure: str, item: Difference) -> str:
    if item.first is None or item.second is None or item.difference is None:
        return f"{figure} not known for both"
    ends = f" ({item.interval[0]:+.3f} to {item.interval[1]:+.3f})" if item.interval else ""
    doubt = "" if item.sure else ", may be chance"
    return f"{figure} {item.first:.3f} against {item.second:.3f}, {item.difference:+.3f}{ends}{doubt}"
