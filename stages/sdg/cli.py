"""The command line of sdg: the stage itself, one frame again, a preview, and what is registered."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from stages.common.cli import add_debug, run

DESCRIPTION = """\
Render labelled frames into shards.

reads   params.yaml, and the frames that are already there
writes  data/frames: shards/*.tar, manifest.json, plan.jsonl, inputs/, contact-sheet.jpg
takes   seed, scene, randomization, renderer, dataset.frames

Frames that are there and still belong are kept to the byte; a run that was stopped goes on where it was."""

ONE_FRAME = """\
python -m stages.sdg --frame 12
  renders frame 12 again, bit for bit, into runs/frames/0000012, with its plan and its labels drawn"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = _parser()
    args = parser.parse_args(arguments)
    if args.frame is None and (args.save_blend or args.out):
        parser.error("--save-blend and --out go with --frame N")
    return run(args.action, args)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m stages.sdg",
        description=DESCRIPTION,
        epilog=ONE_FRAME,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(action=_stage)
    parser.add_argument("--params", type=Path, default=Path("params.yaml"), help="settings (default: %(default)s)")
    parser.add_argument("--folder", type=Path, default=Path("data/frames"), help="frames (default: %(default)s)")
    parser.add_argument(
        "--frame", type=_frame_number, metavar="N", help="render this frame alone; test frames start at 1000000"
    )
    parser.add_argument("--save-blend", type=Path, metavar="PATH", help="with --frame: write its scene there too")
    parser.add_argument("--out", type=Path, metavar="DIR", help="with --frame: where it goes")
    add_debug(parser)
    commands = parser.add_subparsers(title="commands", metavar="")
    _add_preview(commands.add_parser("preview", help="a contact sheet of some frames in seconds, without DVC"))
    _add_assets(commands.add_parser("assets", help="check your own objects before anything is rendered"))
    listing = commands.add_parser("list", help="print registered scenarios, assets and renderers")
    listing.set_defaults(action=_list)
    add_debug(listing)
    return parser


def _add_preview(parser: argparse.ArgumentParser) -> None:
    parser.description = "Render some frames of the settings in conf/ and write them on one page with their labels."
    parser.set_defaults(action=_preview)
    parser.add_argument("-n", type=_count, default=12, metavar="N", help="how many frames (default: %(default)s)")
    parser.add_argument("--renderer", metavar="NAME", help="a group of conf/renderer (default: fake, which is fast)")
    parser.add_argument(
        "--out", dest="sheet", type=Path, default=Path("runs/preview.jpg"), metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="settings to change, as randomization=heavy")
    add_debug(parser)


def _add_assets(parser: argparse.ArgumentParser) -> None:
    parser.description = "Your own objects: the entries of assets in the settings."
    check = parser.add_subparsers(title="commands", metavar="", required=True).add_parser(
        "check", help="print and picture what was read, and say what is missing"
    )
    check.set_defaults(action=_check_assets)
    check.add_argument("source", nargs="?", metavar="PATH", help="a file, folder or s3:// URI (default: all entries)")
    check.add_argument("--class", dest="class_name", metavar="CLASS", help="of PATH, where no entry names it")
    check.add_argument("--unit", choices=["m", "cm", "mm", "in", "ft"], help="of PATH, where no entry names it")
    check.add_argument("--up", choices=["x", "y", "z"], help="of PATH, where no entry names it")
    check.add_argument(
        "--out", dest="sheet", type=Path, default=Path("runs/assets.jpg"), metavar="FILE", help="default: %(default)s"
    )
    add_debug(check)


def _check_assets(args: argparse.Namespace) -> str:
    from stages.common.errors import InputError
    from stages.compose.compose import compose_settings, project_folder
    from stages.sdg.assets.imports.check import check_assets, report
    from stages.sdg.picture import draw_turntable

    settings = compose_settings([], project_folder(Path.cwd()) / "conf")
    given = {"class": args.class_name, "unit": args.unit, "up": args.up}
    findings = check_assets(settings, args.source, **{key: value for key, value in given.items() if value})
    print(report(findings), flush=True)
    drawn = [found.prepared for found in findings if found.prepared is not None]
    if drawn:
        draw_turntable(drawn, args.sheet, settings.scene.classes)
    useless = [found for found in findings if found.useless]
    if useless:
        raise InputError(
            f"{len(useless)} of {len(findings)} own objects cannot be used as they are: see above, mend "
            f"{', '.join(found.name for found in useless)} and check again"
        )
    return f"{args.sheet}: {len(findings)} own objects from four sides, their labels drawn in"


def _stage(args: argparse.Namespace) -> str:
    from stages.common.settings import load

    settings = load(args.params)
    if args.frame is not None:
        from stages.sdg.run.single import render_one

        return render_one(settings, args.frame, args.folder, out=args.out, scene=args.save_blend).summary()
    from stages.sdg.run.job import render_frames

    return render_frames(settings, args.folder).summary(args.folder)


def _preview(args: argparse.Namespace) -> str:
    from stages.compose.compose import compose_settings, project_folder
    from stages.sdg.preview import preview

    overrides = list(args.overrides)
    if args.renderer or not any(text.startswith("renderer=") for text in overrides):
        overrides.insert(0, f"renderer={args.renderer or 'fake'}")
    settings = compose_settings(overrides, project_folder(Path.cwd()) / "conf")
    count = preview(settings, args.n, args.sheet)
    return f"{args.sheet}: {count} frames by {settings.renderer.name}, their labels drawn in"


def _list(_: argparse.Namespace) -> str:
    from stages.sdg.assets.catalogue import families
    from stages.sdg.plan import scenarios as _built_in  # noqa: F401 - registers them
    from stages.sdg.plan.draft import scenarios
    from stages.sdg.render.registry import renderer_names

    kinds = {"scenarios": list(scenarios()), "assets": list(families()), "renderers": renderer_names()}
    return "\n".join(f"{kind}: {', '.join(sorted(names))}" for kind, names in kinds.items())


def _frame_number(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"'{text}' is not a frame number, 0 or more")
    return int(text)


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of frames from 1 to 1000")
    return int(text)
