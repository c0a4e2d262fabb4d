"""``python -m stages.convert``: write the training formats."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.common.settings import load

DESCRIPTION = """\
Write rendered frames in the formats that trainers read.

reads   data/frames (shards of `python -m stages.sdg`); data/real/loco when dataset.real_mix asks for photographs
writes  data/dataset: yolo/ (pictures, labels, data.yaml), coco/ (JSON with masks as RLE), kitti/, statistics.json,
        and what else dataset.convert.formats names: yolo_segment/, yolo_pose/, basic_writer/
takes   scene.classes, dataset.convert.{formats,val_share,min_visible,min_box,max_truncation,fork_rule,min_forks},
        dataset.{real_mix,real_source}: real photographs in the training part of yolo"""


def main(args: argparse.Namespace) -> str:
    """Convert and say what came of it."""
    from stages.common.pipeline import stage_run
    from stages.convert.real_mix import draw_mix
    from stages.convert.run import convert

    settings = load(args.params)
    with stage_run("convert", settings, Path.cwd()):
        real = draw_mix(settings, Path.cwd())
        return convert(args.frames, args.out, settings.scene.classes, settings.dataset.convert, real).summary()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        "python -m stages.convert", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    parser.add_argument("--frames", type=Path, default=Path("data/frames"), metavar="DIR", help="where frames lie")
    parser.add_argument("--out", type=Path, default=Path("data/dataset"), metavar="DIR", help="where to write")
    add_debug(parser)
    sys.exit(run(main, parser.parse_args()))
