"""Accuracy against the number of real photographs that were trained on besides the renders."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stages.common.checkout import main_checkout
from stages.common.errors import InputError
from stages.common.files import atomic_write, sha256_of, write_json
from stages.common.settings import Settings
from stages.evaluate.inference import picture_digest
from stages.evaluate.leak import check_leaks
from stages.evaluate.real import Unmeasured, real_set
from stages.evaluate.run import evaluate
from stages.evaluate.truth import LabelledSet

FIGURES = ("pictures", "ap50", "ap50_95", "precision", "recall", "f1")
ENDS = ("ap50", "f1")
"""Figures whose 95 % intervals are kept, as ``ap50_low`` and ``ap50_high``."""

COLUMNS = ("real", "set", *FIGURES, *(f"{name}_{end}" for name in ENDS for end in ("low", "high")))
WORK = Path(".cache/curve")
SIM = "sim"

Row = dict[str, Any]


def draw_curve(
    counts: Sequence[int], settings: Settings, frames: Path, out: Path, project: Path, cache: Path | None = None
) -> list[Row]:
    """Train and measure once for each number of photographs, and write ``curve.csv`` and ``curve.svg``.

    Each step is kept below ``.cache/curve`` under a name made of all settings it depends on, the frames and the
    photographs, so a call that was cut off, or one with more numbers, goes on. The photographs of a smaller number are
    among those of a larger.

    Args:
        counts: numbers of photographs; the same one twice counts once.
        settings: of everything else; ``dataset.real_mix`` is put aside.
        frames: folder of shards.
        out: folder for the results; written after every step.
        project: folder that relative paths start at.
        cache: folder for what the networks say.

    Returns:
        Rows of the CSV: one for each number and set, ``sim`` for the held-out renders.

    Raises:
        InputError: when there is no real set to measure on, or a photograph is learnt from and measured on.
        SettingsError: when there are not so many photographs to train on.
    """
    ordered = sorted(set(counts))
    names = tuple(settings.scene.classes)
    photographs = {item.name: real_set(item, names, project) for item in settings.real.sets}
    lacking = [item.reason for item in photographs.values() if isinstance(item, Unmeasured)]
    if lacking or not photographs:
        reason = lacking[0] if lacking else "choose a set with real=loco or real=loco-dev"
        raise InputError(f"the curve needs real photographs to measure on: {reason}")
    sets = {name: item for name, item in photographs.items() if isinstance(item, LabelledSet)}
    # before hours of training: are there so many photographs that may be learnt from?
    draws = {count: _draw(count, settings, project) for count in ordered}
    rows: list[Row] = []
    for count in ordered:
        chosen = [(item.name, sha256_of(item.path), item.lines) for item in draws[count].photographs]
        work = main_checkout(project) / WORK / _key(count, settings, frames, chosen, sets, project)
        metrics = _read(work / "metrics.json")
        if metrics is None:
            metrics = _step(settings, frames, work, draws[count], sets, project, cache)
        rows += _rows(count, metrics)
        write_curve(out, rows)
    return rows


def summary(rows: Sequence[Row], out: Path) -> str:
    """One line for the user."""
    real = [row for row in rows if row["set"] != SIM]
    text = ", ".join(f"{row['real']}: {row['ap50']} on {row['set']}" for row in real)
    return f"curve: AP50 by real photographs {text}; {out / 'curve.csv'} and {out / 'curve.svg'}"


def _draw(count: int, settings: Settings, project: Path) -> Any:
    from stages.convert.real_mix import draw_mix

    dataset = settings.dataset.model_copy(update={"real_mix": count})
    return draw_mix(settings.model_copy(update={"dataset": dataset}), project)


def _step(
    settings: Settings,
    frames: Path,
    work: Path,
    mix: Any,
    sets: Mapping[str, LabelledSet],
    project: Path,
    cache: Path | None,
) -> dict[str, Any]:
    """Convert, train and measure in ``work``; the data set is removed once it is measured."""
    from stages.convert.run import convert
    from stages.train.run import train_detector

    dataset = work / "dataset"
    convert(frames, dataset, settings.scene.classes, settings.dataset.convert, mix)
    check_leaks(dataset, sets, cache)
    trained = train_detector(
        dataset / "yolo",
        work / "models",
        model=settings.model,
        train=settings.train,
        compute=settings.compute,
        tracking=settings.tracking,
        project=project,
    )
    run_id = str(trained.content.get("run_id") or "")
    outcome = evaluate(
        work / "models/best.onnx",
        dataset,
        settings.real,
        work / "reports",
        project=project,
        run_id=run_id,
        settings=settings.evaluate,
        cache=cache,
    )
    write_json(work / "metrics.json", outcome.metrics)
    shutil.rmtree(dataset)
    return outcome.metrics


def _key(
    count: int,
    settings: Settings,
    frames: Path,
    chosen: Sequence[Any],
    sets: Mapping[str, LabelledSet],
    project: Path,
) -> str:
    """Name of a step: other contents of anything that it depends on give another one."""
    content = settings.model_dump(mode="json")
    shared = {name: content[name] for name in ("model", "train", "compute", "real", "evaluate")}
    try:
        manifest = [f"{path.name} {sha256_of(path)}" for path in sorted(frames.glob("*.json"))]
        manifest += [f"{path.name} {path.stat().st_size}" for path in sorted(frames.rglob("*.tar"))]
    except OSError as error:
        raise InputError(
            f"frames '{frames}' cannot be read ({error.strerror}); make them with `dvc repro sdg`"
        ) from None
    measured = [(name, item.sha256, picture_digest(item.pictures)) for name, item in sets.items()]
    weights = _content_of(project / settings.model.weights)
    depends = [content["scene"]["classes"], content["dataset"]["convert"], shared, manifest, chosen, measured, weights]
    return f"{count}-{hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()[:16]}"


def _content_of(weights: Path) -> str:
    """Sum of a checkpoint; empty for ``pretrained`` and ``scratch``, which are no files."""
    return sha256_of(weights) if weights.is_file() else ""


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _rows(count: int, metrics: Mapping[str, Any]) -> list[Row]:
    by_set = {**metrics["real"], SIM: metrics["sim"]}
    made = []
    for name, item in by_set.items():
        row: Row = {"real": count, "set": name} | {key: item.get(key) for key in FIGURES}
        for figure in ENDS:
            low, high = (item.get("interval") or {}).get(figure) or (None, None)
            row |= {f"{figure}_low": low, f"{figure}_high": high}
        made.append(row)
    return made


def write_curve(out: Path, rows: Sequence[Row]) -> None:
    """Write ``curve.csv`` (one row a number and set; empty where a figure is not defined) and ``curve.svg``."""
    text = io.StringIO()
    table = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    with atomic_write(out / "curve.csv") as stream:
        stream.write(text.getvalue())
    with atomic_write(out / "curve.svg") as stream:
        stream.write(chart(rows))


def chart(rows: Sequence[Row]) -> str:
    """AP50 with its 95 % interval against the number of photographs, a line a set, as SVG."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with matplotlib.rc_context({"svg.hashsalt": "curve", "svg.fonttype": "path"}):
        figure, axes = pyplot.subplots(figsize=(6.4, 4.0), layout="constrained")
        for name in dict.fromkeys(str(row["set"]) for row in rows):
            known = [row for row in rows if row["set"] == name and row["ap50"] is not None]
            reach = [
                [abs(row[f"ap50_{end}"] - row["ap50"]) if row.get(f"ap50_{end}") is not None else 0 for row in known]
                for end in ("low", "high")
            ]
            style = {"linestyle": "--", "color": "0.6"} if name == SIM else {}
            label = "held-out renders" if name == SIM else name
            counted, figures = [row["real"] for row in known], [row["ap50"] for row in known]
            axes.errorbar(counted, figures, yerr=reach, marker="o", capsize=3, label=label, **style)
        axes.set_xscale("symlog", linthresh=10)  # 0 has a place on it
        counts = sorted({int(row["real"]) for row in rows})
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set(xlabel="real photographs in training", ylabel="AP50, 95 % interval", ylim=(0, 1))
        axes.grid(alpha=0.3)
        axes.legend()
        made = io.StringIO()
        figure.savefig(made, format="svg", metadata={"Date": None})
        pyplot.close(figure)
    return made.getvalue()
