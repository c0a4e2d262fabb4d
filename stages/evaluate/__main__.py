"""``python -m stages.evaluate``: measure the model, or run it over a folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.evaluate.commands import (
    address,
    advise_command,
    compare_command,
    counts,
    curve_command,
    detect_command,
    evaluate_command,
    fetch_loco_command,
    promote_command,
    pull_request_command,
    rollback_command,
    share,
    status_command,
)

DESCRIPTION = """\
Measure the trained detector on held-out renders and on real photographs.

reads   models/best.onnx, models/training.json, data/dataset (coco/{train,test}.json, yolo/images/test),
        and the photographs of real and real.more: root, or fetched once into data/real
writes  reports/: metrics.json, evaluation.json, plots/*.csv, pictures/, report.html, report.md; figures go to the
        MLflow run of training; what the network said is kept in .cache/evaluate, so it is asked once
takes   real.{name,root,annotations,source,checksums,more}, evaluate, tracking"""

ADVISE = """\
Turn weak slices and the gap between renders and photographs into settings to change.

reads   reports/evaluation.json, params.yaml
writes  nothing; prints one line a setting, and a command that tries all of them"""

COMPARE = """\
Measure two models on the same pictures, with paired 95 % intervals of the differences.

reads   both ONNX files, the training.json beside each, params.yaml, data/dataset (no photograph may be among its
        training pictures) and the photographs of real and real.more
writes  what --json names, a file of all differences by set, class and figure; prints AP50 and F1"""

PROMOTE = """\
Register the trained model as challenger, and make it champion if the gate lets it: on the real set that decides the
paired 95 % interval of the difference lies above the margin, and no slice with enough objects falls by more than its
limit.

reads   models/best.onnx, models/training.json, data/dataset (no photograph may be among its training pictures), the
        champion from MLflow's model registry, the photographs
writes  reports/gate.json, the report when it is about this model, aliases and tags in the registry
takes   gate, real, evaluate, tracking; ends with exit status 9 when the gate refuses"""

ROLLBACK = """\
Make the champion before the present one champion again; may be repeated.

reads   MLflow's model registry
writes  reports/gate.json, aliases and tags in the registry"""

STATUS = """\
Say which versions are champion and challenger, with the gate's figures and reasons.

reads   MLflow's model registry
writes  nothing"""

DETECT = """\
Write what a model finds in a folder of photographs. Needs neither torch nor params.yaml.

reads   the model with its class names, input size and threshold; all pictures in the folder and below it
writes  a JSON list of {file_name, category_name, bbox [left, top, width, height], score}
        with boxes in the photograph's pixels as they are stored (EXIF orientation is not applied)"""


CURVE = """\
Train once for each number of real photographs, with the composed settings otherwise, and measure each model.

reads   params.yaml, data/frames, LOCO below dataset.real_source.root, the photographs of real and real.more
writes  reports/curve.csv, reports/curve.svg; each step's model and report in .cache/curve, where a call that was cut
        off goes on
takes   dataset.{convert,real_source}, model, train, compute, real, evaluate, tracking"""

FETCH = """\
Get LOCO's photographs and annotations: 0.77 GB to download, about as much again while it is unpacked.

reads   params.yaml, or conf/real/loco.yaml for addresses and sizes; what an earlier call left
writes  data/real/loco: dataset/subset-1 to 5, rgb/*.json, unlabelled.txt (photographs without an entry), fetched.json
        (size and SHA-256 of the first fetch, which later ones must have)
takes   real.{root,annotations,files}"""

PULL_REQUEST = """\
Write the short report beside a base branch: figures with differences, changed settings, weak slices, four pictures.

reads   reports/evaluation.json, reports/gate.json, params.yaml; of the base the same files, from the folder that it was
        run in, or else from Git and DVC's cache
writes  reports/pull-request.md, no longer than a comment may be; with --post it also becomes one comment on the pull
        request, see python -m stages.evaluate.comment --help"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser("python -m stages.evaluate", description=DESCRIPTION, formatter_class=raw)
    top.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    top.add_argument("--model", type=Path, default=Path("models/best.onnx"), metavar="FILE", help="the ONNX model")
    top.add_argument("--dataset", type=Path, default=Path("data/dataset"), metavar="DIR", help="converted frames")
    top.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="where to write")
    top.add_argument("--cache", type=Path, metavar="DIR", help="what the network said before (.cache/evaluate)")
    add_debug(top)
    top.set_defaults(command=evaluate_command)
    commands = top.add_subparsers(
        metavar="[advise | compare | curve | detect | fetch-loco | promote | pull-request | rollback | status]"
    )
    advise = commands.add_parser(
        "advise", help="which settings to change for better data", description=ADVISE, formatter_class=raw
    )
    advise.add_argument("--report", type=Path, default=Path("reports/evaluation.json"), metavar="FILE")
    advise.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    add_debug(advise)
    advise.set_defaults(command=advise_command)
    compare = commands.add_parser(
        "compare", help="two models on the same pictures", description=COMPARE, formatter_class=raw
    )
    compare.add_argument("--other", type=Path, required=True, metavar="FILE", help="the ONNX model to compare with")
    compare.add_argument("--model", type=Path, default=Path("models/best.onnx"), metavar="FILE", help="the ONNX model")
    compare.add_argument("--dataset", type=Path, default=Path("data/dataset"), metavar="DIR", help="converted frames")
    compare.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    compare.add_argument("--json", type=Path, metavar="FILE", help="write all differences there")
    compare.add_argument("--cache", type=Path, metavar="DIR", help="what the networks said before (.cache/evaluate)")
    add_debug(compare)
    compare.set_defaults(command=compare_command)
    detect = commands.add_parser(
        "detect", help="run a model over a folder of photographs", description=DETECT, formatter_class=raw
    )
    detect.add_argument("--model", type=Path, required=True, metavar="FILE", help="the ONNX model")
    detect.add_argument("--images", type=Path, required=True, metavar="DIR", help="folder of photographs")
    detect.add_argument("--json", type=Path, required=True, metavar="FILE", help="where to write")
    detect.add_argument("--threshold", type=share, metavar="T", help="least score instead of the model's own")
    add_debug(detect)
    detect.set_defaults(command=detect_command)
    curve = commands.add_parser(
        "curve", help="accuracy against the number of real photographs", description=CURVE, formatter_class=raw
    )
    curve.add_argument("--real", type=counts, default=[0, 50, 200, 800], metavar="N,N,...", help="0,50,200,800")
    curve.add_argument("--frames", type=Path, default=Path("data/frames"), metavar="DIR", help="where frames lie")
    curve.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="where to write")
    curve.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    add_debug(curve)
    curve.set_defaults(command=curve_command)
    fetch = commands.add_parser("fetch-loco", help="get LOCO, checked", description=FETCH, formatter_class=raw)
    fetch.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    fetch.add_argument("--renew", action="store_true", help="take files that are not those of the first fetch")
    add_debug(fetch)
    fetch.set_defaults(command=fetch_loco_command)
    _add_gate(commands)
    _add_pull_request(commands)
    return top


def _add_pull_request(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    made = commands.add_parser(
        "pull-request",
        help="the short report beside a base branch",
        description=PULL_REQUEST,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--base", default="", metavar="REVISION", help="branch, tag or commit to compare with")
    made.add_argument("--base-folder", type=Path, metavar="DIR", help="checkout in which the base was run")
    made.add_argument("--link", type=address, default="", metavar="URL", help="of the full report")
    made.add_argument("--reports", type=Path, default=Path("reports"), metavar="DIR", help="of this branch")
    made.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    made.add_argument("--out", type=Path, metavar="FILE", help="instead of pull-request.md in --reports")
    made.add_argument("--post", action="store_true", help="make or renew the comment, too")
    add_debug(made)
    made.set_defaults(command=pull_request_command)


def _add_gate(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The gate's three commands."""
    for name, command, text, description in (
        ("promote", promote_command, "make the trained model champion, if the gate lets it", PROMOTE),
        ("rollback", rollback_command, "go back to the champion before", ROLLBACK),
        ("status", status_command, "which model is champion, and why", STATUS),
    ):
        made = commands.add_parser(
            name, help=text, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        made.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
        add_debug(made)
        made.set_defaults(command=command)
        if name != "status":
            made.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="where to write")
            made.add_argument("--reason", default="", metavar="WHY", help="is kept with the decision")
        if name == "promote":
            made.add_argument("--force", action="store_true", help="whatever the gate says; needs --reason")
            made.add_argument("--model", type=Path, default=Path("models/best.onnx"), metavar="FILE", help="ONNX model")
            made.add_argument(
                "--dataset", type=Path, default=Path("data/dataset"), metavar="DIR", help="what the model learnt from"
            )
            made.add_argument("--cache", type=Path, metavar="DIR", help="what networks said before (.cache/evaluate)")


if __name__ == "__main__":
    arguments = parser().parse_args()
    sys.exit(run(arguments.command, arguments))
