"""``python -m stages.train``: train the detector, or export one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.train.commands import average_command, export_command, input_side, train_command

DESCRIPTION = """\
Train the detector, export it, and choose its operating threshold.

reads   data/dataset/yolo; dvc.lock for the revision of the frames; .cache/train when a run was interrupted
writes  models/best.pt, models/best.onnx, models/training.json; the run to MLflow
takes   model.{architecture,weights,input_size}, train, compute.{target,device}, tracking; for jobs in SageMaker
        compute.sagemaker, aws, storage

export, average, or one of these for jobs in SageMaker:

attach  follow the job of these settings and end as the stage does; make none
status  the newest jobs of the project, or all about one
stop    end a job; it has two minutes to save its checkpoint"""

EXPORT = """\
Export weights that were trained elsewhere, as this stage does: one picture at a time, names, input size and threshold
in the metadata, compared with the torch model. A .pt file can run code when it is loaded: export what you trust.

reads   the .pt file of an Ultralytics detector; a YOLO data set to choose the threshold on
writes  DIR/NAME.onnx and DIR/NAME.json with NAME of the weights"""

AVERAGE = """\
The mean of the weights of detectors that were trained on from the same weights. It is as good as the best of them on
pictures like those of the training, and often better on others.

reads   two or more .pt files of one architecture with the same classes
writes  one .pt file"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("python -m stages.train", description=DESCRIPTION, formatter_class=raw)
    top.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    top.add_argument("--dataset", type=Path, default=Path("data/dataset/yolo"), metavar="DIR", help="the YOLO tree")
    top.add_argument("--out", type=Path, default=Path("models"), metavar="DIR", help="where to write")
    add_debug(top)
    top.set_defaults(command=train_command)
    commands = top.add_subparsers(metavar="export, average, attach, status, stop")
    _add_jobs(commands)
    export = commands.add_parser("export", help="a .pt file to ONNX", description=EXPORT, formatter_class=raw)
    export.add_argument("--weights", type=Path, required=True, metavar="FILE", help="the .pt file")
    export.add_argument("--input-size", type=input_side, required=True, metavar="PIXELS", help="side of the input")
    export.add_argument("--out", type=Path, required=True, metavar="DIR", help="where to write")
    export.add_argument("--validate", type=Path, metavar="DIR", help="YOLO tree to choose the threshold on (part val)")
    export.add_argument("--main-class", default="all", metavar="NAME", help="class that the threshold is best for")
    export.add_argument("--half", action="store_true", help="store the weights in half precision: half the size")
    add_debug(export)
    export.set_defaults(command=export_command)
    average = commands.add_parser("average", help="the mean of .pt files", description=AVERAGE, formatter_class=raw)
    average.add_argument("weights", type=Path, nargs="+", metavar="FILE", help="a .pt file")
    average.add_argument("--to", type=Path, required=True, metavar="FILE", help="the .pt file to write")
    add_debug(average)
    average.set_defaults(command=average_command)
    return top


def _add_jobs(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """What there is for jobs in SageMaker."""
    from stages.train.sagemaker.commands import attach_command, status_command, stop_command

    for name, command, text in (
        ("attach", attach_command, "follow the job of these settings, and fetch its model"),
        ("status", status_command, "the newest jobs of the project, or all about one"),
        ("stop", stop_command, "end a job, by name or the only one that runs"),
    ):
        part = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
        if name != "attach":
            part.add_argument("name", nargs="?", default="", metavar="NAME", help="of the job")
        # SUPPRESS: what stands before the command is kept
        part.add_argument("--params", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="composed settings")
        add_debug(part)
        part.set_defaults(command=command)


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(arguments.command, arguments))
