"""``python -m stages.convert``: write the training formats."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from stages.common.cli import add_debug, run
from stages.common.custom import load_custom
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
        load_custom(settings.custom)
        formats = [*settings.dataset.convert.formats, *settings.custom.formats]
        chosen = settings.dataset.convert.model_copy(update={"formats": formats})
        return convert(args.frames, args.out, settings.scene.classes, chosen, real).summary()


IMPORT = """\
Turn a folder that a writer of Isaac Sim wrote into frames, as `python -m stages.sdg` would leave them.

reads   BasicWriter, Synthetic Data Recorder, KittiWriter and CocoWriter (Isaac Sim 4.x to 6.x), one or more cameras
writes  shards with pictures, boxes and masks; inputs/import.json says what was left out and why

then    python -m stages.convert --frames data/imported"""


def import_frames(args: argparse.Namespace) -> str:
    """Read a folder of another writer and say what came of it."""
    from stages.common.settings.base import CLASSES
    from stages.convert.readers.run import import_folder, read_mapping

    classes = load(args.params).scene.classes if args.params.is_file() else CLASSES
    result = import_folder(
        args.source,
        args.imported,
        classes,
        form=args.form,
        mapping=read_mapping(args.map),
        test_share=args.test_share,
        replace=args.replace,
    )
    return result.summary(args.imported)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a share from 0 to below 1")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m stages.convert", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.set_defaults(action=main)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), metavar="FILE", help="composed settings")
    parser.add_argument("--frames", type=Path, default=Path("data/frames"), metavar="DIR", help="where frames lie")
    parser.add_argument("--out", type=Path, default=Path("data/dataset"), metavar="DIR", help="where to write")
    add_debug(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    _add_import(commands.add_parser("import", help="frames of Isaac Sim's own writers, turned into ours"))
    return parser


def _add_import(parser: argparse.ArgumentParser) -> None:
    from stages.convert.readers.formats import FORMATS

    parser.description, parser.formatter_class = IMPORT, argparse.RawDescriptionHelpFormatter
    parser.set_defaults(action=import_frames)
    parser.add_argument("source", type=Path, metavar="FOLDER", help="that the writer wrote")
    parser.add_argument("--format", dest="form", choices=FORMATS, default="auto", help="default: what it looks like")
    parser.add_argument(
        "--out", dest="imported", type=Path, default=Path("data/imported"), metavar="DIR", help="default: %(default)s"
    )
    parser.add_argument(
        "--map", action="append", default=[], metavar="LABEL=CLASS", help="class, or none, of a label; may be repeated"
    )
    parser.add_argument("--test-share", type=_share, default=0.0, metavar="X", help="of the last moments (default: 0)")
    parser.add_argument("--replace", action="store_true", help="lose the rendered frames that --out holds")
    parser.add_argument("--params", type=Path, default=argparse.SUPPRESS, metavar="FILE", help="for scene.classes")
    add_debug(parser)


if __name__ == "__main__":
    args = _parser().parse_args()
    sys.exit(run(args.action, args))
