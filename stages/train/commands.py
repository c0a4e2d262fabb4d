"""What the command line calls."""

from __future__ import annotations

import argparse
from pathlib import Path

from stages.common.files import write_json
from stages.common.settings import load


def train_command(args: argparse.Namespace) -> str:
    """Train with the composed settings."""
    from stages.common.pipeline import stage_run
    from stages.train.run import train_detector

    settings = load(args.params)
    with stage_run("train", settings, Path.cwd(), alone="") as stage:
        return train_detector(
            args.dataset,
            args.out,
            model=settings.model,
            train=settings.train,
            compute=settings.compute,
            tracking=settings.tracking,
            project=Path.cwd(),
            storage=settings.storage,
            aws=settings.aws,
            submit=getattr(args, "submit", True),
            run=stage.run,
        ).summary()


def export_command(args: argparse.Namespace) -> str:
    """Export weights that were trained elsewhere."""
    from stages.train.data import read_data
    from stages.train.export import export_model

    validate = read_data(args.validate).val if args.validate else None
    out = args.out / f"{args.weights.stem}.onnx"
    cache = Path.cwd() / ".cache"
    exported = export_model(
        args.weights, args.input_size, out, validate=validate, cache=cache, main_class=args.main_class, half=args.half
    )
    about = {
        "threshold": exported.point.threshold,
        "f1": round(exported.point.f1, 5),
        "parity": exported.parity.as_json(),
    }
    write_json(out.with_suffix(".json"), about)
    chosen = (
        f"chosen on {len(validate.pictures)} pictures" if validate else "the default, since --validate is not given"
    )
    return f"export: {out}, threshold {exported.point.threshold:g} ({chosen})"


def average_command(args: argparse.Namespace) -> str:
    """The mean of several weights."""
    from stages.train.average import average_weights

    average_weights(args.weights, args.to, Path.cwd() / ".cache")
    return f"average: {args.to}, the mean of {len(args.weights)}"


def input_side(text: str) -> int:
    """A network's input side on the command line."""
    try:
        side = int(text)
    except ValueError:
        side = 0
    if not 64 <= side <= 2048 or side % 32:
        raise argparse.ArgumentTypeError(f"'{text}' is not a multiple of 32 from 64 to 2048")
    return side
